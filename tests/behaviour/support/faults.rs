//! A proxy between a real Prometheus and the program that injects faults.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, OnceLock};

use super::fault::{Fault, Reply};
use super::{each_connection, read_request};

/// The faults for the next queries.
enum Plan {
    Calm,
    Always(Fault),
    /// One fault per query in this order, then none.
    Script(Vec<Fault>),
    Random {
        state: u64,
        percent: u64,
    },
}

impl Plan {
    fn next(&mut self) -> Option<Fault> {
        match self {
            Self::Calm => None,
            Self::Always(fault) => Some(fault.clone()),
            Self::Script(faults) => (!faults.is_empty()).then(|| faults.remove(0)),
            Self::Random { state, percent } => {
                let hit = random(state) % 100 < *percent;
                hit.then(|| Fault::RANDOM[random(state) as usize % Fault::RANDOM.len()].clone())
            }
        }
    }
}

/// Xorshift, whose state must not be zero.
fn random(state: &mut u64) -> u64 {
    for shift in [13, -7, 17_i32] {
        *state ^= if shift > 0 { *state << shift } else { *state >> -shift };
    }
    *state >> 16
}

struct Shared {
    plan: Plan,
    behind: u16,
    bodies: Vec<String>,
    /// How many of them came before the last instant query.
    before_instant: usize,
}

/// Forwards queries, one per connection.
pub(crate) struct Faults {
    shared: Arc<Mutex<Shared>>,
    port: u16,
}

impl Faults {
    /// A proxy to the server on port `behind`, without faults at first.
    pub(crate) fn before(behind: u16) -> Self {
        let shared = Arc::new(Mutex::new(Shared { plan: Plan::Calm, behind, bodies: Vec::new(), before_instant: 0 }));
        let threads = Arc::clone(&shared);
        Self { shared, port: each_connection(move |client| pass(client, &threads)) }
    }

    /// The program does not see this as a loopback address, so it requests compressed answers.
    pub(crate) fn url(&self) -> String {
        format!("http://0.0.0.0:{}", self.port)
    }

    pub(crate) fn calm(&self) {
        self.plan(Plan::Calm);
    }

    pub(crate) fn always(&self, fault: Fault) {
        self.plan(Plan::Always(fault));
    }

    pub(crate) fn script(&self, faults: &[Fault]) {
        self.plan(Plan::Script(faults.to_vec()));
    }

    /// Injects a random fault into this percentage of queries.
    pub(crate) fn random(&self, seed: u64, percent: u64) {
        self.plan(Plan::Random { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, percent });
    }

    /// Forwards to another server from now on.
    pub(crate) fn stand_before(&self, behind: u16) {
        self.shared.lock().expect("no thread panics with it").behind = behind;
    }

    /// The number of queries since the plan last changed.
    pub(crate) fn asked(&self) -> usize {
        self.shared.lock().expect("no thread panics with it").bodies.len()
    }

    /// The bodies of those queries.
    pub(crate) fn bodies(&self) -> Vec<String> {
        self.shared.lock().expect("no thread panics with it").bodies.clone()
    }

    /// The bodies of the queries after the last instant query: those of the pull itself, without its probes. A pull
    /// verifies its members with instant queries before it pulls the first day.
    pub(crate) fn bodies_of_days(&self) -> Vec<String> {
        let shared = self.shared.lock().expect("no thread panics with it");
        shared.bodies[shared.before_instant..].to_vec()
    }

    /// The number of queries before those.
    pub(crate) fn probes(&self) -> usize {
        self.shared.lock().expect("no thread panics with it").before_instant
    }

    fn plan(&self, plan: Plan) {
        let mut shared = self.shared.lock().expect("no thread panics with it");
        shared.plan = plan;
        shared.bodies.clear();
        shared.before_instant = 0;
    }
}

/// Forwards one query and returns the answer, with its fault.
fn pass(mut client: TcpStream, shared: &Mutex<Shared>) -> Option<()> {
    let request = read_request(&mut client)?;
    if request.starts_with("GET /login") {
        let page = "<!DOCTYPE html><title>Sign in</title>";
        return Reply::of("200 OK", "Content-Type: text/html\r\n", page).send(&mut client);
    }
    let (fault, behind) = {
        let mut shared = shared.lock().ok()?;
        let is_range_query = is_range_query(&request);
        if is_range_query {
            shared.bodies.push(request.split_once("\r\n\r\n")?.1.to_owned());
        }
        if request.starts_with("POST /api/v1/query ") {
            shared.before_instant = shared.bodies.len();
        }
        // Scripted faults, and faults that depend on steps or samples, apply to range queries only.
        let has_turn = is_range_query || !matches!(shared.plan, Plan::Script(_));
        let fault = if has_turn { shared.plan.next() } else { None };
        (fault.filter(|fault| is_range_query || !fault.reads_json()), shared.behind)
    };
    let plain = fault.as_ref().is_some_and(Fault::reads_json);
    let reply = ask(behind, &request, plain)?;
    match fault {
        Some(fault) => fault.spoil(reply, steps(&request), &mut client),
        None => reply.send(&mut client),
    }
}

/// The answer of the server, cached by request.
fn ask(behind: u16, request: &str, plain: bool) -> Option<Reply> {
    type Answers = Mutex<HashMap<(u16, bool, String), Reply>>;
    static ANSWERS: OnceLock<Answers> = OnceLock::new();
    let answers = ANSWERS.get_or_init(Answers::default);
    let (head, body) = request.split_once("\r\n\r\n")?;
    let question = (behind, plain, format!("{}\n{body}", head.lines().next()?));
    if let Some(known) = answers.lock().ok()?.get(&question) {
        return Some(known.clone());
    }
    let reply = ask_server(behind, request, plain)?;
    answers.lock().ok()?.insert(question, reply.clone());
    Some(reply)
}

/// Uses HTTP/1.0, so that the server sends no chunks and closes the connection.
fn ask_server(behind: u16, request: &str, plain: bool) -> Option<Reply> {
    let mut server = TcpStream::connect(("127.0.0.1", behind)).ok()?;
    let mut request = request.replacen("HTTP/1.1\r\n", "HTTP/1.0\r\n", 1);
    if plain {
        request = request.replacen("accept-encoding: gzip", "accept-encoding: identity", 1);
    }
    server.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).ok()?;
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).ok()?;
    let (status, lines) = head.split_once("\r\n")?;
    let kept = lines.split("\r\n").filter(|line| line.to_lowercase().starts_with("content-"));
    let kept = kept.filter(|line| !line.to_lowercase().starts_with("content-length"));
    let head: String = kept.flat_map(|line| [line, "\r\n"]).collect();
    Some(Reply::of(status.split_once(' ')?.1, &head, &answer[end + 4..]))
}

fn is_range_query(request: &str) -> bool {
    request.contains("/api/v1/query_range ")
}

/// The number of steps of a range query; 0 for other queries.
fn steps(request: &str) -> i64 {
    if !is_range_query(request) {
        return 0;
    }
    let field = |name: &str| {
        let value = request.split(['&', '\n']).find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
        value.and_then(|value| value.trim().parse::<i64>().ok()).unwrap_or_else(|| panic!("no {name} in\n{request}"))
    };
    (field("end") - field("start")) / field("step") + 1
}
