//! The files of a head. Each part of the input begins with a byte for its place:
//!
//! - 0 to 3: the whole of `wal/00000000`, `wal/00000001`, `wbl/00000000` or `chunks_head/000001`;
//! - 4 to 6: a record of these logs, with a right checksum, and compressed with snappy or zstd if bit 3 or 4 is set;
//! - 7: a chunk of `chunks_head/000001` after its header, with a right checksum.

#![no_main]

use std::fs;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use under_test::parts::parts;
use under_test::scratch;
use under_test::sources::tsdb::head::Head;

const FILES: [&str; 4] = ["wal/00000000", "wal/00000001", "wbl/00000000", "chunks_head/000001"];

const CHUNKS_HEADER: [u8; 8] = [0x01, 0x30, 0xbc, 0x91, 1, 0, 0, 0];

/// Bytes of a page of a log, and of the header of a record.
const PAGE: usize = 32 << 10;
const HEADER: usize = 7;

fuzz_target!(|bytes: &[u8]| {
    let [position, rest @ ..] = bytes else { return };
    let mut files: [Option<Vec<u8>>; 4] = Default::default();
    for part in parts(rest) {
        let [kind, content @ ..] = part else { continue };
        let file = files[usize::from(kind & 3)].get_or_insert_default();
        match kind & 7 {
            0..=3 => file.extend(content),
            4..=6 => add_record(file, kind & 24, content),
            _ => add_chunk(file, content),
        }
    }
    let scratch = scratch::folder();
    for (name, content) in FILES.iter().zip(files).filter_map(|(name, content)| Some((name, content?))) {
        let path = scratch.path().join(name);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("the folder is writable");
        fs::write(path, content).expect("the folder is writable");
    }
    check(scratch.path(), *position);
});

/// Adds a record as one fragment. One that does not fit into the page is left out.
fn add_record(file: &mut Vec<u8>, compression: u8, content: &[u8]) {
    let data = match compression {
        8 => snap::raw::Encoder::new().compress_vec(content).expect("a short record"),
        16 => zstd::encode_all(content, 0).expect("a short record"),
        _ => content.to_vec(),
    };
    if data.len() + HEADER > PAGE - file.len() % PAGE {
        return;
    }
    file.push(1 | if compression == 24 { 0 } else { compression });
    file.extend((data.len() as u16).to_be_bytes());
    file.extend(crc32c::crc32c(&data).to_be_bytes());
    file.extend(data);
}

fn add_chunk(file: &mut Vec<u8>, content: &[u8]) {
    if file.is_empty() {
        file.extend(CHUNKS_HEADER);
    }
    file.extend(content);
    file.extend(crc32c::crc32c(content).to_be_bytes());
}

fn check(dir: &Path, position: u8) {
    let metrics = match Head::read(dir, &[], 0, None) {
        Ok(head) => head,
        Err(error) => return names_a_file(&error.to_string(), dir),
    };
    assert!(metrics.series().is_empty(), "no series is wanted");
    let names: Vec<&str> = metrics.metrics().iter().map(|metric| metric.name.as_ref()).collect();
    // Names that are not UTF-8 can be the same as texts.
    assert!(names.is_sorted(), "names ascend: {names:?}");
    for (from_ms, end_ms) in limits(&metrics, position) {
        let head = match Head::read(dir, &names, from_ms, end_ms) {
            Ok(head) => head,
            Err(error) => return names_a_file(&error.to_string(), dir),
        };
        is_in_order(&head, from_ms);
        for lost in head.lost() {
            assert!(lost.first_ms <= lost.last_ms && lost.file.starts_with(dir), "{lost:?}");
            assert!(!lost.to_string().chars().any(char::is_control), "a loss is one line: {lost}");
        }
        let again = Head::read(dir, &names, from_ms, end_ms).expect("it could be read");
        assert!(again.series() == head.series() && again.lost() == head.lost(), "read twice");
    }
}

/// What to ask for: all, and a part of the time of the head.
fn limits(head: &Head, position: u8) -> [(i64, Option<i64>); 2] {
    let (first, last) = head.range_ms().unwrap_or_default();
    let length = i128::from(last) - i128::from(first);
    let at = |share: u8| (i128::from(first) + length * i128::from(share) / 15) as i64;
    [(i64::MIN, None), (at(position >> 4), Some(at(position & 15)))]
}

fn is_in_order(head: &Head, from_ms: i64) {
    assert!(head.series().windows(2).all(|pair| pair[0].labels < pair[1].labels), "{:?}", head.series());
    for series in head.series() {
        let times = &series.samples.times_ms;
        assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "times ascend: {series:?}");
        assert!(!times.is_empty() && times[0] >= from_ms && times.len() == series.samples.values.len(), "{series:?}");
        let name = series.labels.iter().find(|(name, _)| name.as_ref() == "__name__");
        let name = name.map_or("", |(_, value)| value.as_ref());
        let metric = head.metrics().iter().find(|metric| metric.name.as_ref() == name).expect("a metric of the head");
        let range = metric.range_ms.expect("it has samples");
        assert!(range.0 <= times[0] && times[times.len() - 1] <= range.1, "{range:?}: {series:?}");
    }
}

fn names_a_file(error: &str, dir: &Path) {
    assert!(error.contains(&*dir.to_string_lossy()), "an error names a file: {error}");
}
