//! URLs of requests: what is shown of them, and whether two lead to the same server.

use url::Url;

/// Whether scheme, host and port are the same. A redirect on one host from HTTP on port 80 to HTTPS on port 443
/// counts as the same server, too.
pub(super) fn is_same_server(from: &Url, to: &Url) -> bool {
    let (before, after) = (from.port_or_known_default(), to.port_or_known_default());
    let steps_up = from.scheme() == "http" && to.scheme() == "https" && before == Some(80) && after == Some(443);
    from.host() == to.host() && ((from.scheme() == to.scheme() && before == after) || steps_up)
}

pub(super) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

pub(super) fn without_userinfo(url: &Url) -> Url {
    let mut bare = url.clone();
    // These calls fail only for URLs without a host, and an `http` or `https` URL always has one.
    let _ = bare.set_username("");
    let _ = bare.set_password(None);
    bare.set_fragment(None);
    bare
}

/// The URL for messages. User, password and query are left out, because they may contain secrets.
pub(in crate::sources::prometheus) fn without_login(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|p| format!(":{p}")).unwrap_or_default();
    format!("{}://{host}{port}{}", url.scheme(), url.path().trim_end_matches('/'))
}
