//! The text formats, character for character.
//!
//! The expected files in `snapshots/` were written by `tests/oracle/snapshot.py` from this history, not by
//! `etcd-heatmap`. `snapshots/README.md` describes how to update them.

use crate::support::{Asked, Folder, HOUR, METRICS, Metrics, START, prometheus_of};

/// Two members over two hours, at a step of ten minutes, across the boundary of two blocks of 18 h.
fn history() -> Metrics {
    let (start, end) = (START + 17 * HOUR, START + 19 * HOUR);
    let mut metrics = Metrics::default();
    let minute = |second: i64| (second - start) / 60;
    for member in ["etcd-0:2379", "etcd-1:2379"] {
        let labels = format!(r#"cluster="say \"etcd\", please",job="etcd",instance="{member}""#);
        for metric in METRICS {
            // The first member's disk becomes slower and slower; the second lacks open_fds for a while.
            metrics.recorded(metric, &labels, start..end, |second| match (member, metric) {
                ("etcd-0:2379", "backend_commit") => 0.001 * minute(second) as f64,
                ("etcd-0:2379", "wal_fsync") => 0.0001 * minute(second) as f64,
                ("etcd-1:2379", "open_fds") if (20..45).contains(&minute(second)) => f64::NAN,
                _ => 0.002,
            });
        }
    }
    metrics
}

#[test]
fn openmetrics_and_csv_match_the_snapshots() {
    let prometheus = prometheus_of(&history().text());
    let folder = Folder::new("snapshots");
    let asked = Asked {
        step: 600,
        recorded: METRICS.to_vec(),
        ..Asked::all(&prometheus, START + 17 * HOUR, START + 19 * HOUR)
    };
    asked.is_answered_exactly(&folder);

    let snapshots = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/behaviour/snapshots");
    let mut compared = 0;
    for entry in std::fs::read_dir(snapshots).expect("the snapshots lie beside this file").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let found = match name.rsplit_once('.') {
            Some((_, "om")) => folder.text(&format!("audit/openmetrics/{name}")),
            Some((_, "csv")) => folder.text(&format!("audit/{name}")),
            _ => continue,
        };
        let expected = std::fs::read_to_string(entry.path()).expect("a snapshot is text");
        assert_eq!(found, expected, "{name} is not what its snapshot says");
        compared += 1;
    }
    assert_eq!(compared, 3, "two windows and one heat map");
    assert_eq!(folder.tree("audit/openmetrics").len(), 2);
}
