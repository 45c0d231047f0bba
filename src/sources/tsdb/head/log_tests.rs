use super::super::encode::segment;
use super::*;
use crate::scratch::Scratch;

const FINISHED: Tail = Tail::Finished;

/// The records of a segment, and its damage.
fn read(bytes: &[u8], tail: Tail) -> (Vec<Vec<u8>>, Vec<Damage>) {
    let scratch = Scratch::new();
    let mut segment = Segment::open(&scratch.write("00000000", bytes), tail).expect("a file");
    let (mut records, mut damage) = (Vec::new(), Vec::new());
    while let Some(event) = segment.next().expect("a readable file") {
        match event {
            Event::Record(_) => records.push(segment.record().to_vec()),
            Event::Damage(part) => damage.push(part),
        }
    }
    assert_eq!(segment.bytes_read(), bytes.len() as u64);
    (records, damage)
}

/// Records that fill several pages, some of them larger than one.
fn records() -> Vec<Vec<u8>> {
    let record = |number: usize| {
        let length = if number % 40 == 7 { 70_000 } else { 100 + number * 37 % 3000 };
        (0..length).map(|at| (at * at + number) as u8).collect()
    };
    (0..120).map(record).collect()
}

#[test]
fn records_across_pages_are_whole_with_every_compression() {
    for compression in [0, 8, 16] {
        let records = records();
        let mut bytes = segment(&records, compression);
        assert_eq!(read(&bytes, FINISHED), (records.clone(), vec![]));
        assert_eq!(read(&bytes, Tail::Open), (records.clone(), vec![]));
        bytes.resize(bytes.len().next_multiple_of(PAGE), 0);
        assert_eq!(read(&bytes, FINISHED), (records, vec![]));
    }
}

#[test]
fn damage_costs_one_page_and_the_record_that_crosses_it() {
    let records = records();
    let intact = segment(&records, 0);
    for page in 0..intact.len() / PAGE {
        let mut bytes = intact.clone();
        bytes[page * PAGE + 20_000] ^= 1;
        let (read, damage) = read(&bytes, FINISHED);
        assert_eq!(damage.len(), 1, "{damage:?}");
        assert!(damage[0].offset < (page as u64 + 1) * PAGE as u64 && damage[0].bytes <= 110_000, "{damage:?}");
        assert!(read.len() >= records.len() - 60 && read.len() < records.len());
        let mut rest = records.iter();
        assert!(read.iter().all(|record| rest.any(|other| other == record)), "records are intact and in order");
    }
}

#[test]
fn an_open_segment_may_end_anywhere_and_a_finished_one_between_records() {
    let records = records();
    let intact = segment(&records[..12], 8);
    let mut ends = 0;
    for end in 0..intact.len() {
        let (part, damage) = read(&intact[..end], Tail::Open);
        assert_eq!(damage, []);
        assert!(records.starts_with(&part));
        let (same, damage) = read(&intact[..end], FINISHED);
        assert_eq!(part, same);
        ends += usize::from(damage.is_empty());
    }
    // After no record, after each, and in the zeroes at the end of a page.
    assert!((12..12 + 4 * HEADER).contains(&ends), "{ends}");
}

#[test]
fn zeroes_are_padding_only_at_the_end_of_a_segment() {
    let records = records();
    let intact = segment(&records, 0);
    let mut bytes = intact.clone();
    bytes[2 * PAGE..3 * PAGE].fill(0);
    let (_, damage) = read(&bytes, Tail::Open);
    assert_eq!(damage.len(), 1, "{damage:?}");
    let mut bytes = segment(&records[..3], 0);
    bytes.resize(PAGE, 0);
    assert_eq!(read(&bytes, FINISHED), (records[..3].to_vec(), vec![]));
    bytes.resize(3 * PAGE, 0);
    let (_, damage) = read(&bytes, FINISHED);
    let end: u64 = records[..3].iter().map(|record| (HEADER + record.len()) as u64).sum();
    let problem = "there are zeroes instead of records";
    assert_eq!(damage, [Damage { offset: end, bytes: 3 * PAGE as u64 - end, problem }]);
    assert_eq!(read(&[], FINISHED), (vec![], vec![]));
    assert_eq!(read(&[0; PAGE], Tail::Open), (vec![], vec![]));
}

#[test]
fn fragments_in_the_wrong_order_are_damage() {
    let fragment = |kind: u8, data: &[u8]| {
        let length = (data.len() as u16).to_be_bytes();
        [&[kind], &length[..], &crc32c::crc32c(data).to_be_bytes(), data].concat()
    };
    let (full, first, middle, last) = (fragment(1, b"a"), fragment(2, b"b"), fragment(3, b"c"), fragment(4, b"d"));
    let problems = |parts: &[&Vec<u8>]| {
        let bytes: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
        let (records, damage) = read(&bytes, FINISHED);
        let records: String = records.iter().map(|record| String::from_utf8_lossy(record) + ",").collect();
        (records, damage.iter().map(|damage| (damage.offset, damage.bytes)).collect::<Vec<_>>())
    };
    assert_eq!(problems(&[&first, &middle, &last, &full]), ("bcd,a,".to_owned(), vec![]));
    assert_eq!(problems(&[&full, &middle, &last, &full]), ("a,a,".to_owned(), vec![(8, 16)]));
    assert_eq!(problems(&[&first, &full, &last]), ("a,".to_owned(), vec![(0, 8), (16, 8)]));
    assert_eq!(problems(&[&first, &first, &last]), ("bd,".to_owned(), vec![(0, 8)]));
    assert_eq!(problems(&[&full, &first]), ("a,".to_owned(), vec![(8, 8)]));
    assert_eq!(problems(&[&first, &fragment(4 | 8, b"d"), &full]), ("a,".to_owned(), vec![(0, 16)]));
    assert_eq!(problems(&[&fragment(1 | 8, b"zz"), &full]), ("a,".to_owned(), vec![(0, 9)]));
    assert_eq!(problems(&[&full, &fragment(5, b"d"), &full]), ("a,".to_owned(), vec![(8, 16)]));
}

#[test]
fn a_wrong_length_in_an_open_segment_is_not_its_end() {
    let records = records();
    let intact = segment(&records[..3], 8);
    let mut bytes = intact.clone();
    bytes[1] = 0x70;
    let (read, damage) = read(&bytes, Tail::Open);
    assert_eq!(read, records[1..3]);
    assert_eq!(damage.len(), 1);
    assert_eq!((damage[0].offset, damage[0].problem), (0, "the length of a record is wrong"));
}
