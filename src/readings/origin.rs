//! Identifies the source of a history's readings.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Source, SourceName};

/// A source's kind and the facts that identify it, as stored in each day's footer and in
/// the manifest. Contains no secret.
///
/// The kind is text, so a history from a source that this version does not know can still be scored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    #[serde(default = "server")]
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    /// The version of Prometheus whose results were computed from raw samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    promql: Option<String>,
    /// Which of several replicas was read, as label and value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replica: Option<String>,
    /// The sources of a history that was joined from several, each as its own history describes it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    sources: BTreeMap<SourceName, Source>,
}

/// The kind of a server with the query API of Prometheus. Version 0.1.0 had no other sources and stored no kind.
const SERVER: &str = "prometheus";
/// The kind of the source of a history that was joined from several.
const SEVERAL: &str = "several";
/// The kind of a source whose clusters and members have pseudonyms.
const ANONYMIZED: &str = "anonymized";

fn server() -> String {
    SERVER.to_owned()
}

impl Origin {
    /// A server with the query API of Prometheus. `url` has no login; `headers` select what the server returns
    /// (the data of one tenant, for example) and are not secret.
    pub fn server(url: &str, headers: BTreeMap<String, String>) -> Self {
        Self { kind: server(), url: Some(url.to_owned()), headers, ..Self::default() }
    }

    /// A source of another kind. `name` identifies it in messages: a path, for example.
    pub fn named(kind: &str, name: &str) -> Self {
        Self { name: Some(name.to_owned()), kind: kind.to_owned(), ..Self::default() }
    }

    /// Several sources.
    pub(super) fn several(sources: BTreeMap<SourceName, Source>) -> Self {
        Self { kind: SEVERAL.to_owned(), sources, ..Self::default() }
    }

    /// The sources of a history that was joined from several; empty for any other.
    pub(crate) fn sources(&self) -> &BTreeMap<SourceName, Source> {
        &self.sources
    }

    /// The name of the one among several sources to which a cluster belongs; `None` in a history of a single source.
    pub(crate) fn source_of(&self, cluster: &str) -> Option<&SourceName> {
        self.sources.keys().find(|name| name.has(cluster))
    }

    /// A source that is known only by this pseudonym. Of several, `sources` has what is known of each.
    pub(super) fn anonymized(pseudonym: &str, sources: BTreeMap<SourceName, Source>) -> Self {
        Self { sources, ..Self::named(ANONYMIZED, pseudonym) }
    }

    /// Whether clusters and members have pseudonyms in place of the names that they have in the source.
    pub(crate) fn is_anonymized(&self) -> bool {
        self.kind == ANONYMIZED
    }

    /// This source, whose readings are computed from raw samples as this version of Prometheus does.
    pub(crate) fn computed_as(self, version: &str) -> Self {
        Self { promql: Some(version.to_owned()), ..self }
    }

    /// This source, of which only one replica is read.
    pub(crate) fn of_replica(self, replica: Option<String>) -> Self {
        Self { replica, ..self }
    }

    /// The version of Prometheus whose results were computed; `server` if a server computed them.
    pub(crate) fn promql(&self) -> &str {
        self.promql.as_deref().unwrap_or("server")
    }

    /// The replica that was read; `none` if none was chosen.
    pub(super) fn replica(&self) -> &str {
        self.replica.as_deref().unwrap_or("none")
    }

    /// This source, with the URL of `server`, from which its readings were first pulled.
    pub(crate) fn first_pulled_from(self, server: &Self) -> Self {
        Self { url: server.url.clone(), ..self }
    }

    /// The headers on one line, or `none` without headers.
    pub(super) fn headers(&self) -> String {
        if self.headers.is_empty() { "none".to_owned() } else { self.headers_in_flags() }
    }

    /// The headers on one line, as `--header` takes them; empty without headers.
    pub(crate) fn headers_in_flags(&self) -> String {
        self.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join(", ")
    }
}

/// Shows the name; without a name the URL, and without either the kind. Several sources are listed.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.sources.is_empty() {
            let each = self.sources.iter().map(|(name, source)| format!("{name} ({})", source.origin));
            return f.write_str(&each.collect::<Vec<_>>().join(", "));
        }
        f.write_str(self.name.as_deref().or(self.url.as_deref()).unwrap_or(&self.kind))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    #[test]
    fn an_origin_that_0_1_0_stored_is_a_server() {
        let old = r#"{"url":"http://127.0.0.1:9090","headers":{"X-Scope-OrgID":"a"}}"#;
        let headers = BTreeMap::from([("X-Scope-OrgID".to_owned(), "a".to_owned())]);
        let origin: Origin = serde_json::from_str(old).unwrap();
        assert_eq!(origin, Origin::server("http://127.0.0.1:9090", headers));
        assert_eq!(origin.to_string(), "http://127.0.0.1:9090");
        assert_eq!(origin.headers(), "X-Scope-OrgID: a");
    }

    #[test]
    fn origins_of_every_kind_are_read_back_as_they_were_written() {
        let server = Origin::server("http://127.0.0.1:9090", BTreeMap::new());
        let directory = Origin::named("tsdb", "/var/lib/prometheus");
        let copied = Origin::named("sample", "the sample").first_pulled_from(&server);
        for (origin, written) in [
            (server, r#"{"kind":"prometheus","url":"http://127.0.0.1:9090"}"#),
            (directory, r#"{"kind":"tsdb","name":"/var/lib/prometheus"}"#),
            (copied, r#"{"kind":"sample","name":"the sample","url":"http://127.0.0.1:9090"}"#),
        ] {
            assert_eq!(serde_json::to_string(&origin).unwrap(), written);
            assert_eq!(serde_json::from_str::<Origin>(written).unwrap(), origin);
        }
    }

    #[test]
    fn several_sources_are_read_back_with_what_each_is() {
        let of = |url: &str, promql: &str| Source {
            origin: Origin::server(url, BTreeMap::from([("x-scope-orgid".to_owned(), "a".to_owned())])),
            step_seconds: 60,
            cluster_label: None,
            member_label: "pod".to_owned(),
            queries: BTreeMap::from([(
                "db_size".to_owned(),
                crate::readings::QuerySource { form: "raw".to_owned(), promql: promql.to_owned() },
            )]),
        };
        let sources = [("eu-1", of("http://eu", "a")), ("us-1", of("http://us", "b"))];
        let sources = sources.map(|(name, source)| (name.parse().unwrap(), source)).into();
        let origin = Origin::several(sources);
        let written = serde_json::to_string(&origin).unwrap();
        assert_eq!(serde_json::from_str::<Origin>(&written).unwrap(), origin);
        assert_eq!(origin.to_string(), "eu-1 (http://eu), us-1 (http://us)");
        let value: serde_json::Value = serde_json::from_str(&written).unwrap();
        assert_eq!(value["kind"], "several");
        assert_eq!(value["sources"]["us-1"]["url"], "http://us");
        assert_eq!(value["sources"]["us-1"]["queries"]["db_size"]["promql"], "b");
    }

    #[test]
    fn an_origin_of_an_unknown_kind_is_shown_by_its_name_its_url_or_its_kind() {
        for (stored, shown) in [
            (r#"{"kind":"carrier-pigeon","name":"Speckled Jim","url":"http://loft"}"#, "Speckled Jim"),
            (r#"{"kind":"carrier-pigeon","url":"http://loft"}"#, "http://loft"),
            (r#"{"kind":"carrier-pigeon"}"#, "carrier-pigeon"),
        ] {
            assert_eq!(serde_json::from_str::<Origin>(stored).unwrap().to_string(), shown);
        }
    }
}
