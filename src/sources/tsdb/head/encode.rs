//! Encoders of records and segments for tests, from the description of the formats.

use super::log::{HEADER, PAGE};

fn uvarint(bytes: &mut Vec<u8>, mut value: u64) {
    while value > 127 {
        bytes.push(value as u8 | 128);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn varint(bytes: &mut Vec<u8>, value: i64) {
    uvarint(bytes, (value << 1 ^ value >> 63) as u64);
}

/// A record of series.
pub(in crate::sources::tsdb) fn series(list: &[(u64, &[(&str, &str)])]) -> Vec<u8> {
    let mut bytes = vec![1];
    for (reference, labels) in list {
        bytes.extend(reference.to_be_bytes());
        uvarint(&mut bytes, labels.len() as u64);
        for text in labels.iter().flat_map(|(name, value)| [name, value]) {
            uvarint(&mut bytes, text.len() as u64);
            bytes.extend(text.as_bytes());
        }
    }
    bytes
}

/// A record of samples: reference, time and value.
pub(in crate::sources::tsdb) fn samples(list: &[(u64, i64, f64)]) -> Vec<u8> {
    let mut bytes = vec![2];
    let Some((base, base_ms, _)) = list.first() else { return bytes };
    bytes.extend(base.to_be_bytes());
    bytes.extend(base_ms.to_be_bytes());
    for (reference, time, value) in list {
        varint(&mut bytes, reference.wrapping_sub(*base) as i64);
        varint(&mut bytes, time - base_ms);
        bytes.extend(value.to_bits().to_be_bytes());
    }
    bytes
}

/// A record of samples with start timestamps, as Prometheus 3.11 writes it.
pub(super) fn samples_v2(list: &[(u64, i64, f64)], starts: &[i64]) -> Vec<u8> {
    let mut bytes = vec![11];
    for (index, (reference, time, value)) in list.iter().enumerate() {
        if index == 0 {
            varint(&mut bytes, *reference as i64);
            varint(&mut bytes, *time);
            varint(&mut bytes, starts[0]);
        } else {
            varint(&mut bytes, reference.wrapping_sub(list[index - 1].0) as i64);
            varint(&mut bytes, time - list[0].1);
            match starts[index] {
                0 => bytes.push(0),
                start if start == starts[index - 1] => bytes.push(1),
                start => {
                    bytes.push(2);
                    varint(&mut bytes, start - starts[0]);
                }
            }
        }
        bytes.extend(value.to_bits().to_be_bytes());
    }
    bytes
}

/// A record of deletions: reference, first and last time.
pub(super) fn tombstones(list: &[(u64, i64, i64)]) -> Vec<u8> {
    let mut bytes = vec![3];
    for (reference, first, last) in list {
        bytes.extend(reference.to_be_bytes());
        varint(&mut bytes, *first);
        varint(&mut bytes, *last);
    }
    bytes
}

/// A segment with records, compressed by 0 (none), 8 (snappy) or 16 (zstd), without zeroes after the last one.
pub(in crate::sources::tsdb) fn segment(records: &[Vec<u8>], compression: u8) -> Vec<u8> {
    let mut segment = Vec::new();
    for record in records {
        let data = match compression {
            8 => snap::raw::Encoder::new().compress_vec(record).expect("a short record"),
            16 => zstd::encode_all(record.as_slice(), 0).expect("a short record"),
            _ => record.clone(),
        };
        let mut rest = data.as_slice();
        let mut is_first = true;
        loop {
            let mut room = PAGE - segment.len() % PAGE;
            if room < HEADER {
                segment.resize(segment.len() + room, 0);
                room = PAGE;
            }
            let (part, after) = rest.split_at(rest.len().min(room - HEADER));
            let kind = match (is_first, after.is_empty()) {
                (true, true) => 1,
                (true, false) => 2,
                (false, false) => 3,
                (false, true) => 4,
            };
            segment.push(kind | compression);
            segment.extend((part.len() as u16).to_be_bytes());
            segment.extend(crc32c::crc32c(part).to_be_bytes());
            segment.extend(part);
            (rest, is_first) = (after, false);
            if rest.is_empty() {
                break;
            }
        }
    }
    segment
}

/// A file of head chunks: reference, first and last time, encoding and data of each.
pub(super) fn chunk_file(chunks: &[(u64, i64, i64, u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = vec![0x01, 0x30, 0xbc, 0x91, 1, 0, 0, 0];
    for (reference, first, last, encoding, data) in chunks {
        let start = bytes.len();
        bytes.extend(reference.to_be_bytes());
        bytes.extend(first.to_be_bytes());
        bytes.extend(last.to_be_bytes());
        bytes.push(*encoding);
        uvarint(&mut bytes, data.len() as u64);
        bytes.extend(data);
        let checksum = crc32c::crc32c(&bytes[start..]);
        bytes.extend(checksum.to_be_bytes());
    }
    bytes
}
