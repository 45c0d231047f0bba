//! Keys of a web identity, a container or an instance, which the `object_store` crate fetches and renews.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, AwsCredentialProvider};
use object_store::client::{HttpClient, HttpConnector};
use object_store::{ClientOptions, RetryConfig};

use super::super::TOKEN_TIMEOUT;
use super::super::proxy::ProxyConfig;
use super::super::secret::Sent;
use super::keys::unusable;
use crate::places::reason;
use crate::sources::prometheus::{PromError, USER_AGENT};
use crate::text::terminal::terminal_message;

/// Timeouts of addresses that only exist on a machine of AWS, where they answer in milliseconds.
const LOCAL_CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const LOCAL_TIMEOUT: Duration = Duration::from_secs(5);

/// Where a machine gets its keys.
pub(super) struct Found {
    /// What failed if there are no keys.
    failing: &'static str,
    settings: Vec<(AmazonS3ConfigKey, String)>,
    /// Whether they come from an address of this machine, for which there is never a proxy.
    is_local: bool,
}

/// The role of a service account of Kubernetes (IRSA), or any other with a web identity.
pub(super) fn web_identity(variable: &dyn Fn(&str) -> Option<String>) -> Option<Found> {
    let mut settings = vec![
        (AmazonS3ConfigKey::WebIdentityTokenFile, variable("AWS_WEB_IDENTITY_TOKEN_FILE")?),
        (AmazonS3ConfigKey::RoleArn, variable("AWS_ROLE_ARN")?),
    ];
    let more = [
        (AmazonS3ConfigKey::RoleSessionName, "AWS_ROLE_SESSION_NAME"),
        (AmazonS3ConfigKey::StsEndpoint, "AWS_ENDPOINT_URL_STS"),
    ];
    settings.extend(more.into_iter().filter_map(|(key, name)| Some((key, variable(name)?))));
    Some(Found { failing: "the role of the web identity gives none", settings, is_local: false })
}

/// The role of a task of ECS, of a pod of EKS (pod identity), or of an instance of EC2.
pub(super) fn container_or_instance(variable: &dyn Fn(&str) -> Option<String>) -> Result<Found, PromError> {
    let of = |failing, settings| Ok(Found { failing, settings, is_local: true });
    let container = "the container's role gives none";
    if let Some(path) = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
        return of(container, vec![(AmazonS3ConfigKey::ContainerCredentialsRelativeUri, path)]);
    }
    match (variable("AWS_CONTAINER_CREDENTIALS_FULL_URI"), variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")) {
        (Some(url), Some(file)) => {
            let file = (AmazonS3ConfigKey::ContainerAuthorizationTokenFile, file);
            of(container, vec![(AmazonS3ConfigKey::ContainerCredentialsFullUri, url), file])
        }
        (Some(_), None) => Err(unusable(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI needs AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE here: use \
             credentials_command with `aws configure export-credentials`",
        )),
        (None, _) if variable("AWS_EC2_METADATA_DISABLED").is_some_and(|is| is.eq_ignore_ascii_case("true")) => {
            Err(unusable("the environment and the files of the AWS command line have none"))
        }
        (None, _) => {
            let endpoint = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
            let endpoint = endpoint.map(|url| url.trim_end_matches('/').to_owned());
            let settings = endpoint.map(|url| (AmazonS3ConfigKey::MetadataEndpoint, url)).into_iter().collect();
            of("the environment, the AWS command line's files and this machine's role have none", settings)
        }
    }
}

/// A provider that fetches the keys when they are needed, and caches them.
pub(super) fn provider(
    found: Found,
    region: &str,
    proxy: &ProxyConfig,
    reporter: &Reporter,
    sent: &Sent,
) -> Result<AwsCredentialProvider, PromError> {
    let builder = reqwest::Client::builder().user_agent(USER_AGENT);
    let builder = match found.is_local {
        true => builder.no_proxy().connect_timeout(LOCAL_CONNECT_TIMEOUT).timeout(LOCAL_TIMEOUT),
        false => proxy.apply(builder.timeout(TOKEN_TIMEOUT), sent)?,
    };
    let client = builder.build().map_err(|error| PromError::NoClient(super::super::innermost(&error)))?;
    let retry = RetryConfig { max_retries: 2, retry_timeout: TOKEN_TIMEOUT, ..RetryConfig::default() };
    // Only its provider of credentials is used, so any name of a bucket will do.
    let builder = AmazonS3Builder::new().with_bucket_name("none").with_region(region);
    let builder = builder.with_retry(retry).with_http_connector(Ready(client));
    let builder = found.settings.into_iter().fold(builder, |builder, (key, value)| builder.with_config(key, value));
    let store = builder.build().map_err(|error| reporter.failed(&error))?;
    Ok(Arc::clone(store.credentials()))
}

/// An HTTP client that is made already, with the proxy and timeouts of the place it connects to.
#[derive(Debug)]
struct Ready(reqwest::Client);

impl HttpConnector for Ready {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.0.clone()))
    }
}

/// Reports keys that could not be fetched.
pub(super) struct Reporter {
    failing: &'static str,
    sent: Sent,
    /// Whether there have been keys before: if fetching them fails later, a retry may succeed.
    has_worked: AtomicBool,
}

impl Reporter {
    pub(super) fn new(found: &Found, sent: &Sent) -> Self {
        Self { failing: found.failing, sent: sent.clone(), has_worked: AtomicBool::new(false) }
    }

    pub(super) fn has_worked(&self) {
        self.has_worked.store(true, Ordering::Relaxed);
    }

    pub(super) fn failed(&self, error: &object_store::Error) -> PromError {
        let cause = self.sent.hide(&format!("{} ({})", self.failing, reason(error)));
        PromError::NoAwsKeys { cause: terminal_message(&cause), passes: self.has_worked.load(Ordering::Relaxed) }
    }
}
