//! OAuth 2 with client credentials: fetches a token, and replaces it before it expires.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use tracing::debug;
use url::Url;

use super::connection::Connection;
use super::fields::{Fields, NO_SECRET_MANAGER, Unsupported};
use super::login::{basic_value, sensitive};
use super::proxy::{self, ProxyConfig};
use super::secret::{Secret, SecretSource, Sent};
use super::tls::TlsConfig;
use super::tokens::Dated;
use super::yaml::{Node, Value};
use super::{AccessError, MIN_HIDDEN_CHARS, without_login};
use crate::sources::prometheus::PromError;
use crate::text::terminal::terminal_message;

const KNOWN: [&str; 8] = [
    "client_id",
    "client_secret",
    "client_secret_file",
    "scopes",
    "token_url",
    "endpoint_params",
    "tls_config",
    "grant_type",
];
const ONLY_CLIENT_CREDENTIALS: &str = "only the client credentials grant is: use client_id and client_secret";
const UNSUPPORTED: [Unsupported; 9] = [
    ("client_secret_ref", NO_SECRET_MANAGER),
    ("client_certificate_key", ONLY_CLIENT_CREDENTIALS),
    ("client_certificate_key_file", ONLY_CLIENT_CREDENTIALS),
    ("client_certificate_key_id", ONLY_CLIENT_CREDENTIALS),
    ("client_certificate_key_ref", ONLY_CLIENT_CREDENTIALS),
    ("signature_algorithm", ONLY_CLIENT_CREDENTIALS),
    ("iss", ONLY_CLIENT_CREDENTIALS),
    ("audience", ONLY_CLIENT_CREDENTIALS),
    ("claims", ONLY_CLIENT_CREDENTIALS),
];

/// The settings under `oauth2` of `--http.config.file`.
#[derive(Clone)]
pub(super) struct OAuth2 {
    client_id: String,
    client_secret: Option<SecretSource>,
    scopes: Vec<String>,
    pub(super) token_url: Url,
    endpoint_params: Vec<(String, Secret)>,
    pub(super) tls: TlsConfig,
    pub(super) proxy: ProxyConfig,
}

/// Shows only the token URL, without login and query: the other settings may be secrets.
impl fmt::Debug for OAuth2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth2").field("token_url", &without_login(&self.token_url)).finish_non_exhaustive()
    }
}

impl OAuth2 {
    pub(super) fn of(file: &Path, node: &Node) -> Result<Self, AccessError> {
        let known = proxy::with(&KNOWN);
        let fields = Fields::of(file, "oauth2", node, &known, &UNSUPPORTED)?;
        if fields.text("grant_type")?.is_some_and(|grant| grant != "client_credentials") {
            return Err(fields.error("grant_type", "must be client_credentials: other grants are not supported"));
        }
        let url = fields.text("token_url")?.ok_or_else(|| fields.wrong("needs token_url"))?;
        let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let mut endpoint_params = Vec::new();
        if let Some(node) = fields.node("endpoint_params") {
            for (name, value) in Fields::any(file, "oauth2.endpoint_params", node)?.entries() {
                let Value::Scalar(text) = &value.value else {
                    return Err(AccessError::line(
                        file,
                        value.line,
                        format!("endpoint_params.{name} must be a string"),
                    ));
                };
                endpoint_params.push((name.to_owned(), Secret::new(text)));
            }
        }
        Ok(Self {
            client_id: fields.text("client_id")?.ok_or_else(|| fields.wrong("needs client_id"))?.to_owned(),
            client_secret: fields.secret("client_secret", "client_secret_file")?,
            scopes: fields.list("scopes")?.into_iter().map(str::to_owned).collect(),
            token_url: url
                .ok_or_else(|| fields.error("token_url", "must be a URL like https://login.example/token"))?,
            endpoint_params,
            tls: TlsConfig::of(file, "oauth2.tls_config", fields.node("tls_config"))?,
            proxy: ProxyConfig::of(file, &fields)?,
        })
    }
}

/// The response of a token server.
#[derive(Deserialize)]
struct Answer {
    access_token: Option<String>,
    token_type: Option<String>,
    /// Usually a number of seconds; some servers send it as a string.
    expires_in: Option<serde_json::Value>,
    error: Option<String>,
}

/// Gets tokens from a token server.
pub(super) struct TokenServer {
    config: OAuth2,
    connection: Connection,
    sent: Sent,
}

impl TokenServer {
    pub(super) fn new(config: &OAuth2, connection: Connection, sent: Sent) -> Self {
        let of_url = config.token_url.query_pairs().map(|(_, value)| value.into_owned());
        let of_form = config.endpoint_params.iter().map(|(_, value)| value.reveal().to_owned());
        for value in of_url.chain(of_form).filter(|value| value.len() >= MIN_HIDDEN_CHARS) {
            sent.learn(&value);
        }
        Self { config: config.clone(), connection, sent }
    }

    /// Asks the server for a token.
    pub(super) async fn fetch(&self) -> Result<Dated<HeaderValue>, PromError> {
        let secret = match &self.config.client_secret {
            Some(source) => source.read()?,
            None => Secret::new(""),
        };
        self.sent.learn(secret.reveal());
        let mut form = vec![("grant_type", "client_credentials".to_owned())];
        if !self.config.scopes.is_empty() {
            form.push(("scope", self.config.scopes.join(" ")));
        }
        form.extend(self.config.endpoint_params.iter().map(|(name, value)| (name.as_str(), value.reveal().to_owned())));
        // RFC 6749, section 2.3.1: client ID and secret are form-encoded before they are used for Basic authentication.
        let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let login = basic_value(&encoded(&self.config.client_id), &encoded(secret.reveal()), &self.sent);
        let (status, body) = self.ask(&form, Some(login)).await?;
        if status.is_success() {
            return self.read(status, &body);
        }
        // Retry with the credentials in the form, like Go's client: some servers accept them only there.
        if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS {
            form.push(("client_id", self.config.client_id.clone()));
            form.push(("client_secret", secret.reveal().to_owned()));
            let (again, body) = self.ask(&form, None).await?;
            return self.read(again, &body);
        }
        self.read(status, &body)
    }

    async fn ask(
        &self,
        form: &[(&str, String)],
        login: Option<HeaderValue>,
    ) -> Result<(StatusCode, Vec<u8>), PromError> {
        let mut request = self.connection.request(Method::POST, &self.config.token_url).form(form);
        if let Some(login) = login {
            request = request.header(AUTHORIZATION, login);
        }
        debug!(url = without_login(&self.config.token_url), "asking for a token");
        let lost = |e: reqwest::Error| self.error(&self.connection.cause(&e), true);
        let response = request.send().await.map_err(lost)?;
        let status = response.status();
        debug!(status = status.as_u16(), "HTTP response about a token");
        Ok((status, response.bytes().await.map_err(lost)?.into()))
    }

    fn read(&self, status: StatusCode, body: &[u8]) -> Result<Dated<HeaderValue>, PromError> {
        let answer: Option<Answer> = serde_json::from_slice(body).ok();
        let passes = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        let Some(Answer { access_token: Some(token), token_type, expires_in, .. }) =
            answer.as_ref().filter(|_| status.is_success())
        else {
            let error = answer.and_then(|answer| answer.error).map(|error| format!(" ({error})")).unwrap_or_default();
            return Err(self.error(&format!("it answered {status}{error}"), passes));
        };
        self.sent.learn(token);
        let kind = match token_type.as_deref() {
            None | Some("") => "Bearer",
            Some(kind) if kind.eq_ignore_ascii_case("bearer") => "Bearer",
            Some(kind) => kind,
        };
        let seconds = match expires_in {
            Some(serde_json::Value::Number(seconds)) => seconds.as_u64(),
            Some(serde_json::Value::String(seconds)) => seconds.parse().ok(),
            _ => None,
        };
        let lifetime = seconds.filter(|&s| s > 0).map(Duration::from_secs);
        debug!(expires_in_seconds = seconds, "got a token");
        let value = sensitive(&format!("{kind} {token}"));
        let value = value.ok_or_else(|| self.error("its token is not a valid header value", false))?;
        Ok(Dated::new(value, lifetime))
    }

    fn error(&self, cause: &str, passes: bool) -> PromError {
        // Hide secrets before shortening the message: a truncated secret would no longer match.
        let cause = terminal_message(&self.sent.hide(cause));
        PromError::NoToken { url: without_login(&self.config.token_url), cause, passes }
    }
}
