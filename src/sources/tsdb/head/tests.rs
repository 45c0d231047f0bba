//! The parts together, over small files that the tests write.

use std::path::Path;

use super::super::block::encode::chunk;
use super::encode::{chunk_file, samples, series, tombstones};
use super::*;
use crate::scratch::Scratch;

const UP: &[(&str, &str)] = &[("__name__", "up"), ("job", "etcd")];
const OTHER: &[(&str, &str)] = &[("__name__", "other")];

/// Writes records as a segment.
fn write(scratch: &Scratch, name: &str, records: &[Vec<u8>]) {
    scratch.write(name, &encode::segment(records, 8));
}

fn read(scratch: &Scratch) -> Head {
    Head::read(scratch.path(), &["up"], i64::MIN, None).expect("a readable head")
}

/// Times of the samples of the only series.
fn times(head: &Head) -> &[i64] {
    assert!(head.series().len() == 1, "{:?}", head.series());
    &head.series()[0].samples.times_ms
}

#[test]
fn a_directory_without_a_head_is_empty() {
    let scratch = Scratch::new();
    let head = read(&scratch);
    assert!(head.series().is_empty() && head.metrics().is_empty() && head.lost().is_empty());
    assert_eq!((head.range_ms(), head.bytes_read()), (None, 0));
    assert!(Head::read(Path::new("/no/such/folder"), &["up"], 0, None).expect("no head").series().is_empty());
}

#[test]
fn checkpoint_segments_chunks_and_late_samples_are_one_series() {
    let scratch = Scratch::new();
    write(&scratch, "wal/00000002", &[samples(&[(1, 5, 5.0)])]);
    write(&scratch, "wal/checkpoint.00000002/00000000", &[series(&[(1, UP), (2, OTHER)]), samples(&[(1, 10, 1.0)])]);
    // The same labels under another reference, and a late sample that the log has too.
    let renewed = samples(&[(3, 30, 3.0), (1, 15, 1.5), (2, 90, 0.0)]);
    write(&scratch, "wal/00000003", &[samples(&[(1, 20, 2.0)]), series(&[(3, UP)]), renewed]);
    write(&scratch, "wbl/00000007", &[samples(&[(1, 15, 1.5)])]);
    let chunks =
        [(1, 10, 12, 1, chunk(&[(10, 1.0), (12, 1.2)])), (9, 1, 2, 1, vec![]), (1, 7, 7, 0x81, chunk(&[(7, 0.7)]))];
    scratch.write("chunks_head/000004", &chunk_file(&chunks));
    let head = read(&scratch);
    assert_eq!(head.series()[0].samples.values, [0.7, 1.0, 1.2, 1.5, 2.0, 3.0]);
    assert_eq!(times(&head), [7, 10, 12, 15, 20, 30]);
    let metrics: Vec<_> = head.metrics().iter().map(|metric| (metric.name.as_ref(), metric.range_ms)).collect();
    assert_eq!(metrics, [("other", Some((90, 90))), ("up", Some((7, 30)))]);
    assert_eq!(head.range_ms(), Some((7, 90)));
    assert!(head.lost().is_empty() && head.bytes_read() > 100);
    let text = |(name, value): &(Arc<str>, Arc<str>)| format!("{name}={value}");
    assert_eq!(head.series()[0].labels.iter().map(text).collect::<Vec<_>>(), ["__name__=up", "job=etcd"]);
}

#[test]
fn the_end_of_blocks_limits_samples_in_order_only() {
    let scratch = Scratch::new();
    let logged = samples(&[(1, 10, 1.0), (1, 20, 2.0), (1, 30, 3.0)]);
    write(&scratch, "wal/00000000", &[series(&[(1, UP)]), logged]);
    write(&scratch, "wbl/00000000", &[samples(&[(1, 15, 1.5), (1, 2, 0.2)])]);
    scratch.write("chunks_head/000001", &chunk_file(&[(1, 10, 20, 1, chunk(&[(10, 1.0), (20, 2.0)]))]));
    let read = |from, end| Head::read(scratch.path(), &["up"], from, end).expect("a readable head");
    assert_eq!(times(&read(i64::MIN, Some(20))), [2, 15, 20, 30]);
    assert_eq!(times(&read(3, Some(21))), [15, 30]);
    assert_eq!(times(&read(16, None)), [20, 30]);
    assert!(read(31, None).series().is_empty());
}

#[test]
fn series_are_in_the_order_of_their_labels() {
    let scratch = Scratch::new();
    let labels: [&[(&str, &str)]; 4] = [
        &[("__name__", "up"), ("job", "b")],
        &[("__name__", "up"), ("job", "a"), ("x", "y")],
        &[("__name__", "up"), ("job", "a")],
        &[("__name__", "up"), ("a", "z")],
    ];
    let all: Vec<_> = labels.iter().zip(1..).map(|(labels, reference)| (reference, *labels)).collect();
    let values: Vec<_> = (1..5).map(|reference| (reference, 10, reference as f64)).collect();
    write(&scratch, "wal/00000000", &[series(&all), samples(&values)]);
    let head = read(&scratch);
    let order: Vec<f64> = head.series().iter().map(|series| series.samples.values[0]).collect();
    assert_eq!(order, [4.0, 3.0, 2.0, 1.0]);
}

#[test]
fn deletions_are_inclusive_and_of_the_whole_head() {
    let scratch = Scratch::new();
    let records = [
        series(&[(1, UP)]),
        samples(&[(1, 10, 1.0), (1, 20, 2.0)]),
        tombstones(&[(1, 10, 30), (2, 0, 100)]),
        samples(&[(1, 30, 3.0), (1, 31, 3.1)]),
    ];
    write(&scratch, "wal/00000000", &records);
    assert_eq!(times(&read(&scratch)), [31]);
}

#[test]
fn a_missing_segment_is_a_loss_with_its_time() {
    let scratch = Scratch::new();
    write(&scratch, "wal/00000000", &[series(&[(1, UP)]), samples(&[(1, 10, 1.0)])]);
    write(&scratch, "wal/00000002", &[samples(&[(1, 30, 3.0)]), samples(&[(7, 50, 3.0), (7, 60, 3.0)])]);
    let head = read(&scratch);
    assert_eq!(times(&head), [10, 30]);
    let [lost] = head.lost() else { panic!("{:?}", head.lost()) };
    assert_eq!(lost.file, scratch.path().join("wal/00000001"));
    assert_eq!((lost.first_ms, lost.last_ms, lost.orphans), (10, 60, 2));
}

#[test]
fn chunks_without_a_log_are_a_loss() {
    let scratch = Scratch::new();
    scratch.write("chunks_head/000001", &chunk_file(&[(1, 10, 20, 1, chunk(&[(10, 1.0), (20, 2.0)]))]));
    let head = read(&scratch);
    assert!(head.lost()[0].to_string().contains("wal at byte 0: there is no log"), "{:?}", head.lost());
}

#[test]
fn a_damaged_chunk_is_lost_only_without_its_samples_in_the_log() {
    let logged = [(1, 10, 1.0), (1, 20, 2.0), (1, 30, 3.0)];
    for (first, lost) in [(0, 0), (1, 1)] {
        let scratch = Scratch::new();
        write(&scratch, "wal/00000000", &[series(&[(1, UP)]), samples(&logged[first..])]);
        let chunks = [(1, 10, 20, 1, chunk(&[(10, 1.0), (20, 2.0)])), (9, 1, 2, 1, vec![])];
        let mut bytes = chunk_file(&chunks);
        bytes[40] ^= 1;
        scratch.write("chunks_head/000001", &bytes);
        let head = read(&scratch);
        assert_eq!((head.lost().len(), head.bad_chunks()), (lost, 1));
        assert_eq!(times(&head), &[10, 20, 30][first..]);
        assert!(head.lost().iter().all(|lost| (lost.first_ms, lost.last_ms, lost.offset) == (10, 20, 8)));
    }
}

#[test]
fn chunks_of_unknown_encodings_are_replaced_by_the_log() {
    let scratch = Scratch::new();
    write(&scratch, "wal/00000000", &[series(&[(1, UP)]), samples(&[(1, 10, 1.0), (1, 20, 2.0)])]);
    scratch.write("chunks_head/000001", &chunk_file(&[(1, 10, 20, 4, vec![0; 9])]));
    let head = read(&scratch);
    assert_eq!((times(&head), head.bad_chunks(), head.lost().len()), (&[10, 20][..], 1, 0));
    scratch.write("chunks_head/000001", &chunk_file(&[(1, 10, 20, 2, vec![0; 9])]));
    let error = Head::read(scratch.path(), &["up"], 0, None).expect_err("histograms").to_string();
    assert!(error.contains("chunks_head/000001 at byte 8: up{job=\"etcd\"} has native histograms"), "{error}");
}

#[test]
fn two_values_at_one_time_are_an_error_that_names_them() {
    let scratch = Scratch::new();
    write(&scratch, "wal/00000000", &[series(&[(1, UP)]), samples(&[(1, 10, 1.0)])]);
    write(&scratch, "wbl/00000000", &[samples(&[(1, 10, 2.0)])]);
    let error = Head::read(scratch.path(), &["up"], 0, None).expect_err("two values").to_string();
    assert!(
        error.contains("has two values of up{job=\"etcd\"} at 1970-01-01T00:00:00.010Z (1 and 2): query the server"),
        "{error}"
    );
}

#[test]
fn records_of_later_versions_are_counted() {
    let scratch = Scratch::new();
    let records = [series(&[(1, UP)]), vec![77, 1], vec![78], vec![77], samples(&[(1, 10, 1.0)])];
    write(&scratch, "wal/00000000", &records);
    let head = read(&scratch);
    assert_eq!(head.unknown_records(), &BTreeMap::from([(77, 2), (78, 1)]));
    assert_eq!(times(&head), [10]);
}

#[test]
fn a_malformed_record_is_a_loss() {
    let scratch = Scratch::new();
    let malformed = samples(&[(1, 20, 2.0)]);
    let malformed = malformed[..malformed.len() - 1].to_vec();
    let not_utf8 = [&series(&[(2, UP)])[..], &[0xff; 8], b"\x01\x08__name__\x02u\xff"].concat();
    let records = [series(&[(1, UP)]), samples(&[(1, 10, 1.0)]), malformed, samples(&[(1, 30, 3.0)]), not_utf8];
    write(&scratch, "wal/00000000", &records);
    let head = read(&scratch);
    assert_eq!(times(&head), [10, 30]);
    let [lost] = head.lost() else { panic!("{:?}", head.lost()) };
    assert_eq!((lost.first_ms, lost.last_ms, lost.problem), (10, 30, "the content of a record is malformed"));
}
