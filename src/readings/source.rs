//! What a history was pulled from: the part of the question that its days must share.

use std::collections::BTreeMap;

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

/// Where the readings come from; equal for all the days of one history.
///
/// It holds no secret: a login in the URL is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The server's URL, without a login.
    pub url: String,
    /// Headers that choose what the server answers, such as a tenant's; none that holds a secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
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
        let headers = |source: &Self| match source.headers.is_empty() {
            true => "none".to_owned(),
            false => source.headers.iter().map(|(k, v)| format!("{k}: {v}")).collect::<Vec<_>>().join(", "),
        };
        differ("URL", &self.url, &other.url)
            .or_else(|| differ("--header", &headers(self), &headers(other)))
            .or_else(|| differ("step", &format!("{}s", self.step_seconds), &format!("{}s", other.step_seconds)))
            .or_else(|| differ("cluster label", &label(&self.cluster_label), &label(&other.cluster_label)))
            .or_else(|| differ("member label", &self.member_label, &other.member_label))
            .or_else(|| {
                Column::all().find_map(|c| differ(&format!("query of {c}:"), &query(self, &c), &query(other, &c)))
            })
    }
}
