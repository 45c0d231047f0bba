//! `sigv4`: requests signed with AWS Signature Version 4, for Amazon Managed Service for Prometheus. The keys are those of
//! Prometheus's `remote_write`, defined as `SigV4Config` in prometheus/sigv4.

mod keys;
mod machine;
mod role;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use object_store::aws::{AwsAuthorizer, AwsCredential};
use object_store::client::HttpRequest;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Body, Request};
use url::{Host, Url};

use super::AccessError;
use super::command::{self, KEY as COMMAND};
use super::fields::{Fields, Unsupported};
use super::program::Program;
use super::proxy::ProxyConfig;
use super::secret::{SecretSource, Sent};
use super::yaml::Node;
use crate::places::AwsFiles;
use crate::sources::prometheus::PromError;
use keys::KeySource;
use role::Role;

const KNOWN: [&str; 13] = [
    "region",
    "access_key",
    "secret_key",
    "secret_key_file",
    "session_token",
    "session_token_file",
    "profile",
    COMMAND,
    "role_arn",
    "external_id",
    "session_name",
    "use_fips_sts_endpoint",
    "service_name",
];
const UNSUPPORTED: [Unsupported; 1] = [("tags", "let the role be assumed without session tags")];

/// The service name of Amazon Managed Service for Prometheus.
const SERVICE: &str = "aps";

/// Everything except what AWS leaves unencoded.
const STRICT: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The settings under `sigv4` of `--http.config.file`.
#[derive(Clone, Debug)]
pub(super) struct SigV4 {
    region: Option<String>,
    service: String,
    keys: Chosen,
    role: Option<RoleConfig>,
}

/// Which keys sign the requests, or request a role.
#[derive(Clone, Debug)]
enum Chosen {
    Own {
        access_key: String,
        secret_key: SecretSource,
        session_token: Option<SecretSource>,
    },
    Profile(String),
    Command(Program),
    /// The first that there are: environment, web identity, files, container, instance.
    Found,
}

/// The role that requests are sent as.
#[derive(Clone, Debug)]
struct RoleConfig {
    arn: String,
    external_id: Option<String>,
    session_name: String,
    uses_fips: bool,
}

impl SigV4 {
    pub(super) fn of(file: &Path, node: &Node) -> Result<Self, AccessError> {
        let fields = Fields::of(file, "sigv4", node, &KNOWN, &UNSUPPORTED)?;
        let text = |key| Ok::<_, AccessError>(fields.text(key)?.map(str::to_owned));
        Ok(Self {
            region: text("region")?,
            service: text("service_name")?.unwrap_or_else(|| SERVICE.to_owned()),
            keys: chosen(file, &fields)?,
            role: role_config(&fields)?,
        })
    }
}

fn chosen(file: &Path, fields: &Fields<'_>) -> Result<Chosen, AccessError> {
    fields.at_most_one(&["access_key", "profile", COMMAND])?;
    let secret_key = fields.secret("secret_key", "secret_key_file")?;
    let session_token = fields.secret("session_token", "session_token_file")?;
    let example = "[aws, configure, export-credentials, --profile, NAME]";
    let command = command::of(file, fields, example)?;
    match (fields.text("access_key")?, secret_key) {
        (Some(access_key), Some(secret_key)) => {
            Ok(Chosen::Own { access_key: access_key.to_owned(), secret_key, session_token })
        }
        (Some(_), None) => Err(fields.wrong("has access_key without secret_key: add secret_key or secret_key_file")),
        (None, Some(_)) => Err(fields.wrong("has secret_key without access_key: add access_key")),
        (None, None) if session_token.is_some() => {
            Err(fields.wrong("has session_token without access_key and secret_key: add both"))
        }
        (None, None) => Ok(match (fields.text("profile")?, command) {
            (Some(profile), _) => Chosen::Profile(profile.to_owned()),
            (None, Some(program)) => Chosen::Command(program),
            (None, None) => Chosen::Found,
        }),
    }
}

fn role_config(fields: &Fields<'_>) -> Result<Option<RoleConfig>, AccessError> {
    let uses_fips = fields.is_on("use_fips_sts_endpoint")?.unwrap_or(false);
    let Some(arn) = fields.text("role_arn")? else {
        let needs_role = ["external_id", "session_name"].into_iter().find(|key| fields.is_given(key));
        let needs_role = needs_role.or(uses_fips.then_some("use_fips_sts_endpoint"));
        return needs_role.map_or(Ok(None), |key| Err(fields.error(key, "needs role_arn as well")));
    };
    let session_name = fields.text("session_name")?.unwrap_or("etcd-heatmap").to_owned();
    let external_id = fields.text("external_id")?.map(str::to_owned);
    Ok(Some(RoleConfig { arn: arn.to_owned(), external_id, session_name, uses_fips }))
}

/// Signs requests to one server.
#[derive(Clone)]
pub(super) struct Signer {
    region: String,
    service: String,
    keys: KeySource,
    role: Option<Arc<Role>>,
    sent: Sent,
}

impl Signer {
    /// Finds out where the keys and the region come from. Keys themselves are fetched when a request needs them.
    pub(super) fn open(config: &SigV4, url: &Url, proxy: &ProxyConfig, sent: &Sent) -> Result<Self, PromError> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let files = AwsFiles::of_environment();
        let region = region(config, url, files.as_ref(), &variable).ok_or_else(|| {
            let reason = "needs region: add the region of the workspace".to_owned();
            super::AccessError::Value { what: "sigv4", reason }
        })?;
        let keys = KeySource::of(&config.keys, &region, files, &variable, proxy, sent)?;
        let role = config.role.as_ref().map(|role| Role::of(role, &region, &variable, proxy, sent)).transpose()?;
        Ok(Self { region, service: config.service.clone(), keys, role: role.map(Arc::new), sent: sent.clone() })
    }

    /// The keys for the next request.
    pub(super) async fn keys(&self) -> Result<Arc<AwsCredential>, PromError> {
        let keys = async || {
            let keys = self.keys.keys().await?;
            learn(&self.sent, &keys);
            Ok(keys)
        };
        match &self.role {
            None => keys().await,
            Some(role) => role.keys(keys).await,
        }
    }

    /// Signs a request as it will be sent to this URL.
    pub(super) fn sign(&self, request: &mut Request, at: &Url, keys: &AwsCredential) -> Result<(), PromError> {
        sign(request, at, keys, &self.service, &self.region)
    }
}

/// The region of the requests: of the settings, of the host's name, of the environment, or of the profile.
fn region(
    config: &SigV4,
    url: &Url,
    files: Option<&AwsFiles>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Option<String> {
    let of_environment = || variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
    let of_profile = || {
        let name = match &config.keys {
            Chosen::Profile(name) => name.clone(),
            _ => variable("AWS_PROFILE").unwrap_or_else(|| "default".to_owned()),
        };
        files?.region(&name)
    };
    config.region.clone().or_else(|| region_of_host(url)).or_else(of_environment).or_else(of_profile)
}

/// The region in a name such as `aps-workspaces.eu-central-1.amazonaws.com`.
fn region_of_host(url: &Url) -> Option<String> {
    let Some(Host::Domain(name)) = url.host() else { return None };
    let mut labels = name.split('.').skip_while(|label| !label.starts_with("aps-workspaces"));
    labels.nth(1).filter(|_| name.contains(".amazonaws.com") || name.ends_with(".api.aws")).map(str::to_owned)
}

/// Hides keys in what the server returns: an answer of 403 may repeat the headers that were signed.
fn learn(sent: &Sent, keys: &AwsCredential) {
    sent.learn(&keys.secret_key);
    if let Some(token) = &keys.token {
        sent.learn(token);
    }
}

/// Writes the query of a URL as AWS does, so that nobody on the way reads `+` or `*` in another way than the server.
pub(super) fn with_strict_query(mut url: Url) -> Url {
    if url.query().is_some_and(|query| !query.is_empty()) {
        let strict = |text: &str| utf8_percent_encode(text, &STRICT).to_string();
        let pairs: Vec<String> =
            url.query_pairs().map(|(name, value)| format!("{}={}", strict(&name), strict(&value))).collect();
        url.set_query(Some(&pairs.join("&")));
    }
    url
}

/// Adds the headers of Signature Version 4 to a request, with the time of now. `at` is the URL that the server sees.
fn sign(request: &mut Request, at: &Url, keys: &AwsCredential, service: &str, region: &str) -> Result<(), PromError> {
    let body = request.body().and_then(Body::as_bytes).unwrap_or_default().to_vec();
    let mut signed = HttpRequest::new(body.into());
    *signed.method_mut() = request.method().clone();
    *signed.uri_mut() = at.as_str().parse().map_err(|_| keys::unusable("the URL cannot be signed"))?;
    // Other headers are left out, because a proxy may change them.
    let headers = request.headers().iter();
    for (name, value) in headers.filter(|(name, _)| name.as_str().starts_with("x-amz-") || *name == CONTENT_TYPE) {
        signed.headers_mut().append(name, value.clone());
    }
    let signing = AwsAuthorizer::new(keys, service, region).try_authorize(&mut signed, None);
    signing.map_err(|error| keys::unusable(&error.to_string()))?;
    for (name, value) in signed.headers() {
        let mut value = value.clone();
        value.set_sensitive(true);
        request.headers_mut().insert(name, value);
    }
    Ok(())
}
