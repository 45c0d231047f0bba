//! The asynchronous runtime of commands that talk to a server.

use tokio::runtime::{Builder, Runtime};

use super::CommandError;

/// Threads that decode answers and write days. More would only take memory: a pull mostly waits for the server.
const BLOCKING_THREADS: usize = 2;

/// Starts the runtime, or fails if the system gives it no threads.
pub(super) fn start() -> Result<Runtime, CommandError> {
    let runtime = Builder::new_multi_thread().enable_all().max_blocking_threads(BLOCKING_THREADS).build();
    runtime.map_err(|e| CommandError::Threads(e.to_string()))
}
