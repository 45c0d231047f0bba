//! How a server is reached: login, headers, TLS, proxies, redirects.
//!
//! No secret leaves this folder but in a request to the server that it is meant for: [`Access::hide`]
//! takes them out of whatever a server says.

mod config;
mod connection;
mod error;
mod fields;
mod headers;
mod login;
mod oauth2;
mod proxy;
mod secret;
#[cfg(test)]
mod tests;
mod tls;
mod yaml;

pub use config::HttpConfig;
pub use error::AccessError;
pub use headers::PlainHeaders;

pub(super) use connection::{innermost, tls_cause};

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, LOCATION};
use reqwest::{ClientBuilder, Method, Response, StatusCode};
use tracing::debug;
use url::Url;

use super::PromError;
use connection::Connection;
use login::{Login, authorization, basic};
use oauth2::TokenKeeper;
use secret::Sent;

/// Redirects that are followed one after the other.
const MAX_REDIRECTS: usize = 5;
/// Time in which a token must be there.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(30);
/// A shorter value of a query parameter is `true` or `1` rather than a secret.
const MIN_HIDDEN_CHARS: usize = 6;

/// Why a request has no answer.
pub(super) enum SendError {
    /// It did not arrive, or nothing came back.
    Http(reqwest::Error),
    /// It could not be sent, or led elsewhere.
    Prom(PromError),
}

impl From<PromError> for SendError {
    fn from(error: PromError) -> Self {
        Self::Prom(error)
    }
}

/// The way to one server.
#[derive(Clone)]
pub(super) struct Access {
    connection: Connection,
    config: HttpConfig,
    login: Option<Login>,
    tokens: Option<TokenKeeper>,
    sent: Sent,
}

/// What goes with a request.
#[derive(Clone, Copy)]
enum Content<'a> {
    Nothing,
    Form(&'a [(&'a str, String)]),
    Text(&'a str),
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access").finish_non_exhaustive()
    }
}

impl Access {
    /// The way to the server of `url`; `builder` has its timeouts already.
    pub(super) fn open(url: &Url, config: &HttpConfig, builder: ClientBuilder) -> Result<Self, PromError> {
        let sent = Sent::default();
        for (_, value) in url.query_pairs().filter(|(_, value)| value.len() >= MIN_HIDDEN_CHARS) {
            sent.learn(&value);
        }
        let login = match (Login::of_url(url), config.login.clone()) {
            (Some(_), Some(_)) => return Err(AccessError::TwoLogins.into()),
            (of_url, of_file) => of_url.or(of_file),
        };
        let tokens = match &login {
            Some(Login::OAuth2(oauth2)) => {
                let builder = reqwest::Client::builder().user_agent(super::USER_AGENT).timeout(TOKEN_TIMEOUT);
                let way = Connection::open(&oauth2.token_url, &oauth2.tls, &oauth2.proxy, builder, &sent)?;
                Some(TokenKeeper::new(oauth2, way, sent.clone()))
            }
            _ => None,
        };
        let connection = Connection::open(url, &config.tls, &config.proxy, builder, &sent)?;
        let access = Self { connection, config: config.clone(), login, tokens, sent };
        // A file that cannot be read is told before anything is asked.
        access.headers()?;
        access.own_authorization()?;
        Ok(access)
    }

    /// Sends a form. A request whose OAuth 2 token the server refuses is sent once more with a new one.
    pub(super) async fn post(&self, url: &Url, form: &[(&str, String)]) -> Result<Response, SendError> {
        self.send_twice(url, Content::Form(form)).await
    }

    /// The same with a text.
    pub(super) async fn post_text(&self, url: &Url, text: &str) -> Result<Response, SendError> {
        self.send_twice(url, Content::Text(text)).await
    }

    async fn send_twice(&self, url: &Url, content: Content<'_>) -> Result<Response, SendError> {
        let (response, authorization) = self.send(url, content).await?;
        match (&self.tokens, authorization) {
            (Some(tokens), Some(refused)) if response.status() == StatusCode::UNAUTHORIZED => {
                debug!("the server refuses its token");
                tokens.forget(&refused).await;
                Ok(self.send(url, content).await?.0)
            }
            _ => Ok(response),
        }
    }

    /// The same for what lies under a URL.
    pub(super) async fn get(&self, url: &Url) -> Result<Response, SendError> {
        self.send_twice(url, Content::Nothing).await
    }

    /// A text without the secrets that were sent.
    pub(super) fn hide(&self, text: &str) -> String {
        self.sent.hide(text)
    }

    /// Whether a request says who asks.
    pub(super) fn has_login(&self) -> bool {
        self.login.is_some() || self.config.tls.proves_identity()
    }

    /// Follows redirects within the server, each time with the whole content, which others would drop.
    async fn send(&self, url: &Url, content: Content<'_>) -> Result<(Response, Option<HeaderValue>), SendError> {
        let headers = self.headers()?;
        let authorization = self.authorization().await?;
        let mut at = without_userinfo(url);
        let mut shown = without_login(url);
        for _ in 0..=MAX_REDIRECTS {
            let request = match content {
                Content::Form(form) => self.connection.request(Method::POST, &at).form(form),
                Content::Text(text) => self.connection.request(Method::POST, &at).body(text.to_owned()),
                Content::Nothing => self.connection.request(Method::GET, &at),
            };
            let mut request = request.headers(headers.clone());
            if let Some(value) = &authorization {
                request = request.header(AUTHORIZATION, value);
            }
            let method = if matches!(content, Content::Nothing) { "GET" } else { "POST" };
            let names = headers.keys().chain(authorization.as_ref().map(|_| &AUTHORIZATION));
            debug!(method, url = shown, headers = ?names.collect::<Vec<_>>(), "HTTP request");
            let response = request.send().await.map_err(SendError::Http)?;
            debug!(status = response.status().as_u16(), "HTTP response");
            match self.next(&at, &response)? {
                Some(next) => {
                    at = next;
                    // The rest of it is the server's words, in which a secret may stand.
                    shown = format!("{}/…", origin(&at));
                    debug!(to = shown, "redirected");
                }
                None => return Ok((response, authorization)),
            }
        }
        Err(PromError::Redirects { url: without_login(url), to: "itself again and again".to_owned() }.into())
    }

    /// Where a response leads to; an error where that is another host, to which nothing is sent.
    fn next(&self, at: &Url, response: &Response) -> Result<Option<Url>, PromError> {
        if !response.status().is_redirection() || response.status() == StatusCode::NOT_MODIFIED {
            return Ok(None);
        }
        let elsewhere = |to: String| PromError::Redirects { url: without_login(at), to: self.hide(&to) };
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let Some(to) = location.and_then(|text| at.join(text).ok()) else {
            return Err(elsewhere("nowhere".to_owned()));
        };
        // What follows the host may hold anything, such as the query that was asked.
        if !self.config.follows_redirects {
            return Err(elsewhere(format!("{}, and follow_redirects is off", origin(&to))));
        }
        if is_same_server(at, &to) { Ok(Some(without_userinfo(&to))) } else { Err(elsewhere(origin(&to))) }
    }

    /// All headers but `Authorization`; a flag outranks the file.
    fn headers(&self) -> Result<HeaderMap, PromError> {
        let mut headers = HeaderMap::new();
        for header in &self.config.file_headers {
            for source in &header.values {
                let secret = source.read()?;
                if header.is_secret {
                    self.sent.learn(secret.reveal());
                }
                headers.append(&header.name, headers::hidden_value(&secret, source)?);
            }
        }
        for (name, _) in self.config.headers.iter() {
            headers.remove(name);
        }
        for (name, value) in self.config.headers.iter() {
            headers.append(name, value.clone());
        }
        Ok(headers)
    }

    async fn authorization(&self) -> Result<Option<HeaderValue>, PromError> {
        match &self.tokens {
            Some(tokens) => tokens.token().await.map(Some),
            None => self.own_authorization(),
        }
    }

    fn own_authorization(&self) -> Result<Option<HeaderValue>, PromError> {
        match &self.login {
            Some(Login::Basic { user, password }) => Ok(Some(basic(user.as_ref(), password.as_ref(), &self.sent)?)),
            Some(Login::Authorization { kind, credentials }) => Ok(Some(authorization(kind, credentials, &self.sent)?)),
            Some(Login::OAuth2(_)) | None => Ok(None),
        }
    }
}

/// The same host and port, or its step up to TLS.
fn is_same_server(from: &Url, to: &Url) -> bool {
    let (before, after) = (from.port_or_known_default(), to.port_or_known_default());
    let steps_up = from.scheme() == "http" && to.scheme() == "https" && before == Some(80) && after == Some(443);
    from.host() == to.host() && ((from.scheme() == to.scheme() && before == after) || steps_up)
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn without_userinfo(url: &Url) -> Url {
    let mut bare = url.clone();
    // These fail for URLs without a host only, of which there are none here.
    let _ = bare.set_username("");
    let _ = bare.set_password(None);
    bare.set_fragment(None);
    bare
}

/// The URL as it may be shown: no user, no password, no query, in which a token might stand.
pub(super) fn without_login(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|p| format!(":{p}")).unwrap_or_default();
    format!("{}://{host}{port}{}", url.scheme(), url.path().trim_end_matches('/'))
}
