//! Samples of the errors of `text`, `files`, `places`, `history`, `folder` and `outputs`.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use polars::error::PolarsError;
use rust_xlsxwriter::XlsxError;

use super::{Samples, copied, day, filled, io_error, path, samples_of, url};
use crate::files::FileError;
use crate::folder::FolderError;
use crate::history::HistoryError;
use crate::outputs::{ForecastError, OutputError, RulesError};
use crate::places::{AwsFileError, Place, PlaceError};
use crate::readings::{Origin, Source};
use crate::spec::Metric;
use crate::text::key_file::{KeyFile, KeyFileError};

pub(super) const READINGS: &str = "audit/history/date=2026-10-02/readings.parquet";
const HISTORY_DAY: &str = "history/date=2026-10-02/readings.parquet";
pub(super) const MANIFEST: &str = "audit/manifest.json";

pub(super) fn samples() -> Vec<Samples> {
    vec![
        samples_of(key_files()),
        samples_of(files()),
        samples_of(places()),
        samples_of(history()),
        samples_of(folders()),
        samples_of(outputs()),
        samples_of(recording_rules()),
        samples_of(forecasts()),
    ]
}

pub(super) fn unreadable_settings(file: &str) -> KeyFileError {
    KeyFileError::Unreadable { path: path(file), source: io_error(ErrorKind::NotFound) }
}

fn key_files() -> Vec<KeyFileError> {
    let toml = |text: &str| KeyFile::toml(Path::new("etcd-heatmap.toml"), text).expect_err("invalid TOML");
    let ini = |text: &str| KeyFile::ini(Path::new("config.conf"), text).expect_err("invalid INI");
    vec![
        unreadable_settings("audit.toml"),
        toml("[source]\nurl http://prometheus:9090\n"),
        toml("[source]\nstep = 5m\n"),
        toml("[source]\nstep = '1m'\nstep = '2m'\n"),
        toml("[[score]]\ncell = '1h'\n"),
        ini("[weights]\nwt_etcd_wal_fsync = 0.3\n[time\n"),
    ]
}

fn files() -> Vec<FileError> {
    let error = |action, kind| FileError::new(action, Path::new("audit/heatmap.parquet"), io_error(kind));
    vec![
        error("read", ErrorKind::NotFound),
        error("write", ErrorKind::StorageFull),
        error("write", ErrorKind::ReadOnlyFilesystem),
        error("write", ErrorKind::PermissionDenied),
        error("create the folder", ErrorKind::NotADirectory),
        error("remove", ErrorKind::Other),
        FileError::elsewhere(PlaceError::Changed(format!("s3://audits/prod/{HISTORY_DAY}"))),
    ]
}

fn not_readings(reason: impl Into<String>) -> HistoryError {
    HistoryError::NotReadings { path: path(READINGS), reason: reason.into() }
}

pub(super) fn broken_day() -> HistoryError {
    not_readings("Parquet error: Invalid Parquet file. Corrupt footer")
}

fn places() -> Vec<PlaceError> {
    let wrong = |text: &str| Place::of(Path::new(text)).expect_err("no place");
    let at = |name: &str| format!("s3://audits/prod/{name}");
    let denied = || "the store answers AccessDenied: Access Denied".to_owned();
    let left =
        |left, cause| PlaceError::Unsent { cause: Box::new(cause), left, kept: path("/tmp/etcd-heatmap-x/unsent") };
    vec![
        wrong("https://audits/prod"),
        wrong("file://audits/prod"),
        wrong("s3://"),
        wrong("s3://key:secret@audits"),
        wrong("s3://audits:9000/prod"),
        wrong("s3://audits/../prod"),
        PlaceError::NotOpened {
            address: at(""),
            reason: copied("places/open.rs", "the file in {CA_VARIABLE} holds no certificates")
                .replace("{CA_VARIABLE}", "AWS_CA_BUNDLE"),
        },
        PlaceError::NotFound("s3://audits/prod".to_owned()),
        PlaceError::Refused { address: at("manifest.json"), done: "written", reason: denied() },
        PlaceError::Failed {
            address: "s3://audits/prod".to_owned(),
            done: "listed",
            reason: copied(
                "places/reason.rs",
                "no login was found in the environment or in the usual files, and this machine has none",
            )
            .to_owned(),
        },
        PlaceError::NoServer {
            address: "s3://audits/prod".to_owned(),
            endpoint: "http://minio:9000".to_owned(),
            variable: "AWS_ENDPOINT_URL",
            cause: "Connection refused (os error 111)".to_owned(),
        },
        PlaceError::NoWay {
            address: "s3://audits/prod".to_owned(),
            endpoint: "http://minio:9000".to_owned(),
            proxy: "http://proxy.example:3128".to_owned(),
            cause: "Connection refused (os error 111)".to_owned(),
        },
        PlaceError::NoCloud {
            address: "s3://audits/prod".to_owned(),
            cause: "failed to lookup address information: Temporary failure in name resolution".to_owned(),
        },
        PlaceError::Changed(at("manifest.json")),
        PlaceError::NoConditions {
            address: at("manifest.json"),
            reason: "the store answers NotImplemented: A header implies functionality that is not implemented"
                .to_owned(),
        },
        PlaceError::Profile(AwsFileError::NoKeys { name: "audit".to_owned() }),
        PlaceError::NoSpace {
            address: "s3://audits/prod".to_owned(),
            dir: path("/tmp"),
            needed: 8_589_934_592,
            free: 1_073_741_824,
        },
        left(1, PlaceError::Changed(at("manifest.json"))),
        left(2, PlaceError::Refused { address: at("report.html"), done: "written", reason: denied() }),
        PlaceError::File(FileError::new("write", Path::new("/tmp/etcd-heatmap-x"), io_error(ErrorKind::StorageFull))),
        PlaceError::Threads("Resource temporarily unavailable (os error 11)".to_owned()),
    ]
}

fn history() -> Vec<HistoryError> {
    let other = |source: &Source| {
        let difference = pulled().difference(source).expect("another source");
        HistoryError::OtherSource { path: path(READINGS), difference }
    };
    let tenant = BTreeMap::from([("X-Scope-OrgID".to_owned(), "team-a".to_owned())]);
    vec![
        HistoryError::Empty(path("audit")),
        broken_day(),
        not_readings(filled("history/footer.rs", "its footer has no {}", &["etcd-heatmap.source"])),
        not_readings(filled(
            "history/footer.rs",
            "{} in its footer: {e}",
            &["etcd-heatmap.step_seconds", "expected value at line 1 column 1"],
        )),
        not_readings(copied("history/day_meta.rs", "its step is not between 1s and 1h")),
        not_readings(copied("history/embedded.rs", "its columns have unexpected types")),
        not_readings(copied("history/read_day.rs", "a row has no time, cluster or member")),
        not_readings(filled("history/read_day.rs", "it has no column {}", &["ts"])),
        HistoryError::LaterFormat { path: path(READINGS), version: "0.9.0".to_owned(), format: 3, readable: 2 },
        other(&Source { origin: Origin::named("sample", "the sample that is embedded in etcd-heatmap"), ..pulled() }),
        other(&Source { origin: Origin::server(&url(), tenant), ..pulled() }),
        other(&Source { step_seconds: 60, ..pulled() }),
        other(&Source { cluster_label: Some("env".to_owned()), ..pulled() }),
        other(&Source { member_label: "pod".to_owned(), ..pulled() }),
        HistoryError::MissingDay(day()),
    ]
}

fn pulled() -> Source {
    Source {
        origin: Origin::server(&url(), BTreeMap::new()),
        step_seconds: 300,
        cluster_label: None,
        member_label: "instance".to_owned(),
        queries: BTreeMap::new(),
    }
}

fn forecasts() -> Vec<ForecastError> {
    vec![
        FileError::new("read", Path::new("audit/forecast.json"), io_error(ErrorKind::PermissionDenied)).into(),
        ForecastError::Broken {
            path: path("audit/forecast.json"),
            reason: "EOF while parsing an object at line 1 column 4096".to_owned(),
        },
        ForecastError::Later { path: path("audit/forecast.json"), format: 2 },
    ]
}

fn folders() -> Vec<FolderError> {
    let no_cells =
        |reason: &str| FolderError::NoCells { path: path("audit/heatmap.parquet"), reason: reason.to_owned() };
    vec![
        FolderError::InUse(path("audit")),
        FolderError::BrokenManifest {
            path: path(MANIFEST),
            reason: "EOF while parsing a value at line 12 column 0".to_owned(),
        },
        FolderError::BrokenManifest {
            path: path(MANIFEST),
            reason: copied("folder/manifest/stored.rs", "the file is empty").to_owned(),
        },
        FolderError::ForeignManifest {
            path: path(MANIFEST),
            reason: copied("folder/manifest/stored.rs", "it is not a JSON object"),
        },
        FolderError::ForeignManifest {
            path: path(MANIFEST),
            reason: copied("folder/manifest/stored.rs", "it has other fields"),
        },
        FolderError::OldManifest {
            path: path(MANIFEST),
            version: "0.0.9".to_owned(),
            reason: "missing field `history`".to_owned(),
        },
        FolderError::NotAFolder(path("audit.csv")),
        FolderError::Inside { path: path("audit/heatmap.csv"), folder: path("audit") },
        FolderError::LaterManifest { path: path(MANIFEST), version: "0.9.0".to_owned() },
        no_cells(copied("folder/read_cells.rs", "the file is missing")),
        no_cells(copied("folder/read_cells.rs", "a row has a negative or too large number")),
        FolderError::NoCells {
            path: path(MANIFEST),
            reason: copied("outputs/shared/day_columns.rs", "it does not record the width and time zone of cells")
                .to_owned(),
        },
    ]
}

fn outputs() -> Vec<OutputError> {
    let pixels = filled("outputs/picture/png.rs", "{width} pixels in a row are too many", &["400000"]);
    vec![
        OutputError::Png(pixels),
        OutputError::Columns(PolarsError::ColumnNotFound("steps_scored".into())),
        OutputError::from(XlsxError::RowColumnLimitError),
    ]
}

fn recording_rules() -> Vec<RulesError> {
    let taken = |label: &str, flag| RulesError::TakenLabel { label: label.to_owned(), flag };
    vec![
        taken("metric", "--cluster-label"),
        taken("cluster", "--member-label"),
        RulesError::NoName(Metric::BackendCommit),
    ]
}
