//! Headers that are sent with each request: from `--header`, and from `http_headers` of the config file.

use std::collections::BTreeMap;
use std::path::Path;

use reqwest::header::{HeaderName, HeaderValue};

use super::AccessError;
use super::fields::{Fields, beside};
use super::secret::{Secret, SecretSource};
use super::yaml::Node;

/// The header that selects the data of a tenant of Mimir, Cortex, and others.
const TENANT_HEADER: &str = "x-scope-orgid";

/// A header whose name contains one of these is treated as a secret.
const SECRET_NAMES: [&str; 7] = ["authorization", "cookie", "token", "key", "secret", "password", "credential"];

/// Headers that the connection or another setting sets. prometheus/common reserves the same ones.
const RESERVED: [&str; 14] = [
    "authorization",
    "host",
    "content-encoding",
    "content-length",
    "content-type",
    "user-agent",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "www-authenticate",
    "accept-encoding",
    "transfer-encoding",
    "x-prometheus-scrape-timeout-seconds",
];

/// Headers without secrets, such as the one that names a tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlainHeaders(Vec<(HeaderName, HeaderValue)>);

impl PlainHeaders {
    /// Parses `X-Scope-OrgID: team-a, Other=value`. Errors do not repeat values, which may be misplaced secrets.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|_| !text.trim().is_empty());
        parts.map(one_header).collect::<Result<_, _>>().map(Self)
    }

    /// Names and values, for the manifest.
    pub fn pairs(&self) -> BTreeMap<String, String> {
        let mut pairs = BTreeMap::new();
        for (name, value) in &self.0 {
            let value = String::from_utf8_lossy(value.as_bytes());
            let all: &mut String = pairs.entry(name.to_string()).or_default();
            let separator = if all.is_empty() { "" } else { ", " };
            all.push_str(&format!("{separator}{value}"));
        }
        pairs
    }

    /// Whether they select the data of a tenant.
    pub(crate) fn has_tenant(&self) -> bool {
        self.0.iter().any(|(name, _)| name.as_str() == TENANT_HEADER)
    }

    /// These headers, and the one that selects the data of a tenant. The tenant is a valid one.
    pub(crate) fn with_tenant(mut self, tenant: &str) -> Self {
        self.0.extend(HeaderValue::try_from(tenant).map(|value| (HeaderName::from_static(TENANT_HEADER), value)));
        self
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(HeaderName, HeaderValue)> {
        self.0.iter()
    }
}

fn one_header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once([':', '=']).ok_or_else(|| {
        "a header needs a name and a value: write it like 'X-Scope-OrgID: team-a'; a value with a comma must stand under \
         http_headers of --http.config.file"
            .to_owned()
    })?;
    let name = name.trim();
    let header = HeaderName::try_from(name)
        .map_err(|_| "the text before ':' or '=' is not a valid header name: write it like 'X-Scope-OrgID: team-a'")?;
    if is_secret(header.as_str()) {
        return Err(format!(
            "the header {name} looks like a secret, which others could read on a command line and in settings: put it \
             in the --http.config.file, under {}",
            if header.as_str() == "authorization" { "authorization or basic_auth" } else { "http_headers" },
        ));
    }
    if RESERVED.contains(&header.as_str()) {
        return Err(format!("the header {name} is set by the program and cannot be changed: remove it"));
    }
    let value = HeaderValue::try_from(value.trim())
        .map_err(|_| format!("the value of {name} is not a valid header value: use printable characters only"))?;
    Ok((header, value))
}

fn is_secret(lower_case_name: &str) -> bool {
    SECRET_NAMES.iter().any(|part| lower_case_name.contains(part))
}

/// One header from the config file, with its values.
#[derive(Clone, Debug)]
pub(super) struct FileHeader {
    pub(super) name: HeaderName,
    pub(super) values: Vec<SecretSource>,
    /// Whether to hide the values if the server repeats them in its messages.
    pub(super) is_secret: bool,
}

/// Reads `http_headers` of the config file: each header has `values`, `secrets` and `files`.
pub(super) fn of_file(file: &Path, node: &Node) -> Result<Vec<FileHeader>, AccessError> {
    let all = Fields::any(file, "http_headers", node)?;
    let mut headers = Vec::new();
    for (name, node) in all.entries() {
        let place = format!("http_headers.{name}");
        let fields = Fields::of(file, &place, node, &["values", "secrets", "files"], &[])?;
        let header = HeaderName::try_from(name)
            .map_err(|_| fields.wrong("is not a valid header name: use letters, digits and hyphens"))?;
        if RESERVED.contains(&header.as_str()) {
            return Err(fields.wrong("cannot be set: remove it (for a login, use basic_auth or authorization)"));
        }
        let secrets = fields.list("secrets")?;
        let is_secret = is_secret(header.as_str()) || !secrets.is_empty() || fields.is_given("files");
        let inline = fields.list("values")?.into_iter().chain(secrets);
        let mut values: Vec<SecretSource> =
            inline.map(|text| SecretSource::inline("http_headers", Secret::new(text))).collect();
        for path in fields.list("files")? {
            values.push(SecretSource::file("http_headers", beside(file, path)));
        }
        headers.push(FileHeader { name: header, values, is_secret });
    }
    Ok(headers)
}

/// Makes a header value that `Debug` does not show. `source` identifies it in the error.
pub(super) fn hidden_value(secret: &Secret, source: &SecretSource) -> Result<HeaderValue, AccessError> {
    let mut value =
        HeaderValue::try_from(secret.reveal()).map_err(|_| source.error("a header value must be a single line"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_header_is_accepted_in_both_notations_and_secrets_are_refused() {
        let tenant = PlainHeaders::parse("X-Scope-OrgID: team-a|team-b");
        assert_eq!(tenant, PlainHeaders::parse("x-scope-orgid=team-a|team-b"));
        assert_eq!(PlainHeaders::parse("A: 1, B: 2").map(|headers| headers.0.len()), Ok(2));
        assert_eq!(PlainHeaders::parse(""), Ok(PlainHeaders::default()));
        for secret in ["Authorization: Bearer s3cret", "Cookie=s3cret", "X-Api-Key: s3cret", "X-Auth-Token: s3cret"] {
            let error = PlainHeaders::parse(secret).err().unwrap_or_default();
            assert!(error.contains("--http.config.file") && !error.contains("s3cret"), "{error}");
        }
        for bad in ["s3cret", ": s3cret", "Host: s3cret", "A: s3\u{1}cret", "a b: s3cret", "A: 1,"] {
            let error = PlainHeaders::parse(bad).err().unwrap_or_default();
            assert!(!error.is_empty() && !error.contains("cret"), "{bad}: {error}");
        }
    }
}
