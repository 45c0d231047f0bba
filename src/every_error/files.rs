//! Samples of the errors of raw samples in files: data directories, dumps, archives.

use std::io::ErrorKind;
use std::path::PathBuf;

use super::{START_MS, Samples, io_error, path, quarter, samples_of};
use crate::sources::archive::ArchiveError;
use crate::sources::dump::DumpError;
use crate::sources::files::FilesError;
use crate::sources::promql::SeriesError;
use crate::sources::raw::{EvaluationError, RawError};
use crate::sources::spool::SpoolError;
use crate::sources::tsdb::block::Place;
use crate::sources::tsdb::directory::{DirectoryError, Replica};
use crate::sources::tsdb::head::HeadError;
use crate::spec::{Column, Companion, Metric};

const DATA: &str = "/var/lib/prometheus/metrics2";
const DUMP: &str = "must-gather.tar.gz: quay-io/monitoring/metrics/metrics.openmetrics";
const SERIES: &str = "etcd_server_leader_changes_seen_total{instance=\"10.0.1.3:2379\", job=\"kube-etcd\"}";

pub(super) fn samples() -> Vec<Samples> {
    vec![
        samples_of(files()),
        samples_of(directories()),
        samples_of(heads()),
        samples_of(archives()),
        samples_of(dumps()),
        samples_of(spools()),
        samples_of(raw()),
        samples_of(vec![evaluation()]),
        samples_of(vec!["prometheus-k8s-0".parse::<Replica>().expect_err("it has no label")]),
    ]
}

fn data(name: &str) -> PathBuf {
    path(&format!("{DATA}/{name}"))
}

fn series() -> String {
    SERIES.to_owned()
}

fn files() -> Vec<FilesError> {
    vec![
        FilesError::Unreadable { path: path("audit"), source: io_error(ErrorKind::NotFound) },
        FilesError::Empty { path: path(DATA) },
        FilesError::OutInside { out: path("/var/lib/prometheus/metrics2/audit") },
        FilesError::ReplicaOfDump { path: path("audit.openmetrics"), replica: "replica=a".parse().expect("a replica") },
        FilesError::Inside {
            cause: "cannot read prometheus.tar: data/wal (permission denied): pack it again".to_owned(),
        },
    ]
}

fn directories() -> Vec<DirectoryError> {
    vec![
        DirectoryError::TwoValues {
            dir: path(DATA),
            series: series(),
            count: 12,
            at_ms: START_MS,
            kept: 3.0,
            dropped: 4.0,
        },
        DirectoryError::Replicas {
            one: data("01KB5M6E7T0G8Y2ZJ4W3V9QXRN"),
            other: data("01KB5M6E7T0G8Y2ZJ4W3V9QXRP"),
            label: "prometheus_replica".to_owned(),
            values: ["prometheus-k8s-0", "prometheus-k8s-1"].map(str::to_owned),
        },
        DirectoryError::HalfReplicas {
            one: data("01KB5M6E7T0G8Y2ZJ4W3V9QXRN"),
            other: data("01KB5M6E7T0G8Y2ZJ4W3V9QXRP"),
            label: "replica".to_owned(),
        },
        DirectoryError::NoSuchLabel { dir: path(DATA), label: "replica".to_owned() },
        DirectoryError::NoSuchReplica {
            dir: path(DATA),
            label: "prometheus_replica".to_owned(),
            value: "0".to_owned(),
            values: "prometheus-k8s-0, prometheus-k8s-1".to_owned(),
        },
    ]
}

fn heads() -> Vec<HeadError> {
    let place = Place { file: data("wal/00000007"), offset: 32_768 };
    vec![
        HeadError::Io { file: data("wal"), source: io_error(ErrorKind::PermissionDenied) },
        HeadError::Vanished { file: data("wal/00000007"), attempts: 5 },
        HeadError::NativeHistograms { place, series: "etcd_disk_wal_fsync_duration_seconds".to_owned() },
        HeadError::TwoValues { dir: path(DATA), series: series(), at_ms: START_MS, first: 3.0, second: 4.0 },
    ]
}

fn archives() -> Vec<ArchiveError> {
    let file = || path("must-gather.tar.gz");
    vec![
        ArchiveError::Io { file: file(), source: io_error(ErrorKind::PermissionDenied) },
        ArchiveError::Truncated { file: file(), read: 1_048_576 },
        ArchiveError::Damaged { file: file(), read: 1_048_576, problem: "a header has a wrong checksum".to_owned() },
        ArchiveError::Format { file: file(), format: "compressed with xz", remedy: "decompress it with xz -d" },
        ArchiveError::Nothing { path: file(), inside: "must-gather/version, must-gather/timestamp".to_owned() },
        ArchiveError::SingleBlock { path: data("01KB5M6E7T0G8Y2ZJ4W3V9QXRN") },
        ArchiveError::Entry {
            file: file(),
            entry: "prometheus/wal/00000007".to_owned(),
            problem: "is a sparse file: pack again without tar --sparse".to_owned(),
        },
        ArchiveError::Changed { file: file(), entry: "prometheus/wal/00000007".to_owned() },
        ArchiveError::NoSpace { file: file(), dir: path("/tmp"), needed: 8_589_934_592, free: 1_073_741_824 },
        ArchiveError::Write { file: path("/tmp/etcd-heatmap-x/index"), source: io_error(ErrorKind::StorageFull) },
    ]
}

fn dumps() -> Vec<DumpError> {
    let name = || DUMP.to_owned();
    vec![
        DumpError::Io { name: name(), lines: 4_711, source: io_error(ErrorKind::InvalidData) },
        DumpError::Format { name: name(), format: "UTF-16 text", remedy: "dump again without PowerShell's >" },
        DumpError::NoEof { name: name(), lines: 4_711 },
        DumpError::AfterEof { name: name(), line: 4_711 },
        DumpError::Malformed { name: name(), line: 4_711, problem: "labels without a closing brace", text: series() },
        DumpError::NoTimestamp { name: name(), line: 4_711, text: "up 1".to_owned() },
        DumpError::Histogram { name: name(), line: 4_711, text: series() },
        DumpError::OtherDump { name: name(), line: 1 },
        DumpError::LongLine { name: name(), line: 4_711 },
    ]
}

fn spools() -> Vec<SpoolError> {
    vec![
        SpoolError::Create { dir: "/tmp".to_owned(), source: io_error(ErrorKind::PermissionDenied) },
        SpoolError::Write { written: 1_048_576, source: io_error(ErrorKind::StorageFull) },
        SpoolError::Read { offset: 1_048_576, source: io_error(ErrorKind::UnexpectedEof) },
        SpoolError::Damaged { offset: 1_048_576, problem: "a chunk has another checksum" },
        SpoolError::TwoValues {
            place: format!("{DUMP} line 4711"),
            series: series(),
            at_ms: START_MS,
            first: 3.0,
            second: 4.0,
        },
        SpoolError::TwoSources {
            one: "north.openmetrics".to_owned(),
            other: "south.openmetrics".to_owned(),
            series: series(),
        },
        SpoolError::TooManySeries,
    ]
}

fn raw() -> Vec<RawError<SpoolError>> {
    let name = || DATA.to_owned();
    vec![
        RawError::Query {
            column: Column::Metric(Metric::DbSize),
            promql: "avg_over_time(my_size[5m])".to_owned(),
            reason: "the function 'avg_over_time' is not supported here".to_owned(),
        },
        RawError::Selector { selector: "job=~\"(\"".to_owned(), reason: "the pattern '(' is invalid".to_owned() },
        RawError::NothingAtAll { name: name(), selector: " with {job=\"x\"}".to_owned() },
        RawError::NoLabel {
            column: Column::Metric(Metric::WalFsync),
            series: series(),
            label: "env".to_owned(),
            remedy: "set --cluster-label to an existing label",
        },
        RawError::Nothing { name: name(), range: quarter(), selector: String::new() },
        RawError::NoSeries { metric: Metric::BackendCommit, range: quarter(), name: name() },
        RawError::TooFewSamples {
            metric: Metric::WalFsync,
            advice: "scraped every 10 min: rate[5m] never sees two samples; use --rate-window 30m".to_owned(),
        },
        RawError::Incomplete { metric: Metric::DbSize, name: name() },
        RawError::Native { metric: Metric::WalFsync },
        RawError::NotEtcd { metric: Metric::OpenFds },
        RawError::NoLimit { limit: Companion::Quota, metric: Metric::DbSize, range: quarter() },
        RawError::Interrupted,
    ]
}

fn evaluation() -> EvaluationError<SpoolError> {
    let cause = SeriesError::OutOfOrder { earlier_ms: START_MS + 15_000, later_ms: START_MS };
    EvaluationError::Order { series: series(), cause }
}
