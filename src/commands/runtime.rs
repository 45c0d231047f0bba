//! The threads of what talks to a server.

use tokio::runtime::{Builder, Runtime};

use super::CommandError;

/// Threads that decode answers and write days. Each keeps memory of its own, and a pull waits for the
/// server, not for them.
const BLOCKING_THREADS: usize = 2;

/// Starts them.
pub(super) fn start() -> Result<Runtime, CommandError> {
    let runtime = Builder::new_multi_thread().enable_all().max_blocking_threads(BLOCKING_THREADS).build();
    runtime.map_err(|e| CommandError::Threads(e.to_string()))
}
