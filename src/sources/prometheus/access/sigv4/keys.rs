//! Where the keys come from that sign requests.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use object_store::aws::{AwsCredential, AwsCredentialProvider};
use reqwest::header::HeaderValue;
use serde::Deserialize;

use super::super::command::{Printer, lifetime};
use super::super::proxy::ProxyConfig;
use super::super::secret::{SecretSource, Sent};
use super::super::tokens::{Cache, Dated};
use super::{Chosen, machine};
use crate::places::{AwsFileError, AwsFiles, AwsKeys};
use crate::sources::prometheus::PromError;
use crate::text::terminal::terminal_message;

/// A source of keys.
#[derive(Clone)]
pub(super) enum KeySource {
    /// Of the config file.
    Own { access_key: String, secret_key: SecretSource, session_token: Option<SecretSource> },
    /// Of the environment.
    Environment(Arc<AwsCredential>),
    /// Of a profile, whose files are read again for each request.
    Profile { files: AwsFiles, name: String },
    /// Of a program that prints them.
    Command(Arc<(Printer, Cache<Arc<AwsCredential>>)>),
    /// Of a web identity, a container or an instance.
    Machine { provider: AwsCredentialProvider, reporter: Arc<machine::Reporter> },
}

impl KeySource {
    /// The source that is chosen, or the first that there is: environment, web identity, files, container, instance. That is
    /// the order of the AWS SDK for Go, which Prometheus uses.
    pub(super) fn of(
        chosen: &Chosen,
        region: &str,
        files: Option<AwsFiles>,
        variable: &dyn Fn(&str) -> Option<String>,
        proxy: &ProxyConfig,
        sent: &Sent,
    ) -> Result<Self, PromError> {
        match chosen.clone() {
            Chosen::Own { access_key, secret_key, session_token } => {
                let own = Self::Own { access_key, secret_key, session_token };
                // Read now, so that a missing file fails before the first request.
                own.read().map(|_| own)
            }
            Chosen::Profile(name) => Self::of_profile(files, name),
            Chosen::Command(program) => {
                Ok(Self::Command(Arc::new((Printer::new(&program, sent.clone()), Cache::default()))))
            }
            Chosen::Found => Self::found(region, files, variable, proxy, sent),
        }
    }

    fn found(
        region: &str,
        files: Option<AwsFiles>,
        variable: &dyn Fn(&str) -> Option<String>,
        proxy: &ProxyConfig,
        sent: &Sent,
    ) -> Result<Self, PromError> {
        match (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) {
            (Some(access_key), Some(secret_key)) => {
                let session_token = variable("AWS_SESSION_TOKEN");
                return credential(AwsKeys { access_key, secret_key, session_token }).map(Self::Environment);
            }
            (Some(_), None) => return Err(unusable("AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY")),
            (None, Some(_)) => return Err(unusable("AWS_SECRET_ACCESS_KEY is set without AWS_ACCESS_KEY_ID")),
            (None, None) => {}
        }
        let of_machine = |found: machine::Found| {
            let reporter = machine::Reporter::new(&found, sent);
            let provider = machine::provider(found, region, proxy, &reporter, sent)?;
            Ok(Self::Machine { provider, reporter: Arc::new(reporter) })
        };
        if let Some(identity) = machine::web_identity(variable) {
            return of_machine(identity);
        }
        let named = variable("AWS_PROFILE");
        let name = named.clone().unwrap_or_else(|| "default".to_owned());
        let has_keys = match &files {
            Some(files) => files.profile(&name)?.is_some_and(|profile| profile.keys.is_some()),
            None => false,
        };
        if named.is_some() || has_keys {
            return Self::of_profile(files, name);
        }
        of_machine(machine::container_or_instance(variable)?)
    }

    fn of_profile(files: Option<AwsFiles>, name: String) -> Result<Self, PromError> {
        let files = files.ok_or_else(|| {
            unusable("without a home folder, a profile needs AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE")
        })?;
        let source = Self::Profile { files, name };
        source.read().map(|_| source)
    }

    /// The keys of a source that needs no waiting; `None` for the others.
    fn read(&self) -> Result<Option<Arc<AwsCredential>>, PromError> {
        match self {
            Self::Own { access_key, secret_key, session_token } => {
                let token = session_token.as_ref().map(SecretSource::read).transpose()?;
                credential(AwsKeys {
                    access_key: access_key.clone(),
                    secret_key: secret_key.read()?.reveal().to_owned(),
                    session_token: token.map(|token| token.reveal().to_owned()),
                })
                .map(Some)
            }
            Self::Environment(keys) => Ok(Some(Arc::clone(keys))),
            Self::Profile { files, name } => {
                let profile = files.profile(name)?.ok_or_else(|| files.no_profile(name))?;
                let keys = profile.keys.ok_or_else(|| AwsFileError::NoKeys { name: name.clone() })?;
                credential(keys).map(Some)
            }
            Self::Command(_) | Self::Machine { .. } => Ok(None),
        }
    }

    /// The keys for the next request.
    pub(super) async fn keys(&self) -> Result<Arc<AwsCredential>, PromError> {
        match self {
            Self::Command(command) => {
                let (printer, cache) = &**command;
                cache.get(printed(printer)).await
            }
            Self::Machine { provider, reporter } => {
                let keys = provider.get_credential().await.map_err(|error| reporter.failed(&error))?;
                reporter.has_worked();
                sendable(keys)
            }
            _ => self.read()?.ok_or_else(|| unusable("there are none")),
        }
    }
}

/// The output of `aws configure export-credentials` and of other programs for `credential_process`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PrintedKeys {
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    expiration: Option<DateTime<Utc>>,
}

async fn printed(printer: &Printer) -> Result<Dated<Arc<AwsCredential>>, PromError> {
    let read = |stdout: &[u8]| {
        serde_json::from_slice(stdout).map_err(|_| {
            "printed no JSON with AccessKeyId and SecretAccessKey: it must print what `aws configure export-credentials` \
             prints"
        })
    };
    let PrintedKeys { access_key_id, secret_access_key, session_token, expiration } = printer.print(read).await?;
    let keys = AwsKeys { access_key: access_key_id, secret_key: secret_access_key, session_token };
    Ok(Dated::new(credential(keys)?, Some(lifetime(expiration))))
}

/// Keys as the signer takes them.
fn credential(keys: AwsKeys) -> Result<Arc<AwsCredential>, PromError> {
    let credential = AwsCredential { key_id: keys.access_key, secret_key: keys.secret_key, token: keys.session_token };
    sendable(Arc::new(credential))
}

/// Returns the keys if they can stand in headers. The signer panics on others.
pub(super) fn sendable(keys: Arc<AwsCredential>) -> Result<Arc<AwsCredential>, PromError> {
    let is_header = |text: &String| !text.is_empty() && HeaderValue::from_str(text).is_ok();
    if is_header(&keys.key_id) && keys.token.as_ref().is_none_or(is_header) {
        return Ok(keys);
    }
    Err(unusable("an access key or session token is empty, or has characters such as line breaks"))
}

/// The error for keys that cannot be used, whatever is retried.
pub(super) fn unusable(cause: &str) -> PromError {
    PromError::NoAwsKeys { cause: terminal_message(cause), passes: false }
}
