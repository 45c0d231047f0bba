//! The settings of a pull that all days of one history share.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Origin, SourceName};
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

    /// The description of a history that is joined from these sources, which have the same step. A query that differs among
    /// them is listed for each; what each source is stays in the origin.
    pub(crate) fn several(step_seconds: i64, sources: BTreeMap<SourceName, Self>) -> Self {
        let cluster_labels = sources.values().map(|source| source.cluster_label.clone());
        let cluster_label = match distinct(cluster_labels).as_slice() {
            [only] => only.clone(),
            labels => Some(in_words(labels.iter().map(|label| label.as_deref().unwrap_or("cluster or job")))),
        };
        let member_labels = distinct(sources.values().map(|source| source.member_label.clone()));
        let member_label = in_words(member_labels.iter().map(String::as_str));
        let names: BTreeSet<&String> = sources.values().flat_map(|source| source.queries.keys()).collect();
        let queries = names.into_iter().map(|name| (name.clone(), query_of(name, &sources))).collect();
        Self { step_seconds, cluster_label, member_label, queries, origin: Origin::several(sources) }
    }

    /// The first difference between several sources and others.
    fn difference_of_sources(&self, other: &Self) -> Option<String> {
        let (ours, theirs) = (self.origin.sources(), other.origin.sources());
        if ours.is_empty() || theirs.is_empty() {
            return None;
        }
        if !ours.keys().eq(theirs.keys()) {
            let names = |sources: &BTreeMap<SourceName, Self>| in_list(sources.keys());
            return Some(format!("sources {} instead of {}", names(theirs), names(ours)));
        }
        let mut pairs = ours.iter().zip(theirs.values());
        pairs.find_map(|((name, ours), theirs)| Some(format!("source {name}: {}", ours.difference(theirs)?)))
    }

    /// The first setting in which `other` differs, with both values: `step 60s instead of 300s`. `None`
    /// if the sources are equal.
    pub fn difference(&self, other: &Self) -> Option<String> {
        let differ = |what: &str, a: &str, b: &str| (a != b).then(|| format!("{what} {b} instead of {a}"));
        let label = |l: &Option<String>| l.clone().unwrap_or_else(|| "cluster or job".to_owned());
        let query = |source: &Self, column: &Column| {
            source.queries.get(column.name()).map_or("none".to_owned(), |q| q.promql.clone())
        };
        self.difference_of_sources(other)
            .or_else(|| differ("source", &self.origin.to_string(), &other.origin.to_string()))
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

/// The query of a column, if it is the same in all sources that have it; else those of all, each after a comment with the
/// name of its source.
fn query_of(column: &str, sources: &BTreeMap<SourceName, Source>) -> QuerySource {
    let of = sources.iter().filter_map(|(name, source)| Some((name, source.queries.get(column)?)));
    let of: Vec<(&SourceName, &QuerySource)> = of.collect();
    match distinct(of.iter().map(|(_, query)| (*query).clone())).as_slice() {
        [only] => only.clone(),
        _ => {
            let each = of.iter().map(|(name, query)| format!("# {name}\n{}", query.promql.trim_end()));
            QuerySource { form: "several".to_owned(), promql: each.collect::<Vec<_>>().join("\n") }
        }
    }
}

/// The different ones among these values, in the order of their first occurrence.
fn distinct<T: PartialEq>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut distinct = Vec::new();
    for value in values {
        if !distinct.contains(&value) {
            distinct.push(value);
        }
    }
    distinct
}

fn in_words<'a>(labels: impl Iterator<Item = &'a str>) -> String {
    labels.collect::<Vec<_>>().join(" or ")
}

fn in_list<'a>(names: impl Iterator<Item = &'a SourceName>) -> String {
    names.map(SourceName::as_str).collect::<Vec<_>>().join(", ")
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
    fn several_sources_differ_in_their_names_or_in_what_one_of_them_is() {
        let query = |promql: &str| QuerySource { form: "raw".to_owned(), promql: promql.to_owned() };
        let of = |promql: &str| Source { queries: [("db_size".to_owned(), query(promql))].into(), ..old() };
        let several = |sources: &[(&str, Source)]| {
            let named = sources.iter().map(|(name, source)| (name.parse().unwrap(), source.clone()));
            Source::several(300, named.collect())
        };
        let (a, b) = (of("etcd_size{}"), of("etcd_size{job=\"b\"}\n"));
        let both = several(&[("a", a.clone()), ("b", b.clone())]);
        assert_eq!(both.difference(&both), None);
        assert_eq!(both.queries["db_size"].promql, "# a\netcd_size{}\n# b\netcd_size{job=\"b\"}");
        assert_eq!(both.member_label, "instance");
        assert_eq!(several(&[("a", a.clone()), ("b", a.clone())]).queries["db_size"], a.queries["db_size"]);
        let difference = |other: &Source| both.difference(other).unwrap();
        assert_eq!(difference(&several(&[("a", a.clone())])), "sources a instead of a, b");
        let other = Source { member_label: "pod".to_owned(), cluster_label: Some("env".to_owned()), ..b };
        let other = several(&[("a", a.clone()), ("b", other)]);
        assert_eq!(difference(&other), "source b: cluster label env instead of cluster or job");
        assert_eq!(
            (other.cluster_label.as_deref(), other.member_label.as_str()),
            (Some("cluster or job or env"), "instance or pod")
        );
        assert!(difference(&a).starts_with("source http://127.0.0.1:9090 instead of a (http"), "{}", difference(&a));
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
