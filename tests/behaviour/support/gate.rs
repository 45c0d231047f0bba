//! A proxy in front of a real Prometheus that can hold requests back or go down.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex};

use super::connections::connections_while;

/// What the proxy does with a request.
#[derive(Clone, Copy, PartialEq)]
enum State {
    Open,
    /// Requests for data at or after this second wait.
    HoldingFrom(i64),
    Fallen,
}

type Shared = Arc<(Mutex<State>, Condvar)>;

/// Forwards every request to a Prometheus, one per connection.
pub(crate) struct Gate {
    state: Shared,
    port: u16,
}

impl Gate {
    /// An open gate to the server on port `behind`.
    pub(crate) fn before(behind: u16) -> Self {
        let state = Shared::new((Mutex::new(State::Open), Condvar::new()));
        let (listening, passing) = (Arc::clone(&state), Arc::clone(&state));
        let is_open = move || *listening.0.lock().expect("no thread panics with it") != State::Fallen;
        Self { state, port: connections_while(is_open, move |stream| pass(stream, &passing, behind)) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Holds back requests for data at or after `second`.
    pub(crate) fn hold_from(&self, second: i64) {
        self.change(State::HoldingFrom(second));
    }

    /// Forwards everything, including waiting requests.
    pub(crate) fn open(&self) {
        self.change(State::Open);
    }

    /// Acts like a killed server: drops waiting requests and refuses new connections.
    pub(crate) fn fall(&self) {
        self.change(State::Fallen);
        // Wakes the listener, which waits for a connection.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }

    fn change(&self, state: State) {
        *self.state.0.lock().expect("no thread panics with it") = state;
        self.state.1.notify_all();
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.fall();
    }
}

/// Forwards one request and its answer; drops the connection if the gate falls in between.
fn pass(mut client: TcpStream, state: &Shared, behind: u16) -> Option<()> {
    let request = read_request(&mut client)?;
    let waits = |state: &mut State| matches!(state, State::HoldingFrom(second) if is_about(&request) >= *second);
    let state = state.1.wait_while(state.0.lock().ok()?, waits).ok()?;
    if *state == State::Fallen {
        return None;
    }
    drop(state);
    let mut server = TcpStream::connect(("127.0.0.1", behind)).ok()?;
    // Both sides then close after one answer, so its length need not be parsed.
    let request = request.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    server.write_all(request.as_bytes()).ok()?;
    std::io::copy(&mut server, &mut client).ok()?;
    Some(())
}

/// Reads a request: the head, and a body of its announced length.
pub(crate) fn read_request(client: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 16_384];
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            if bytes.len() - end - 4 >= length.unwrap_or(0) {
                return Some(String::from_utf8_lossy(&bytes).into_owned());
            }
        }
        match client.read(&mut buffer).ok()? {
            0 => return None,
            count => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

/// The second that a request is held back by: the start of a range query, the end of a lookup of series (which starts
/// earlier than the data it is for), and the minimum for all other requests, such as the short range queries of a probe.
fn is_about(request: &str) -> i64 {
    /// Evidence that a simulation lacks: a pull looks it up over the whole range before its first day.
    const LACKING: [&str; 4] =
        ["etcd_server_is_", "etcd_server_proposals_", "etcd_server_slow_", "etcd_server_version"];

    let second = |name: &str| {
        let field = request.split(['?', '&', '\n', ' ']).find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
        let second = field.and_then(|value| value.trim().parse::<f64>().ok());
        second.unwrap_or_else(|| panic!("no {name} in seconds in this request:\n{request}")) as i64
    };
    let path = request.lines().next().unwrap_or_default();
    match () {
        () if path.contains("/query_range") && (second("end") - second("start")) / second("step") > 60 => {
            second("start")
        }
        () if path.contains("/series") && !LACKING.iter().any(|name| request.contains(name)) => second("end"),
        () => i64::MIN,
    }
}
