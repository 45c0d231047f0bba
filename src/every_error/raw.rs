//! Samples of the errors of `sources/promql` and `sources/tsdb`.

use std::io::ErrorKind;

use super::{Samples, io_error, path, samples_of};
use crate::sources::promql::{SeriesError, Version};
use crate::sources::tsdb::block::{BlockError, Place};

const BLOCK: &str = "/var/lib/prometheus/metrics2/01KB5M6E7T0G8Y2ZJ4W3V9QXRN";

pub(super) fn samples() -> Vec<Samples> {
    let versions = ["two", "2.x"].map(|text| text.parse::<Version>().expect_err("it is no version"));
    let series = vec![
        SeriesError::UnequalLengths { timestamps: 2, values: 3 },
        SeriesError::OutOfOrder { earlier_ms: 1_790_812_815_000, later_ms: 1_790_812_800_000 },
    ];
    let mut block = files();
    block.extend(contents());
    vec![samples_of(series), samples_of(Vec::from(versions)), samples_of(block)]
}

fn place(file: &str, offset: u64) -> Place {
    Place { file: path(&format!("{BLOCK}/{file}")), offset }
}

fn files() -> Vec<BlockError> {
    let file = |name: &str| path(&format!("{BLOCK}/{name}"));
    let json = serde_json::from_str::<u32>("{").expect_err("it is no number");
    vec![
        BlockError::Io { file: file("index"), source: io_error(ErrorKind::PermissionDenied) },
        BlockError::Remote("s3://metrics/thanos/01KB5M6E7T0G8Y2ZJ4W3V9QXRN/index does not exist".into()),
        BlockError::Magic { file: file("index"), kind: "block's index", found: 0x7b0a_2020, expected: 0xbaaa_d700 },
        BlockError::Version { file: file("index"), kind: "index", found: 1, supported: 2 },
        BlockError::Changing { dir: path("/var/lib/prometheus/metrics2"), attempts: 50 },
        BlockError::Json { file: file("meta.json"), source: json },
        BlockError::Meta { file: file("meta.json"), problem: "has version 2 instead of 1".to_owned() },
        BlockError::Downsampled { file: file("meta.json"), resolution_ms: 300_000 },
        BlockError::MissingSegment { file: file("chunks/000002") },
        BlockError::TwoValues {
            file: file("chunks/000001"),
            series: "up{job=\"etcd\"}".to_owned(),
            at_ms: 1_790_812_800_000,
            first: 0.0,
            second: 1.0,
        },
    ]
}

fn contents() -> Vec<BlockError> {
    let series = || "etcd_disk_wal_fsync_duration_seconds{job=\"etcd\"}".to_owned();
    vec![
        BlockError::Truncated {
            place: place("index", 1_048_571),
            what: "the symbol table",
            wanted: 1,
            size: 1_048_571,
        },
        BlockError::Checksum {
            place: place("chunks/000001", 8),
            what: "a chunk",
            stored: 0x1234_5678,
            computed: 0x90ab_cdef,
        },
        BlockError::Malformed { place: place("tombstones", 9), problem: "an interval ends before it begins" },
        BlockError::Encoding {
            place: place("chunks/000001", 10),
            series: series(),
            encoding: 2,
            name: "histogram",
            remedy: "query the server of this block instead",
        },
        BlockError::OutsideBlock {
            place: place("index", 4096),
            series: series(),
            min_ms: 1_790_812_800_000,
            max_ms: 1_790_820_000_000,
            start_ms: 1_790_820_000_000,
            end_ms: 1_790_827_200_000,
        },
    ]
}
