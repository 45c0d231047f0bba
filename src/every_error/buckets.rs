//! Samples of the errors of blocks in buckets.

use std::io::ErrorKind;

use super::{START_MS, Samples, io_error, path, samples_of};
use crate::sources::tsdb::bucket::BucketError;

pub(super) fn samples() -> Vec<Samples> {
    let address = || "s3://metrics/thanos".to_owned();
    vec![samples_of(vec![
        BucketError::Nothing { address: address() },
        BucketError::NoBlocks { address: address() },
        BucketError::Tenants {
            address: "s3://metrics/blocks".to_owned(),
            count: 3,
            first: "team-a".to_owned(),
            tenants: "team-a, team-b, team-c".to_owned(),
        },
        BucketError::NothingLeft {
            address: address(),
            notes: "left out 1 incomplete block, being uploaded or deleted: 01KB5M6E7T0G8Y2ZJ4W3V9QXRN".to_owned(),
        },
        BucketError::OutOfRange {
            address: address(),
            wanted: "from 2026-10-01 to 2026-10-02".to_owned(),
            first_ms: START_MS - 8 * 86_400_000,
            last_ms: START_MS - 86_400_000,
        },
        BucketError::Changing { address: address(), attempts: 3 },
        BucketError::Temporary { dir: path("/tmp"), source: io_error(ErrorKind::StorageFull) },
    ])]
}
