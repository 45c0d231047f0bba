//! Reads the file of `--http.config.file`, which has the format of promtool's flag of that name, defined as
//! `HTTPClientConfig` in prometheus/common (Go package `config`), and two more logins: `sigv4` as in Prometheus's
//! `remote_write`, and `authorization.credentials_command`.

use std::fs;
use std::path::Path;

use super::fields::{Fields, NO_SECRET_MANAGER, Unsupported};
use super::headers::{self, FileHeader, PlainHeaders};
use super::login::Login;
use super::oauth2::OAuth2;
use super::proxy::{self, ProxyConfig};
use super::secret::SecretSource;
use super::sigv4::SigV4;
use super::tls::TlsConfig;
use super::{AccessError, command, yaml};

const LOGINS: [&str; 6] = ["basic_auth", "authorization", "oauth2", "bearer_token", "bearer_token_file", "sigv4"];
const OTHERS: [&str; 4] = ["tls_config", "follow_redirects", "enable_http2", "http_headers"];

const BASIC_REFS: [Unsupported; 2] = [("username_ref", NO_SECRET_MANAGER), ("password_ref", NO_SECRET_MANAGER)];
const CREDENTIALS_REF: [Unsupported; 1] = [("credentials_ref", NO_SECRET_MANAGER)];

/// Settings for authentication and connections. `Debug` shows no secrets.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    pub(super) headers: PlainHeaders,
    pub(super) file_headers: Vec<FileHeader>,
    pub(super) login: Option<Login>,
    pub(super) tls: TlsConfig,
    pub(super) proxy: ProxyConfig,
    pub(super) follows_redirects: bool,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            headers: PlainHeaders::default(),
            file_headers: Vec::new(),
            login: None,
            tls: TlsConfig::default(),
            proxy: ProxyConfig::of_environment(),
            follows_redirects: true,
        }
    }
}

impl HttpConfig {
    /// Reads the file, if given. Files that it refers to are read when they are needed.
    pub fn load(file: Option<&Path>, headers: PlainHeaders) -> Result<Self, AccessError> {
        let config = match file {
            None => Self::default(),
            Some(path) => {
                let unreadable = |reason: String| AccessError::Unreadable { path: path.to_owned(), reason };
                let text = fs::read_to_string(path).map_err(|e| unreadable(e.to_string()))?;
                Self::parse(path, &text)?
            }
        };
        Ok(Self { headers, ..config })
    }

    /// Parses the text of the file.
    pub(in crate::sources::prometheus) fn parse(path: &Path, text: &str) -> Result<Self, AccessError> {
        let root = yaml::parse(path, text.trim_start_matches('\u{feff}'))?;
        let known = proxy::with(&[&LOGINS[..], &OTHERS].concat());
        let fields = Fields::of(path, "", &root, &known, &[])?;
        // Only checked for validity. Go enables HTTP/2 by default but never requires it,
        // so HTTP/1.1 satisfies both values.
        fields.is_on("enable_http2")?;
        Ok(Self {
            headers: PlainHeaders::default(),
            file_headers: fields.node("http_headers").map_or(Ok(Vec::new()), |node| headers::of_file(path, node))?,
            login: login(path, &fields)?,
            tls: TlsConfig::of(path, "tls_config", fields.node("tls_config"))?,
            proxy: ProxyConfig::of(path, &fields)?,
            follows_redirects: fields.is_on("follow_redirects")?.unwrap_or(true),
        })
    }
}

fn login(path: &Path, fields: &Fields<'_>) -> Result<Option<Login>, AccessError> {
    fields.at_most_one(&LOGINS)?;
    if let Some(node) = fields.node("basic_auth") {
        let known = ["username", "username_file", "password", "password_file"];
        let basic = Fields::of(path, "basic_auth", node, &known, &BASIC_REFS)?;
        let user = basic.secret("username", "username_file")?;
        return Ok(Some(Login::Basic { user, password: basic.secret("password", "password_file")? }));
    }
    if let Some(node) = fields.node("authorization") {
        let known = ["type", "credentials", "credentials_file", command::KEY];
        let fields = Fields::of(path, "authorization", node, &known, &CREDENTIALS_REF)?;
        let kind = fields.text("type")?.map_or("Bearer", str::trim).to_owned();
        if kind.eq_ignore_ascii_case("basic") {
            return Err(fields.error("type", "cannot be basic: write basic_auth instead of authorization"));
        }
        fields.at_most_one(&["credentials", "credentials_file", command::KEY])?;
        if let Some(program) = command::of(path, &fields, "[gcloud, auth, print-access-token]")? {
            return Ok(Some(Login::Command { kind, program }));
        }
        let credentials = fields.secret("credentials", "credentials_file")?;
        let none = || fields.wrong("needs credentials, credentials_file or credentials_command");
        return Ok(Some(Login::Authorization { kind, credentials: credentials.ok_or_else(none)? }));
    }
    if let Some(node) = fields.node("oauth2") {
        return Ok(Some(Login::OAuth2(Box::new(OAuth2::of(path, node)?))));
    }
    if let Some(node) = fields.node("sigv4") {
        return Ok(Some(Login::SigV4(Box::new(SigV4::of(path, node)?))));
    }
    let token: Option<SecretSource> = fields.secret("bearer_token", "bearer_token_file")?;
    Ok(token.map(|credentials| Login::Authorization { kind: "Bearer".to_owned(), credentials }))
}
