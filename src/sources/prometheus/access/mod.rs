//! How a server is reached: login, headers, TLS, proxies, redirects.
//!
//! Secrets leave this module only in requests to the server they are meant for. [`Access::hide`] removes
//! them from the server's texts.

mod command;
mod config;
mod connection;
mod content;
mod error;
mod fields;
mod headers;
mod login;
mod oauth2;
mod program;
mod proxy;
mod secret;
mod sigv4;
#[cfg(test)]
mod tests;
mod tls;
mod tokens;
mod urls;
mod yaml;

pub use config::HttpConfig;
pub use error::AccessError;
pub use headers::PlainHeaders;
#[cfg(test)]
pub(crate) use program::ProgramError;

pub(super) use connection::{innermost, speaks_no_tls, tls_cause};
pub(super) use urls::without_login;

use std::time::Duration;

use std::path::Path;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, LOCATION};
use reqwest::{ClientBuilder, Method, Response, StatusCode};
use tracing::debug;
use url::Url;

use super::PromError;
use command::TokenCommand;
use connection::Connection;
use content::Content;
use login::{Login, authorization, basic};
use oauth2::TokenServer;
use secret::Sent;
use sigv4::Signer;
use tokens::{Issuer, TokenKeeper};
use urls::{is_same_server, origin, without_userinfo};

/// Maximum number of consecutive redirects.
const MAX_REDIRECTS: usize = 5;
/// Timeout for fetching an OAuth 2 token, and for checking whether a port speaks TLS.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(30);
/// A parameter of a URL or token request is hidden in messages if its value has at least this length. Shorter
/// values are more likely `true` or `1` than secrets.
const MIN_HIDDEN_CHARS: usize = 6;

/// Why a request got no response that can be used.
pub(super) enum SendError {
    /// The connection failed or timed out before a response.
    Http(reqwest::Error),
    /// The headers or the token could not be prepared, or the server answered with a redirect that is not followed.
    Prom(PromError),
}

impl From<PromError> for SendError {
    fn from(error: PromError) -> Self {
        Self::Prom(error)
    }
}

/// Sends authenticated requests to one server.
#[derive(Clone)]
pub(super) struct Access {
    connection: Connection,
    config: HttpConfig,
    login: Option<Login>,
    tokens: Option<TokenKeeper>,
    signer: Option<Signer>,
    sent: Sent,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access").finish_non_exhaustive()
    }
}

impl Access {
    /// Prepares access to the server of `url`. `builder` must have its timeouts set.
    pub(super) fn open(url: &Url, config: &HttpConfig, builder: ClientBuilder) -> Result<Self, PromError> {
        let sent = Sent::default();
        for (_, value) in url.query_pairs().filter(|(_, value)| value.len() >= MIN_HIDDEN_CHARS) {
            sent.learn(&value);
        }
        let login = match (Login::of_url(url), config.login.clone()) {
            (Some(_), Some(_)) => return Err(AccessError::TwoLogins.into()),
            (of_url, of_file) => of_url.or(of_file),
        };
        let issuer = match &login {
            Some(Login::OAuth2(oauth2)) => {
                let builder = reqwest::Client::builder().user_agent(super::USER_AGENT).timeout(TOKEN_TIMEOUT);
                let way = Connection::open(&oauth2.token_url, &oauth2.tls, &oauth2.proxy, builder, &sent)?;
                Some(Issuer::Server(Box::new(TokenServer::new(oauth2, way, sent.clone()))))
            }
            Some(Login::Command { kind, program }) => {
                Some(Issuer::Command(TokenCommand::new(kind, program, sent.clone())))
            }
            _ => None,
        };
        let tokens = issuer.map(TokenKeeper::of);
        let signer = match &login {
            Some(Login::SigV4(sigv4)) => Some(Signer::open(sigv4, url, &config.proxy, &sent)?),
            _ => None,
        };
        let connection = Connection::open(url, &config.tls, &config.proxy, builder, &sent)?;
        let access = Self { connection, config: config.clone(), login, tokens, signer, sent };
        // Read the files of the headers and the login now, so that a missing file fails before the first request. Only the
        // client secret of OAuth 2 is read later, when a token is fetched.
        access.headers()?;
        access.own_authorization()?;
        Ok(access)
    }

    /// Posts a form. If the server rejects the login and there is a newer one, the request is repeated once with it.
    pub(super) async fn post(&self, url: &Url, form: &[(&str, String)]) -> Result<Response, SendError> {
        self.send_twice(url, Content::Form(form)).await
    }

    /// Posts a text body; otherwise the same as [`Self::post`].
    pub(super) async fn post_text(&self, url: &Url, text: &str) -> Result<Response, SendError> {
        self.send_twice(url, Content::Text(text)).await
    }

    /// Posts bytes with headers that describe them; otherwise the same as [`Self::post`].
    pub(super) async fn post_bytes(
        &self,
        url: &Url,
        bytes: &[u8],
        headers: &'static [(&'static str, &'static str)],
    ) -> Result<Response, SendError> {
        self.send_twice(url, Content::Bytes(bytes, headers)).await
    }

    async fn send_twice(&self, url: &Url, content: Content<'_>) -> Result<Response, SendError> {
        match self.send(url, content).await? {
            (response, Some(refused))
                if response.status() == StatusCode::UNAUTHORIZED && self.is_renewed(&refused).await =>
            {
                debug!("the server rejected the login: sending the request with a newer one");
                Ok(self.send(url, content).await?.0)
            }
            (response, _) => Ok(response),
        }
    }

    /// Whether there is another login in place of the one that the server rejected: a new token, or a file that changed
    /// since it was read for the request.
    async fn is_renewed(&self, refused: &HeaderValue) -> bool {
        match &self.tokens {
            Some(tokens) => {
                tokens.forget(refused).await;
                true
            }
            None => self.own_authorization().is_ok_and(|now| now.as_ref() != Some(refused)),
        }
    }

    /// Sends a GET request; otherwise the same as [`Self::post`].
    pub(super) async fn get(&self, url: &Url) -> Result<Response, SendError> {
        self.send_twice(url, Content::Nothing).await
    }

    /// Whether the port of an `http` URL speaks TLS. Sends no login and no header of the user.
    pub(super) async fn speaks_tls(&self, url: &Url) -> bool {
        let mut secure = without_userinfo(url);
        secure.set_query(None);
        let port = url.port_or_known_default();
        if secure.set_scheme("https").is_err() || secure.set_port(port).is_err() {
            return false;
        }
        match self.connection.request(Method::HEAD, &secure).timeout(TOKEN_TIMEOUT).send().await {
            Ok(_) => true,
            // Any other TLS error, such as an untrusted certificate, also shows that the port speaks TLS.
            Err(error) => tls_cause(&error).is_some() && !speaks_no_tls(&error),
        }
    }

    /// Returns the text with a mask in place of every secret that was sent so far.
    pub(super) fn hide(&self, text: &str) -> String {
        self.sent.hide(text)
    }

    /// The proxy before the server, without its login.
    pub(super) fn proxy(&self) -> Option<&str> {
        self.connection.proxy()
    }

    /// Whether requests are authenticated, by a login or by a client certificate.
    pub(super) fn has_login(&self) -> bool {
        self.login.is_some() || self.config.tls.proves_identity()
    }

    /// Sends a request and follows redirects on the same server. Unlike most clients, repeats the method and
    /// body for every redirect status.
    async fn send(&self, url: &Url, content: Content<'_>) -> Result<(Response, Option<HeaderValue>), SendError> {
        let headers = self.headers()?;
        let authorization = self.authorization().await?;
        let signer = match &self.signer {
            Some(signer) => Some((signer, signer.keys().await?)),
            None => None,
        };
        let mut at = without_userinfo(url);
        let mut shown = without_login(url);
        for _ in 0..=MAX_REDIRECTS {
            if signer.is_some() {
                at = sigv4::with_strict_query(at);
            }
            let mut request = content.request(&self.connection, &at).headers(headers.clone());
            if let Some(value) = &authorization {
                request = request.header(AUTHORIZATION, value);
            }
            let mut request = request.build().map_err(SendError::Http)?;
            if let Some((signer, keys)) = &signer {
                signer.sign(&mut request, &at, keys)?;
            }
            let has_login = request.headers().contains_key(AUTHORIZATION);
            let names: Vec<_> = headers.keys().chain(has_login.then_some(&AUTHORIZATION)).collect();
            let method = content.method();
            debug!(method = method.as_str(), url = shown, headers = ?names, "HTTP request");
            let response = self.connection.execute(request).await.map_err(SendError::Http)?;
            debug!(status = response.status().as_u16(), "HTTP response");
            match self.next(&at, &response)? {
                Some(next) => {
                    at = next;
                    // After a redirect, path and query come from the server and may contain a secret, so they are not shown.
                    shown = format!("{}/…", origin(&at));
                    debug!(to = shown, "redirected");
                }
                None => return Ok((response, authorization)),
            }
        }
        Err(PromError::Redirects { url: without_login(url), to: "itself again and again".to_owned() }.into())
    }

    /// The URL to follow, or `None` if the response is not a redirect. Returns an error if redirects are off, there
    /// is no valid target, or the target is another server, to which nothing is sent.
    fn next(&self, at: &Url, response: &Response) -> Result<Option<Url>, PromError> {
        if !response.status().is_redirection() || response.status() == StatusCode::NOT_MODIFIED {
            return Ok(None);
        }
        let elsewhere = |to: String| PromError::Redirects { url: without_login(at), to: self.hide(&to) };
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let Some(to) = location.and_then(|text| at.join(text).ok()) else {
            return Err(elsewhere("an invalid URL".to_owned()));
        };
        // Show only the target's scheme, host and port: its path and query may contain secrets.
        if !self.config.follows_redirects {
            return Err(elsewhere(format!("{} while follow_redirects is off", origin(&to))));
        }
        if is_same_server(at, &to) {
            Ok(Some(without_userinfo(&to)))
        } else {
            Err(elsewhere(format!("{}, perhaps a login page", origin(&to))))
        }
    }

    /// All headers except `Authorization`; `--header` takes precedence over the file.
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
            Some(Login::OAuth2(_) | Login::Command { .. } | Login::SigV4(_)) | None => Ok(None),
        }
    }
}

/// The `external_labels` in the configuration of a Prometheus; empty if it has none. Fails if it is not YAML.
pub(super) fn external_labels(config: &str) -> Result<Vec<(String, String)>, AccessError> {
    // Only this section, because the rest may be nested deeper than a login file.
    let is_of_section = |line: &&str| line.is_empty() || line.starts_with(char::is_whitespace);
    let start = config.lines().skip_while(|line| !line.starts_with("global:"));
    let section: Vec<&str> = start.clone().take(1).chain(start.skip(1).take_while(is_of_section)).collect();
    let root = yaml::parse(Path::new("the configuration of the server"), &section.join("\n"))?;
    let labels = root.get("global").and_then(|global| global.get("external_labels"));
    Ok(labels.map(yaml::Node::scalars).unwrap_or_default())
}
