//! Sends one query and returns the complete body, or classifies the failure.

use std::time::{Duration, Instant};

use chrono::Utc;
use reqwest::header::RETRY_AFTER;
use reqwest::{Response, StatusCode};
use tracing::{debug, info};

use super::access::{SendError, innermost, tls_cause};
use super::failure::{Cure, Failure, cure_of, refuses_a_part};
use super::retry::{LONGEST_RETRY_AFTER, retry_after};
use super::{Client, PromError};
use crate::text::terminal::terminal_message;
use crate::time::Grid;

/// Maximum size of an answer after decompression, to bound memory. 11,000 steps of 500 series take half of it.
const MAX_ANSWER_BYTES: usize = 256 << 20;

/// What the user should do if a login is missing (`NO_LOGIN`) or was rejected (`REFUSED_LOGIN`).
const NO_LOGIN: &str = "a login is required; put basic_auth or authorization in a file, and name that file with \
                        --http.config.file";
const REFUSED_LOGIN: &str = "the login of --http.config.file or --url was rejected: check it and its permissions";
/// What the user should do if Mimir or Cortex reports a missing tenant.
const NO_TENANT: &str = "a tenant is required; set it with --header 'X-Scope-OrgID: NAME', or in http_headers of \
                         --http.config.file";
const NO_TENANT_WORDS: &[u8] = b"no org id";

/// Path of instant queries below the server's base URL.
const QUERY: &str = "/api/v1/query";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A range query over all steps of the grid.
    Range,
    /// An instant query at the only step of the grid.
    Instant,
}

impl Client {
    /// Waits until a query may be sent, and sends it once. Returns the body, and the time from sending the query to
    /// the end of the body.
    pub(super) async fn fetch(&self, promql: &str, grid: &Grid, kind: Kind) -> Result<(Vec<u8>, Duration), Failure> {
        let _turn = self.turn().await;
        let form = self.form(promql, grid, kind);
        info!("sent");
        debug!("PromQL: {promql}");
        let sent_at = Instant::now();
        let sent = match kind {
            Kind::Range => self.access().post(self.endpoint(), &form).await,
            Kind::Instant => self.access().post(&self.address(QUERY, &[]), &form).await,
        };
        let body = self.read_answer(sent.map_err(|error| self.not_sent(error))?).await?;
        Ok((body, sent_at.elapsed()))
    }

    /// The body of a successful answer, or the classified failure.
    pub(super) async fn read_answer(&self, response: Response) -> Result<Vec<u8>, Failure> {
        let status = response.status();
        let wait = asked_to_wait(&response);
        let body = self.read_body(response).await?;
        if status.is_success() { Ok(body) } else { Err(self.refusal(status, wait, &body)) }
    }

    fn form(&self, promql: &str, grid: &Grid, kind: Kind) -> Vec<(&'static str, String)> {
        let seconds = |ms: i64| (ms / 1000).to_string();
        let mut form = match kind {
            Kind::Range => vec![
                ("start", seconds(grid.first_ms())),
                ("end", seconds(grid.last_ms())),
                ("step", grid.step().seconds().to_string()),
            ],
            Kind::Instant => vec![("time", seconds(grid.first_ms()))],
        };
        form.extend([
            ("query", promql.to_owned()),
            // Lets the server stop when the client stops waiting.
            ("timeout", format!("{}s", self.terms().timeout.as_secs().max(1))),
            // For Thanos; others ignore it.
            ("partial_response", self.terms().allow_partial.to_string()),
            // By default, VictoriaMetrics looks back a whole step for gauges, which hides outages; `nocache` is needed
            // because its cache ignores `max_lookback`.
            ("max_lookback", "5m".to_owned()),
            ("nocache", "1".to_owned()),
            // With auto-downsampling enabled, Thanos would return downsampled samples for long steps.
            ("max_source_resolution", "0s".to_owned()),
        ]);
        if !self.terms().allow_partial {
            // VictoriaMetrics's equivalent of `partial_response` set to false.
            form.push(("deny_partial_response", "1".to_owned()));
        }
        form
    }

    /// Classifies the failure of a request that got no response.
    pub(super) fn not_sent(&self, error: SendError) -> Failure {
        match error {
            SendError::Http(error) => self.no_answer(&error),
            SendError::Prom(error) => {
                let passes = matches!(error, PromError::NoToken { passes: true, .. });
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

    fn no_answer(&self, error: &reqwest::Error) -> Failure {
        let url = self.shown_url().to_owned();
        if let Some(cause) = tls_cause(error) {
            return Failure::new(PromError::NoTls { url, cause }, Cure::Nothing);
        }
        let cause = self.access().hide(&innermost(error));
        if error.is_connect() {
            return Failure::new(PromError::Unreachable { url, cause }, Cure::Reach);
        }
        let (cause, cure) = match error.is_timeout() {
            true => (format!("timed out after {} s", self.terms().timeout.as_secs()), Cure::AgainThenLess),
            false => (cause, Cure::Again),
        };
        Failure::new(PromError::Broken { url, cause }, cure)
    }

    fn refusal(&self, status: StatusCode, wait: Option<Duration>, body: &[u8]) -> Failure {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct ApiError {
            #[serde(default)]
            error_type: String,
            error: String,
        }
        let url = self.shown_url().to_owned();
        let mut failure = match (status, serde_json::from_slice(body)) {
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => {
                let remedy = match self.access().has_login() {
                    _ if body.trim_ascii() == NO_TENANT_WORDS => NO_TENANT,
                    true => REFUSED_LOGIN,
                    false => NO_LOGIN,
                };
                Failure::new(PromError::NotAllowed { url, status: status.to_string(), remedy }, Cure::Nothing)
            }
            (_, Ok(ApiError { error_type, error })) => self.refused(status, &error_type, &error),
            (StatusCode::NOT_FOUND, _) => Failure::new(PromError::NotFound { url }, Cure::Nothing),
            _ if is_web_page(body) => self.refused(status, "", "a web page"),
            _ => self.refused(status, "", &String::from_utf8_lossy(body)),
        };
        failure.wait = wait;
        match wait {
            Some(wait) if wait > LONGEST_RETRY_AFTER && failure.cure == Cure::Again => {
                let error = PromError::LongWait { url: self.shown_url().to_owned(), seconds: wait.as_secs() };
                Failure { error, ..failure }
            }
            _ => failure,
        }
    }

    /// Classifies a refusal; `kind` is the API's error type, or empty, and `words` is its message.
    pub(super) fn refused(&self, status: StatusCode, kind: &str, words: &str) -> Failure {
        let url = self.shown_url().to_owned();
        // The error may quote the request, including the login, which must not be shown.
        let (kind, words) = (&*self.access().hide(kind), &*self.access().hide(words));
        let message = match terminal_message(words) {
            none if none.is_empty() => "without a reason".to_owned(),
            some => some,
        };
        let cure = cure_of(status.as_u16(), kind, words);
        if cure == Cure::Nothing && refuses_a_part(status.as_u16(), kind, words) {
            return Failure::new(PromError::PartialAnswer { url, message }, Cure::Again);
        }
        let error = match kind {
            "bad_data" if cure == Cure::Nothing => self.bad_query(url, message),
            "" => PromError::Refused { url, status: status.to_string(), message },
            _ => {
                let status = format!("with an error of type {}", terminal_message(kind));
                PromError::Refused { url, status, message }
            }
        };
        Failure::new(error, cure)
    }
}

fn asked_to_wait(response: &Response) -> Option<Duration> {
    let header = response.headers().get(RETRY_AFTER)?;
    retry_after(header.to_str().ok()?, Utc::now())
}

pub(super) fn is_web_page(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"<")
}
