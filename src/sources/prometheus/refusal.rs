//! Reads a refusal: finds the server's error message in a body of any form, and classifies the failure.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;

use super::dialect::refused_parameter;
use super::echo::{Parameters, own_words};
use super::failure::{Cure, Failure, refuses_a_part};
use super::limits::cure_of;
use super::retry::LONGEST_RETRY_AFTER;
use super::{Client, PromError};
use crate::text::terminal::terminal_message;

/// What the user should do if a login is missing (`NO_LOGIN`), was rejected (`REFUSED_LOGIN`), or lacks a permission.
const NO_LOGIN: &str = "a login is required; put basic_auth or authorization in a file, and name that file with \
                        --http.config.file";
const REFUSED_LOGIN: &str = "the login of --http.config.file or --url was rejected: check it and its permissions";
const NO_PERMISSION: &str =
    "the login of --http.config.file or --url lacks a permission: check its role and the tenant or project in --url";
/// What the user should do if Mimir or Cortex reports a missing tenant.
const NO_TENANT: &str = "a tenant is required; set it with --header 'X-Scope-OrgID: NAME', or in http_headers of \
                         --http.config.file";
const NO_TENANT_WORDS: &str = "no org id";

/// Phrases, in lower case, by which servers reject plain HTTP on a TLS port: Go, nginx, Apache and Tomcat.
const WANTS_TLS: [&str; 4] = [
    "http request to an https server",
    "http request was sent to https port",
    "plain http to an ssl-enabled server port",
    "host and port requires tls",
];

/// JSON keys, in lower case, that may hold a server's error message, the most informative first.
const SENTENCE_KEYS: [&str; 9] =
    ["message", "detail", "error_description", "description", "reason", "msg", "error", "errors", "title"];

/// How much of a body is searched for the name of a parameter.
const MOST_SEARCHED_BYTES: usize = 1 << 16;

/// A refusal as the server wrote it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The API's error type; empty if the answer is not from Prometheus's API.
    pub(super) kind: String,
    /// The server's error message: the title if the body is a web page, empty if there is no text.
    pub(super) words: String,
    form: Form,
}

/// The form of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Form {
    #[default]
    Text,
    Json,
    Page,
}

impl Refusal {
    /// Reads a body: an error of the API, any other JSON, a web page or text.
    pub(super) fn of(body: &[u8]) -> Self {
        if is_web_page(body) {
            let title = title_of(body).map_or_else(|| "a web page".to_owned(), |title| format!("web page \"{title}\""));
            return Self { words: title, form: Form::Page, ..Self::default() };
        }
        let Ok(json) = serde_json::from_slice::<Value>(body) else {
            return Self { words: String::from_utf8_lossy(body).into_owned(), ..Self::default() };
        };
        let kind = json["errorType"].as_str().unwrap_or_default().to_owned();
        let told = match kind.is_empty() {
            true => sentence(&json),
            false => sentence(&json["error"]).or_else(|| sentence(&json)),
        };
        let words = told.unwrap_or_else(|| match json {
            Value::Null => String::new(),
            other => other.to_string(),
        });
        Self { kind, words, form: Form::Json }
    }
}

/// The error message in a JSON value: a string itself, or the first message under a [`SENTENCE_KEYS`] key of an
/// object or in an item of a list.
fn sentence(json: &Value) -> Option<String> {
    match json {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Array(items) => items.iter().find_map(sentence),
        Value::Object(map) => {
            let value = |key: &str| map.iter().find(|(name, _)| name.to_lowercase() == key).map(|(_, value)| value);
            let told = SENTENCE_KEYS.iter().filter_map(|key| value(key)).find_map(sentence)?;
            // Google's APIs report the kind of an error only in `status`, such as `RESOURCE_EXHAUSTED`.
            let status = value("status").and_then(Value::as_str).filter(|status| status.contains("EXHAUSTED"));
            Some(status.map_or_else(|| told.clone(), |status| format!("{told} ({status})")))
        }
        _ => None,
    }
}

pub(super) fn is_web_page(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"<")
}

/// The title of a web page, without entities; `None` if it has none.
pub(super) fn title_of(page: &[u8]) -> Option<String> {
    let page = String::from_utf8_lossy(page);
    let lower = page.to_ascii_lowercase();
    let start = lower.find("<title")?;
    let start = start + lower[start..].find('>')? + 1;
    let end = start + lower[start..].find("</title")?;
    let title = terminal_message(&page[start..end]);
    let title = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "'"), ("&#39;", "'"), ("&amp;", "&")]
        .iter()
        .fold(title, |title, (entity, plain)| title.replace(entity, plain));
    Some(title.replace('"', "'")).filter(|title| !title.is_empty())
}

impl Client {
    /// The error for a web page in place of JSON.
    pub(super) fn web_page(&self, body: &[u8]) -> Failure {
        let title = title_of(body).map(|title| format!(" \"{}\"", self.access().hide(&title))).unwrap_or_default();
        Failure::new(PromError::WebPage { url: self.shown_url().to_owned(), title }, Cure::Nothing)
    }

    /// Classifies an answer that is not a success. `wait` is its Retry-After, `sent` are the request's parameters.
    pub(super) fn refusal(
        &self,
        status: StatusCode,
        wait: Option<Duration>,
        body: &[u8],
        sent: &Parameters<'_>,
    ) -> Failure {
        let Refusal { kind, words, form } = Refusal::of(body);
        let url = self.shown_url().to_owned();
        let lower = words.to_lowercase();
        if self.endpoint().scheme() == "http" && WANTS_TLS.iter().any(|phrase| lower.contains(phrase)) {
            return Failure::new(PromError::WantsTls { url }, Cure::Nothing);
        }
        // JSON may name the parameter outside the error message, so search the body as well.
        let json = if form == Form::Json { &body[..body.len().min(MOST_SEARCHED_BYTES)] } else { &[] };
        let whole = format!("{words}\n{}", String::from_utf8_lossy(json));
        let mut failure = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => self.not_allowed(status, &words),
            StatusCode::NOT_FOUND => {
                let words = self.in_brackets(status, &words);
                let error = match words.is_empty() && form != Form::Json {
                    true => PromError::NotFound { url },
                    false => PromError::NothingThere { url, words },
                };
                Failure::new(error, Cure::Nothing)
            }
            _ => self.refused(status, &kind, &words, sent),
        };
        if let Some(name) = refused_parameter(status, &kind, &own_words(&whole, sent), sent) {
            failure.cure = Cure::Without(name);
        }
        failure.wait = wait;
        match wait {
            Some(wait) if wait > LONGEST_RETRY_AFTER && failure.cure == Cure::Again => {
                let error = PromError::LongWait { url: self.shown_url().to_owned(), seconds: wait.as_secs() };
                Failure { error, ..failure }
            }
            _ => failure,
        }
    }

    fn not_allowed(&self, status: StatusCode, words: &str) -> Failure {
        let remedy = match (self.access().has_login(), status) {
            _ if words.trim() == NO_TENANT_WORDS => NO_TENANT,
            (true, StatusCode::FORBIDDEN) => NO_PERMISSION,
            (true, _) => REFUSED_LOGIN,
            (false, _) => NO_LOGIN,
        };
        let (url, words) = (self.shown_url().to_owned(), self.in_brackets(status, words));
        let error = PromError::NotAllowed { url, status: status.to_string(), words, remedy };
        Failure::new(error, Cure::Nothing)
    }

    /// The server's words in parentheses, to insert into an error: ` (…)`, or empty if they add nothing to the status.
    fn in_brackets(&self, status: StatusCode, words: &str) -> String {
        let words = terminal_message(&self.access().hide(words));
        let plain = |text: &str| text.to_lowercase().replace(|c: char| !c.is_alphabetic(), "");
        let reason = plain(status.canonical_reason().unwrap_or_default());
        let bare = plain(&words).replace("webpage", "");
        let adds_nothing = ["", "a", "pagenotfound", reason.as_str()].contains(&bare.as_str());
        if adds_nothing { String::new() } else { format!(" ({words})") }
    }

    /// Classifies a refusal; `kind` is the API's error type, or empty, and `words` is its message.
    pub(super) fn refused(&self, status: StatusCode, kind: &str, words: &str, sent: &Parameters<'_>) -> Failure {
        let url = self.shown_url().to_owned();
        let own = own_words(words, sent);
        // The error may quote the request, including the login, which must not be shown.
        let (kind, words) = (&*self.access().hide(kind), &*self.access().hide(words));
        let message = match terminal_message(words) {
            none if none.is_empty() => "without a reason".to_owned(),
            some => some,
        };
        let cure = cure_of(status.as_u16(), kind, &own);
        if cure == Cure::Nothing && refuses_a_part(status.as_u16(), kind, &own) {
            return Failure::new(PromError::PartialAnswer { url, message }, Cure::Again);
        }
        let error = match kind {
            _ if cure == Cure::Shorter => PromError::LongUrl { url, status: status.to_string() },
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_of_a_server_is_found_in_any_form() {
        for (body, kind, words) in [
            (r#"{"status":"error","errorType":"execution","error":"too much"}"#, "execution", "too much"),
            (r#"{"status":"error","errorType":"bad_data","error":{"message":"inner"}}"#, "bad_data", "inner"),
            (r#"{"error":{"code":400,"message":"no field","status":"INVALID_ARGUMENT"}}"#, "", "no field"),
            (
                r#"{"error":{"code":400,"message":"no more","status":"RESOURCE_EXHAUSTED"}}"#,
                "",
                "no more (RESOURCE_EXHAUSTED)",
            ),
            (r#"[{"error":{"message":"in a list"}}]"#, "", "in a list"),
            (r#"{"Message":"as Amazon writes"}"#, "", "as Amazon writes"),
            (r#"{"message":null,"detail":"as FastAPI writes"}"#, "", "as FastAPI writes"),
            (r#"{"detail":[{"loc":["query"],"msg":"nested"}]}"#, "", "nested"),
            (r#"{"error":"invalid_token","error_description":"it expired"}"#, "", "it expired"),
            (r#"{"timestamp":1,"status":404,"error":"Not Found","path":"/x"}"#, "", "Not Found"),
            (
                r#"{"kind":"Status","status":"Failure","message":"services \"x\" is forbidden"}"#,
                "",
                "services \"x\" is forbidden",
            ),
            (r#"{"errors":["first","second"]}"#, "", "first"),
            (r#""a string""#, "", "a string"),
            (r#"{"code":7}"#, "", r#"{"code":7}"#),
            ("null", "", ""),
            ("", "", ""),
            ("plain words\n", "", "plain words\n"),
            ("<html><head><TITLE lang=en>Sign  in &amp; out</TITLE>", "", "web page \"Sign in & out\""),
            ("<html><title></title>", "", "a web page"),
            ("<?xml version=\"1.0\"?><Error/>", "", "a web page"),
        ] {
            let refusal = Refusal::of(body.as_bytes());
            assert_eq!((refusal.kind.as_str(), refusal.words.as_str()), (kind, words), "{body}");
        }
    }
}
