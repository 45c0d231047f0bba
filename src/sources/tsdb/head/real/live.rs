//! Reading the head while a server writes, compacts and truncates it.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::super::super::block::Samples;
use super::server::{Server, data};
use super::writer::{METRICS, OUT_OF_ORDER, START_MS, Writer, value_at};
use super::{blocks, compare, settled, texts};
use crate::scratch::Scratch;
use crate::sources::tsdb::directory::{Living, Which};

/// Samples that are looked for in each head.
const RECENT: usize = 20_000;

/// All samples of head and blocks, as numbers of series and times. Fails if a value is not the one that was written.
fn found(data: &std::path::Path) -> HashSet<(usize, i64)> {
    let head = Living::read(data, &METRICS.map(str::to_owned), &Which::default()).expect("a readable head").head;
    assert_eq!(head.lost(), []);
    // After the head: what the server has moved from it meanwhile is in blocks.
    let mut parts = blocks(data);
    for series in head.into_series() {
        parts.entry(texts(&series.labels)).or_default().push(series.samples);
    }
    let mut found = HashSet::new();
    for (labels, parts) in parts {
        let number = labels.iter().find(|(name, _)| name == "n").and_then(|(_, value)| value.parse().ok());
        let number = number.expect("the number of a series");
        for (time, value) in parts.iter().flat_map(Samples::iter) {
            assert_eq!(value.to_bits(), value_at(number, time).to_bits(), "series {number} at {time} ms");
            found.insert((number, time));
        }
    }
    found
}

#[test]
fn a_head_and_the_blocks_after_it_have_all_that_was_written_before() {
    let scratch = Scratch::new();
    let data = data(&scratch);
    let server = Server::start(&scratch, OUT_OF_ORDER, &[]);
    let (is_done, written) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut writer = Writer::new(47, 60, 1_800_000);
            for _ in 0..36 * 60 {
                writer.write(&server, 1);
                written.lock().expect("no panic").append(&mut writer.written);
            }
            is_done.store(true, Ordering::Relaxed);
        });
        let mut reads = 0;
        while !is_done.load(Ordering::Relaxed) {
            let expected = written.lock().expect("no panic").clone();
            let found = found(&data);
            let recent = &expected[expected.len().saturating_sub(RECENT)..];
            let missing: Vec<_> = recent.iter().filter(|sample| !found.contains(sample)).take(5).collect();
            assert!(missing.is_empty(), "{missing:?} of {} samples", expected.len());
            reads += 1;
        }
        println!("{reads} heads were read");
        assert!(reads > 5);
    });
    let answer = settled(&server, &data, START_MS + 36 * 3_600_000);
    compare(&data, answer);
}

#[test]
fn a_head_of_a_server_that_is_killed_while_it_writes_is_whole() {
    let scratch = Scratch::new();
    let data = data(&scratch);
    let mut writer = Writer::new(48, 200, 0);
    for round in 0..8 {
        let server = Server::start(&scratch, OUT_OF_ORDER, &[]);
        thread::scope(|scope| {
            scope.spawn(|| while writer.try_write(&server) {});
            thread::sleep(std::time::Duration::from_millis(300 + round * 37));
            server.kill();
        });
        drop(server);
        let found = found(&data);
        let missing: Vec<_> = writer.written.iter().filter(|sample| !found.contains(sample)).take(5).collect();
        assert!(missing.is_empty(), "{missing:?} of {} samples", writer.written.len());
    }
    println!("{} samples", writer.written.len());
}
