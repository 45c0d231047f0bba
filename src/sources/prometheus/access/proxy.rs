//! The proxy settings: `proxy_url` and related keys.

use std::path::Path;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::header::{HeaderMap, HeaderName};
use reqwest::{ClientBuilder, NoProxy, Proxy};
use url::Url;

use super::AccessError;
use super::fields::Fields;
use super::headers::hidden_value;
use super::secret::{Secret, SecretSource, Sent};
use super::yaml::Value;
use crate::places::{proxy_by, proxy_of_environment};

/// The proxy keys. They appear at the top level of the config file and in `oauth2`, beside other keys.
pub(super) const KEYS: [&str; 4] = ["proxy_url", "no_proxy", "proxy_from_environment", "proxy_connect_header"];

/// Hosts that bypass the proxy if `no_proxy` is set. Go adds them to `no_proxy` by itself; reqwest does not.
const THIS_MACHINE: &str = "localhost,127.0.0.0/8,::1";

/// Whether connections use a proxy, and with which headers for its CONNECT requests.
#[derive(Clone, Debug, Default)]
pub(super) struct ProxyConfig {
    way: Way,
    connect_headers: Vec<(HeaderName, SecretSource)>,
}

#[derive(Clone, Debug, Default)]
enum Way {
    #[default]
    Direct,
    /// Through the proxy with this URL, which may contain a login. The second value lists the
    /// hosts to connect to directly.
    Through(Secret, Option<String>),
    /// According to `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`.
    Environment,
}

impl ProxyConfig {
    pub(super) fn of(file: &Path, fields: &Fields<'_>) -> Result<Self, AccessError> {
        let (url, no_proxy) = (proxy_url(fields)?, fields.text("no_proxy")?);
        let from_environment = fields.is_on("proxy_from_environment")?.unwrap_or(false);
        if from_environment {
            fields.at_most_one(&["proxy_url", "proxy_from_environment"])?;
            fields.at_most_one(&["no_proxy", "proxy_from_environment"])?;
        }
        if url.is_none() && no_proxy.is_some() {
            return Err(fields.error("no_proxy", "needs proxy_url as well"));
        }
        // In Go, `host:8080` excludes only that port. reqwest does not support ports and would ignore the entry.
        let has_port = |host: &str| host.rsplit_once(':').is_some_and(|(host, _)| !host.contains(':'));
        if no_proxy.is_some_and(|hosts| hosts.split(',').any(has_port)) {
            return Err(fields.error("no_proxy", "does not support ports: write host names only"));
        }
        let connect_headers = connect_headers(file, fields)?;
        let way = match (url, from_environment) {
            (Some(url), _) => Way::Through(url, no_proxy.map(str::to_owned)),
            (None, true) => Way::Environment,
            (None, false) if !connect_headers.is_empty() => {
                return Err(fields.error("proxy_connect_header", "needs proxy_url or proxy_from_environment as well"));
            }
            (None, false) => Way::Direct,
        };
        Ok(Self { way, connect_headers })
    }

    /// The default without a config file: proxies from the environment.
    pub(super) fn of_environment() -> Self {
        Self { way: Way::Environment, connect_headers: Vec::new() }
    }

    pub(super) fn is_direct(&self) -> bool {
        matches!(self.way, Way::Direct)
    }

    /// The proxy for requests to a URL, without its login.
    pub(super) fn before(&self, url: &Url) -> Option<String> {
        match &self.way {
            Way::Direct => None,
            Way::Environment => proxy_of_environment(url.as_str()),
            Way::Through(proxy, no_proxy) => {
                let matcher =
                    Matcher::builder().all(proxy.reveal()).no(except(no_proxy.as_deref()).unwrap_or_default());
                proxy_by(&matcher.build(), url.as_str())
            }
        }
    }

    /// Configures the proxy in a client builder.
    pub(super) fn apply(&self, builder: ClientBuilder, sent: &Sent) -> Result<ClientBuilder, AccessError> {
        match &self.way {
            Way::Direct => Ok(builder.no_proxy()),
            // Without headers for CONNECT, reqwest itself reads the proxy variables, including some that Go ignores.
            Way::Environment if self.connect_headers.is_empty() => Ok(builder),
            Way::Environment => {
                let mut builder = builder.no_proxy();
                for (names, of) in [
                    (["https_proxy", "HTTPS_PROXY"], Proxy::https as fn(String) -> reqwest::Result<Proxy>),
                    (["http_proxy", "HTTP_PROXY"], Proxy::http),
                ] {
                    let url = names.iter().find_map(|name| std::env::var(name).ok().filter(|url| !url.is_empty()));
                    if let Some(url) = url {
                        let proxy = made(of(url))?.no_proxy(NoProxy::from_env());
                        builder = builder.proxy(self.with_headers(proxy, sent)?);
                    }
                }
                Ok(builder)
            }
            Way::Through(url, no_proxy) => {
                learn_login(url, sent);
                let proxy = made(Proxy::all(url.reveal()))?;
                let except = except(no_proxy.as_deref());
                let proxy = proxy.no_proxy(except.and_then(|hosts| NoProxy::from_string(&hosts)));
                Ok(builder.no_proxy().proxy(self.with_headers(proxy, sent)?))
            }
        }
    }

    fn with_headers(&self, proxy: Proxy, sent: &Sent) -> Result<Proxy, AccessError> {
        if self.connect_headers.is_empty() {
            return Ok(proxy);
        }
        let mut headers = HeaderMap::new();
        for (name, source) in &self.connect_headers {
            let secret = source.read()?;
            sent.learn(secret.reveal());
            headers.append(name, hidden_value(&secret, source)?);
        }
        Ok(proxy.headers(headers))
    }
}

/// The hosts to which requests go directly, if `no_proxy` names some.
fn except(no_proxy: Option<&str>) -> Option<String> {
    no_proxy.map(|hosts| format!("{THIS_MACHINE},{hosts}"))
}

fn made(proxy: reqwest::Result<Proxy>) -> Result<Proxy, AccessError> {
    // reqwest's message would show the URL with its login.
    proxy.map_err(|_| AccessError::Value {
        what: "proxy_url",
        reason: "not a valid proxy URL: write it like http://proxy.example:3128".to_owned(),
    })
}

fn learn_login(url: &Secret, sent: &Sent) {
    if let Some(password) = Url::parse(url.reveal()).ok().as_ref().and_then(Url::password) {
        sent.learn(password);
    }
}

fn proxy_url(fields: &Fields<'_>) -> Result<Option<Secret>, AccessError> {
    let Some(text) = fields.text("proxy_url")? else { return Ok(None) };
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(Some(Secret::new(text))),
        Ok(url) if url.scheme().starts_with("socks") => {
            Err(fields.error("proxy_url", "with SOCKS is not supported: name an HTTP proxy"))
        }
        _ => Err(fields.error("proxy_url", "must be a URL like http://proxy.example:3128")),
    }
}

/// Reads `proxy_connect_header`: header names, each with a list of values.
fn connect_headers(file: &Path, fields: &Fields<'_>) -> Result<Vec<(HeaderName, SecretSource)>, AccessError> {
    const KEY: &str = "proxy_connect_header";
    let Some(node) = fields.node(KEY) else { return Ok(Vec::new()) };
    let mut headers = Vec::new();
    for (name, node) in Fields::any(file, KEY, node)?.entries() {
        let header =
            HeaderName::try_from(name).map_err(|_| fields.error(KEY, "has a key that is not a valid header name"))?;
        let Value::List(values) = &node.value else {
            return Err(AccessError::line(file, node.line, format!("{KEY}.{name} must be a list of strings")));
        };
        for value in values {
            let Value::Scalar(text) = &value.value else {
                return Err(AccessError::line(file, value.line, format!("{KEY}.{name} must be a list of strings")));
            };
            headers.push((header.clone(), SecretSource::inline(KEY, Secret::new(text))));
        }
    }
    Ok(headers)
}

/// All keys that a map with proxy settings accepts: `others` and the proxy keys.
pub(super) fn with<'a>(others: &[&'a str]) -> Vec<&'a str> {
    others.iter().copied().chain(KEYS).collect()
}
