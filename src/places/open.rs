//! Opens object stores with the settings of the environment: logins, endpoints, certificates.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::{BackoffConfig, Certificate, ClientOptions, ObjectStore, RetryConfig};

use super::address::Kind;
use super::reason::reason;
use super::server::Server;
use super::{Address, AwsFileError, AwsFiles, PlaceError};
use crate::files::FileError;

/// Requests are made again after errors of the network and answers such as 503: 6 times in about 20 seconds, so that a
/// wrong endpoint does not look like one that is slow.
const RETRIES: RetryConfig = RetryConfig {
    backoff: BackoffConfig { init_backoff: Duration::from_millis(200), max_backoff: Duration::from_secs(8), base: 2.0 },
    max_retries: 6,
    retry_timeout: Duration::from_secs(120),
};

/// A part of 8 MB at 0.5 MB a second takes 16 seconds.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Logins of the environment that come before a profile. A profile comes before the login of a container or an instance, as
/// in the tools of AWS and in `sigv4`.
const OTHER_LOGINS: [AmazonS3ConfigKey; 4] = [
    AmazonS3ConfigKey::AccessKeyId,
    AmazonS3ConfigKey::SecretAccessKey,
    AmazonS3ConfigKey::WebIdentityTokenFile,
    AmazonS3ConfigKey::SkipSignature,
];

/// The variable of Amazon's tools for a file of certificates to trust.
const CA_VARIABLE: &str = "AWS_CA_BUNDLE";

/// Also returns the server that requests will go to.
pub(super) fn open(address: &Address) -> Result<(Arc<dyn ObjectStore>, Server), PlaceError> {
    // Fails if a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (opened, server): (Result<Arc<dyn ObjectStore>, _>, _) = match address.kind() {
        Kind::S3 => {
            let (builder, server) = s3(address)?;
            (builder.build().map(|store| Arc::new(store) as _), server)
        }
        Kind::Gs => {
            let (builder, server) = gs(address);
            (builder.build().map(|store| Arc::new(store) as _), server)
        }
        Kind::Az => {
            let (builder, server) = az(address);
            (builder.build().map(|store| Arc::new(store) as _), server)
        }
    };
    let failed = |error| PlaceError::NotOpened { address: address.to_string(), reason: reason(&error) };
    Ok((opened.map_err(failed)?, server))
}

fn s3(address: &Address) -> Result<(AmazonS3Builder, Server), PlaceError> {
    let builder = AmazonS3Builder::from_env().with_bucket_name(address.bucket()).with_retry(RETRIES);
    let builder = with_profile(builder)?;
    let server = s3_server(&builder);
    let mut options = options(&server);
    if let Some(file) = std::env::var_os(CA_VARIABLE) {
        let pem = std::fs::read(&file).map_err(|error| FileError::new("read", file.as_ref(), error))?;
        let trusted = Certificate::from_pem_bundle(&pem).map_err(|error| PlaceError::NotOpened {
            address: address.to_string(),
            reason: format!("the file in {CA_VARIABLE} holds no certificates ({})", reason(&error)),
        })?;
        options = trusted.into_iter().fold(options, ClientOptions::with_root_certificate);
    }
    Ok((builder.with_client_options(options), server))
}

/// Adds the keys and the region of the profile in `AWS_PROFILE` or, unless the environment has another login, of the profile
/// `default`.
fn with_profile(mut builder: AmazonS3Builder) -> Result<AmazonS3Builder, PlaceError> {
    let has = |key: &AmazonS3ConfigKey| {
        builder.get_config_value(key).is_some_and(|value| !value.is_empty() && value != "false")
    };
    let named = std::env::var("AWS_PROFILE").ok().filter(|name| !name.is_empty());
    let (has_login, has_region) = (OTHER_LOGINS.iter().any(has), has(&AmazonS3ConfigKey::Region));
    let Some(files) = AwsFiles::of_environment() else { return Ok(builder) };
    let name = named.as_deref().unwrap_or("default");
    if let Some(region) = files.region(name).filter(|_| !has_region) {
        builder = builder.with_region(region);
    }
    if has_login {
        return Ok(builder);
    }
    let keys = match (files.profile(name)?, &named) {
        (Some(profile), None) => profile.keys,
        (Some(profile), Some(_)) => Some(profile.keys.ok_or_else(|| AwsFileError::NoKeys { name: name.to_owned() })?),
        (None, Some(_)) => return Err(files.no_profile(name).into()),
        (None, None) => None,
    };
    let Some(keys) = keys else { return Ok(builder) };
    let builder = builder.with_access_key_id(keys.access_key).with_secret_access_key(keys.secret_key);
    Ok(match keys.session_token {
        Some(token) => builder.with_token(token),
        None => builder,
    })
}

fn s3_server(builder: &AmazonS3Builder) -> Server {
    let of_s3 = builder.get_config_value(&AmazonS3ConfigKey::S3Endpoint);
    let variable = if of_s3.is_some() { "AWS_ENDPOINT_URL_S3" } else { set_one("AWS_ENDPOINT_URL", "AWS_ENDPOINT") };
    Server::new(of_s3.or_else(|| builder.get_config_value(&AmazonS3ConfigKey::Endpoint)).as_deref(), variable)
}

fn gs(address: &Address) -> (GoogleCloudStorageBuilder, Server) {
    let builder = GoogleCloudStorageBuilder::from_env().with_bucket_name(address.bucket()).with_retry(RETRIES);
    let server = Server::new(builder.get_config_value(&GoogleConfigKey::BaseUrl).as_deref(), "GOOGLE_BASE_URL");
    (builder.with_client_options(options(&server)), server)
}

fn az(address: &Address) -> (MicrosoftAzureBuilder, Server) {
    let builder = MicrosoftAzureBuilder::from_env().with_container_name(address.bucket()).with_retry(RETRIES);
    let server = Server::new(
        builder.get_config_value(&AzureConfigKey::Endpoint).as_deref(),
        set_one("AZURE_ENDPOINT", "AZURE_STORAGE_ENDPOINT"),
    );
    (builder.with_client_options(options(&server)), server)
}

/// The one of two names of a variable that is set; the first if neither is.
fn set_one(usual: &'static str, other: &'static str) -> &'static str {
    if std::env::var_os(usual).is_none() && std::env::var_os(other).is_some() { other } else { usual }
}

/// An endpoint without TLS is used as it is written, as on the loopback or inside a Kubernetes cluster.
fn options(server: &Server) -> ClientOptions {
    let is_plain = server.endpoint.as_ref().is_some_and(|url| url.to_ascii_lowercase().starts_with("http://"));
    ClientOptions::new()
        .with_user_agent(object_store::HeaderValue::from_static(concat!("etcd-heatmap/", env!("CARGO_PKG_VERSION"))))
        .with_allow_http(is_plain)
        .with_timeout(TIMEOUT)
        .with_connect_timeout(Duration::from_secs(5))
}
