//! `tls_config`: trusted certificates, the client certificate, and TLS versions.

use std::path::Path;

use reqwest::tls::Version;
use reqwest::{Certificate, ClientBuilder, Identity};

use super::AccessError;
use super::fields::{Fields, NO_SECRET_MANAGER, Unsupported};
use super::secret::SecretSource;
use super::yaml::Node;

const KNOWN: [&str; 10] = [
    "ca",
    "ca_file",
    "cert",
    "cert_file",
    "key",
    "key_file",
    "server_name",
    "insecure_skip_verify",
    "min_version",
    "max_version",
];
const UNSUPPORTED: [Unsupported; 3] =
    [("ca_ref", NO_SECRET_MANAGER), ("cert_ref", NO_SECRET_MANAGER), ("key_ref", NO_SECRET_MANAGER)];

/// TLS settings of a connection.
#[derive(Clone, Debug, Default)]
pub(super) struct TlsConfig {
    ca: Option<SecretSource>,
    /// The client certificate and its private key.
    identity: Option<(SecretSource, SecretSource)>,
    /// The name expected in the server's certificate, if it differs from the URL's host.
    pub(super) server_name: Option<String>,
    takes_any_certificate: bool,
    min_version: Option<Version>,
    max_version: Option<Version>,
}

impl TlsConfig {
    pub(super) fn of(file: &Path, place: &str, node: Option<&Node>) -> Result<Self, AccessError> {
        let Some(node) = node else { return Ok(Self::default()) };
        let fields = Fields::of(file, place, node, &KNOWN, &UNSUPPORTED)?;
        let ca = fields.secret("ca", "ca_file")?;
        let identity = match (fields.secret("cert", "cert_file")?, fields.secret("key", "key_file")?) {
            (None, None) => None,
            (Some(cert), Some(key)) => Some((cert, key)),
            (Some(_), None) => return Err(fields.wrong("has a certificate without its key: add key or key_file")),
            (None, Some(_)) => return Err(fields.wrong("has a key without its certificate: add cert or cert_file")),
        };
        let (min_version, max_version) = (version(&fields, "min_version")?, version(&fields, "max_version")?);
        if let (Some(min), Some(max)) = (min_version, max_version)
            && max < min
        {
            return Err(fields.error("max_version", "is lower than min_version: raise it"));
        }
        let server_name = fields.text("server_name")?.map(str::to_owned);
        if server_name.as_ref().is_some_and(|name| !matches!(url::Host::parse(name), Ok(url::Host::Domain(_)))) {
            return Err(fields.error("server_name", "must be the name of a host: an IP address is not supported"));
        }
        let takes_any_certificate = fields.is_on("insecure_skip_verify")?.unwrap_or(false);
        Ok(Self { ca, identity, server_name, takes_any_certificate, min_version, max_version })
    }

    /// Whether the client authenticates with a certificate of its own.
    pub(super) fn proves_identity(&self) -> bool {
        self.identity.is_some()
    }

    /// Applies the settings to a client builder.
    pub(super) fn apply(&self, mut builder: ClientBuilder) -> Result<ClientBuilder, AccessError> {
        if let Some(ca) = &self.ca {
            builder = builder.tls_certs_only(certificates(ca)?);
        }
        if let Some((cert, key)) = &self.identity {
            certificates(cert)?;
            let pem = format!("{}\n{}\n", cert.read()?.reveal(), key.read()?.reveal());
            let no_key = |_| key.error("not an unencrypted private key in PEM format");
            builder = builder.identity(Identity::from_pem(pem.as_bytes()).map_err(no_key)?);
        }
        if let Some(version) = self.min_version {
            builder = builder.tls_version_min(version);
        }
        if let Some(version) = self.max_version {
            builder = builder.tls_version_max(version);
        }
        Ok(builder.tls_danger_accept_invalid_certs(self.takes_any_certificate))
    }

    /// The error to report if the HTTP client cannot be built and there is a client certificate: its private key does
    /// not match. `None` without a client certificate.
    pub(super) fn identity_error(&self, cause: &str) -> Option<AccessError> {
        let (_, key) = self.identity.as_ref()?;
        Some(key.error(&format!("the key does not match the certificate ({cause})")))
    }
}

fn certificates(source: &SecretSource) -> Result<Vec<Certificate>, AccessError> {
    let none = || source.error("no certificate in PEM format found");
    let found = Certificate::from_pem_bundle(source.read()?.reveal().as_bytes()).map_err(|_| none())?;
    if found.is_empty() { Err(none()) } else { Ok(found) }
}

fn version(fields: &Fields<'_>, key: &str) -> Result<Option<Version>, AccessError> {
    match fields.text(key)? {
        None => Ok(None),
        Some("TLS12") => Ok(Some(Version::TLS_1_2)),
        Some("TLS13") => Ok(Some(Version::TLS_1_3)),
        Some("TLS10" | "TLS11") => {
            Err(fields.error(key, "is not supported with TLS 1.0 or 1.1, which are insecure: use TLS12 or TLS13"))
        }
        Some(_) => Err(fields.error(key, "must be TLS12 or TLS13")),
    }
}
