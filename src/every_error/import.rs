//! Samples of the errors of `import`.

use std::io::ErrorKind;

use super::disk::MANIFEST;
use super::{START_MS, Samples, copied, filled, io_error, path, samples_of};
use crate::import::ImportError;
use crate::time::HOUR_MS;

const FILE: &str = "audit/openmetrics/etcd_score-2026-10-01T00:00:00Z-2026-10-21T06:00:00Z.om";
const DATA: &str = "/prometheus";
const PROMTOOL: &str = "/usr/bin/promtool";

pub(super) fn samples() -> Vec<Samples> {
    let mut errors = data_directories();
    errors.extend(promtool());
    errors.extend(values());
    vec![samples_of(errors)]
}

fn data_directories() -> Vec<ImportError> {
    let io = |action, file: &str, kind| ImportError::Io { action, path: path(file), source: io_error(kind) };
    let not_a_data_dir = |hint| ImportError::NotADataDir { path: path("/var/lib"), hint };
    vec![
        ImportError::NoManifest(path("audit")),
        ImportError::NoOpenMetrics(path("audit")),
        ImportError::Changed(path(FILE)),
        ImportError::NoDataDir(path(DATA)),
        not_a_data_dir(filled("import/data_dir.rs", "did you mean {}?", &["/var/lib/prometheus"])),
        not_a_data_dir(
            copied("import/data_dir.rs", "use the folder set by Prometheus's --storage.tsdb.path").to_owned(),
        ),
        ImportError::Busy(path(DATA)),
        ImportError::Unwritable {
            path: path(DATA),
            owner: "prometheus".to_owned(),
            source: io_error(ErrorKind::PermissionDenied),
        },
        ImportError::NoStaging { path: path("/tmp"), source: io_error(ErrorKind::StorageFull) },
        io("read", MANIFEST, ErrorKind::PermissionDenied),
        io("create the folder", "/tmp/etcd-heatmap", ErrorKind::StorageFull),
        io("change the owner of", "/prometheus/01K6E3V8N0ZQ5W7Y9B2D4F6H8J", ErrorKind::PermissionDenied),
        ImportError::Threads("Resource temporarily unavailable (os error 11)".to_owned()),
        ImportError::Stopped,
    ]
}

fn promtool() -> Vec<ImportError> {
    let differs = |differs| ImportError::Differs { file: path(FILE), differs };
    let block = |text, values: &[&str]| differs(filled("import/block.rs", text, values));
    let instants = ["2026-10-01T00:00:00Z", "2026-10-20T23:55:00Z", "2026-10-01T00:00:00Z", "2026-10-21T05:55:00Z"];
    vec![
        ImportError::NoPromtool,
        ImportError::CannotRun { path: path(PROMTOOL), source: io_error(ErrorKind::PermissionDenied) },
        ImportError::NotPromtool { path: path("/bin/echo"), said: "--version".to_owned() },
        ImportError::OldPromtool { path: path(PROMTOOL), version: "2.24".to_owned(), least: "2.38".to_owned() },
        ImportError::Promtool {
            file: path(FILE),
            said: "block creation: write /tmp/blocks: no space left on device".to_owned(),
        },
        ImportError::Dump { file: path(FILE), said: "opening storage failed: invalid magic number 0".to_owned() },
        ImportError::Blocks { file: path(FILE), found: 0 },
        ImportError::Blocks { file: path(FILE), found: 2 },
        block("promtool silently dropped {dropped} of {}", &["1", "34,560 samples"]),
        block("it has {found} instead of {expected}", &["34,561 samples", "34,560 samples"]),
        block("it has {num_series} series instead of {}", &["5", "6"]),
        block("its samples are from {first} to {last} instead of {from} to {to}", &instants),
    ]
}

fn values() -> Vec<ImportError> {
    let in_head = |left: &str, names: &str| ImportError::InHead {
        left: left.to_owned(),
        names: names.to_owned(),
        head_ms: START_MS,
        again_ms: START_MS + 6 * HOUR_MS,
    };
    let file = "openmetrics/etcd_score-2026-09-30T18:00:00Z-2026-10-01T00:00:00Z.om";
    vec![
        ImportError::Conflict {
            file: path(FILE),
            series: r#"{__name__="etcd_score", cluster="kube-etcd", member="10.0.1.3:2379"}"#.to_owned(),
            at_ms: START_MS,
            held: "10".to_owned(),
            ours: "7".to_owned(),
        },
        ImportError::NotTaken { file: path(FILE), left: 1, of: 1 },
        ImportError::NotTaken { file: path(FILE), left: 120, of: 5000 },
        in_head("1 file was", file),
        in_head(
            "5 files were",
            &format!("{file}, {file}, {file}, {}", filled("commands/import/told.rs", "{} more", &["2"])),
        ),
    ]
}
