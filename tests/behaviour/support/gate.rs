//! A gate in front of a real Prometheus, which can hold requests back, and fall.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

/// What the gate does with a request.
#[derive(Clone, Copy, PartialEq)]
enum State {
    Open,
    /// Requests about this second or later wait.
    HoldingFrom(i64),
    Fallen,
}

type Shared = Arc<(Mutex<State>, Condvar)>;

/// Passes every request on to a Prometheus, one a connection.
pub(crate) struct Gate {
    state: Shared,
    port: u16,
}

impl Gate {
    /// An open gate before the server on `behind`.
    pub(crate) fn before(behind: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let state = Shared::new((Mutex::new(State::Open), Condvar::new()));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if *shared.0.lock().expect("no thread panics with it") == State::Fallen {
                    return; // and the listener with us: from now on connections are refused
                }
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || pass(stream, &shared, behind));
            }
        });
        Self { state, port }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Lets requests about `second` and later wait.
    pub(crate) fn hold_from(&self, second: i64) {
        self.change(State::HoldingFrom(second));
    }

    /// Lets everything through, also what has waited.
    pub(crate) fn open(&self) {
        self.change(State::Open);
    }

    /// Ends like a server that is killed: what waits is cut off, what comes is refused.
    pub(crate) fn fall(&self) {
        self.change(State::Fallen);
        // The listener waits for a connection; this one tells it.
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

/// Passes one request on and its answer back; drops the connection when the gate falls meanwhile.
fn pass(mut client: TcpStream, state: &Shared, behind: u16) -> Option<()> {
    let request = read_request(&mut client)?;
    let waits = |state: &mut State| matches!(state, State::HoldingFrom(second) if is_about(&request) >= *second);
    let state = state.1.wait_while(state.0.lock().ok()?, waits).ok()?;
    if *state == State::Fallen {
        return None;
    }
    drop(state);
    let mut server = TcpStream::connect(("127.0.0.1", behind)).ok()?;
    // Both sides then close after this one answer, so nobody has to understand its length.
    let request = request.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    server.write_all(request.as_bytes()).ok()?;
    std::io::copy(&mut server, &mut client).ok()?;
    Some(())
}

/// A whole request: its head and as much of a body as it announces.
pub(super) fn read_request(client: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 16_384];
    loop {
        let text = std::str::from_utf8(&bytes).ok()?;
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(text.to_owned());
            }
        }
        match client.read(&mut buffer).ok()? {
            0 => return None,
            count => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

/// When what a request is about begins or, of a look at series, which goes back a little, ends; the beginning of time for
/// all else, such as a look at a range hour by hour.
fn is_about(request: &str) -> i64 {
    let second = |name: &str| {
        let field = request.split(['?', '&', '\n', ' ']).find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
        let second = field.and_then(|value| value.trim().parse::<f64>().ok());
        second.unwrap_or_else(|| panic!("no {name} in seconds in this request:\n{request}")) as i64
    };
    let path = request.lines().next().unwrap_or_default();
    match () {
        () if path.contains("/query_range") && second("step") <= 60 => second("start"),
        () if path.contains("/series") => second("end"),
        () => i64::MIN,
    }
}
