//! A history of version 0.1.0 can still be scored, explained and extended.

use std::fs::File;
use std::path::{Path, PathBuf};

use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use crate::support::{Folder, Run, assert_same, cells, etcd_heatmap, oracle, simulated};

/// The flags with which the history was pulled: see `history-0.1.0/README.md`.
const URL: &str = "http://prometheus.example:9090";
const SELECTOR: &str = r#"cluster="c01",instance=~"10.0.1.[12]:2379""#;
const STEP: [&str; 2] = ["--step", "900"];

/// A copy of the history of 0.1.0 in `folder/audit`.
fn old(name: &str) -> Folder {
    let (folder, source) =
        (Folder::new(name), Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/behaviour/history-0.1.0"));
    for file in
        ["manifest.json", "history/date=2026-10-01/readings.parquet", "history/date=2026-10-02/readings.parquet"]
    {
        let target = PathBuf::from(folder.at("audit")).join(file);
        std::fs::create_dir_all(target.parent().expect("a path below the folder")).expect("a folder of our own");
        std::fs::copy(source.join(file), target).expect("the history is in the repository");
    }
    folder
}

/// Pulls days from the Prometheus with the data of the old history. A proxy makes it answer under the old URL.
fn pull(folder: &Folder, start: &str, end: &str) -> Run {
    pull_with(folder, start, end, &[])
}

fn pull_with(folder: &Folder, start: &str, end: &str, flags: &[&str]) -> Run {
    let config = folder.write("http.yml", format!("proxy_url: {}\n", simulated().url()));
    let source = ["--url", URL, "--http.config.file", &config, "--selector", SELECTOR, "--for-profiles", "mixin"];
    let range = ["--start", start, "--end", end, "--step", "15m", "--out", &folder.at("audit")];
    etcd_heatmap(&[&["pull", "--quiet"], &source[..], &range, flags].concat())
}

#[test]
fn a_history_of_0_1_0_is_scored_and_explained() {
    let folder = old("old-history");
    let audit = folder.at("audit");
    for profile in [&[][..], &["--profile", "mixin"]] {
        etcd_heatmap(&[&["score", "--quiet", &audit], profile].concat()).succeeds();
        oracle("score.py", &[&[audit.as_str()][..], &STEP, profile].concat());
    }
    let cells = cells(&folder.text("audit/heatmap.csv"));
    assert_eq!(cells.len(), 3 * 48, "a cluster and two members, 48 hours");
    let marked = cells.iter().all(|cell| cell.after_restart.is_some());
    assert!(marked, "the start time of the processes is in the old history");

    etcd_heatmap(&["score", "--quiet", &audit]).succeeds();
    let (start, end) = ("1790820000", "1790823600");
    let run = etcd_heatmap(&["explain", &audit, "--cluster", "c01", "--at", start]).succeeds();
    let text = folder.write("explanation.txt", &run.stdout);
    oracle("explain.py", &[&audit, &text, "--cluster", "c01", "--start", start, "--end", end]);
}

#[test]
fn a_pull_adds_a_day_to_a_history_of_0_1_0() {
    let folder = old("old-history-extended");
    let before = folder.tree("audit/history");
    pull(&folder, "2026-10-01", "2026-10-04").succeeds();
    let mut after = folder.tree("audit/history");
    after.retain(|name, _| before.contains_key(name));
    assert_same(&before, &after);

    let fresh = Folder::new("old-history-fresh-day");
    // A history keeps the columns that it began with, and 0.1.0 had no evidence.
    pull_with(&fresh, "2026-10-03", "2026-10-04", &["--evidence", "none"]).succeeds();
    let mut added = folder.tree("audit/history");
    added.retain(|name, _| !before.contains_key(name));
    assert_same(&fresh.tree("audit/history"), &added);

    let audit = folder.at("audit");
    etcd_heatmap(&["score", "--quiet", &audit]).succeeds();
    oracle("score.py", &[&[audit.as_str()][..], &STEP].concat());
    assert_eq!(cells(&folder.text("audit/heatmap.csv")).len(), 3 * 72);
}

/// Removes a metric from a day's file and footer, as if a version without the metric had written it.
fn forget(file: &Path, metric: &str, column: &str) {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(file).expect("it is there")).expect("Parquet");
    let pairs = reader.metadata().file_metadata().key_value_metadata().cloned().unwrap_or_default();
    let mut footer: Vec<KeyValue> = pairs.into_iter().filter(|pair| pair.key != "ARROW:schema").collect();
    for pair in &mut footer {
        // The key `known` has metrics as keys, and so has `queries` in `source`.
        let text = pair.value.as_deref().unwrap_or_default();
        let Ok(mut value) = serde_json::from_str::<serde_json::Value>(text) else { continue };
        for object in ["", "/queries"] {
            if let Some(object) = value.pointer_mut(object).and_then(serde_json::Value::as_object_mut)
                && object.remove(metric).is_some()
            {
                pair.value = Some(value.to_string());
                break;
            }
        }
    }
    let batches: Vec<_> = reader.build().expect("rows").map(|batch| batch.expect("rows")).collect();
    let place = batches[0].schema().index_of(column).expect("it has the column");
    let kept: Vec<usize> = (0..batches[0].num_columns()).filter(|index| *index != place).collect();
    let schema = batches[0].schema().project(&kept).expect("columns of its own");
    let properties = WriterProperties::builder().set_key_value_metadata(Some(footer)).build();
    let written = File::create(file).expect("a file of our own");
    let mut writer = ArrowWriter::try_new(written, schema.into(), Some(properties)).expect("a schema of Parquet");
    for batch in &batches {
        writer.write(&batch.project(&kept).expect("columns of its own")).expect("it can be written");
    }
    writer.close().expect("it can be written");
}

#[test]
fn cells_of_0_1_0_without_idle_steps_are_shown_explained_and_compared() {
    let folder = old("old-cells");
    let audit = folder.at("audit");
    etcd_heatmap(&["score", "--quiet", &audit]).succeeds();
    let commands = [
        &["show", &audit][..],
        &["show", &audit, "--svg", &folder.at("picture.svg")],
        &["diff", &audit, "--at", "2026-10-02"],
        &["findings", &audit],
        &["explain", &audit, "--cluster", "c01", "--at", "2026-10-01T02"],
    ];
    let outputs = || {
        let run = |command: &&[&str]| etcd_heatmap(command).succeeds().stdout;
        let texts: Vec<String> = commands.iter().map(run).collect();
        (texts, folder.text("picture.svg"))
    };
    let expected = outputs();
    forget(&PathBuf::from(&audit).join("heatmap.parquet"), "", "steps_idle");
    assert_eq!(outputs(), expected);
}

#[test]
fn a_history_older_than_a_metric_is_scored_and_extended_without_that_metric() {
    let folder = old("history-before-a-metric");
    let audit = folder.at("audit");
    for day in ["2026-10-01", "2026-10-02"] {
        let file = PathBuf::from(&audit).join(format!("history/date={day}/readings.parquet"));
        forget(&file, "wal_fsync", "wal_fsync_seconds");
    }
    pull(&folder, "2026-10-03", "2026-10-04").succeeds();
    etcd_heatmap(&["score", "--quiet", &audit]).succeeds();
    let cells = cells(&folder.text("audit/heatmap.csv"));
    assert_eq!(cells.len(), 3 * 72);
    // The other five metrics score every hour except the first, in which rates have too few samples.
    let scored = cells.iter().filter(|cell| cell.scored == cell.expected).count();
    assert!(scored > 3 * 68, "{scored} of {} cells have all steps scored", cells.len());

    // The result is the same as leaving the metric out of a complete history.
    let complete = old("history-without-a-metric");
    pull(&complete, "2026-10-03", "2026-10-04").succeeds();
    etcd_heatmap(&["score", "--quiet", "--without", "wal_fsync", &complete.at("audit")]).succeeds();
    assert_eq!(folder.text("audit/heatmap.csv"), complete.text("audit/heatmap.csv"));
}
