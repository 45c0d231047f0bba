//! Blocks of a Prometheus server: deletions, cleaned tombstones, compactions, and a snapshot of its head.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::super::random::Random;
use super::super::{Block, BlockFolder, BlockFolders};
use super::{START_MS, compare, random_text, read, write_blocks};
use crate::scratch::Scratch;

/// The value that ends a series.
const STALE: u64 = 0x7ff0_0000_0000_0002;

/// A server that is killed at the end of the test.
pub(in crate::sources) struct Server {
    child: Child,
    pub(in crate::sources) port: u16,
}

impl Server {
    /// Starts a server over the folder `data`, and waits until it answers.
    pub(in crate::sources) fn start(scratch: &Scratch, config: &str, arguments: &[&str]) -> Self {
        let config = scratch.write("prometheus.yml", config.as_bytes());
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let mut command = Command::new("prometheus");
        command.arg(format!("--config.file={}", config.display()));
        command.arg(format!("--storage.tsdb.path={}", scratch.path().join("data").display()));
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        command.args(["--web.enable-admin-api", "--storage.tsdb.retention.time=100y"]).args(arguments);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("prometheus is installed");
        let server = Self { child, port };
        let start = Instant::now();
        while !server.request("GET /-/ready").contains("200 OK") {
            assert!(start.elapsed() < Duration::from_secs(60), "prometheus does not start");
            thread::sleep(Duration::from_millis(100));
        }
        server
    }

    /// Sends a request without body. The answer is empty while nobody listens.
    pub(in crate::sources) fn request(&self, request: &str) -> String {
        let mut answer = String::new();
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) {
            let _ = write!(stream, "{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
            let _ = stream.read_to_string(&mut answer);
        }
        answer
    }

    fn admin(&self, path: &str) {
        let answer = self.request(&format!("POST /api/v1/admin/tsdb/{path}"));
        assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How many samples tombstones hide in a data directory.
fn hidden(data: &Path) -> u64 {
    let blocks = BlockFolders::read(data).expect("the folder of blocks").current;
    let all: u64 = blocks.iter().map(|block| block.meta.stats.num_samples).sum();
    all - read(data).values().map(|samples| samples.len() as u64).sum::<u64>()
}

#[test]
fn deleted_samples_are_not_read_before_and_after_they_are_cleaned() {
    let mut random = Random(20);
    for _ in 0..3 {
        let scratch = Scratch::new();
        write_blocks(&scratch, &random_text(&mut random, 30, 2000), &[]);
        let data = scratch.path().join("data");
        let before = compare(&data);
        let server = Server::start(&scratch, "", &[]);
        for _ in 0..12 {
            let start = START_MS + random.below(30_000_000) as i64;
            let end = start + random.below(10_000_000) as i64;
            let matcher = ["up", "a:b", "{n=~\".*3\"}", "etcd_wal_seconds_count"][random.below(4) as usize];
            let matcher: String = matcher.bytes().map(|byte| format!("%{byte:02x}")).collect();
            let seconds = |time: i64| format!("{}.{:03}", time / 1000, time % 1000);
            server.admin(&format!("delete_series?match[]={matcher}&start={}&end={}", seconds(start), seconds(end)));
        }
        drop(server);
        let (after, hidden_after) = (compare(&data), hidden(&data));
        assert!(after < before && hidden_after > 0, "{before} samples, {after} after deletions");
        let server = Server::start(&scratch, "", &[]);
        server.admin("clean_tombstones");
        drop(server);
        assert_eq!((compare(&data), hidden(&data)), (after, 0));
        println!("{before} samples, {after} after deletions");
    }
}

/// Answers scrapes with what `body` makes of their number. Runs until the process ends. Gives the configuration of a
/// server that scrapes it.
pub(in crate::sources) fn scraped(content_type: &'static str, body: fn(usize) -> Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let Ok(mut stream) = stream else { continue };
            let _ = stream.read(&mut [0; 4096]);
            let body = body(number);
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n"
            );
            let _ = stream.write_all(&body);
        }
    });
    let times = "scrape_interval: 50ms, scrape_timeout: 50ms";
    format!("scrape_configs: [{{job_name: j, {times}, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]")
}

/// Two metrics, one of which is only in every other answer.
pub(in crate::sources) fn counters(number: usize) -> Vec<u8> {
    let sometimes = if number.is_multiple_of(2) { format!("sometimes {number}\n") } else { String::new() };
    format!("always{{l=\"x\"}} {}\n{sometimes}", number as f64 / 7.0).into_bytes()
}

/// Ten samples of the last eight seconds, so that most are older than earlier ones.
fn out_of_order(number: usize) -> Vec<u8> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970").as_millis() as u64;
    let mut random = Random(number as u64);
    let lines = (0..10).map(|_| format!("late {} {}\n", random.below(50), now - random.below(8000)));
    lines.collect::<String>().into_bytes()
}

/// A native histogram as a delimited `io.prometheus.client.MetricFamily`: one bucket, and the number as count.
pub(in crate::sources) fn histogram(number: usize) -> Vec<u8> {
    let count = (number % 100) as u8;
    // sample_count, schema 0, zero_threshold 2^-128, positive_span of offset 0 and length 1, positive_delta.
    let mut histogram = vec![0x08, count, 0x28, 0, 0x31];
    histogram.extend(2.0_f64.powi(-128).to_le_bytes());
    histogram.extend([0x62, 4, 0x08, 0, 0x10, 1, 0x68, count * 2]);
    let metric = [&[0x3a, histogram.len() as u8], histogram.as_slice()].concat();
    let family = [&[0x0a, 1, b'h', 0x18, 4, 0x22, metric.len() as u8], metric.as_slice()].concat();
    [&[family.len() as u8], family.as_slice()].concat()
}

/// Stops a server with a snapshot of its blocks and its head.
pub(in crate::sources) fn snapshot(scratch: &Scratch, server: Server) -> PathBuf {
    server.admin("snapshot");
    drop(server);
    let snapshots = scratch.path().join("data/snapshots");
    let snapshot = fs::read_dir(snapshots).expect("a snapshot").flatten().next().expect("a snapshot").path();
    fs::create_dir(snapshot.join("wal")).expect("the folder is writable");
    snapshot
}

#[test]
fn native_histograms_are_refused_and_other_series_are_not() {
    const PROTOBUF: &str =
        "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
    let scratch = Scratch::new();
    let server = Server::start(&scratch, &scraped(PROTOBUF, histogram), &["--enable-feature=native-histograms"]);
    // The first scrape is five seconds after the start.
    thread::sleep(Duration::from_secs(8));
    let folders = BlockFolders::read(&snapshot(&scratch, server)).expect("the folder of blocks");
    let block = Block::open(&folders.current[0].dir).expect("an intact block");
    let up = block.series_named(&["up"]).expect("an intact index");
    assert!(block.samples(&up[0], i64::MIN..i64::MAX).expect("intact chunks").len() > 5);
    let series = block.series_named(&["h"]).expect("an intact index");
    let error = block.samples(&series[0], i64::MIN..i64::MAX).expect_err("no plain samples").to_string();
    assert!(error.contains("a chunk of h{instance=\"127.0.0.1:"), "{error}");
    assert!(error.contains("has encoding 2 (histogram), not plain samples: ask for a metric with classic"), "{error}");
}

#[test]
fn blocks_and_snapshots_of_a_running_server_are_read() {
    let scratch = Scratch::new();
    let config = scraped("text/plain", counters);
    let limits = ["--storage.tsdb.min-block-duration=2s", "--storage.tsdb.max-block-duration=6s"];
    let server = Server::start(&scratch, &config, &limits);
    thread::sleep(Duration::from_secs(20));
    let snapshot = snapshot(&scratch, server);
    let samples = compare(&snapshot);
    let folders = BlockFolders::read(&snapshot).expect("the folder of blocks");
    let levels: Vec<u64> = folders.current.iter().map(|block| block.meta.compaction.level).collect();
    println!("{samples} samples in {} blocks of levels {levels:?}", folders.current.len());
    assert!(samples > 1000 && levels.len() > 1, "{samples} samples, levels {levels:?}");
    let mut stale = 0;
    for folder in folders.current {
        let block = Block::open(folder.dir).expect("an intact block");
        for series in block.series_named(&["sometimes"]).expect("an intact index") {
            let samples = block.samples(&series, i64::MIN..i64::MAX).expect("intact chunks");
            stale += samples.values.iter().filter(|value| value.to_bits() == STALE).count();
        }
    }
    assert!(stale > 20, "{stale} stale markers");
}

#[test]
fn blocks_of_samples_out_of_order_are_merged() {
    let scratch = Scratch::new();
    let storage = "storage: {tsdb: {out_of_order_time_window: 1m}}\n";
    let config = storage.to_owned() + &scraped("text/plain", out_of_order);
    let limits = ["--storage.tsdb.min-block-duration=2s", "--storage.tsdb.max-block-duration=6s"];
    let server = Server::start(&scratch, &config, &limits);
    thread::sleep(Duration::from_secs(25));
    let snapshot = snapshot(&scratch, server);
    let samples = compare(&snapshot);
    let folders = BlockFolders::read(&snapshot).expect("the folder of blocks").current;
    let overlap = |pair: &[BlockFolder]| pair[0].meta.max_time > pair[1].meta.min_time;
    let overlapping = folders.windows(2).filter(|pair| overlap(pair)).count();
    let sizes: Vec<_> = folders.iter().map(|block| (block.meta.range_ms(), block.meta.compaction.level)).collect();
    println!("{samples} samples, {overlapping} overlaps: {sizes:?}");
    assert!(samples > 1000, "{samples} samples");
}

#[test]
fn chunks_in_several_segment_files_are_found() {
    let scratch = Scratch::new();
    let mut random = Random(21);
    write_blocks(&scratch, &random_text(&mut random, 300, 4000), &["--max-block-duration=168h"]);
    let data = scratch.path().join("data");
    // A block is written again when its tombstones are cleaned.
    let server = Server::start(&scratch, "", &["--storage.tsdb.max-block-chunk-segment-size=1MB"]);
    server.admin("delete_series?match[]={n=\"7\"}");
    server.admin("clean_tombstones");
    drop(server);
    let samples = compare(&data);
    let folders = BlockFolders::read(&data).expect("the folder of blocks").current;
    let segments = |dir: &Path| fs::read_dir(dir.join("chunks")).expect("segments").count();
    let most = folders.iter().map(|folder| segments(&folder.dir)).max();
    println!("{samples} samples in up to {most:?} segments");
    assert!(most > Some(2), "{most:?} segments");
}
