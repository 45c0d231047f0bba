//! What a server accepts: the parameters that its kind supports, and POST or GET. The client finds out both once,
//! and keeps them for the run.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use tokio::sync::{Mutex as AsyncMutex, OnceCell};
use tokio::time::timeout;
use tracing::{Instrument, info, warn_span};
use url::Url;

use super::echo::Parameters;
use super::failure::{Cure, Failure};
use super::limits::split_words;
use super::server::{Identity, identity_of};
use super::{Client, PromError, Terms};
use crate::text::named::named;

/// The longest time that the identification of a server may take. Without an answer by then, queries carry no
/// parameters of a vendor.
const LONGEST_IDENTIFICATION: Duration = Duration::from_secs(30);
/// How long to wait before trying again to identify a server that could not be reached.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// Parameters that each query sets itself, so `--url` cannot set them.
pub(super) const OF_QUERIES: [&str; 6] = ["query", "start", "end", "step", "time", "match[]"];

named! {
    /// Parameters that a query works without. If a server refuses a parameter without naming it, they are left out one
    /// by one, in this order.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) enum Optional {
        MaxLookback = "max_lookback",
        NoCache = "nocache",
        DenyPartialResponse = "deny_partial_response",
        MaxSourceResolution = "max_source_resolution",
        PartialResponse = "partial_response",
        Timeout = "timeout",
    }
    listed
}

named! {
    /// The kind of a server, which decides the parameters of its queries.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(crate) enum ServerKind {
        /// Identify the kind from the server's status pages.
        #[default]
        Auto = "auto",
        Prometheus = "prometheus",
        Thanos = "thanos",
        VictoriaMetrics = "victoriametrics",
        /// Mimir or Cortex.
        Mimir = "mimir",
        /// A managed service: queries carry only the parameters of Prometheus's API, and the server is not identified.
        Managed = "managed",
    }
    parsed "unknown kind of server"
}

named! {
    /// The HTTP method of queries.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(crate) enum HttpMethod {
        /// POST, or GET if the server refuses POST.
        #[default]
        Auto = "auto",
        Post = "post",
        Get = "get",
    }
    parsed "unknown HTTP method"
}

impl ServerKind {
    /// The name for people.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Auto => "of unknown kind",
            Self::Prometheus => "Prometheus",
            Self::Thanos => "Thanos",
            Self::VictoriaMetrics => "VictoriaMetrics",
            Self::Mimir => "Mimir",
            Self::Managed => "managed service",
        }
    }
}

/// What earlier answers showed about a server.
#[derive(Debug, Default)]
pub(super) struct Dialect {
    identity: AsyncMutex<Option<(Instant, Result<Identity, PromError>)>>,
    left_out: Mutex<BTreeSet<&'static str>>,
    uses_get: AtomicBool,
    is_etcd: OnceCell<bool>,
    speaks_tls: OnceCell<bool>,
}

impl Dialect {
    fn is_left_out(&self, name: &str) -> bool {
        self.left_out.lock().unwrap_or_else(PoisonError::into_inner).contains(name)
    }

    /// Leaves a parameter out of all following queries. Returns whether they have contained it until now.
    pub(super) fn leave_out(&self, name: &'static str) -> bool {
        self.left_out.lock().unwrap_or_else(PoisonError::into_inner).insert(name)
    }

    /// Whether to send queries with GET.
    pub(super) fn uses_get(&self, method: HttpMethod) -> bool {
        method == HttpMethod::Get || method == HttpMethod::Auto && self.uses_get.load(Ordering::Relaxed)
    }

    pub(super) fn use_get(&self) {
        if !self.uses_get.swap(true, Ordering::Relaxed) {
            info!("the server refuses POST: sending queries with GET");
        }
    }
}

impl Client {
    /// Identifies the server once per run. Fails if the server cannot be reached; a later call then tries again.
    pub(super) async fn identity(&self) -> Result<Identity, PromError> {
        let mut known = self.dialect().identity.lock().await;
        match &*known {
            Some((_, Ok(identity))) => return Ok(identity.clone()),
            Some((at, Err(error))) if at.elapsed() < TRY_AGAIN_AFTER => return Err(error.clone()),
            _ => {}
        }
        let longest = LONGEST_IDENTIFICATION.min(self.terms().timeout);
        let asking = timeout(longest, identity_of(self)).instrument(warn_span!("identification"));
        let found = asking.await.unwrap_or_else(|_| {
            let cause = format!("no answer within {} s", longest.as_secs());
            let refused = PromError::Broken { url: self.shown_url().to_owned(), cause };
            Ok(Identity { refused: Some(refused), ..Identity::default() })
        });
        if let Ok(identity) = &found {
            info!(kind = identity.kind.map(ServerKind::name), name = identity.name, "identified the server");
        }
        *known = Some((Instant::now(), found.clone()));
        found
    }

    /// The kind of the server; `None` if it is unknown. A refused identification becomes a note, because an unknown
    /// server gets no parameters of a vendor. If there is no answer at all, the next query reports that.
    async fn kind(&self) -> Option<ServerKind> {
        let given = self.terms().server;
        if given != ServerKind::Auto {
            return Some(given);
        }
        let identity = self.identity().await.ok()?;
        if let (None, Some(refused)) = (identity.kind, &identity.refused) {
            let note = "cannot identify the server, so queries carry no vendor-specific parameters (set --server)";
            self.learnt_notes().add(note, &[refused.to_string()]);
        }
        identity.kind
    }

    /// The optional parameters of a query to this server, without those that it refused or that `--url` sets.
    pub(super) async fn optional_parameters(&self) -> Vec<(&'static str, String)> {
        let mut parameters = of_kind(self.kind().await, self.terms());
        parameters.retain(|(name, _)| {
            !self.dialect().is_left_out(name) && !self.endpoint().query_pairs().any(|(given, _)| given == *name)
        });
        parameters
    }

    /// Whether an `http` URL should be an `https` one. Some TLS servers, such as etcd, just close a plain connection.
    async fn needs_https(&self) -> bool {
        let looking = async || self.endpoint().scheme() == "http" && self.access().speaks_tls(self.endpoint()).await;
        *self.dialect().speaks_tls.get_or_init(looking).await
    }

    /// The failure, with a more precise error if the URL turns out to be that of an etcd member or to need `https`.
    pub(super) async fn explained(&self, failure: Failure) -> Failure {
        let url = self.shown_url().to_owned();
        let is_first = !self.has_answered();
        match &failure.error {
            PromError::NotFound { .. } if self.is_etcd().await => {
                Failure::new(PromError::EtcdItself { url }, Cure::Nothing)
            }
            PromError::Broken { .. } | PromError::NotHttp { .. } if is_first && self.needs_https().await => {
                Failure::new(PromError::WantsTls { url }, Cure::Nothing)
            }
            _ => failure,
        }
    }

    /// Whether the server is an etcd member, at its client or metrics address, instead of a Prometheus.
    async fn is_etcd(&self) -> bool {
        let page = async |path: &str| {
            let mut address: Url = self.endpoint().clone();
            address.set_path(path);
            let response = self.access().get(&address).await.ok().filter(|response| response.status().is_success())?;
            let body = self.read_answer(response, &[]).await.ok()?;
            Some(String::from_utf8_lossy(&body).into_owned())
        };
        let looking = async || {
            page("/version").await.is_some_and(|text| text.contains("\"etcdserver\""))
                || page("/metrics").await.is_some_and(|text| text.contains("etcd_server_has_leader"))
        };
        *self.dialect().is_etcd.get_or_init(looking).await
    }
}

fn of_kind(kind: Option<ServerKind>, terms: &Terms) -> Vec<(&'static str, String)> {
    // Lets the server stop when the client stops waiting.
    let mut parameters = vec![("timeout", format!("{}s", terms.timeout.as_secs().max(1)))];
    match kind {
        Some(ServerKind::Thanos) => parameters.extend([
            ("partial_response", terms.allow_partial.to_string()),
            // With auto-downsampling enabled, Thanos would return downsampled samples for long steps.
            ("max_source_resolution", "0s".to_owned()),
        ]),
        Some(ServerKind::VictoriaMetrics) => {
            // By default, VictoriaMetrics looks back a whole step for gauges, which hides outages; `nocache` is needed
            // because its cache ignores `max_lookback`.
            parameters.extend([("max_lookback", "5m".to_owned()), ("nocache", "1".to_owned())]);
            if !terms.allow_partial {
                parameters.push(("deny_partial_response", "1".to_owned()));
            }
        }
        Some(ServerKind::Auto | ServerKind::Prometheus | ServerKind::Mimir | ServerKind::Managed) | None => {}
    }
    parameters
}

/// The optional parameter that the server refused: the one that its message names, or the first one sent if the
/// message is about a parameter but does not name it. `words` are the server's own words.
pub(super) fn refused_parameter(
    status: StatusCode,
    kind: &str,
    words: &str,
    sent: &Parameters<'_>,
) -> Option<Optional> {
    if !matches!(status.as_u16(), 400 | 403 | 422) || kind == "timeout" {
        return None;
    }
    let lower = words.to_lowercase();
    let names = |name: &str| {
        let is_of_a_name = |c: char| c.is_alphanumeric() || c == '_';
        lower.split(|c| !is_of_a_name(c)).any(|word| word == name)
    };
    let mut optional = Optional::ALL.into_iter().filter(|one| sent.iter().any(|(sent, _)| *sent == one.name()));
    let is_about_parameters = is_about_parameters(words);
    // "timeout" may also mean that the query took too long.
    let is_meant = |name: &str| name != "timeout" || is_about_parameters || is_quoted(&lower, name);
    if let Some(named) = optional.clone().find(|one| names(one.name()) && is_meant(one.name())) {
        return Some(named);
    }
    let names_another =
        Optional::ALL.iter().any(|one| names(one.name())) || OF_QUERIES.iter().any(|name| is_quoted(&lower, name));
    let is_unknown = ["unknown", "unrecognized", "unrecognised", "unexpected", "unsupported", "not allowed"];
    let is_unnamed = is_about_parameters && is_unknown.iter().any(|word| lower.contains(word)) && !names_another;
    optional.next().filter(|_| is_unnamed && !lower.contains("parse error"))
}

/// Whether words speak of the parameters of a request.
fn is_about_parameters(words: &str) -> bool {
    const PARAMETERS: [&str; 8] =
        ["parameter", "parameters", "param", "params", "field", "fields", "argument", "arguments"];
    split_words(words).iter().any(|word| PARAMETERS.contains(&word.as_str()))
}

fn is_quoted(text: &str, name: &str) -> bool {
    ['"', '\'', '`'].iter().any(|quote| text.contains(&format!("{quote}{name}{quote}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(kind: Option<ServerKind>, allow_partial: bool) -> Vec<(&'static str, String)> {
        of_kind(kind, &Terms { allow_partial, ..Terms::default() })
    }

    #[test]
    fn only_a_vendor_gets_its_parameters() {
        let common = ("timeout", "300s".to_owned());
        for kind in [None, Some(ServerKind::Prometheus), Some(ServerKind::Mimir), Some(ServerKind::Managed)] {
            assert_eq!(names(kind, false).as_slice(), std::slice::from_ref(&common), "{kind:?}");
        }
        let (lookback, cache) = (("max_lookback", "5m".to_owned()), ("nocache", "1".to_owned()));
        let victoria = |allow| names(Some(ServerKind::VictoriaMetrics), allow);
        assert_eq!(victoria(true), [common.clone(), lookback.clone(), cache.clone()]);
        assert_eq!(victoria(false), [common.clone(), lookback, cache, ("deny_partial_response", "1".to_owned())]);
        let resolution = ("max_source_resolution", "0s".to_owned());
        for (allow, text) in [(false, "false"), (true, "true")] {
            let partial = ("partial_response", text.to_owned());
            assert_eq!(names(Some(ServerKind::Thanos), allow), [common.clone(), partial, resolution.clone()]);
        }
    }

    fn refused(status: u16, kind: &str, words: &str) -> Option<&'static str> {
        let sent = ["query", "start", "timeout", "nocache", "max_lookback"].map(|name| (name, "sent-value".to_owned()));
        let found = refused_parameter(StatusCode::from_u16(status).unwrap_or_default(), kind, words, &sent);
        found.map(Optional::name)
    }

    #[test]
    fn a_refused_parameter_is_found_by_its_name() {
        for words in [
            "invalid request: no field is named \"nocache\": cannot bind the query parameter",
            "unknown parameter: nocache",
            "nocache: extra fields not permitted",
            "{\"loc\":[\"query\",\"nocache\"]}",
            "Query string argument [nocache] is forbidden",
        ] {
            for status in [400, 403, 422] {
                assert_eq!(refused(status, "", words), Some("nocache"), "{status} {words}");
            }
            assert_eq!(refused(500, "", words), None, "{words}");
        }
        // A parameter that was not sent cannot be left out.
        assert_eq!(refused(400, "", "unknown parameter: partial_response"), None);
        assert_eq!(refused(400, "", "the metric nocache_total is unknown"), None);
    }

    #[test]
    fn a_query_that_timed_out_is_no_refusal_of_the_parameter_timeout() {
        for (status, kind, words, expected) in [
            (400, "", "unknown parameter timeout", Some("timeout")),
            (422, "bad_data", "no such field: `timeout`", Some("timeout")),
            (403, "", "'timeout' may not be set", Some("timeout")),
            (503, "timeout", "query timed out in expression evaluation", None),
            (422, "timeout", "the \"timeout\" was reached", None),
            (422, "execution", "request timeout of the store", None),
            (400, "", "upstream timeout", None),
        ] {
            assert_eq!(refused(status, kind, words), expected, "{status} {words}");
        }
    }

    #[test]
    fn without_a_name_the_optional_parameters_are_left_out_one_after_the_other() {
        assert_eq!(refused(400, "", "unrecognized query parameters"), Some("max_lookback"));
        assert_eq!(refused(400, "bad_data", "invalid parameter \"query\": unknown field"), None);
        assert_eq!(refused(400, "bad_data", "parse error: unexpected argument"), None);
        assert_eq!(refused(400, "bad_data", "unknown function"), None);
    }
}
