//! What a history was pulled from: the part of the question that its days must share.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::spec::{Column, Companion, Metric};

/// One metric's query as it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuerySource {
    /// `raw` or `recorded`.
    pub form: String,
    /// The PromQL text.
    pub promql: String,
}

/// The kind of a source, and the facts that identify a source of that kind. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", try_from = "OriginFields")]
pub enum Origin {
    /// A server with the query API of Prometheus.
    Prometheus {
        /// The server's URL, without a login.
        url: String,
        /// Headers that choose what the server answers, such as a tenant's; none that holds a secret.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        headers: BTreeMap<String, String>,
    },
    /// The sample that is embedded in the program.
    Sample {
        /// The server that it was pulled from before it was embedded.
        url: String,
    },
}

/// An origin as it is stored. Version 0.1.0 stored no kind: all its sources were servers.
#[derive(Deserialize)]
struct OriginFields {
    kind: Option<String>,
    url: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

impl TryFrom<OriginFields> for Origin {
    type Error = String;

    fn try_from(fields: OriginFields) -> Result<Self, String> {
        let OriginFields { kind, url, headers } = fields;
        match kind.as_deref() {
            None | Some("prometheus") => Ok(Self::Prometheus { url, headers }),
            Some("sample") => Ok(Self::Sample { url }),
            Some(other) => Err(format!("this version of etcd-heatmap does not support sources of the kind {other}")),
        }
    }
}

impl Origin {
    /// The headers in one line.
    fn headers(&self) -> String {
        match self {
            Self::Prometheus { headers, .. } if !headers.is_empty() => {
                headers.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join(", ")
            }
            _ => "none".to_owned(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prometheus { url, .. } => f.write_str(url),
            Self::Sample { .. } => f.write_str("the sample that is embedded in etcd-heatmap"),
        }
    }
}

/// Where the readings come from; equal for all the days of one history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The server, files or sample.
    #[serde(flatten)]
    pub origin: Origin,
    /// Seconds between two steps.
    pub step_seconds: i64,
    /// Label that names the cluster; `None` means `cluster`, else `job`.
    pub cluster_label: Option<String>,
    /// Label that names the member.
    pub member_label: String,
    /// The queries by the name of the metric or companion; one that was left out has none.
    pub queries: BTreeMap<String, QuerySource>,
}

impl Source {
    /// The metrics that were not pulled.
    pub fn left_out(&self) -> Vec<Metric> {
        Metric::ALL.into_iter().filter(|m| !self.queries.contains_key(m.name())).collect()
    }

    /// The companions that were pulled.
    pub fn companions(&self) -> Vec<Companion> {
        Companion::ALL.into_iter().filter(|c| self.queries.contains_key(c.name())).collect()
    }

    /// The first setting in which the two differ, said with both values; `None` when they agree.
    pub fn difference(&self, other: &Self) -> Option<String> {
        let differ = |what: &str, a: &str, b: &str| (a != b).then(|| format!("{what} {b} instead of {a}"));
        let label = |l: &Option<String>| l.clone().unwrap_or_else(|| "cluster or job".to_owned());
        let query = |source: &Self, column: &Column| {
            source.queries.get(column.name()).map_or("none".to_owned(), |q| q.promql.clone())
        };
        differ("source", &self.origin.to_string(), &other.origin.to_string())
            .or_else(|| differ("--header", &self.origin.headers(), &other.origin.headers()))
            .or_else(|| differ("step", &format!("{}s", self.step_seconds), &format!("{}s", other.step_seconds)))
            .or_else(|| differ("cluster label", &label(&self.cluster_label), &label(&other.cluster_label)))
            .or_else(|| differ("member label", &self.member_label, &other.member_label))
            .or_else(|| {
                Column::all().find_map(|c| differ(&format!("query of {c}:"), &query(self, &c), &query(other, &c)))
            })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    /// As it stands in the footers of version 0.1.0.
    const OLD: &str = r#"{"url":"http://127.0.0.1:9090","headers":{"X-Scope-OrgID":"a"},"step_seconds":300,
        "cluster_label":null,"member_label":"instance","queries":{"db_size":{"form":"raw","promql":"etcd_size{}"}}}"#;

    fn old() -> Source {
        serde_json::from_str(OLD).unwrap()
    }

    #[test]
    fn a_source_without_a_kind_is_a_server() {
        let origin = Origin::Prometheus {
            url: "http://127.0.0.1:9090".to_owned(),
            headers: BTreeMap::from([("X-Scope-OrgID".to_owned(), "a".to_owned())]),
        };
        assert_eq!(old().origin, origin);
    }

    #[test]
    fn a_source_of_each_kind_is_read_back_as_it_was_written() {
        let sample = Source { origin: Origin::Sample { url: "http://127.0.0.1:9090".to_owned() }, ..old() };
        for (source, kind) in [(old(), "prometheus"), (sample, "sample")] {
            let written = serde_json::json!(source);
            assert_eq!(written["kind"], kind);
            assert_eq!(serde_json::from_value::<Source>(written).unwrap(), source);
        }
    }

    #[test]
    fn a_source_of_an_unknown_kind_is_refused_by_its_name() {
        let later = OLD.replace("{\"url\"", "{\"kind\":\"carrier-pigeon\",\"url\"");
        let error = serde_json::from_str::<Source>(&later).unwrap_err().to_string();
        assert!(error.contains("does not support sources of the kind carrier-pigeon"), "{error}");
    }

    #[test]
    fn sources_that_differ_in_one_setting_are_told_apart_by_it() {
        let query = |promql: &str| {
            let query = QuerySource { form: "raw".to_owned(), promql: promql.to_owned() };
            BTreeMap::from([("db_size".to_owned(), query)])
        };
        let others = [
            (
                Source { origin: Origin::Sample { url: "http://127.0.0.1:9090".to_owned() }, ..old() },
                "source the sample",
            ),
            (
                Source {
                    origin: Origin::Prometheus { url: "http://127.0.0.1:9090".to_owned(), headers: BTreeMap::new() },
                    ..old()
                },
                "--header none instead of X-Scope-OrgID: a",
            ),
            (Source { step_seconds: 60, ..old() }, "step 60s instead of 300s"),
            (Source { cluster_label: Some("env".to_owned()), ..old() }, "cluster label env instead of cluster or job"),
            (Source { member_label: "pod".to_owned(), ..old() }, "member label pod instead of instance"),
            (
                Source { queries: query("etcd_size{job=\"etcd\"}"), ..old() },
                "query of db_size: etcd_size{job=\"etcd\"} instead of etcd_size{}",
            ),
            (Source { queries: BTreeMap::new(), ..old() }, "query of db_size: none instead of etcd_size{}"),
        ];
        assert_eq!(old().difference(&old()), None);
        for (other, expected) in others {
            let difference = old().difference(&other).unwrap();
            assert!(difference.starts_with(expected), "{difference:?} for {expected:?}");
        }
    }

    #[test]
    fn metrics_without_a_query_are_left_out_and_companions_with_one_were_pulled() {
        let others =
            [Metric::WalFsync, Metric::BackendCommit, Metric::OpenFds, Metric::LeaderChanges, Metric::ClientTrafficIn];
        assert_eq!((old().left_out(), old().companions()), (others.to_vec(), Vec::new()));
        let query = QuerySource { form: "raw".to_owned(), promql: "etcd_quota{}".to_owned() };
        let mut source = old();
        source.queries.insert("quota".to_owned(), query);
        assert_eq!((source.left_out(), source.companions()), (others.to_vec(), vec![Companion::Quota]));
    }
}
