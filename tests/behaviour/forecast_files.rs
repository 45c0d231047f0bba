//! The files of a forecast, read by promtool, by our lint, by the parsers of the Prometheus project and by DuckDB. The folder
//! `forecast` has those of a made-up forecast with hostile names, which a unit test in `src/outputs/forecast` writes.

use crate::support::{Run, etcd_heatmap, needed, oracle};

fn folder() -> String {
    format!("{}/tests/behaviour/forecast", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn tables_gauges_and_json_agree_in_other_readers() {
    oracle("forecast.py", &[&folder()]);
}

#[test]
fn promtool_accepts_the_gauges_of_a_forecast() {
    let mut promtool = needed("promtool", "prometheus");
    let text = std::fs::File::open(format!("{}/forecast.prom", folder())).expect("the file is committed");
    promtool.args(["check", "metrics"]).stdin(text);
    let run = Run::from(promtool.output().expect("promtool runs")).succeeds();
    assert_eq!(format!("{}{}", run.stdout, run.stderr), "");
}

#[test]
fn the_openmetrics_file_has_no_faults() {
    etcd_heatmap(&["lint", &format!("{}/forecast.om", folder())]).succeeds();
}
