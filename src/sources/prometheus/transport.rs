//! Sends one query and returns the complete body, or classifies the failure.

use std::time::{Duration, Instant};

use chrono::Utc;
use reqwest::header::RETRY_AFTER;
use reqwest::{Response, StatusCode};
use tracing::{debug, info, warn};

use super::access::{SendError, innermost, speaks_no_tls, tls_cause};
use super::dialect::HttpMethod;
use super::echo::Parameters;
use super::failure::{Cure, Failure};
use super::retry::retry_after;
use super::{Client, PromError};
use crate::time::Grid;

/// Maximum size of an answer after decompression, to bound memory. 11,000 steps of 500 series take half of it.
const MAX_ANSWER_BYTES: usize = 256 << 20;

/// Paths of instant and range queries below the server's base URL.
const QUERY: &str = "/api/v1/query";
const QUERY_RANGE: &str = "/api/v1/query_range";

/// hyper's message for an answer that does not begin as HTTP does, such as a TLS alert or an HTTP/2 frame.
const NO_HTTP: &str = "invalid HTTP version parsed";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A range query over all steps of the grid.
    Range,
    /// An instant query at the only step of the grid.
    Instant,
}

impl Client {
    /// Waits until a query may be sent, and sends it. A query that is refused for an optional parameter is sent again
    /// without it. Returns the body, and the time from sending the query to the end of the body.
    pub(super) async fn fetch(&self, promql: &str, grid: &Grid, kind: Kind) -> Result<(Vec<u8>, Duration), Failure> {
        loop {
            // Build the parameters before waiting for a turn: this may identify the server, which takes turns itself.
            let form = self.form(promql, grid, kind).await;
            let _turn = self.turn().await;
            info!("sent");
            debug!("PromQL: {promql}");
            let sent_at = Instant::now();
            match self.ask(kind, &form).await {
                Ok(body) => return Ok((body, sent_at.elapsed())),
                Err(Failure { cure: Cure::Without(parameter), error, .. }) => {
                    let name = parameter.name();
                    if self.dialect().leave_out(name) {
                        warn!(cause = %error, name, "refused for a parameter: sending queries without it");
                        let note = "the server refuses this parameter, so queries are sent without it";
                        self.learnt_notes().add(note, &[name.to_owned()]);
                    }
                }
                Err(failure) => return Err(self.explained(failure).await),
            }
        }
    }

    /// Sends a query with POST, and with GET if the server refuses POST: a read-only login, or a proxy that
    /// maps methods to permissions, often allows only GET. If the server does not refuse GET as well, the rest
    /// of the run uses GET.
    async fn ask(&self, kind: Kind, form: &Parameters<'_>) -> Result<Vec<u8>, Failure> {
        let path = match kind {
            Kind::Range => QUERY_RANGE,
            Kind::Instant => QUERY,
        };
        let method = self.terms().method;
        if self.dialect().uses_get(method) {
            return self.get_form(path, form).await.1;
        }
        let sent = self.access().post(&self.address(path, &[]), form).await;
        let response = sent.map_err(|error| self.not_sent(error))?;
        let is_refused = refuses_method(response.status());
        let posted = self.read_answer(response, form).await;
        match posted {
            Err(refused) if method == HttpMethod::Auto && is_refused && !matches!(refused.cure, Cure::Without(_)) => {
                debug!(cause = %refused.error, "POST refused: trying GET");
                match self.get_form(path, form).await {
                    (Some(status), answer) if !refuses_method(status) && !matches!(status.as_u16(), 401 | 404) => {
                        self.dialect().use_get();
                        answer
                    }
                    // Neither method is allowed. A 401, 403 or 404 for GET is more informative than the refusal of POST.
                    (Some(status), Err(failure)) if matches!(status.as_u16(), 401 | 403 | 404) => Err(failure),
                    (Some(_), _) => Err(refused),
                    (None, answer) => answer,
                }
            }
            posted => posted,
        }
    }

    /// Sends a query with GET. Returns the status as well, if there was a response.
    async fn get_form(&self, path: &str, form: &Parameters<'_>) -> (Option<StatusCode>, Result<Vec<u8>, Failure>) {
        match self.access().get(&self.address(path, form)).await {
            Ok(response) => (Some(response.status()), self.read_answer(response, form).await),
            Err(error) => (None, Err(self.not_sent(error))),
        }
    }

    /// The body of a successful answer, or the classified failure. `sent` are the request's parameters.
    pub(super) async fn read_answer(&self, response: Response, sent: &Parameters<'_>) -> Result<Vec<u8>, Failure> {
        let status = response.status();
        let wait = asked_to_wait(&response);
        let body = self.read_body(response).await?;
        if status.is_success() { Ok(body) } else { Err(self.refusal(status, wait, &body, sent)) }
    }

    async fn form(&self, promql: &str, grid: &Grid, kind: Kind) -> Vec<(&'static str, String)> {
        let seconds = |ms: i64| (ms / 1000).to_string();
        let mut form = match kind {
            Kind::Range => vec![
                ("start", seconds(grid.first_ms())),
                ("end", seconds(grid.last_ms())),
                ("step", grid.step().seconds().to_string()),
            ],
            Kind::Instant => vec![("time", seconds(grid.first_ms()))],
        };
        form.push(("query", promql.to_owned()));
        form.extend(self.optional_parameters().await);
        form
    }

    /// Classifies the failure of a request that got no response.
    pub(super) fn not_sent(&self, error: SendError) -> Failure {
        match error {
            SendError::Http(error) => self.no_answer(&error),
            SendError::Prom(error) => {
                let passes = match error {
                    PromError::NoToken { passes, .. }
                    | PromError::NoCredential { passes, .. }
                    | PromError::NoAwsKeys { passes, .. } => passes,
                    _ => false,
                };
                Failure::new(error, if passes { Cure::Again } else { Cure::Nothing })
            }
        }
    }

    /// Reads and decompresses the body; fails if it exceeds the size limit.
    async fn read_body(&self, mut response: Response) -> Result<Vec<u8>, Failure> {
        let too_large = || {
            let error = PromError::TooLarge { url: self.shown_url().to_owned(), mebibytes: MAX_ANSWER_BYTES >> 20 };
            Failure::new(error, Cure::Less)
        };
        let announced = response.content_length().unwrap_or(0);
        if announced > MAX_ANSWER_BYTES as u64 {
            return Err(too_large());
        }
        let mut body = Vec::with_capacity(announced as usize);
        while let Some(chunk) = response.chunk().await.map_err(|e| self.no_answer(&e))? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    pub(super) fn no_answer(&self, error: &reqwest::Error) -> Failure {
        let url = self.shown_url().to_owned();
        if speaks_no_tls(error) {
            return Failure::new(PromError::NoTlsThere { url }, Cure::Nothing);
        }
        if let Some(cause) = tls_cause(error) {
            return Failure::new(PromError::NoTls { url, cause }, Cure::Nothing);
        }
        let cause = self.access().hide(&innermost(error));
        if error.is_connect() {
            let error = match self.access().proxy().map(str::to_owned) {
                Some(proxy) => PromError::Unforwarded { url, proxy, cause },
                None => PromError::Unreachable { url, cause },
            };
            return Failure::new(error, Cure::Reach);
        }
        if self.endpoint().scheme() == "http" && cause.contains(NO_HTTP) {
            return Failure::new(PromError::NotHttp { url }, Cure::Nothing);
        }
        let (cause, cure) = match error.is_timeout() {
            true => (format!("timed out after {} s", self.terms().timeout.as_secs()), Cure::AgainThenLess),
            false => (cause, Cure::Again),
        };
        Failure::new(PromError::Broken { url, cause }, cure)
    }
}

/// Whether a status may mean that the server does not allow the method. Like client_golang, tries GET after 405 and
/// 501; also after 403, with which proxies refuse a method.
fn refuses_method(status: StatusCode) -> bool {
    matches!(status, StatusCode::FORBIDDEN | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED)
}

fn asked_to_wait(response: &Response) -> Option<Duration> {
    let header = response.headers().get(RETRY_AFTER)?;
    retry_after(header.to_str().ok()?, Utc::now())
}
