//! Comparison with the answers of Prometheus servers: while they run, after they were killed, and after they stopped.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::super::block::{Block, BlockError, BlockFolders, Samples, merge};
use super::{Head, HeadError};
use crate::scratch::Scratch;

mod live;
mod server;
mod writer;

use server::{Content, Written};
pub(super) use server::{Server, data};
use writer::STALE;
pub(super) use writer::{METRICS, OUT_OF_ORDER, Writer, value_at};

/// Samples of blocks by labels.
pub(super) type Parts = BTreeMap<Vec<(String, String)>, Vec<Samples>>;

/// The end of the newest block that certainly has samples in order. Prometheus 2.42 forgets the hint when it merges blocks
/// of samples out of order, so that blocks of higher levels may have none.
pub(super) fn blocks_end_ms(data: &Path) -> Option<i64> {
    let folders = BlockFolders::read(data).expect("the folder of blocks").current;
    let in_order = folders.iter().filter(|folder| {
        // Gone if the server has just removed the block.
        let meta = fs::read_to_string(folder.dir.join("meta.json")).unwrap_or_default();
        folder.meta.compaction.level == 1 && !meta.is_empty() && !meta.contains("from-out-of-order")
    });
    in_order.map(|folder| folder.meta.range_ms().end).max()
}

/// What the blocks have. A server may remove some meanwhile.
pub(super) fn blocks(data: &Path) -> Parts {
    (0..50).find_map(|_| try_blocks(data).ok()).expect("blocks that are not removed at once")
}

fn try_blocks(data: &Path) -> Result<Parts, BlockError> {
    let mut parts = Parts::new();
    for folder in BlockFolders::read(data)?.current {
        let block = Block::open(folder.dir)?;
        for series in block.series_named(&METRICS)? {
            let samples = block.samples(&series, i64::MIN..i64::MAX)?;
            parts.entry(texts(&series.labels)).or_default().push(samples);
        }
    }
    Ok(parts)
}

pub(super) fn texts(labels: &[(std::sync::Arc<str>, std::sync::Arc<str>)]) -> Vec<(String, String)> {
    labels.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

/// What blocks and head have together, without stale markers, as the API gives it.
fn read(data: &Path) -> Content {
    let head = Head::read(data, &METRICS, i64::MIN, blocks_end_ms(data)).expect("a readable head");
    assert_eq!(head.lost(), []);
    assert_eq!(head.bad_chunks(), 0);
    assert!(head.unknown_records().is_empty());
    assert!(head.series().windows(2).all(|pair| pair[0].labels < pair[1].labels));
    let mut parts = blocks(data);
    for series in head.series() {
        parts.entry(texts(&series.labels)).or_default().push(series.samples.clone());
    }
    let mut content = Content::new();
    for (labels, parts) in parts {
        let merged = merge(parts);
        assert_eq!(merged.conflicts, 0);
        let (mut samples, all) = (Samples::default(), merged.samples);
        all.iter().filter(|(_, value)| value.to_bits() != STALE).for_each(|(time, value)| samples.push(time, value));
        if !samples.is_empty() {
            content.insert(labels, samples);
        }
    }
    content
}

/// Compares everything bit for bit; the API does not distinguish one NaN from another. Gives the number of samples.
fn compare(data: &Path, mut answer: Content) -> usize {
    let mut read = read(data);
    for value in read.values_mut().chain(answer.values_mut()).flat_map(|samples| &mut samples.values) {
        if value.is_nan() {
            *value = f64::NAN;
        }
    }
    assert!(read.keys().eq(answer.keys()), "{:?}\n{:?}", read.keys(), answer.keys());
    for (labels, samples) in &read {
        let other = &answer[labels];
        if samples != other {
            let more = |one: &Samples, other: &Samples| -> Vec<(i64, f64)> {
                one.iter().filter(|(time, _)| other.times_ms.binary_search(time).is_err()).take(5).collect()
            };
            let (read, answered) = (more(samples, other), more(other, samples));
            panic!(
                "{labels:?}: {} and {} samples; only read {read:?}, only answered {answered:?}",
                samples.len(),
                other.len()
            );
        }
    }
    read.values().map(Samples::len).sum()
}

/// Compares while the server runs, after it was killed, started, stopped, and started again.
fn compare_in_all_states(scratch: &Scratch, config: &str, arguments: &[&str], mut writer: Writer, hours: &[i64]) {
    let data = data(scratch);
    let mut server = Server::start(scratch, config, arguments);
    for (round, hours) in hours.iter().enumerate() {
        writer.write(&server, hours * 60);
        let answer = settled(&server, &data, writer.now_ms);
        let running = compare(&data, answer.clone());
        if round % 2 == 0 {
            drop(server);
        } else {
            server.stop();
        }
        let stopped = compare(&data, answer);
        server = Server::start(scratch, config, arguments);
        let answer = settled(&server, &data, writer.now_ms);
        let count = |content: &Content| content.values().map(Samples::len).sum::<usize>();
        if config == OUT_OF_ORDER && count(&answer) < running {
            // Prometheus before 3.14 takes merged blocks of late samples for the end of its blocks, and forgets its head.
            println!("the server lost {} of {running} samples in its restart", running - count(&answer));
            assert_eq!(count(&read(&data)), running);
            return;
        }
        let restarted = compare(&data, answer);
        let files = super::files::Files::list(&data).expect("a data directory");
        println!(
            "{running} samples while running, {stopped} after {}, {restarted} after a restart; {} blocks to {:?}, {} + {} + {} segments, {} chunk files, {} requests refused in part",
            if round % 2 == 0 { "SIGKILL" } else { "SIGTERM" },
            BlockFolders::read(&data).expect("the folder of blocks").current.len(),
            blocks_end_ms(&data),
            files.checkpoint.len(),
            files.wal.len(),
            files.wbl.len(),
            files.chunks.len(),
            writer.refused,
        );
        assert!(running > 4000 && stopped == running && restarted == running);
    }
}

/// The answer of a server that does not compact any more.
pub(super) fn settled(server: &Server, data: &Path, now_ms: i64) -> Content {
    loop {
        let state = || {
            let folders = BlockFolders::read(data).expect("the folder of blocks").current;
            let files = super::files::Files::list(data).expect("a data directory");
            (folders.len(), blocks_end_ms(data), files.checkpoint.len(), files.wal.len(), files.wbl.len())
        };
        let before = state();
        std::thread::sleep(std::time::Duration::from_millis(700));
        let answer = server.content(now_ms);
        if state() == before {
            return answer;
        }
    }
}

#[test]
fn samples_are_those_of_a_server_in_every_state() {
    let scratch = Scratch::new();
    compare_in_all_states(&scratch, "", &[], Writer::new(40, 40, 0), &[2, 3, 7, 12, 4]);
}

#[test]
fn samples_of_a_log_without_compression_are_read() {
    let scratch = Scratch::new();
    let arguments = ["--no-storage.tsdb.wal-compression"];
    compare_in_all_states(&scratch, "", &arguments, Writer::new(41, 20, 0), &[3, 9]);
}

#[test]
fn samples_out_of_order_are_read() {
    let scratch = Scratch::new();
    let writer = Writer::new(42, 30, 2 * 3_600_000);
    compare_in_all_states(&scratch, OUT_OF_ORDER, &[], writer, &[2, 3, 7, 6, 1]);
}

#[test]
fn refused_samples_are_not_read() {
    // Late samples without a window for them: the server logs some before it refuses them.
    let scratch = Scratch::new();
    compare_in_all_states(&scratch, "", &[], Writer::new(43, 20, 20_000), &[2, 5]);
}

#[test]
fn deleted_samples_are_not_read() {
    let scratch = Scratch::new();
    let data = data(&scratch);
    let mut server = Server::start(&scratch, "", &[]);
    let mut writer = Writer::new(44, 20, 0);
    for _ in 0..4 {
        writer.write(&server, 120);
        let before = compare(&data, settled(&server, &data, writer.now_ms));
        for _ in 0..4 {
            let start = writer.now_ms - writer.random.below(4 * 3_600_000) as i64;
            let end = start + writer.random.below(3_600_000) as i64;
            let matcher = ["up", "a%3Ab", "%7Bn%3D~%22.*3%22%7D"][writer.random.below(3) as usize];
            let seconds = |time: i64| format!("{}.{:03}", time / 1000, time % 1000);
            server.admin(&format!("delete_series?match[]={matcher}&start={}&end={}", seconds(start), seconds(end)));
        }
        let deleted = compare(&data, settled(&server, &data, writer.now_ms));
        assert!(deleted < before);
        // Samples that come after a deletion.
        writer.write(&server, 20);
        let running = compare(&data, settled(&server, &data, writer.now_ms));
        drop(server);
        server = Server::start(&scratch, "", &[]);
        let restarted = compare(&data, settled(&server, &data, writer.now_ms));
        println!("{before} samples, {deleted} after deletions, {running} later, {restarted} after a restart");
        assert_eq!(running, restarted);
    }
}

#[test]
fn a_snapshot_of_the_memory_is_not_needed() {
    let scratch = Scratch::new();
    let data = data(&scratch);
    let arguments = ["--enable-feature=memory-snapshot-on-shutdown"];
    let mut writer = Writer::new(45, 20, 3_600_000);
    for _ in 0..3 {
        let server = Server::start(&scratch, OUT_OF_ORDER, &arguments);
        writer.write(&server, 150);
        let answer = settled(&server, &data, writer.now_ms);
        server.stop();
        let entries = fs::read_dir(&data).expect("a data directory").flatten();
        let is_snapshot = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with("chunk_snapshot.");
        assert_eq!(entries.filter(|entry| is_snapshot(&entry.file_name())).count(), 1);
        compare(&data, answer);
    }
}

#[test]
fn native_histograms_are_refused_only_if_they_are_wanted() {
    {
        let scratch = Scratch::new();
        let server = Server::start(&scratch, OUT_OF_ORDER, &["--enable-feature=native-histograms"]);
        let mut writer = Writer::new(46, 8, 0);
        writer.write(&server, 30);
        let labels = [("__name__", "h"), ("l", "x")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let histograms = (0..20).map(|number| writer.now_ms + number * 1000).collect();
        let written = Written { labels: labels.to_vec(), histograms, ..Written::default() };
        assert_eq!(server.write(std::slice::from_ref(&written)), "");
        let all = Head::read(&data(&scratch), &METRICS, i64::MIN, None).expect("no histogram is wanted");
        assert!(all.series().len() > 3 && all.lost().is_empty());
        let error = Head::read(&data(&scratch), &["up", "h"], i64::MIN, None).expect_err("a histogram is wanted");
        assert!(matches!(error, HeadError::NativeHistograms { .. }));
        let text = error.to_string();
        assert!(
            text.contains("wal/00000000 at byte ") && text.contains(": h{l=\"x\"} has native histograms"),
            "{text}"
        );
        let later = writer.now_ms + 20_000;
        assert!(
            Head::read(&data(&scratch), &["up", "h"], later, None).expect("no later histogram").series().is_empty()
        );
    }
}
