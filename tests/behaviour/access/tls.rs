//! TLS, with a Prometheus whose certificates the tests create.

use std::sync::OnceLock;

use super::{fails, history, pulls_everything};
use crate::support::{Authority, Prometheus, guarded_prometheus_of};

fn authority() -> &'static Authority {
    static SHARED: OnceLock<Authority> = OnceLock::new();
    SHARED.get_or_init(Authority::new)
}

/// A Prometheus with one of the certificates, and more lines under `tls_server_config`.
fn encrypted(certificate: &str, more: &str) -> (Prometheus, String) {
    let (cert, key) = (authority().at(&format!("{certificate}.pem")), authority().at(&format!("{certificate}.key")));
    let web = format!("tls_server_config:\n  cert_file: {cert}\n  key_file: {key}\n{more}");
    let prometheus = guarded_prometheus_of(&history(), &web);
    let url = prometheus.url().replace("http:", "https:");
    (prometheus, url)
}

fn tls_config(lines: &[&str]) -> String {
    format!("tls_config:\n  {}\n", lines.join("\n  "))
}

#[test]
fn only_a_server_with_a_trusted_certificate_is_queried() {
    let (_prometheus, url) = encrypted("server", "  max_version: TLS12\n");
    let ca = format!("ca_file: {}", authority().at("ca.pem"));
    pulls_everything(&url, &tls_config(&[&ca]), &[], &[]);
    let inline = authority().folder.text("ca.pem").replace('\n', "\n    ");
    pulls_everything(&url, &tls_config(&[&format!("ca: |\n    {inline}")]), &[], &[]);
    pulls_everything(&url, "tls_config: {insecure_skip_verify: true}", &[], &[]);
    pulls_everything(&url, &tls_config(&[&ca, "min_version: TLS12", "max_version: TLS13"]), &[], &[]);
    fails(&url, "", &["TLS connection to", "certificate", "ca_file"]);
    fails(&url, &tls_config(&[&ca, "min_version: TLS13"]), &["no TLS version in common", "min_version"]);
    fails(&url, &tls_config(&[&ca, "server_name: other.test"]), &["certificate", "other.test"]);
    fails(&url, "tls_config: {ca_file: http.yml}", &["ca_file", "http.yml", "no certificate"]);
    fails(&url, "tls_config: {ca_file: nowhere.pem}", &["ca_file", "nowhere.pem"]);
    fails(&url, &tls_config(&["min_version: TLS11"]), &["http.yml, line 2", "TLS12"]);
}

#[test]
fn the_configured_server_name_is_verified() {
    let (_prometheus, url) = encrypted("named", "");
    let ca = format!("ca_file: {}", authority().at("ca.pem"));
    fails(&url, &tls_config(&[&ca]), &["certificate", "prom.test"]);
    pulls_everything(&url, &tls_config(&[&ca, "server_name: prom.test"]), &[], &[]);
}

#[test]
fn a_client_certificate_is_sent_if_the_server_requires_one() {
    let ca = authority().at("ca.pem");
    let more = format!("  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: {ca}\n");
    let (_prometheus, url) = encrypted("server", &more);
    let ca = format!("ca_file: {ca}");
    let cert = format!("cert_file: {}", authority().at("client.pem"));
    let key = |name: &str| format!("key_file: {}", authority().at(name));
    pulls_everything(&url, &tls_config(&[&ca, &cert, &key("client.key")]), &[], &[]);
    fails(&url, &tls_config(&[&ca]), &["client certificate", "cert_file"]);
    fails(&url, &tls_config(&[&ca, &cert, &key("server.key")]), &["key_file", "server.key", "does not match"]);
    fails(&url, &tls_config(&[&ca, &cert, &key("ca.pem")]), &["key_file", "ca.pem", "not an unencrypted private key"]);
}
