//! The dashboards of `deploy/grafana`, tested without Grafana: against its schemas, and by running all queries against
//! a Prometheus.

use serde_json::{Value, json};

use crate::support::{Folder, Run, Tree, assert_same, oracle, oracle_run, prometheus_of};

const DASHBOARDS: [&str; 2] = ["etcd-heatmap", "etcd-heatmap-hourly"];

fn path(name: &str) -> String {
    format!("{}/deploy/grafana/dashboards/{name}.json", env!("CARGO_MANIFEST_DIR"))
}

fn text(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("cannot read {name}: {error}"))
}

/// Runs one check of the oracle on both dashboards.
fn look(at: &[&str]) {
    oracle("grafana.py", &[at, &DASHBOARDS.map(path).each_ref().map(String::as_str)].concat());
}

/// Runs the same check on one dashboard after a change.
fn look_at_changed(at: &str, name: &str, change: impl FnOnce(&mut Value)) -> Run {
    let mut dashboard: Value = serde_json::from_str(&text(name)).expect("a dashboard is JSON");
    change(&mut dashboard);
    let folder = Folder::new("grafana");
    oracle_run("grafana.py", &[at, &folder.write("changed.json", dashboard.to_string())])
}

#[test]
fn the_committed_dashboards_are_up_to_date() {
    let folder = Folder::new("grafana");
    oracle("../../deploy/grafana/generate.py", &[&folder.at("")]);
    let committed: Tree = DASHBOARDS.map(|name| (format!("{name}.json"), text(name).into_bytes())).into();
    assert_same(&committed, &folder.tree(""));
}

#[test]
fn both_dashboards_conform_to_grafanas_schemas() {
    look(&["schema"]);
}

#[test]
fn dashboards_that_violate_grafanas_schemas_are_refused() {
    // JSON pointer, new value, and a word that the error must contain.
    let of_core = [
        ("/panels/1/type", json!("status-histroy"), "Grafana has no panel"),
        ("/panels/1/wide", json!(true), "wide"),
        ("/panels/1/options/colorMode", json!("bright"), "colorMode"),
        ("/panels/1/options/showValues", json!(true), "showValues"),
        ("/panels/1/gridPos/w", json!("6"), "gridPos.w"),
        ("/panels/1/targets/0/expression", json!("up"), "expression"),
        ("/panels/1/targets/0/datasource", json!({"type": "promethius", "uid": "x"}), "no known data source"),
        ("/panels/5/fieldConfig/defaults/custom/fillOpaqueness", json!(1), "fillOpaqueness"),
        ("/panels/6/fieldConfig/defaults/custom/cellOptions/type", json!("colour"), "cellOptions"),
        ("/panels/1/fieldConfig/defaults/mappings/0/type", json!("spezial"), "mappings"),
        ("/panels/1/fieldConfig/defaults/thresholds/mode", json!("relative"), "thresholds"),
        ("/templating/list/1/type", json!("request"), "templating"),
        ("/annotations/list/0/useValueForTime", json!("yes"), "useValueForTime"),
        ("/annotations/list/0/titel", json!("restarted"), "titel"),
        ("/annotations/list/1/target/expression", json!("up"), "expression"),
        ("/schemaVersion", json!("38"), "schemaVersion"),
    ];
    let of_hourly = [
        ("/panels/1/fieldConfig/defaults/custom/calculation", json!("median"), "calculation"),
        ("/panels/1/options/showLegends", json!(true), "showLegends"),
    ];
    for (name, changes) in DASHBOARDS.into_iter().zip([&of_core[..], &of_hourly]) {
        for (pointer, value, word) in changes {
            let run = look_at_changed("schema", name, |dashboard| put(dashboard, pointer, value));
            assert_eq!(run.code, Some(1), "{name} {pointer} = {value} is taken: {}{}", run.stdout, run.stderr);
            assert!(run.stdout.contains(word), "{name} {pointer} = {value}: {}", run.stdout);
        }
    }
}

#[test]
fn bytes_have_binary_units_as_in_the_program() {
    // Grafana's identifiers of decimal units (packages/grafana-data, valueFormats/categories.ts).
    let decimal = ["Bps", "decbytes", "deckbytes", "decmbytes", "decgbytes", "KBs", "MBs", "GBs"];
    for name in DASHBOARDS {
        let text = text(name);
        let found = decimal.iter().find(|unit| text.contains(&format!("\"unit\": \"{unit}\"")));
        assert_eq!(found, None, "{name}");
    }
    assert!(text("etcd-heatmap").contains("\"unit\": \"binBps\""), "client traffic in KiB/s");
}

#[test]
fn each_panel_has_position_words_for_a_title_unit_and_the_selected_data_source() {
    look(&["layout"]);
    for (pointer, value, word) in [
        ("/panels/1/datasource/uid", json!("P1809F7CD0C75ACF3"), "a data source is"),
        ("/panels/1/targets/0/datasource/uid", json!("prometheus"), "a data source is"),
        ("/templating/list/1/datasource", json!("Prometheus"), "a data source is"),
        ("/panels/2/id", json!(2), "ids repeat"),
        ("/panels/2/gridPos/x", json!(5), "overlaps"),
        ("/panels/1/description", json!("How it is going."), "with its unit"),
        ("/panels/1/fieldConfig/defaults/mappings", json!([]), "null"),
        ("/panels/5/fieldConfig/defaults/thresholds/steps/0/color", json!("green"), "for missing values"),
        ("/panels/8/fieldConfig/defaults/custom/spanNulls", json!(true), "draws through gaps"),
        ("/panels/8/title", json!("wal_fsync"), "is no words"),
        ("/panels/5/title", json!("Worst score of each hour, by cluster"), "how many rows"),
        ("/templating/list/1/includeAll", json!(true), "begins with"),
        ("/annotations/list/0/step", json!("5m"), "two queries"),
    ] {
        let run = look_at_changed("layout", DASHBOARDS[0], |dashboard| put(dashboard, pointer, &value));
        assert_eq!(run.code, Some(1), "{pointer} = {value} is taken: {}{}", run.stdout, run.stderr);
        assert!(run.stdout.contains(word), "{pointer} = {value}: {}{}", run.stdout, run.stderr);
    }
}

#[test]
fn every_query_returns_data_and_missing_scores_stay_missing() {
    let series = oracle_run("grafana.py", &["series"]).succeeds();
    let prometheus = prometheus_of(&series.stdout);
    look(&["answers", &prometheus.url()]);
    // Prove the check: it must refuse queries that show a score for an unscored member, that drop a member or show other
    // rows than the ten with the greatest loss, that count another process as etcd, or a restart as a leader change.
    for (part, other) in [
        ("NaN * ", "10 * "),
        ("present_over_time(etcd_score_unknown", "present_over_time(nothing"),
        ("unless on (cluster) (present_over_time", "unless on (cluster) (1 > present_over_time"),
        ("[1w]", "[1h]"),
        (" - sum_over_time(etcd_score_unknown", " - 0 * sum_over_time(etcd_score_unknown"),
        ("offset -59m59s999ms", "offset -1h"),
        ("etcd_score|etcd_score_unknown", "etcd_score"),
        ("} > 0)", "})"),
        ("topk(10", "topk(9"),
        ("topk(10", "topk(11"),
        ("[$__range:5m] @ end()", "[1h:5m] @ end()"),
        ("10 * sum_over_time(etcd_score_unknown", "0 * sum_over_time(etcd_score_unknown"),
        (r#"cluster!=\"\""#, r#"cluster=~\"$cluster\""#),
        (" and on (cluster, job, instance) etcd_server_has_leader", ""),
        (r#"cluster=\"\",job=~\"$cluster\""#, r#"cluster=\"\",job=~\"etcd\""#),
        ("grpc_code=~\\\"", "grpc_code=~\\\"NotFound|"),
        ("changes(process_start_time_seconds", "0 * changes(process_start_time_seconds"),
        ("< 300", "< 0"),
        ("< 3 * 3600", "< 30 * 3600"),
        ("clamp_max(", "("),
        ("bound=\\\"median\\\"", "bound=\\\"earliest\\\""),
    ] {
        let (folder, committed) = (Folder::new("grafana"), text(DASHBOARDS[0]));
        assert!(committed.contains(part), "no query has {part}");
        let changed = folder.write("changed.json", committed.replace(part, other));
        let run = oracle_run("grafana.py", &["answers", &prometheus.url(), &changed]);
        assert_eq!(run.code, Some(1), "{other} for {part} is taken: {}{}", run.stdout, run.stderr);
    }
}

#[test]
fn provisioning_reads_the_dashboards_from_the_documented_folder() {
    let read = |name: &str| std::fs::read_to_string(format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))).expect(name);
    let provider = read("deploy/grafana/provisioning/dashboards/etcd-heatmap.yml");
    let folder = provider.lines().find_map(|line| line.trim().strip_prefix("path: ")).expect("the provider has a path");
    let command = format!("install -D -m 644 -t {folder} deploy/grafana/dashboards/*.json");
    assert!(read("docs/grafana.md").contains(&command), "docs/grafana.md has no `{command}`");
    // A fixed uid would keep users from selecting a data source that they already have.
    let source = read("deploy/grafana/provisioning/datasources/etcd-heatmap.yml");
    assert!(source.contains("type: prometheus") && !source.contains("uid:"), "{source}");
}

/// Sets the value at a JSON pointer, which need not exist yet.
fn put(dashboard: &mut Value, pointer: &str, value: &Value) {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer has a parent");
    let parent = dashboard.pointer_mut(parent).unwrap_or_else(|| panic!("nothing at {parent}"));
    parent[key] = value.clone();
}
