//! Engines of data platforms read `history/` as it is: DuckDB, Polars and DataFusion read the same values.

use std::fs;

use crate::support::{Asked, Folder, HOUR, case, example, oracle};

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
