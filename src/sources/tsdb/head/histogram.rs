//! The extent of native histograms in records. Their values are not read.

use super::bytes::Bytes;

/// The schema of histograms with custom buckets, whose bounds are in the record.
const CUSTOM_BUCKETS: i64 = -53;

/// Size of a float in bytes.
const FLOAT: u64 = 8;

/// How counts are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Integer,
    Float,
}

/// Passes over a histogram. The number that it gives means nothing.
pub(super) fn skip(bytes: &mut Bytes<'_>, kind: Kind) -> Option<f64> {
    let _counter_reset_hint = bytes.byte()?;
    let schema = bytes.varint()?;
    let _zero_threshold = bytes.take(FLOAT)?;
    match kind {
        // Zero count and count.
        Kind::Integer => (bytes.uvarint()?, bytes.uvarint()?),
        Kind::Float => (bytes.be64()?, bytes.be64()?),
    };
    let _sum = bytes.take(FLOAT)?;
    for _positive_and_negative in 0..2 {
        for _span in 0..bytes.uvarint()? {
            let _offset_and_length = (bytes.varint()?, bytes.uvarint()?);
        }
    }
    for _positive_and_negative in 0..2 {
        let buckets = bytes.uvarint()?;
        match kind {
            Kind::Integer => (0..buckets).try_for_each(|_| bytes.varint().map(|_| ()))?,
            Kind::Float => bytes.take(buckets.checked_mul(FLOAT)?).map(|_| ())?,
        }
    }
    if schema == CUSTOM_BUCKETS {
        let bounds = bytes.uvarint()?;
        bytes.take(bounds.checked_mul(FLOAT)?)?;
    }
    Some(f64::NAN)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::super::record::{Record, decode};
    use super::*;

    /// A histogram with spans, buckets, and custom bounds if the schema has them.
    fn histogram(kind: Kind, schema: u8) -> Vec<u8> {
        let float = 1.5_f64.to_be_bytes();
        let mut bytes = vec![0, schema];
        bytes.extend(float);
        let count = if kind == Kind::Float { &float[..] } else { &[200, 1] };
        bytes.extend([count, count, &float].concat());
        // Two positive spans, one negative; three positive buckets, one negative.
        bytes.extend([2, 4, 1, 6, 2, 1, 3, 1]);
        let bucket = if kind == Kind::Float { &float[..] } else { &[9] };
        bytes.extend([&[3], bucket, bucket, bucket, &[1], bucket].concat());
        if schema == 105 {
            bytes.extend([&[2][..], &float, &float].concat());
        }
        bytes
    }

    #[test]
    fn the_next_histogram_begins_where_the_last_one_ends() {
        for (record_type, kind) in [(7, Kind::Integer), (8, Kind::Float), (9, Kind::Integer), (10, Kind::Float)] {
            for schema in [4, 105] {
                let one = histogram(kind, schema);
                let base = [[0; 7].as_slice(), &[5], &[0; 7], &[100]].concat();
                let record = [&[record_type], base.as_slice(), &[0, 0], &one, &[4, 6], &one].concat();
                let mut samples = Vec::new();
                assert!(matches!(decode(&record, &mut samples).unwrap(), Record::Histograms));
                let read: Vec<_> = samples.iter().map(|sample| (sample.reference, sample.time_ms)).collect();
                assert_eq!(read, [(5, 100), (7, 103)]);
                assert!(decode(&record[..record.len() - 1], &mut samples).is_none());
            }
        }
        for (record_type, kind) in [(12, Kind::Integer), (13, Kind::Float)] {
            let one = histogram(kind, 105);
            let record = [&[record_type, 10, 100, 0], one.as_slice(), &[4, 6, 2, 8], &one].concat();
            let mut samples = Vec::new();
            assert!(matches!(decode(&record, &mut samples).unwrap(), Record::Histograms));
            let read: Vec<_> = samples.iter().map(|sample| (sample.reference, sample.time_ms)).collect();
            assert_eq!(read, [(5, 50), (7, 53)]);
        }
    }
}
