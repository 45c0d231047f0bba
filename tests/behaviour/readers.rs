//! Engines of data platforms read `history/` as it is: DuckDB, Polars and DataFusion read the same values.

use std::fs;

use crate::support::{Asked, Folder, HOUR, case, etcd_heatmap, example, oracle};

/// 2026-11-20, the day of the case `idle`.
const IDLE_DAY: i64 = 1_795_132_800;

#[test]
fn duckdb_polars_and_datafusion_read_the_same_from_days_with_different_columns() {
    let (history, idle) = (Folder::new("readers"), Folder::new("readers-idle"));
    // Infinities, both zeros, gaps, and all evidence; no marks of idle readings.
    let thresholds = ["--profile", "operator", "--days", "2", "--step", "5m", "--out", &history.at("audit")];
    example("thresholds", &thresholds).succeeds();
    Asked::all(&case("idle"), IDLE_DAY, IDLE_DAY + 24 * HOUR).run("pull", &idle).succeeds();
    let day = "audit/history/date=2026-11-20";
    fs::create_dir_all(history.path().join(day)).expect("a folder of our own");
    let file = format!("{day}/readings.parquet");
    fs::copy(idle.path().join(&file), history.path().join(&file)).expect("it was pulled");
    oracle("readers.py", &[&history.at("audit")]);
}

#[test]
fn row_groups_order_and_statistics_are_as_documented() {
    let folder = Folder::new("layout");
    let out = folder.at("audit");
    // 1,059,840 rows a day: more than a row group takes.
    let size = ["--members", "184", "--clusters", "20", "--days", "1", "--step", "15s", "--start", "2026-08-01"];
    example("history", &[&size[..], &["--out", &out]].concat()).succeeds();
    etcd_heatmap(&["score", &out, "--formats", "parquet"]).succeeds();
    oracle("layout.py", &[&out, "2"]);
}

#[test]
fn the_documented_query_writes_months_with_the_rows_of_the_days() {
    let folder = Folder::new("months");
    let size = ["--members", "3", "--clusters", "1", "--days", "40", "--step", "1h", "--start", "2026-08-01"];
    example("history", &[&size[..], &["--out", &folder.at("audit")]].concat()).succeeds();
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/outputs.md")).expect("it is there");
    let query = page.split("duckdb -c \"").nth(1).and_then(|rest| rest.split('"').next()).expect("one query");
    oracle("months.py", &[&folder.at(""), query]);
}
