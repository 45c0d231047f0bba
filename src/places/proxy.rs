//! The proxy that stands before a server, for the errors of connections.

use hyper_util::client::proxy::matcher::Matcher;

/// The proxy for requests to a URL, which reqwest takes from `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`.
pub(crate) fn proxy_of_environment(url: &str) -> Option<String> {
    proxy_by(&Matcher::from_system(), url)
}

/// The proxy that a matcher finds for requests to a URL, without its login. reqwest decides with the same matchers.
pub(crate) fn proxy_by(matcher: &Matcher, url: &str) -> Option<String> {
    let proxy = matcher.intercept(&url.parse().ok()?)?;
    Some(proxy.uri().to_string().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_found_by_scheme_and_host_and_shown_without_its_login() {
        let proxies = || Matcher::builder().http("http://ann:secret@proxy.example:3128").https("secure.example:3129");
        let all = proxies().build();
        assert_eq!(proxy_by(&all, "http://prometheus:9090/x?y").as_deref(), Some("http://proxy.example:3128"));
        assert_eq!(proxy_by(&all, "https://prometheus:9090").as_deref(), Some("http://secure.example:3129"));
        let except = proxies().no("prometheus,10.0.0.0/8").build();
        assert_eq!(proxy_by(&except, "http://prometheus:9090"), None);
        assert_eq!(proxy_by(&except, "http://10.1.2.3:9090"), None);
        assert!(proxy_by(&except, "http://thanos:9090").is_some());
        assert_eq!(proxy_by(&all, "not a URL"), None);
    }
}
