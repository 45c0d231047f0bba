//! An HTTP client for one server, with its address and TLS name.

use std::error::Error as _;
use std::net::ToSocketAddrs;

use reqwest::header::{HOST, HeaderValue};
use reqwest::{ClientBuilder, Method, Request, RequestBuilder, Response};
use url::Url;

use super::AccessError;
use super::proxy::ProxyConfig;
use super::secret::Sent;
use super::tls::TlsConfig;
use crate::sources::prometheus::PromError;

/// Sends requests to one server.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    client: reqwest::Client,
    /// The TLS server name, if it differs from the URL's host.
    server_name: Option<String>,
    /// The proxy before the server, without its login.
    proxy: Option<String>,
}

impl Connection {
    /// Builds the HTTP client of the connection. `builder` must have its timeouts set.
    pub(super) fn open(
        url: &Url,
        tls: &TlsConfig,
        proxy: &ProxyConfig,
        builder: ClientBuilder,
        sent: &Sent,
    ) -> Result<Self, PromError> {
        // Over HTTP/2, which other crates enable, a refused client certificate would only be a canceled request.
        let builder = builder.http1_only().redirect(reqwest::redirect::Policy::none());
        let mut builder = proxy.apply(tls.apply(builder)?, sent)?;
        let server_name = tls.server_name.clone().filter(|_| url.scheme() == "https");
        if let Some(name) = &server_name {
            if !proxy.is_direct() {
                let reason = "not supported together with a proxy: remove one of the two".to_owned();
                return Err(AccessError::Value { what: "server_name", reason }.into());
            }
            // reqwest takes the TLS server name from the URL. So requests have `server_name` as their URL's host, and this
            // override resolves it to the server's address.
            builder = builder.resolve_to_addrs(name, &addresses(url)?);
        }
        let client = builder.build().map_err(|e| {
            let cause = innermost(&e);
            tls.identity_error(&cause).map_or(PromError::NoClient(cause), PromError::from)
        })?;
        Ok(Self { client, server_name, proxy: proxy.before(url) })
    }

    /// Prepares a request to a URL of this server.
    pub(super) fn request(&self, method: Method, url: &Url) -> RequestBuilder {
        let mut named = url.clone();
        let renamed = self.server_name.as_ref().is_some_and(|name| named.set_host(Some(name)).is_ok());
        let request = self.client.request(method, named);
        match HeaderValue::try_from(authority(url)) {
            Ok(host) if renamed => request.header(HOST, host),
            _ => request,
        }
    }

    /// Sends a request that was prepared by [`Self::request`].
    pub(super) async fn execute(&self, request: Request) -> reqwest::Result<Response> {
        self.client.execute(request).await
    }

    /// The proxy before the server, without its login.
    pub(super) fn proxy(&self) -> Option<&str> {
        self.proxy.as_deref()
    }

    /// The reason why a request failed: the TLS error if there is one, otherwise the innermost error.
    pub(super) fn cause(&self, error: &reqwest::Error) -> String {
        tls_cause(error).unwrap_or_else(|| innermost(error))
    }
}

fn addresses(url: &Url) -> Result<Vec<std::net::SocketAddr>, PromError> {
    let found =
        (url.host_str().unwrap_or_default().trim_matches(['[', ']']), url.port_or_known_default().unwrap_or(443))
            .to_socket_addrs()
            .map_err(|e| PromError::Unreachable { url: super::without_login(url), cause: e.to_string() })?;
    Ok(found.collect())
}

/// The host, with the port unless it is the default of the scheme.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The TLS error behind a failed request in words; `None` if TLS is not the cause.
pub(in crate::sources::prometheus) fn tls_cause(error: &reqwest::Error) -> Option<String> {
    tls_error(error).map(words)
}

/// Whether the server answered a TLS handshake with something else, as a port for plain HTTP does.
pub(in crate::sources::prometheus) fn speaks_no_tls(error: &reqwest::Error) -> bool {
    let no_tls = |error: &rustls::Error| {
        matches!(error, rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType))
    };
    tls_error(error).is_some_and(no_tls)
}

fn tls_error(error: &reqwest::Error) -> Option<&rustls::Error> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(found) = cause {
        if let Some(error) = found.downcast_ref::<rustls::Error>() {
            return Some(error);
        }
        // `source()` of an I/O error skips the error wrapped directly inside it, so `get_ref` comes first.
        let wrapped = found.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = wrapped.map(|error| error as &(dyn std::error::Error + 'static)).or_else(|| found.source());
    }
    None
}

fn words(error: &rustls::Error) -> String {
    use rustls::AlertDescription::{
        BadCertificate, CertificateRequired, CertificateUnknown, ProtocolVersion, UnknownCA,
    };
    match error {
        rustls::Error::AlertReceived(ProtocolVersion) | rustls::Error::PeerIncompatible(_) => {
            "client and server have no TLS version in common (min_version, max_version)".to_owned()
        }
        rustls::Error::AlertReceived(CertificateRequired) => {
            "the server requires a client certificate (cert_file, key_file)".to_owned()
        }
        rustls::Error::AlertReceived(BadCertificate | CertificateUnknown | UnknownCA) => {
            "the server rejects the client certificate, or requires one (cert_file, key_file)".to_owned()
        }
        rustls::Error::InvalidCertificate(reason) => {
            format!("the server's certificate is not trusted: {reason} (ca_file, server_name)")
        }
        other => other.to_string(),
    }
}

/// The innermost cause of an error. The outer errors only report that something failed.
pub(in crate::sources::prometheus) fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    // Without a source, the innermost error is reqwest's own, whose message would show the URL with its login.
    if error.source().is_none() { "the request failed".to_owned() } else { cause.to_string() }
}
