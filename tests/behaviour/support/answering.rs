//! A server that gives the same answer to everything.

use std::io::{Read, Write};
use std::net::TcpListener;

/// Runs until the tests end, as one waiting thread.
pub(crate) struct Answering {
    port: u16,
}

impl Answering {
    pub(crate) fn with(status: &str, content_type: &str, body: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                // These requests are short enough for one read. Closing without reading would reset the connection.
                let _ = stream.read(&mut [0; 65_536]);
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        Self { port }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}
