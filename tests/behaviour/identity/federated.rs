//! A Prometheus that federates others, with and without `honor_labels`.

use super::{EARLY, END, check, half_day, is_refused, members, process, run};
use crate::support::{Folder, Metrics, Prometheus, START, prometheus_of};

/// Three processes, as a federation without `honor_labels` stores them, and perhaps also one with it.
fn federated(is_twice: bool) -> Prometheus {
    let mut metrics = Metrics::default();
    for n in 1..=3 {
        let started = START - 9000 - 100 * n;
        let renamed = format!(
            "job=\"federate\",instance=\"prom:9090\",exported_job=\"etcd\",exported_instance=\"10.0.0.{n}:2379\""
        );
        process(&mut metrics, &renamed, EARLY..END, started, 3.0);
        if is_twice {
            process(&mut metrics, &format!("job=\"etcd\",instance=\"10.0.0.{n}:2379\""), EARLY..END, started, 3.0);
        }
    }
    prometheus_of(&metrics.text())
}

#[test]
fn federation_without_honor_labels_is_refused_with_the_exported_label() {
    let prometheus = federated(false);
    let range = half_day();
    let range = range.each_ref().map(String::as_str);
    let words =
        ["prom:9090 of federate is 3 processes", "exported_instance", "set --member-label exported_instance, or"];
    is_refused(&prometheus, &range, &[], &words);
    let folder = Folder::new("federated");
    let flags = ["--member-label", "exported_instance", "--quiet", "--out", &folder.at("audit")];
    run("pull", &prometheus.url(), &range, &flags).succeeds();
    assert_eq!(members(&folder).len(), 3);
}

#[test]
fn federation_beside_the_original_series_needs_a_selector_too() {
    let prometheus = federated(true);
    let range = half_day();
    let range = range.each_ref().map(String::as_str);
    let advice = "set --member-label exported_instance --selector 'exported_instance!=\"\"', or";
    is_refused(&prometheus, &range, &[], &["3 processes", advice]);
    // The advice works.
    let flags = ["--member-label", "exported_instance", "--selector", "exported_instance!=\"\""];
    let checked = check(&prometheus, &flags).succeeds();
    assert!(checked.stdout.contains("members  3 in 1 cluster"), "{checked:?}");
    assert!(!checked.stdout.contains("counted twice"), "{checked:?}");
}
