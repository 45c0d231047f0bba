//! The threads that wait for object stores, so that any thread can make a request and wait for its answer.

use std::sync::OnceLock;
use std::sync::mpsc::sync_channel;

use tokio::runtime::{Builder, Runtime};

use super::PlaceError;

/// Requests mostly wait; these threads also encrypt and hash.
const THREADS: usize = 2;

/// Waits for a future that runs on threads of its own. Unlike `Runtime::block_on`, it may be called on any thread, also
/// on those of another runtime.
pub(super) fn wait<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> Result<T, PlaceError> {
    let (done, waiting) = sync_channel(1);
    runtime()?.spawn(async move { done.send(future.await) });
    waiting.recv().map_err(|_| PlaceError::Threads("a request ended early".to_owned()))
}

fn runtime() -> Result<&'static Runtime, PlaceError> {
    static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();
    let start = || {
        let builder = &mut Builder::new_multi_thread();
        builder.worker_threads(THREADS).thread_name("places").enable_all().build().map_err(|e| e.to_string())
    };
    RUNTIME.get_or_init(start).as_ref().map_err(|error| PlaceError::Threads(error.clone()))
}
