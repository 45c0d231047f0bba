//! A proxy in front of a real Prometheus that records each request and answers some of them itself.

use std::io::Write;
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use super::{each_connection, read_request};

/// Runs until the tests end, as one waiting thread.
pub(crate) struct Doorman {
    pub(crate) port: u16,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Doorman {
    /// Proxies to the server on port `behind`. `judge` answers a request, or returns `None` to forward it to the path
    /// that starts with `/api`.
    pub(crate) fn before(behind: u16, judge: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&seen);
        Self { port: each_connection(move |stream| serve(stream, behind, &shared, &judge)), seen }
    }

    /// `http://127.0.0.1:port` and a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// All requests so far.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().expect("no thread panics with it").clone()
    }
}

/// An answer with a status and a body.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}

fn serve(
    mut client: TcpStream,
    behind: u16,
    seen: &Mutex<Vec<String>>,
    judge: &(dyn Fn(&str) -> Option<String> + Send + Sync),
) -> Option<()> {
    let request = read_request(&mut client)?;
    seen.lock().ok()?.push(request.clone());
    if let Some(answer) = judge(&request) {
        return client.write_all(answer.as_bytes()).ok();
    }
    let (line, rest) = request.split_once("\r\n")?;
    let (method, path) = line.split_once(' ')?;
    let path = path.split(' ').next()?;
    let path = path.get(path.find("/api").or_else(|| path.find("/metrics"))?..)?;
    let mut server = TcpStream::connect(("127.0.0.1", behind)).ok()?;
    server.write_all(format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n{rest}").as_bytes()).ok()?;
    std::io::copy(&mut server, &mut client).ok().map(|_| ())
}
