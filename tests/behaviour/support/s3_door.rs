//! A proxy in front of an S3 server that records requests, answers some itself, and can stop all traffic.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::{answer, each_connection};

type Judge = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Runs until the tests end, as one waiting thread.
pub(crate) struct S3Door {
    port: u16,
    seen: Arc<Mutex<Vec<String>>>,
    answered: Arc<AtomicU64>,
}

impl S3Door {
    /// Proxies to the server on port `behind`. `judge` gets the first line and the headers of a request, and answers it, or
    /// returns `None` to forward it.
    pub(crate) fn before(behind: u16, judge: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self::start(behind, judge, false)
    }

    /// Forwards all requests, but no conditions.
    pub(crate) fn without_conditions(behind: u16) -> Self {
        Self::start(behind, |_| None, true)
    }

    fn start(
        behind: u16,
        judge: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
        drops_conditions: bool,
    ) -> Self {
        let (seen, answered) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicU64::new(0)));
        let (shared, bytes) = (Arc::clone(&seen), Arc::clone(&answered));
        let port = each_connection(move |stream| {
            let answered = serve(stream, behind, &shared, &judge, drops_conditions);
            bytes.fetch_add(answered.unwrap_or_default(), Ordering::SeqCst);
        });
        Self { port, seen, answered }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The first line of each request so far, such as `PUT /bucket/path HTTP/1.1`, followed by its headers.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().expect("no thread panics with it").clone()
    }

    /// The bytes of all answers of the server so far, with their headers.
    pub(crate) fn answered(&self) -> u64 {
        self.answered.load(Ordering::SeqCst)
    }
}

/// The answer of an S3 server to a request that it does not carry out.
pub(crate) fn s3_error(status: &str, code: &str, message: &str) -> String {
    answer(
        status,
        "Content-Type: application/xml\r\n",
        &format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>"),
    )
}

fn serve(
    mut client: TcpStream,
    behind: u16,
    seen: &Mutex<Vec<String>>,
    judge: &Judge,
    drops_conditions: bool,
) -> Option<u64> {
    let (head, body) = read_request(&mut client)?;
    seen.lock().ok()?.push(head.clone());
    if let Some(answer) = judge(&head) {
        return client.write_all(answer.as_bytes()).ok().map(|()| 0);
    }
    let mut server = TcpStream::connect(("127.0.0.1", behind)).ok()?;
    let (line, headers) = head.split_once("\r\n")?;
    let kept = |header: &&str| !(drops_conditions && header.to_ascii_lowercase().starts_with("if-"));
    let headers: String = headers.split_inclusive("\r\n").filter(kept).collect();
    server.write_all(format!("{line}\r\nConnection: close\r\n{headers}").as_bytes()).ok()?;
    server.write_all(&body).ok()?;
    std::io::copy(&mut server, &mut client).ok()
}

fn read_request(client: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let (mut read, mut buffer) = (Vec::new(), [0; 1 << 16]);
    loop {
        if let Some(end) = read.windows(4).position(|part| part == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&read[..end + 4]).into_owned();
            let length =
                head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            let mut body = read.split_off(end + 4);
            let missing = length.unwrap_or(0_usize).saturating_sub(body.len());
            body.resize(body.len() + missing, 0);
            let start = body.len() - missing;
            client.read_exact(&mut body[start..]).ok()?;
            return Some((head, body));
        }
        match client.read(&mut buffer).ok()? {
            0 => return None,
            length => read.extend_from_slice(&buffer[..length]),
        }
    }
}
