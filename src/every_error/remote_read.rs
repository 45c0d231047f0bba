//! Samples of the errors of `sources/remote_read`.

use super::{Samples, samples_of};
use crate::sources::remote_read::{Place, RemoteReadError};

const SERIES: &str = "etcd_server_leader_changes_seen_total{instance=\"10.0.1.3:2379\", job=\"kube-etcd\"}";

pub(super) fn samples() -> Vec<Samples> {
    let mut errors = frames();
    errors.extend(contents());
    vec![samples_of(errors)]
}

fn place(offset: u64) -> Place {
    Place::Frame { number: 3, offset }
}

fn frames() -> Vec<RemoteReadError> {
    vec![
        RemoteReadError::Request { source: snap::Error::TooBig { given: 5_000_000_000, max: 4_294_967_295 } },
        RemoteReadError::ContentType { found: "text/html; charset=utf-8".to_owned() },
        RemoteReadError::FrameLength { place: place(2_097_420) },
        RemoteReadError::FrameTooLarge { place: place(2_097_420), size: 536_870_911, limit: 67_108_864 },
        RemoteReadError::Checksum { place: place(2_097_420), stored: 0x1234_5678, computed: 0x90ab_cdef },
        RemoteReadError::Truncated { place: place(2_097_420), received: 1 },
        RemoteReadError::Stopped { place: place(2_097_420), text: "context deadline exceeded".to_owned() },
    ]
}

fn contents() -> Vec<RemoteReadError> {
    let series = || SERIES.to_owned();
    vec![
        RemoteReadError::TooLarge { what: "the decompressed body".to_owned(), limit: 268_435_456 },
        RemoteReadError::TooLarge { what: format!("series {SERIES}"), limit: 268_435_456 },
        RemoteReadError::Snappy { source: snap::Error::Empty },
        RemoteReadError::Malformed {
            place: Place::Message { offset: 57 },
            problem: "an integer is longer than its message or than 64 bits",
        },
        RemoteReadError::Encoding {
            series: series(),
            min_ms: 1_790_812_800_000,
            encoding: 2,
            name: "histogram",
            remedy: "ask for a metric with classic buckets, or use the query API",
        },
        RemoteReadError::Chunk {
            series: series(),
            min_ms: 1_790_812_800_000,
            problem: "its samples exceed the time that the server gives",
        },
        RemoteReadError::TwoValues { series: series(), at_ms: 1_790_812_800_000, first: 3.0, second: 4.0 },
    ]
}
