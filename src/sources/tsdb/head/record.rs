//! Records of `wal/` and `wbl/`: labels of series, samples, and deletions.

use super::bytes::Bytes;
use super::histogram::{self, Kind};

/// A plain sample of the series with this reference.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) reference: u64,
    pub(super) time_ms: i64,
    pub(super) value: f64,
}

/// Names and values, in ascending order.
pub(super) type RawLabels<'a> = Vec<(&'a [u8], &'a [u8])>;

/// Deleted samples of a series: first and last time, both inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tombstone {
    pub(super) reference: u64,
    pub(super) first_ms: i64,
    pub(super) last_ms: i64,
}

/// What the head needs of a record.
#[derive(Debug)]
pub(super) enum Record<'a> {
    Series(Vec<(u64, RawLabels<'a>)>),
    /// The samples are in the buffer that was given.
    Samples,
    /// References and times of native histograms are in the buffer that was given, without values.
    Histograms,
    Tombstones(Vec<Tombstone>),
    /// Exemplars, metadata, and markers of chunks: nothing for samples.
    Other,
    /// A type of a later version of Prometheus.
    Unknown(u8),
}

/// Decodes a record. `None` if it is malformed; then `samples` is invalid.
pub(super) fn decode<'a>(record: &'a [u8], samples: &mut Vec<Sample>) -> Option<Record<'a>> {
    samples.clear();
    let Some((kind, content)) = record.split_first() else { return Some(Record::Other) };
    let mut bytes = Bytes(content);
    Some(match kind {
        1 => Record::Series(series(&mut bytes)?),
        2 => {
            from_base(&mut bytes, samples, value)?;
            Record::Samples
        }
        3 => Record::Tombstones(tombstones(&mut bytes)?),
        // Exemplars, markers of chunks and metadata.
        4..=6 => Record::Other,
        7..=10 => {
            let kind = if kind % 2 == 1 { Kind::Integer } else { Kind::Float };
            from_base(&mut bytes, samples, |bytes| histogram::skip(bytes, kind))?;
            Record::Histograms
        }
        11 => {
            from_previous(&mut bytes, samples, value)?;
            Record::Samples
        }
        12 | 13 => {
            let kind = if *kind == 12 { Kind::Integer } else { Kind::Float };
            from_previous(&mut bytes, samples, |bytes| histogram::skip(bytes, kind))?;
            Record::Histograms
        }
        unknown => Record::Unknown(*unknown),
    })
}

fn series<'a>(bytes: &mut Bytes<'a>) -> Option<Vec<(u64, RawLabels<'a>)>> {
    let mut series = Vec::new();
    while !bytes.is_empty() {
        let reference = bytes.be64()?;
        let count = bytes.uvarint()?;
        // Each label has at least two bytes, which bounds the allocation.
        let count = usize::try_from(count).ok().filter(|count| *count <= bytes.0.len() / 2)?;
        let mut labels = Vec::with_capacity(count);
        for _ in 0..count {
            labels.push((bytes.string()?, bytes.string()?));
        }
        series.push((reference, labels));
    }
    Some(series)
}

fn tombstones(bytes: &mut Bytes<'_>) -> Option<Vec<Tombstone>> {
    let mut list = Vec::new();
    while !bytes.is_empty() {
        let (reference, first_ms, last_ms) = (bytes.be64()?, bytes.varint()?, bytes.varint()?);
        list.push(Tombstone { reference, first_ms, last_ms });
    }
    Some(list)
}

fn value(bytes: &mut Bytes<'_>) -> Option<f64> {
    bytes.be64().map(f64::from_bits)
}

/// Types 2 and 7 to 10: references and times are differences to the first ones.
fn from_base(
    bytes: &mut Bytes<'_>,
    samples: &mut Vec<Sample>,
    value: impl Fn(&mut Bytes<'_>) -> Option<f64>,
) -> Option<()> {
    if bytes.is_empty() {
        return Some(());
    }
    let (base, base_ms) = (bytes.be64()?, bytes.be64()? as i64);
    while !bytes.is_empty() {
        let reference = base.wrapping_add_signed(bytes.varint()?);
        let time_ms = base_ms.wrapping_add(bytes.varint()?);
        samples.push(Sample { reference, time_ms, value: value(bytes)? });
    }
    Some(())
}

/// Types 11 to 13 (Prometheus 3.11 and later): references are differences to the sample before, times to the first
/// one, and a start timestamp precedes the value.
fn from_previous(
    bytes: &mut Bytes<'_>,
    samples: &mut Vec<Sample>,
    value: impl Fn(&mut Bytes<'_>) -> Option<f64>,
) -> Option<()> {
    if bytes.is_empty() {
        return Some(());
    }
    let (mut reference, first_ms, _start_ms) = (bytes.varint()? as u64, bytes.varint()?, bytes.varint()?);
    samples.push(Sample { reference, time_ms: first_ms, value: value(bytes)? });
    while !bytes.is_empty() {
        reference = reference.wrapping_add_signed(bytes.varint()?);
        let time_ms = first_ms.wrapping_add(bytes.varint()?);
        // 0 is no start timestamp, and 1 the one before.
        if bytes.byte()? > 1 {
            bytes.varint()?;
        }
        samples.push(Sample { reference, time_ms, value: value(bytes)? });
    }
    Some(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::super::encode;
    use super::*;

    fn samples(record: &[u8]) -> Vec<(u64, i64, f64)> {
        let mut samples = Vec::new();
        decode(record, &mut samples).unwrap();
        samples.iter().map(|sample| (sample.reference, sample.time_ms, sample.value)).collect()
    }

    #[test]
    fn samples_of_both_versions_are_decoded() {
        let list = [(7, 1_700_000_000_000, 1.5), (2, 1_699_999_999_000, -0.0), (1 << 40, 5, f64::INFINITY)];
        assert_eq!(samples(&encode::samples(&list)), list);
        assert_eq!(samples(&encode::samples_v2(&list, &[0, 0, 0])), list);
        assert_eq!(samples(&encode::samples_v2(&list, &[3, 3, 9])), list);
        assert!(samples(&[2]).is_empty() && samples(&[11]).is_empty());
    }

    #[test]
    fn series_and_tombstones_are_decoded() {
        let record = encode::series(&[(5, &[("__name__", "up"), ("job", "ü")]), (6, &[])]);
        let Some(Record::Series(series)) = decode(&record, &mut Vec::new()) else { panic!("no series") };
        assert_eq!(series[0], (5, vec![(&b"__name__"[..], &b"up"[..]), (b"job", "ü".as_bytes())]));
        assert_eq!(series[1], (6, vec![]));
        let record = encode::tombstones(&[(5, -3, 70), (6, i64::MIN, i64::MAX)]);
        let Some(Record::Tombstones(list)) = decode(&record, &mut Vec::new()) else { panic!("no tombstones") };
        assert_eq!(list[0], Tombstone { reference: 5, first_ms: -3, last_ms: 70 });
        assert_eq!(list[1], Tombstone { reference: 6, first_ms: i64::MIN, last_ms: i64::MAX });
    }

    #[test]
    fn cut_records_are_malformed_and_others_are_passed_over() {
        let records = [
            encode::samples(&[(7, 5, 1.5), (8, 5, 2.5)]),
            encode::series(&[(5, &[("__name__", "up")])]),
            encode::tombstones(&[(5, -3, 70)]),
        ];
        for record in records {
            for end in 2..record.len() {
                let mut samples = Vec::new();
                let whole = record[0] == 2 && (end == 17 || end == 27);
                assert_eq!(decode(&record[..end], &mut samples).is_some(), whole, "{record:?} up to {end}");
            }
        }
        assert!(decode(&[1, 0, 0, 0, 0, 0, 0, 0, 5, 0xff, 0xff, 0xff, 0xff, 0x0f, 1], &mut Vec::new()).is_none());
        for kind in 4..7 {
            assert!(matches!(decode(&[kind, 1, 2], &mut Vec::new()), Some(Record::Other)));
        }
        assert!(matches!(decode(&[14, 1], &mut Vec::new()), Some(Record::Unknown(14))));
        assert!(matches!(decode(&[], &mut Vec::new()), Some(Record::Other)));
    }
}
