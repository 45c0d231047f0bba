//! The settings of a pull that all days of one history share.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Origin;
use crate::spec::{Column, Companion, Metric};

/// The query of one column, raw or recorded as the pull chose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuerySource {
    /// The form of the query: `raw` (reads etcd's own metrics), `recorded` (reads the results of recording rules),
    /// `native` (also reads native histograms) or `wide` (needs no `etcd_server_has_leader`).
    pub form: String,
    /// The PromQL expression. The server may have evaluated equivalent ones: without an unnecessary sum, or
    /// split by cluster and member.
    pub promql: String,
}

/// Where readings came from and how they were read. This is the same for all days of a history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Where the readings came from: a server or the embedded sample.
    #[serde(flatten)]
    pub origin: Origin,
    /// Distance between two steps, in seconds.
    pub step_seconds: i64,
    /// Label that names the cluster, or several such as `env,region`. `None` means the label `cluster`, or `job` for
    /// series without it.
    pub cluster_label: Option<String>,
    /// Label that names the member, or several such as `node,port`.
    pub member_label: String,
    /// The queries, keyed by the name of the metric or companion (a limit or the start time). Metrics and companions
    /// that were not pulled have no entry.
    pub queries: BTreeMap<String, QuerySource>,
}

impl Source {
    /// The metrics that were not pulled.
    pub fn left_out(&self) -> Vec<Metric> {
        Metric::ALL.into_iter().filter(|m| !self.queries.contains_key(m.name())).collect()
    }

    /// The companions (limits and start times) that were pulled.
    pub fn companions(&self) -> Vec<Companion> {
        Companion::ALL.into_iter().filter(|c| self.queries.contains_key(c.name())).collect()
    }

    /// The first setting in which `other` differs, with both values: `step 60s instead of 300s`. `None`
    /// if the sources are equal.
    pub fn difference(&self, other: &Self) -> Option<String> {
        let differ = |what: &str, a: &str, b: &str| (a != b).then(|| format!("{what} {b} instead of {a}"));
        let label = |l: &Option<String>| l.clone().unwrap_or_else(|| "cluster or job".to_owned());
        let query = |source: &Self, column: &Column| {
            source.queries.get(column.name()).map_or("none".to_owned(), |q| q.promql.clone())
        };
        differ("source", &self.origin.to_string(), &other.origin.to_string())
            .or_else(|| differ("--header", &self.origin.headers(), &other.origin.headers()))
            .or_else(|| differ("--promql", self.origin.promql(), other.origin.promql()))
            .or_else(|| differ("--replica", self.origin.replica(), other.origin.replica()))
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

    /// A source as version 0.1.0 stored it in the footer of a day.
    const OLD: &str = r#"{"url":"http://127.0.0.1:9090","headers":{"X-Scope-OrgID":"a"},"step_seconds":300,
        "cluster_label":null,"member_label":"instance","queries":{"db_size":{"form":"raw","promql":"etcd_size{}"}}}"#;

    fn old() -> Source {
        serde_json::from_str(OLD).unwrap()
    }

    #[test]
    fn the_difference_of_two_sources_names_the_setting_and_both_values() {
        let query = |promql: &str| {
            let query = QuerySource { form: "raw".to_owned(), promql: promql.to_owned() };
            BTreeMap::from([("db_size".to_owned(), query)])
        };
        let quota = QuerySource { form: "raw".to_owned(), promql: "etcd_quota{}".to_owned() };
        let with_quota = [old().queries, BTreeMap::from([("quota".to_owned(), quota)])].into_iter().flatten().collect();
        let others = [
            (
                Source { origin: Origin::named("sample", "the sample"), ..old() },
                "source the sample instead of http://127.0.0.1:9090",
            ),
            (
                Source { origin: Origin::server("http://127.0.0.1:9090", BTreeMap::new()), ..old() },
                "--header none instead of X-Scope-OrgID: a",
            ),
            (
                Source { origin: old().origin.of_replica(Some("replica=a".to_owned())), ..old() },
                "--replica replica=a instead of none",
            ),
            (Source { step_seconds: 60, ..old() }, "step 60s instead of 300s"),
            (Source { cluster_label: Some("env".to_owned()), ..old() }, "cluster label env instead of cluster or job"),
            (Source { member_label: "pod".to_owned(), ..old() }, "member label pod instead of instance"),
            (
                Source { queries: query("etcd_size{job=\"etcd\"}"), ..old() },
                "query of db_size: etcd_size{job=\"etcd\"} instead of etcd_size{}",
            ),
            (Source { queries: BTreeMap::new(), ..old() }, "query of db_size: none instead of etcd_size{}"),
            // A companion (a limit or the start time) whose query differs is reported, too.
            (Source { queries: with_quota, ..old() }, "query of quota: etcd_quota{} instead of none"),
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
