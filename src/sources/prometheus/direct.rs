//! Decides whether the query of a percentile can omit the sum over series, which is unnecessary if each member
//! has one series per bucket.
//!
//! The sum over one series equals that series, but costs the server twice as much as the rate and percentile
//! together. A lookup of the series is therefore worthwhile.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use tracing::debug;

use super::null::or_empty;
use super::query::{DIRECT, RAW};
use super::{Client, QuerySet};
use crate::spec::Column;
use crate::time::{Grid, TimeRange};

/// Chooses the form of a column's query for these steps: `DIRECT` instead of `RAW` if the sum
/// is unnecessary, otherwise `form` itself.
pub(super) async fn form_to_send<'a>(
    client: &Client,
    queries: &QuerySet,
    column: Column,
    form: &'a str,
    grid: Grid,
) -> &'a str {
    let Some(series) = queries.series_of_direct(column).filter(|_| form == RAW) else { return form };
    let range = TimeRange { start_ms: grid.first_ms() - queries.rate_window().millis(), end_ms: grid.last_ms() };
    // A failed lookup is not an error: the query with the sum gives the same result, only more slowly. If the server
    // is down, the query reports that.
    let chosen = match client.series(&series, range).await {
        Ok(Some(text)) if is_one_a_bucket(&text, queries.label_names()) => DIRECT,
        Ok(_) => form,
        Err(error) => {
            let note = "percentile queries are slower than necessary, because a lookup of series failed";
            client.learnt_notes().add(note, &[error.to_string()]);
            form
        }
    };
    debug!(metric = %column, form = chosen, first_ms = grid.first_ms(), "chose the form to send");
    chosen
}

/// An answer of the series API.
#[derive(Deserialize)]
struct SeriesAnswer {
    #[serde(deserialize_with = "or_empty")]
    data: Vec<BTreeMap<String, String>>,
    #[serde(default, deserialize_with = "or_empty")]
    warnings: Vec<String>,
    #[serde(default, rename = "isPartial", deserialize_with = "or_empty")]
    is_partial: bool,
}

/// Whether each series has its own combination of values of `labels` and `le`, so that each member has one series per
/// bucket. False for an answer that may be incomplete.
fn is_one_a_bucket(answer: &str, labels: &[String]) -> bool {
    let Ok(answer) = serde_json::from_str::<SeriesAnswer>(answer) else { return false };
    let by: Vec<&str> = labels.iter().map(String::as_str).chain(["le"]).collect();
    let mut seen = BTreeSet::new();
    let is_whole = !answer.is_partial && answer.warnings.is_empty();
    let is_new = |series: &BTreeMap<String, String>| {
        let value = |name: &&str| series.get(*name).cloned().unwrap_or_default();
        seen.insert(by.iter().map(value).collect::<Vec<_>>())
    };
    is_whole && answer.data.iter().all(is_new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &str) -> Vec<String> {
        list.split(", ").map(str::to_owned).collect()
    }

    fn answer(series: &[&str], more: &str) -> String {
        format!(r#"{{"status":"success","data":[{}]{more}}}"#, series.join(","))
    }

    #[test]
    fn only_two_series_of_one_members_bucket_require_the_sum() {
        let bucket =
            |more: &str, le: &str| format!(r#"{{"__name__":"x","job":"etcd","instance":"a"{more},"le":"{le}"}}"#);
        let (one, other, pod) = (bucket("", "1"), bucket("", "2"), bucket(r#","pod":"p""#, "1"));
        let elsewhere = bucket(r#","cluster":"c""#, "1");
        let is_single = |series: &[&str]| is_one_a_bucket(&answer(series, ""), &names("cluster, job, instance"));
        assert!(is_single(&[&one, &other, &elsewhere]) && is_single(&[]));
        assert!(!is_single(&[&one, &other, &pod]));
        assert!(!is_one_a_bucket(&answer(&[&one, &elsewhere], ""), &names("job, instance")));
    }

    #[test]
    fn an_incomplete_answer_does_not_justify_the_direct_form() {
        let series = r#"{"instance":"a","le":"1"}"#;
        let says = |more: &str| is_one_a_bucket(&answer(&[series], more), &names("instance"));
        assert!(is_one_a_bucket(r#"{"status":"success","data":null}"#, &names("instance")));
        assert!(says(r#","warnings":null,"isPartial":null"#) && says(r#","warnings":[],"isPartial":false"#));
        assert!(!says(r#","warnings":["a store did not answer"]"#) && !says(r#","isPartial":true"#));
        assert!(!is_one_a_bucket("<html>", &names("instance")) && !is_one_a_bucket("{}", &names("instance")));
    }
}
