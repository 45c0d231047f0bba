//! A server that gives the same answer to everything.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::each_connection;

/// Runs until the tests end, as one waiting thread.
pub(crate) struct Answering {
    port: u16,
}

impl Answering {
    pub(crate) fn with(status: &str, content_type: &str, body: &str) -> Self {
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        let serve = move |mut stream: TcpStream| {
            // These requests are short enough for one read. Closing without reading would reset the connection.
            let _ = stream.read(&mut [0; 65_536]);
            let _ = stream.write_all(answer.as_bytes());
        };
        Self { port: each_connection(serve) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}
