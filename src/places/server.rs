//! The server behind a place, to which requests go: a cloud's, or one at an endpoint that the user set.

use super::PlaceError;
use super::proxy::proxy_of_environment;

/// Parts of the URLs of the clouds' object stores.
const CLOUDS: [&str; 5] =
    ["//s3.", ".s3.", "//storage.googleapis.com", ".blob.core.windows.net", ".dfs.core.windows.net"];

/// A server of an object store.
#[derive(Clone, Debug)]
pub(super) struct Server {
    /// The endpoint in the environment, without a login; `None` for a cloud's own.
    pub(super) endpoint: Option<String>,
    /// The environment variable that sets the endpoint.
    pub(super) variable: &'static str,
}

impl Server {
    pub(super) fn new(endpoint: Option<&str>, variable: &'static str) -> Self {
        Self { endpoint: endpoint.map(without_login), variable }
    }

    /// Clouds are known to check the conditions of writes.
    pub(super) fn is_cloud(&self) -> bool {
        self.endpoint.is_none()
    }

    /// Whether the request of an error went to this server, and not to one that gives logins. The text of the error shows its
    /// URL, unless that holds a secret.
    pub(super) fn is_asked_by(&self, error: &str) -> bool {
        match &self.endpoint {
            Some(endpoint) => {
                let host = endpoint.split_once("://").map_or(endpoint.as_str(), |(_, rest)| rest);
                let host = host.split('/').next().unwrap_or_default();
                error.contains(&format!("//{host}")) || error.contains(&format!(".{host}"))
            }
            None => CLOUDS.iter().any(|host| error.contains(host)),
        }
    }

    /// The error for a request that got no connection.
    pub(super) fn unreachable(&self, address: String, cause: String) -> PlaceError {
        let Some(endpoint) = &self.endpoint else { return PlaceError::NoCloud { address, cause } };
        let endpoint = endpoint.clone();
        match proxy_of_environment(&endpoint) {
            Some(proxy) => PlaceError::NoWay { address, endpoint, proxy, cause },
            None => PlaceError::NoServer { address, endpoint, variable: self.variable, cause },
        }
    }
}

fn without_login(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    if scheme.is_empty() { host.to_owned() } else { format!("{scheme}://{host}") }
}
