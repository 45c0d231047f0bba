//! Opens object stores with the settings of the environment: logins, endpoints, certificates.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::{BackoffConfig, Certificate, ClientOptions, ObjectStore, RetryConfig};

use super::address::Kind;
use super::reason::reason;
use super::{Address, PlaceError};
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

/// The variable of Amazon's tools for a file of certificates to trust.
const CA_VARIABLE: &str = "AWS_CA_BUNDLE";

/// Also returns whether it is the store of a cloud, and not another server at an endpoint that the user has set.
pub(super) fn open(address: &Address) -> Result<(Arc<dyn ObjectStore>, bool), PlaceError> {
    // Fails if a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut is_cloud = true;
    let opened: Result<Arc<dyn ObjectStore>, _> = match address.kind() {
        Kind::S3 => {
            let builder = s3(address)?;
            is_cloud = endpoint(&builder).is_none();
            builder.build().map(|store| Arc::new(store) as _)
        }
        Kind::Gs => gs(address).build().map(|store| Arc::new(store) as _),
        Kind::Az => az(address).build().map(|store| Arc::new(store) as _),
    };
    let failed = |error| PlaceError::NotOpened { address: address.to_string(), reason: reason(&error) };
    Ok((opened.map_err(failed)?, is_cloud))
}

fn s3(address: &Address) -> Result<AmazonS3Builder, PlaceError> {
    let builder = AmazonS3Builder::from_env().with_bucket_name(address.bucket()).with_retry(RETRIES);
    let mut options = options(endpoint(&builder).as_deref());
    if let Some(file) = std::env::var_os(CA_VARIABLE) {
        let pem = std::fs::read(&file).map_err(|error| FileError::new("read", file.as_ref(), error))?;
        let trusted = Certificate::from_pem_bundle(&pem).map_err(|error| PlaceError::NotOpened {
            address: address.to_string(),
            reason: format!("the file in {CA_VARIABLE} holds no certificates ({})", reason(&error)),
        })?;
        options = trusted.into_iter().fold(options, ClientOptions::with_root_certificate);
    }
    Ok(builder.with_client_options(options))
}

fn endpoint(builder: &AmazonS3Builder) -> Option<String> {
    let keys = [AmazonS3ConfigKey::S3Endpoint, AmazonS3ConfigKey::Endpoint];
    keys.iter().find_map(|key| builder.get_config_value(key))
}

fn gs(address: &Address) -> GoogleCloudStorageBuilder {
    let builder = GoogleCloudStorageBuilder::from_env().with_bucket_name(address.bucket()).with_retry(RETRIES);
    let endpoint = builder.get_config_value(&GoogleConfigKey::BaseUrl);
    builder.with_client_options(options(endpoint.as_deref()))
}

fn az(address: &Address) -> MicrosoftAzureBuilder {
    let builder = MicrosoftAzureBuilder::from_env().with_container_name(address.bucket()).with_retry(RETRIES);
    let endpoint = builder.get_config_value(&object_store::azure::AzureConfigKey::Endpoint);
    builder.with_client_options(options(endpoint.as_deref()))
}

/// Whoever writes an endpoint without TLS means it, as on the loopback or inside a cluster.
fn options(endpoint: Option<&str>) -> ClientOptions {
    let is_plain = endpoint.is_some_and(|url| url.to_ascii_lowercase().starts_with("http://"));
    ClientOptions::new()
        .with_user_agent(object_store::HeaderValue::from_static(concat!("etcd-heatmap/", env!("CARGO_PKG_VERSION"))))
        .with_allow_http(is_plain)
        .with_timeout(TIMEOUT)
        .with_connect_timeout(Duration::from_secs(5))
}
