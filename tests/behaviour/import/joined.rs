//! Live scores and imported ones are the same series.

use serde_json::Value;

use super::{etcd_heatmap, with_data, within_minutes};
use crate::support::{Answering, Folder, Prometheus, cells};

const MEMBER: &str = "10.0.1.1:2379";

#[test]
fn the_imported_series_goes_on_as_the_live_one_where_it_has_its_labels() {
    // As node_exporter exposes a textfile: the scrape adds job and instance.
    let live = format!("# TYPE etcd_score gauge\netcd_score{{cluster=\"c01\",member=\"{MEMBER}\"}} 8\n");
    let target = Answering::with("200 OK", "text/plain; version=0.0.4", &live);
    let target = target.url().trim_start_matches("http://").to_owned();
    let folder = with_data("joined");
    let data = folder.at("data");
    let prometheus = Prometheus::start(folder, |_| {
        format!(
            "global: {{scrape_interval: 1s}}\nscrape_configs:\n- {{job_name: node, static_configs: [{{targets: ['{target}']}}]}}\n"
        )
    });
    let series = || -> Vec<Value> {
        let query = format!("/api/v1/query?query=etcd_score%7Bmember%3D%22{MEMBER}%22%7D%5B90d%5D");
        let answer = prometheus.server().ask("GET", &query, "").unwrap_or_default();
        let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
        answer["data"]["result"].as_array().cloned().unwrap_or_default()
    };
    within_minutes("a scrape", || !series().is_empty());

    let audit = Folder::new("joined-audit");
    let (out, instance) = (audit.at("audit"), format!("instance={target}"));
    let labels = ["--label", "job=node", "--label", &instance];
    etcd_heatmap(&[&["backfill", "--sample", "--quiet", "--out", &out], &labels[..]].concat()).succeeds();
    etcd_heatmap(&["import", &out, "--data-dir", &data]).succeeds();
    let scored: u32 = cells(&audit.text("audit/heatmap.csv"))
        .into_iter()
        .filter(|cell| cell.member.as_deref() == Some(MEMBER))
        .map(|cell| cell.scored)
        .sum();
    within_minutes("the server reads its blocks once a minute", || {
        series().first().is_some_and(|one| one["values"].as_array().is_some_and(|v| v.len() > scored as usize))
    });
    let joined = series();
    assert_eq!(joined.len(), 1, "one series, from the backfill to now: {joined:?}");
    let values = joined[0]["values"].as_array().expect("samples");
    let live = values.len() - scored as usize;
    // 2026-10-01, and then every scrape since the server was started.
    assert_eq!(values[0][0], 1_790_812_800);
    assert!(live > 0 && values[values.len() - live..].iter().all(|sample| sample[1] == "8"), "{live} live samples");
}
