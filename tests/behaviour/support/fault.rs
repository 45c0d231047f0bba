//! Faults that a proxy can inject into the answer of a Prometheus.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// An HTTP response, from the server or made up.
#[derive(Clone)]
pub(super) struct Reply {
    pub(super) status: String,
    /// Header lines, each with its line ending.
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Reply {
    pub(super) fn of(status: &str, head: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status: status.to_owned(), head: head.to_owned(), body: body.into() }
    }

    fn bytes(&self) -> Vec<u8> {
        let Self { status, head, body } = self;
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\n{head}Content-Length: {length}\r\nConnection: close\r\n\r\n");
        [head.as_bytes(), body].concat()
    }

    /// Sends the response and closes the connection.
    pub(super) fn send(&self, client: &mut TcpStream) -> Option<()> {
        client.write_all(&self.bytes()).ok()
    }
}

/// A fault in the answer to one query.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    Latency,
    /// The connection closes before the response.
    Reset,
    ResetInBody,
    /// 429 with this Retry-After; `date` stands for a date three seconds from now.
    Busy(&'static str),
    BadGateway,
    Unavailable,
    GatewayTimeout,
    TruncatedGzip,
    TruncatedJson,
    WrongContentType,
    /// 200, with an API error in the body.
    ErrorBody,
    SlowDrip,
    LoginPage,
    Unsorted,
    SaidTwice,
    SaidTwiceDifferently,
    OffTheGrid,
    /// Queries of more steps than this get the error of a Prometheus.
    TooManySteps(i64),
    /// The answer contains this warning.
    Warned(&'static str),
    /// An answer that unpacks to half a gibibyte.
    Bomb,
}

impl Fault {
    /// The faults from which random schedules are drawn.
    pub(super) const RANDOM: [Self; 19] = [
        Self::Latency,
        Self::Reset,
        Self::ResetInBody,
        Self::Busy("0"),
        Self::Busy("1"),
        Self::BadGateway,
        Self::Unavailable,
        Self::GatewayTimeout,
        Self::TruncatedGzip,
        Self::TruncatedJson,
        Self::WrongContentType,
        Self::ErrorBody,
        Self::SlowDrip,
        Self::LoginPage,
        Self::Unsorted,
        Self::SaidTwice,
        Self::SaidTwiceDifferently,
        Self::OffTheGrid,
        Self::TooManySteps(700),
    ];

    /// Whether the fault needs an uncompressed JSON response.
    pub(super) fn reads_json(&self) -> bool {
        use Fault::{OffTheGrid, SaidTwice, SaidTwiceDifferently, TruncatedJson, Unsorted, Warned};
        matches!(self, TruncatedJson | Unsorted | SaidTwice | SaidTwiceDifferently | OffTheGrid | Warned(_))
    }

    /// Applies the fault to `reply`, the answer to a query of this many steps.
    pub(super) fn spoil(&self, mut reply: Reply, steps: i64, client: &mut TcpStream) -> Option<()> {
        let page = "<html><body>nginx</body></html>";
        let reply = match self {
            Self::Latency => {
                std::thread::sleep(Duration::from_millis(200));
                reply
            }
            Self::Reset => return None,
            Self::ResetInBody => {
                let bytes = reply.bytes();
                return client.write_all(&bytes[..bytes.len() - reply.body.len().div_ceil(2)]).ok();
            }
            Self::Busy("date") => {
                let date = chrono::Utc::now() + Duration::from_secs(3);
                let head = format!("Retry-After: {}\r\n", date.format("%a, %d %b %Y %H:%M:%S GMT"));
                Reply::of("429 Too Many Requests", &head, "slow down")
            }
            Self::Busy(wait) => Reply::of("429 Too Many Requests", &format!("Retry-After: {wait}\r\n"), "slow down"),
            Self::BadGateway => Reply::of("502 Bad Gateway", "", page),
            Self::Unavailable => Reply::of("503 Service Unavailable", "", "Service Unavailable"),
            Self::GatewayTimeout => Reply::of("504 Gateway Timeout", "", page),
            Self::TruncatedGzip | Self::TruncatedJson => {
                reply.body.truncate(reply.body.len() / 2);
                reply
            }
            Self::WrongContentType => {
                reply.head = reply.head.replace("application/json", "text/html");
                reply
            }
            Self::ErrorBody => {
                let error = json!({"status": "error", "errorType": "unavailable", "error": "starting up"});
                Reply::of("200 OK", "Content-Type: application/json\r\n", error.to_string())
            }
            Self::SlowDrip => return drip(&reply, client),
            Self::LoginPage => Reply::of("302 Found", "Location: /login\r\n", ""),
            Self::TooManySteps(most) if steps > *most => {
                let words = "query processing would load too many samples into memory in query execution";
                let error = json!({"status": "error", "errorType": "execution", "error": words});
                Reply::of("422 Unprocessable Entity", "Content-Type: application/json\r\n", error.to_string())
            }
            Self::TooManySteps(_) => reply,
            Self::Bomb => Reply::of("200 OK", "Content-Encoding: gzip\r\n", bomb()),
            Self::Unsorted | Self::SaidTwice | Self::SaidTwiceDifferently | Self::OffTheGrid | Self::Warned(_) => {
                reply.body = self.retold(&reply.body).unwrap_or(reply.body);
                reply
            }
        };
        reply.send(client)
    }

    /// The same answer with its JSON changed, in form only or with false content.
    fn retold(&self, body: &[u8]) -> Option<Vec<u8>> {
        let mut answer: Value = serde_json::from_slice(body).ok()?;
        if let Self::Warned(text) = self {
            answer["warnings"] = json!([text, text]);
            return Some(answer.to_string().into_bytes());
        }
        let samples = answer["data"]["result"].get_mut(0)?["values"].as_array_mut()?;
        let first = samples.first()?.clone();
        match self {
            Self::Unsorted => samples.reverse(),
            Self::SaidTwice => samples.push(first),
            Self::SaidTwiceDifferently => samples.push(json!([first[0], "-12345"])),
            _ => samples[0][0] = json!(first[0].as_f64()? + 0.5),
        }
        Some(answer.to_string().into_bytes())
    }
}

/// Sends a little at a time, for longer than the client's timeout.
fn drip(reply: &Reply, client: &mut TcpStream) -> Option<()> {
    let start = Instant::now();
    for piece in reply.bytes().chunks(64) {
        if start.elapsed() > Duration::from_secs(5) {
            return None;
        }
        client.write_all(piece).ok()?;
        std::thread::sleep(Duration::from_millis(30));
    }
    Some(())
}

/// Half a gibibyte of zeros as gzip: one literal zero, then copies of the previous 258 bytes.
fn bomb() -> Vec<u8> {
    const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    // Deflate bits in order: last block, fixed codes, a literal 0.
    let mut bits: Vec<u8> = vec![1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0];
    for _ in 0..(512 << 20) / 258 {
        // Length 258, distance 1.
        bits.extend([1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0]);
    }
    let bytes = bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |value, bit| value << 1 | bit));
    HEAD.into_iter().chain(bytes).collect()
}
