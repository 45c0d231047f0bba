//! Accepts connections on a free port of the loopback.

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

/// Calls `serve` with each connection, on a thread of its own, until the tests end. Returns the port.
pub(crate) fn each_connection<T>(serve: impl Fn(TcpStream) -> T + Send + Sync + 'static) -> u16 {
    connections_while(|| true, serve)
}

/// The same until the first connection at which `is_open` is false; all later ones are refused.
pub(crate) fn connections_while<T>(
    is_open: impl Fn() -> bool + Send + 'static,
    serve: impl Fn(TcpStream) -> T + Send + Sync + 'static,
) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let serve = Arc::new(serve);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten().take_while(|_| is_open()) {
            let serve = Arc::clone(&serve);
            std::thread::spawn(move || drop(serve(stream)));
        }
    });
    port
}
