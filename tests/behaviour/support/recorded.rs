//! Replays exchanges with servers that the tests cannot install; `exchanges/README.md` describes the file format.

use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::http;
use super::{Doorman, Prometheus, answer};

/// One request and its answer.
struct Exchange {
    name: String,
    conditions: Vec<String>,
    /// The request line, then the conditions that a request must meet.
    demands: Vec<String>,
    status: String,
    head: String,
    body: String,
    answered: Mutex<usize>,
}

impl Exchange {
    fn read(name: &str) -> Self {
        let path = format!("{}/tests/behaviour/exchanges/{name}.http", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {path}: {error}"));
        let after =
            |mark: &'static str| text.lines().filter_map(move |line| line.strip_prefix(mark)).map(str::to_owned);
        let mut response = after("< ");
        let status = response.next().unwrap_or_else(|| panic!("{path} has no status"));
        let is_body = |line: &&str| !["# ", "? ", "> ", "< "].iter().any(|mark| line.starts_with(mark));
        Self {
            name: name.to_owned(),
            conditions: after("? ").collect(),
            demands: after("> ").collect(),
            status,
            head: response.map(|line| line + "\r\n").collect(),
            body: text.lines().filter(is_body).flat_map(|line| [line, "\n"]).collect(),
            answered: Mutex::default(),
        }
    }

    /// Whether this exchange answers the request.
    fn fits(&self, request: &Request) -> bool {
        self.demands[0] == request.line && self.conditions.iter().all(|condition| self.holds(condition, request))
    }

    fn holds(&self, condition: &str, request: &Request) -> bool {
        if let Some(most) = condition.strip_prefix("steps>") {
            return request.steps() > most.parse().expect("a number of steps");
        }
        if let Some(times) = condition.strip_prefix("times=") {
            return *self.answered.lock().expect("no thread panics with it") < times.parse().expect("a number");
        }
        let header = condition.strip_prefix("without ").unwrap_or_else(|| panic!("{condition} is not a condition"));
        !request.head.contains(&format!("{}: ", header.to_lowercase()))
    }

    /// The required parts that the request lacks.
    fn missing<'a>(&'a self, request: &Request) -> Option<&'a String> {
        let carries = |demand: &&String| match demand.split_once(": ") {
            Some((name, value)) => request.head.contains(&format!("\n{}: {value}\r", name.to_lowercase())),
            None => request.form.split('&').any(|field| field == demand.as_str()),
        };
        self.demands[1..].iter().find(|demand| !carries(demand))
    }
}

/// A request; header names are lowercase.
struct Request {
    /// Method and path without its query.
    line: String,
    head: String,
    form: String,
}

impl Request {
    fn read(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").expect("a whole request");
        let (first, lines) = head.split_once("\r\n").expect("a request has headers");
        let address = first.rsplit_once(' ').expect("a version").0;
        let (line, query) = address.split_once('?').unwrap_or((address, ""));
        let small = |line: &str| match line.split_once(": ") {
            Some((name, value)) => format!("\n{}: {value}\r", name.to_lowercase()),
            None => String::new(),
        };
        let form = if body.is_empty() { query } else { body };
        Self { line: line.to_owned(), head: lines.split("\r\n").map(small).collect(), form: form.to_owned() }
    }

    /// The number of steps of a range query.
    fn steps(&self) -> i64 {
        let field = |name: &str| {
            let value = self.form.split('&').find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
            value.and_then(|value| value.parse::<i64>().ok()).unwrap_or_else(|| panic!("no {name} in {}", self.form))
        };
        (field("end") - field("start")) / field("step") + 1
    }

    /// The answer of a real Prometheus to this request.
    fn data(&self, prometheus: u16) -> Option<String> {
        let (_, body) = http::request(prometheus, "GET", &format!("/api/v1/query_range?{}", self.form), "")?;
        let answer: Value = serde_json::from_str(&body).ok()?;
        Some(answer["data"].to_string())
    }
}

/// A server that answers from recorded exchanges.
pub(crate) struct Recorded {
    doorman: Doorman,
    exchanges: Arc<Vec<Exchange>>,
    complaints: Arc<Mutex<Vec<String>>>,
}

impl Recorded {
    /// Replays these files; `$data` comes from a real Prometheus.
    pub(crate) fn with(prometheus: &Prometheus, names: &[&str]) -> Self {
        let exchanges: Arc<Vec<_>> = Arc::new(names.iter().map(|name| Exchange::read(name)).collect());
        let (complaints, behind) = (Arc::<Mutex<Vec<String>>>::default(), prometheus.server().port());
        let (replayed, complained) = (Arc::clone(&exchanges), Arc::clone(&complaints));
        let doorman = Doorman::before(behind, move |text| {
            let request = Request::read(text);
            let Some(exchange) = replayed.iter().find(|exchange| exchange.fits(&request)) else {
                return Some(answer("404 Not Found", "Content-Type: text/plain\r\n", "404 page not found\n"));
            };
            *exchange.answered.lock().ok()? += 1;
            if let Some(missing) = exchange.missing(&request) {
                let complaint = format!("{} demands {missing}:\n{text}", exchange.name);
                complained.lock().ok()?.push(complaint.clone());
                return Some(answer("400 Bad Request", "", &complaint));
            }
            let body = match exchange.body.contains("$data") {
                true => exchange.body.replace("$data", &request.data(behind)?),
                false => exchange.body.clone(),
            };
            Some(answer(&exchange.status, &exchange.head, &body))
        });
        Self { doorman, exchanges, complaints }
    }

    pub(crate) fn url(&self, prefix: &str) -> String {
        self.doorman.url(prefix)
    }

    /// Asserts that every request met its conditions, and that every exchange was used.
    #[track_caller]
    pub(crate) fn took_place(&self) {
        let complaints = self.complaints.lock().expect("no thread panics with it");
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
        for exchange in self.exchanges.iter() {
            let answered = *exchange.answered.lock().expect("no thread panics with it");
            assert!(answered > 0, "{} was never requested", exchange.name);
        }
    }
}
