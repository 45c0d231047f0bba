//! Tests of access to a server: contents of the `--http.config.file` that are
//! accepted or rejected, and redirects.

use std::path::Path;

use url::Url;

use super::HttpConfig;
use super::urls::is_same_server;

fn refused(text: &str) -> String {
    HttpConfig::parse(Path::new("dir/http.yml"), text).map_or_else(|e| e.to_string(), |_| "taken".to_owned())
}

#[test]
fn every_key_of_promtools_format_is_accepted() {
    for text in [
        "",
        "# nothing\n",
        "---\nbasic_auth:\n  username: ann\n  password_file: p\n",
        "basic_auth: {username_file: u, password: 12345}",
        "authorization:\n  type: Token\n  credentials: c\n",
        "authorization:\n  credentials_command: [gcloud, auth, print-access-token]\n",
        "authorization: {type: Token, credentials_command: [./print-token]}",
        "sigv4: {}",
        "sigv4:\n  region: r\n  access_key: a\n  secret_key_file: s\n  session_token_file: t\n  service_name: aps\n",
        "sigv4:\n  profile: p\n  role_arn: a\n  external_id: e\n  session_name: s\n  use_fips_sts_endpoint: true\n",
        "sigv4:\n  credentials_command: [aws, configure, export-credentials]\n",
        "bearer_token: t\nbearer_token_file: ''\n",
        "bearer_token_file: t\n",
        "oauth2:\n  client_id: i\n  client_secret: s\n  scopes: [a, b]\n  token_url: https://h/t\n  \
         endpoint_params: {audience: x}\n  tls_config: {ca_file: c}\n  proxy_url: http://p:1\n",
        "tls_config:\n  ca_file: a\n  cert_file: b\n  key_file: c\n  server_name: n\n  \
         insecure_skip_verify: false\n  min_version: TLS12\n  max_version: TLS13\n",
        "tls_config:\n  ca: |\n    -----BEGIN CERTIFICATE-----\n  cert: b\n  key: c\n",
        "proxy_url: http://p:3128\nno_proxy: a.example,10.0.0.0/8\nproxy_connect_header:\n  X-A: [b]\n",
        "proxy_from_environment: true\nproxy_connect_header:\n  X-A: [b]\n",
        "follow_redirects: no\nenable_http2: true\n",
        "http_headers:\n  X-Scope-OrgID:\n    values: [team-a]\n  X-Key:\n    secrets: [s]\n    files: [f]\n",
    ] {
        assert_eq!(refused(text), "taken", "{text}");
    }
}

#[test]
fn errors_name_the_file_and_line() {
    for (text, says) in [
        ("basic_auth:\n  usrname: a", "line 2: unknown key 'basic_auth.usrname' (did you mean 'username'?)"),
        ("\nbasicauth: {}", "line 2: unknown key 'basicauth' (did you mean 'basic_auth'?)"),
        (
            "basic_auth:\n  username: a\n  password_ref: b",
            "line 3: 'basic_auth.password_ref' is not supported: it needs a secret manager",
        ),
        ("basic_auth: s3cret", "line 1: basic_auth must be a map"),
        ("basic_auth:\n  username: [s3cret]", "line 2: basic_auth.username must be a string"),
        (
            "basic_auth:\n  password: s3cret\n  password_file: b",
            "line 3: basic_auth.password_file cannot be combined with",
        ),
        (
            "basic_auth: {username: a}\nauthorization: {credentials: s3cret}",
            "line 2: authorization cannot be combined with",
        ),
        (
            "bearer_token: s3cret\nbearer_token_file: b",
            "line 2: bearer_token_file cannot be combined with bearer_token",
        ),
        ("authorization:\n  type: basic\n  credentials: s3cret", "line 2: authorization.type cannot be basic"),
        ("authorization: {type: Bearer}", "line 1: authorization needs credentials, credentials_file or"),
        (
            "authorization:\n  credentials_command: print s3cret",
            "line 2: authorization.credentials_command must be a list of the program and its arguments",
        ),
        ("authorization:\n  credentials_command: []", "line 2: authorization.credentials_command must be a list"),
        ("authorization:\n  credentials_command: ['', s3cret]", "line 2: authorization.credentials_command must be a"),
        (
            "authorization:\n  credentials_file: a\n  credentials_command: [s3cret]",
            "line 3: authorization.credentials_command cannot be combined with credentials_file",
        ),
        ("sigv4: {access_key: a}", "line 1: sigv4 has access_key without secret_key"),
        ("sigv4:\n  secret_key: s3cret", "line 1: sigv4 has secret_key without access_key"),
        ("sigv4:\n  region: r\n  tags: {a: b}", "line 3: 'sigv4.tags' is not supported"),
        ("sigv4:\n  external_id: s3cret", "line 2: sigv4.external_id needs role_arn"),
        ("sigv4: {}\nbearer_token: s3cret", "line 1: sigv4 cannot be combined with bearer_token"),
        ("oauth2:\n  client_id: a", "line 1: oauth2 needs token_url"),
        ("oauth2:\n  client_id: a\n  client_certificate_key: s3cret", "line 3: 'oauth2.client_certificate_key' is not"),
        ("oauth2:\n  grant_type: password", "line 2: oauth2.grant_type must be client_credentials"),
        ("tls_config:\n  cert_file: a", "line 1: tls_config has a certificate without its key"),
        ("tls_config:\n  min_version: TLS11", "line 2: tls_config.min_version is not supported with TLS 1.0 or 1.1"),
        ("tls_config:\n  min_version: TLS13\n  max_version: TLS12", "line 3: tls_config.max_version is lower than"),
        ("tls_config:\n  server_name: 10.0.0.1", "line 2: tls_config.server_name must be the name"),
        ("proxy_url: socks5://ann:s3cret@p", "line 1: proxy_url with SOCKS is not supported"),
        ("proxy_url: s3cret", "line 1: proxy_url must be a URL"),
        ("no_proxy: a", "line 1: no_proxy needs proxy_url"),
        ("proxy_url: http://p\nno_proxy: a:80", "line 2: no_proxy does not support ports"),
        ("proxy_url: http://p\nproxy_from_environment: true", "line 2: proxy_from_environment cannot be combined with"),
        ("proxy_connect_header: {A: [s3cret]}", "line 1: proxy_connect_header needs proxy_url"),
        ("follow_redirects: s3cret", "line 1: follow_redirects must be true or false"),
        ("http_headers:\n  Authorization:\n    values: [s3cret]", "line 2: http_headers.Authorization cannot be set"),
        ("http_headers:\n  X:\n    value: [s3cret]", "line 3: unknown key 'http_headers.X.value' (did you mean"),
        ("basic_auth: {username: a}\nbasic_auth: {username: s3cret}", "line 2: 'basic_auth' appears twice"),
        ("a: &x s3cret\nb: *x", "line 2: anchors and aliases"),
        ("basic_auth:\n  password: \"s3cret", "line 2: invalid YAML"),
        ("a: b\n---\nc: d", "line 2: a second YAML document"),
        ("\"b\\e[2J\\n\": s3cret", "line 1: unknown key 'b\u{fffd}[2J\u{fffd}'; known keys: basic_auth"),
        (&"[".repeat(100), "line 1: nested too deeply"),
    ] {
        let error = refused(text);
        assert!(error.starts_with(&format!("dir/http.yml, {says}")), "{text}:\n{error}");
        assert!(!error.contains("s3cret"), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn debug_output_shows_no_secrets() {
    for (text, login) in [
        ("basic_auth: {username: a, password: s3cret}\nproxy_url: http://a:s3cret@p", "Basic"),
        ("oauth2: {client_id: a, client_secret: s3cret, token_url: 'https://a:s3cret@h/t?key=s3cret'}", "OAuth2"),
        ("bearer_token: s3cret\nhttp_headers: {X: {secrets: [s3cret]}}", "Authorization"),
        ("authorization: {credentials_command: [tool, --password, s3cret]}", "Command"),
        ("sigv4: {access_key: a, secret_key: s3cret, session_token: s3cret}", "SigV4"),
    ] {
        let config = HttpConfig::parse(Path::new("http.yml"), text).map_err(|e| e.to_string());
        let shown = format!("{config:?}");
        assert!(shown.contains(login) && !shown.contains("s3cret"), "{shown}");
    }
}

/// A request must not go to a server other than the one it is meant for. If it was
/// encrypted, it must stay encrypted.
#[test]
fn redirects_are_followed_only_on_the_same_server_or_from_port_80_to_tls_on_443() {
    for (from, to, expected) in [
        ("http://h/a", "http://h/b", true),
        ("http://h:9090/a", "http://h:9090/b", true),
        ("https://h/a", "https://h:443/b", true),
        ("http://h/a", "https://h/a", true),
        ("http://h:80/a", "https://h:443/a", true),
        // A downgrade would send the login in plain text.
        ("https://h/a", "http://h/a", false),
        ("https://h:443/a", "http://h:443/a", false),
        ("https://h:9090/a", "http://h:9090/a", false),
        ("http://h:443/a", "https://h:443/a", false),
        ("http://h:9090/a", "https://h:9090/a", false),
        ("http://h:9090/a", "https://h/a", false),
        ("http://h/a", "http://h:8080/a", false),
        ("http://h/a", "http://elsewhere/a", false),
        ("http://h/a", "https://elsewhere/a", false),
        ("http://h/a", "http://h.elsewhere/a", false),
    ] {
        let url = |text: &str| Url::parse(text).map_err(|e| e.to_string());
        let is_same = url(from).and_then(|from| Ok(is_same_server(&from, &url(to)?)));
        assert_eq!(is_same, Ok(expected), "{from} to {to}");
    }
}
