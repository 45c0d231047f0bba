//! Damaged files of a server: no number is wrong, and what is missing is in a lost span.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::super::block::Samples;
use super::super::block::random::Random;
use super::files::{Files, Part};
use super::real::{METRICS, OUT_OF_ORDER, Server, Writer, blocks, blocks_end_ms, data, settled, texts, value_at};
use super::*;
use crate::scratch::Scratch;

/// Most bytes of the last record of a log.
const LAST_RECORDS: u64 = 3000;

type Content = BTreeMap<String, Samples>;

/// The data directory of a server that was killed, and what is read from it.
struct Intact {
    scratch: Scratch,
    /// Without what blocks have.
    content: Content,
}

impl Intact {
    fn new() -> Self {
        let scratch = Scratch::new();
        for round in 0..4 {
            let server = Server::start(&scratch, OUT_OF_ORDER, &[]);
            let mut writer = Writer::new(50 + round, 60, 3_600_000);
            writer.skip(7 * round as i64);
            writer.write(&server, 6 * 60 - 30);
            settled(&server, &data(&scratch), writer.now_ms);
            // Without another compaction.
            writer.write(&server, 70);
        }
        let head = read(&data(&scratch)).expect("an intact head");
        let blocks = blocks(&data(&scratch));
        let mut content = Content::new();
        for series in head.series() {
            let parts = blocks.get(&texts(&series.labels)).map_or(&[][..], |parts| parts);
            let in_block = |time| parts.iter().any(|part| part.times_ms.binary_search(&time).is_ok());
            let only_head = series.samples.iter().filter(|(time, _)| !in_block(*time)).unzip();
            let samples = Samples { times_ms: only_head.0, values: only_head.1 };
            content.insert(stream::name(&series.labels), samples);
        }
        let files = Files::list(&data(&scratch)).expect("a data directory");
        assert!(!files.checkpoint.is_empty() && !files.wbl.is_empty() && files.chunks.len() > 1, "{files:?}");
        assert!(content.len() > 10 && content.values().map(Samples::len).sum::<usize>() > 1000);
        Self { scratch, content }
    }

    /// Segments and files of chunks, and whether they may end anywhere.
    fn files(&self) -> Vec<(PathBuf, bool)> {
        let files = Files::list(&data(&self.scratch)).expect("a data directory");
        let mut all = Vec::new();
        for (parts, has_open_end) in [(files.checkpoint, false), (files.wal, true), (files.wbl, true)] {
            let last = parts.len();
            for (part, number) in parts.into_iter().zip(1..) {
                let Part::Segment(path) = part else { panic!("{part:?}") };
                all.push((path, has_open_end && number == last));
            }
        }
        all.extend(files.chunks.into_iter().map(|path| (path, true)));
        all
    }

    /// Compares what is read from the damaged directory. Gives whether damage was reported.
    fn check(&self, what: &str, may_end: bool) -> bool {
        let head = read(&data(&self.scratch)).unwrap_or_else(|error| panic!("{what}: {error}"));
        let is_reported = !head.lost().is_empty() || !head.unknown_records().is_empty();
        let read = content(&head);
        for series in head.series() {
            let number =
                series.labels.iter().find(|(name, _)| &**name == "n").and_then(|(_, value)| value.parse().ok());
            let number = number.expect("the number of a series");
            for (time, value) in series.samples.iter() {
                let is_right = value.to_bits() == value_at(number, time).to_bits();
                assert!(is_right, "{what}: {value} in series {number} at {time} ms");
            }
        }
        for (series, samples) in &self.content {
            let read = read.get(series);
            for time in &samples.times_ms {
                let is_read = read.is_some_and(|read| read.times_ms.binary_search(time).is_ok());
                let is_lost = head.lost().iter().any(|lost| (lost.first_ms..=lost.last_ms).contains(time));
                let is_known = is_read || is_lost || may_end || !head.unknown_records().is_empty();
                assert!(is_known, "{what}: {series} lacks a sample at {time} ms: {:?}", head.lost());
            }
        }
        is_reported
    }
}

fn read(data: &Path) -> Result<Head, HeadError> {
    Head::read(data, &METRICS, i64::MIN, blocks_end_ms(data))
}

fn content(head: &Head) -> Content {
    head.series().iter().map(|series| (stream::name(&series.labels), series.samples.clone())).collect()
}

/// Changes some bytes. Gives what was done, and whether the end of the file is cut.
fn damage(bytes: &mut Vec<u8>, random: &mut Random) -> (String, bool) {
    let most = 1 << random.below(17);
    let damage = random.damage(bytes, most);
    // Without its end, or with a last record of another length, an open file looks like that of a server that was killed
    // earlier.
    let is_end = damage.kind == "cut" || damage.end as u64 + LAST_RECORDS > damage.length as u64;
    (damage.to_string(), is_end)
}

#[test]
fn damage_never_gives_a_wrong_number_and_what_is_missing_is_reported() {
    let intact = Intact::new();
    let mut random = Random(52);
    for (path, has_open_end) in intact.files() {
        let bytes = fs::read(&path).expect("a file of the head");
        // Most of a file of chunks may be reserved space.
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        if used < 9 {
            continue;
        }
        let mut reported = 0;
        for _ in 0..100 {
            let mut damaged = bytes[..used].to_vec();
            let (what, is_end) = damage(&mut damaged, &mut random);
            // Any segment that ends between two records, or with zeros after one, may be that of a server that was killed and
            // started again. Only then is nothing reported.
            fs::write(&path, damaged).expect("the folder is writable");
            let is_killed = is_end && read(&data(&intact.scratch)).is_ok_and(|head| head.lost().is_empty());
            let may_end = has_open_end && is_end || is_killed;
            reported += u32::from(intact.check(&format!("{}: {what}", path.display()), may_end));
        }
        fs::write(&path, &bytes).expect("the folder is writable");
        println!("{}: {reported} of 100 reported, {used} bytes", path.display());
    }
    assert!(!intact.check("nothing", false));
}

#[test]
fn a_missing_file_is_reported() {
    let intact = Intact::new();
    let first_late = Files::list(&data(&intact.scratch)).expect("a data directory").wbl.into_iter().next();
    let mut reported = 0;
    for (path, has_open_end) in intact.files() {
        let bytes = fs::read(&path).expect("a file of the head");
        fs::remove_file(&path).expect("the folder is writable");
        // The server removes segments from the front of `wbl/` too.
        let is_end = has_open_end || first_late == Some(Part::Segment(path.clone()));
        reported += usize::from(intact.check(&format!("{} is missing", path.display()), is_end));
        fs::write(&path, &bytes).expect("the folder is writable");
    }
    assert!(reported > 0);
}

#[test]
fn random_content_with_a_right_checksum_does_not_panic() {
    let scratch = Scratch::new();
    let mut random = Random(53);
    let mut readable = 0;
    for _ in 0..2000 {
        let mut record = |labels: bool| {
            // Small numbers are more often valid.
            let limit = [3, 16, 256][random.below(3) as usize];
            let mut record: Vec<u8> = (0..random.below(60)).map(|_| random.below(limit) as u8).collect();
            record.insert(0, 1 + random.below(14) as u8);
            if labels { encode::series(&[(random.below(4), &[("__name__", "up")])]) } else { record }
        };
        let records: Vec<Vec<u8>> = (0..12).map(|number| record(number % 3 == 0)).collect();
        scratch.write("wal/00000000", &encode::segment(&records, 0));
        scratch.write("wbl/00000000", &encode::segment(&records[4..], 8));
        let chunks: Vec<_> =
            records.iter().map(|data| (1, 5, 9, [1, 0x81, 2, 9][data.len() % 4], data.clone())).collect();
        scratch.write("chunks_head/000001", &encode::chunk_file(&chunks));
        readable += u32::from(Head::read(scratch.path(), &["up"], i64::MIN, None).is_ok());
    }
    assert!(readable > 100, "{readable} heads are readable");
}
