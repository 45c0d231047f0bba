//! Label names of Prometheus 3, such as `k8s.cluster.name`.

use serde_json::Value;

use super::{EARLY, END, check, half_day, members, process, run};
use crate::support::{Doorman, Folder, Metrics, Prometheus, START, answer, etcd_heatmap, prometheus_of, request};

const UTF8: [&str; 4] = ["--cluster-label", "k8s.cluster.name", "--member-label", "k8s.node.name"];

/// Two clusters of two members.
fn classic() -> Prometheus {
    let mut metrics = Metrics::default();
    for (n, (cluster, node)) in [("c1", "n1"), ("c1", "n2"), ("c2", "n1"), ("c2", "n2")].into_iter().enumerate() {
        let labels = format!("k8s_cluster_name=\"{cluster}\",k8s_node_name=\"{node}\",job=\"etcd\",instance=\"i{n}\"");
        process(&mut metrics, &labels, EARLY..END, START - 9000 - n as i64, 3.0);
    }
    prometheus_of(&metrics.text())
}

/// A server that takes quoted label names, as Prometheus 3 does: it knows two by dots, and refuses them unquoted.
fn with_utf8_names(behind: &Prometheus) -> Doorman {
    let port = behind.server().port();
    Doorman::before(port, move |text| {
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut line = head.lines().next()?.split(' ');
        let (_, target) = (line.next()?, line.next()?);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let form = if body.is_empty() { query } else { body };
        let mut fields = Vec::new();
        for (name, value) in url::form_urlencoded::parse(form.as_bytes()) {
            let translated = translate(&value);
            if translated.contains("k8s.") {
                return Some(answer("400 Bad Request", "", &format!("unquoted label name in {value}")));
            }
            fields.push((name.into_owned(), translated));
        }
        let path = path.replace("U__k8s_2e_cluster_2e_name", "k8s_cluster_name");
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let (status, body) = request(port, "GET", &format!("{path}?{form}"), "")?;
        let named = body.replace("k8s_cluster_name", "k8s.cluster.name").replace("k8s_node_name", "k8s.node.name");
        Some(answer(&format!("{status} X"), "Content-Type: application/json\r\n", &named))
    })
}

/// A query with classic names in place of the quoted ones.
fn translate(query: &str) -> String {
    query.replace("\"k8s.cluster.name\"", "k8s_cluster_name").replace("\"k8s.node.name\"", "k8s_node_name")
}

#[test]
fn utf_8_label_names_are_quoted_for_a_server_that_takes_them() {
    let prometheus = classic();
    let server = with_utf8_names(&prometheus);
    let range = half_day();
    let range = range.each_ref().map(String::as_str);
    let (quoted, plain) = (Folder::new("utf8"), Folder::new("classic"));
    let to = |folder: &Folder| ["--quiet".to_owned(), "--out".to_owned(), folder.at("audit")];
    let (to_quoted, to_plain) = (to(&quoted), to(&plain));
    run("backfill", &server.url(""), &range, &[&UTF8[..], &to_quoted.each_ref().map(String::as_str)].concat())
        .succeeds();
    let classic_names = ["--cluster-label", "k8s_cluster_name", "--member-label", "k8s_node_name"];
    run(
        "backfill",
        &prometheus.url(),
        &range,
        &[&classic_names[..], &to_plain.each_ref().map(String::as_str)].concat(),
    )
    .succeeds();
    assert_eq!(members(&quoted).len(), 4);
    assert_eq!(quoted.text("audit/heatmap.csv"), plain.text("audit/heatmap.csv"));
    // What is exported has the labels cluster and member only, which every Prometheus takes.
    let exported = quoted.tree("audit/openmetrics");
    assert!(!exported.is_empty(), "there are OpenMetrics files");
    assert_eq!(exported, plain.tree("audit/openmetrics"));
    let manifest: Value = serde_json::from_str(&quoted.text("audit/manifest.json")).expect("JSON");
    assert_eq!(manifest["asked"]["cluster_label"], "k8s.cluster.name");
}

#[test]
fn a_server_that_does_not_take_quoted_label_names_is_named_as_the_cause() {
    let prometheus = classic();
    for label in ["k8s.cluster.name", "service-name", "größe"] {
        let refused = check(&prometheus, &["--cluster-label", label]);
        refused.fails_saying(&["parse error", &format!("such as {label} need Prometheus 3")]);
    }
    let textfile = ["textfile", "--url", &prometheus.url(), "--member-label", "k8s.node.name"];
    etcd_heatmap(&textfile).fails_saying(&["parse error", "k8s.node.name need Prometheus 3"]);
}
