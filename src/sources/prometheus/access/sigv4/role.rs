//! `role_arn`: temporary keys of a role, from AWS's security token service (STS).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use object_store::aws::AwsCredential;
use reqwest::Method;
use serde::Deserialize;
use tracing::debug;
use url::Url;

use super::super::connection::Connection;
use super::super::proxy::ProxyConfig;
use super::super::secret::Sent;
use super::super::tls::TlsConfig;
use super::super::tokens::{Cache, Dated};
use super::super::{TOKEN_TIMEOUT, without_login};
use super::{RoleConfig, learn, sign};
use crate::sources::prometheus::{PromError, USER_AGENT};
use crate::text::terminal::terminal_message;

/// A role to assume, with its temporary keys.
pub(super) struct Role {
    config: RoleConfig,
    region: String,
    endpoint: Url,
    connection: Connection,
    sent: Sent,
    cache: Cache<Arc<AwsCredential>>,
}

/// The parts of STS's answers that matter, in its XML.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    assume_role_result: Assumed,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Assumed {
    credentials: RoleKeys,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RoleKeys {
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
    expiration: DateTime<Utc>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Refused {
    error: Refusal,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Refusal {
    code: String,
    message: String,
}

impl Role {
    pub(super) fn of(
        config: &RoleConfig,
        region: &str,
        variable: &dyn Fn(&str) -> Option<String>,
        proxy: &ProxyConfig,
        sent: &Sent,
    ) -> Result<Self, PromError> {
        let endpoint = variable("AWS_ENDPOINT_URL_STS").unwrap_or_else(|| usual_endpoint(config.uses_fips, region));
        let endpoint = Url::parse(&endpoint).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let endpoint = endpoint.ok_or_else(|| super::keys::unusable("AWS_ENDPOINT_URL_STS is not a URL"))?;
        let builder = reqwest::Client::builder().user_agent(USER_AGENT).timeout(TOKEN_TIMEOUT);
        let connection = Connection::open(&endpoint, &TlsConfig::default(), proxy, builder, sent)?;
        let (config, region, sent) = (config.clone(), region.to_owned(), sent.clone());
        Ok(Self { config, region, endpoint, connection, sent, cache: Cache::default() })
    }

    /// The keys of the role; `own` are those that may assume it.
    pub(super) async fn keys(
        &self,
        own: impl AsyncFnOnce() -> Result<Arc<AwsCredential>, PromError>,
    ) -> Result<Arc<AwsCredential>, PromError> {
        self.cache.get(async { self.assume(&*own().await?).await }).await
    }

    async fn assume(&self, own: &AwsCredential) -> Result<Dated<Arc<AwsCredential>>, PromError> {
        let RoleConfig { arn, external_id, session_name, .. } = &self.config;
        let mut form = vec![
            ("Action", "AssumeRole"),
            ("Version", "2011-06-15"),
            ("RoleArn", arn),
            ("RoleSessionName", session_name),
        ];
        form.extend(external_id.as_deref().map(|id| ("ExternalId", id)));
        let lost = |error: reqwest::Error| self.error(&self.connection.cause(&error), true);
        let request = self.connection.request(Method::POST, &self.endpoint).form(&form);
        let mut request = request.build().map_err(lost)?;
        sign(&mut request, &self.endpoint, own, "sts", &self.region)?;
        debug!(url = without_login(&self.endpoint), "assuming a role");
        let response = self.connection.execute(request).await.map_err(lost)?;
        let status = response.status();
        let body = response.text().await.map_err(lost)?;
        if !status.is_success() {
            let refusal: Option<Refused> = quick_xml::de::from_str(&body).ok();
            let words = refusal.map(|Refused { error }| format!(" ({}: {})", error.code, error.message));
            let passes = status.is_server_error() || status.as_u16() == 429;
            return Err(self.error(&format!("{status}{}", words.unwrap_or_default()), passes));
        }
        let answer = quick_xml::de::from_str(&body).map_err(|_| self.error("no keys in the answer", false));
        let Answer { assume_role_result: Assumed { credentials } } = answer?;
        let lifetime = (credentials.expiration - Utc::now()).to_std().unwrap_or_default();
        debug!(seconds = lifetime.as_secs(), "got keys of the role");
        let RoleKeys { access_key_id: key_id, secret_access_key: secret_key, session_token, .. } = credentials;
        let keys = AwsCredential { key_id, secret_key, token: Some(session_token) };
        learn(&self.sent, &keys);
        let keys = super::keys::sendable(Arc::new(keys))?;
        Ok(Dated::new(keys, Some(lifetime)))
    }

    fn error(&self, cause: &str, passes: bool) -> PromError {
        let url = without_login(&self.endpoint);
        let cause = format!("{} cannot be assumed at {url}: {cause}", self.config.arn);
        PromError::NoAwsKeys { cause: terminal_message(&self.sent.hide(&cause)), passes }
    }
}

/// STS's own endpoint in a region.
fn usual_endpoint(uses_fips: bool, region: &str) -> String {
    let name = if uses_fips { "sts-fips" } else { "sts" };
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://{name}.{region}.{domain}")
}
