//! Ports for servers.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};

/// A port of 127.0.0.1 that nobody listens on.
///
/// Taken from below the range of which the kernel gives ports to outgoing connections, so that none of these takes
/// it before the server does; never the same twice within a run of the tests.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let offset = std::process::id() * 64;
    loop {
        let turn = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = u16::try_from(20_000 + (offset + turn) % 12_000).expect("below 32,000");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
