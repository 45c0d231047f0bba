//! Pulls from blocks of Thanos in a bucket of a real S3 server. Every reading is that of the same blocks on disk.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use serde_json::json;

use crate::support::{
    Folder, HOUR, Metrics, Run, S3, S3Door, START, as_long_as, assert_same, cells, copy_blocks, days_of, etcd_heatmap,
    import, oracle, python, s3_error, simulated,
};

/// The version of the Prometheus whose blocks these are.
const VERSION: &str = "2.42";

/// A pull of everything from `from` into `out`.
fn pull<'a>(from: &'a str, out: &'a str, flags: &[&'a str]) -> Vec<&'a str> {
    [&["pull", "--quiet", "--promql", VERSION, "--from", from, "--out", out], flags].concat()
}

/// The requests for objects: the path below the bucket, and the bytes, `None` for a whole object.
fn gets(door: &S3Door) -> Vec<(String, Option<Range<u64>>)> {
    let seen = door.seen();
    let get = |head: &String| {
        let path = head.strip_prefix("GET /audits/")?.split(' ').next()?;
        let range = head.lines().find_map(|line| line.to_lowercase().strip_prefix("range: bytes=").map(str::to_owned));
        let range = range.and_then(|range| {
            let (first, last) = range.split_once('-')?;
            Some(first.parse().ok()?..last.parse::<u64>().ok()? + 1)
        });
        (!path.contains("list-type")).then(|| (path.to_owned(), range))
    };
    seen.iter().filter_map(get).collect()
}

/// The folders that were listed, each as often as it was.
fn listings(door: &S3Door) -> Vec<String> {
    let prefix = |head: &String| {
        let query = head.strip_prefix("GET /audits?")?.split(' ').next()?.to_owned();
        let prefix = query.split('&').find_map(|field| field.strip_prefix("prefix="))?;
        Some(prefix.replace("%2F", "/"))
    };
    let mut listed: Vec<String> = door.seen().iter().filter_map(prefix).collect();
    listed.sort();
    listed
}

#[test]
fn blocks_in_a_bucket_give_the_bytes_of_a_copy_on_disk() {
    let (s3, folder) = (S3::start(), Folder::new("from-bucket"));
    copy_blocks(&simulated().prometheus.data(), &folder, "blocks", 'A', |meta| {
        meta["thanos"]["labels"] = json!({ "region": "north", "replica": "0" });
    });
    let disk = folder.at("blocks");
    let path = as_long_as(&s3, &disk, "thanos");
    let bucket = s3.at(&path);
    s3.put(&disk, &path);
    let (here, there) = (folder.at("here"), folder.at("there"));
    let flags = ["--cluster-label", "region,cluster"];
    etcd_heatmap(&pull(&disk, &here, &flags)).succeeds();
    let door = S3Door::before(s3.server().port(), |_| None);
    let run = Run::of(s3.command_through(&door.url(), &pull(&bucket, &there, &flags))).succeeds();
    assert_eq!(run.stderr, "");
    // Three days in two blocks: the chunks of a block are not asked for again on each day.
    let chunks = gets(&door).iter().filter(|(path, _)| path.contains("/chunks/")).count();
    assert!(chunks <= 10, "{chunks} requests for chunks");
    let expected = days_of(&folder, "here", &disk);
    assert_eq!(expected.len(), 3);
    assert_same(&expected, &days_of(&folder, "there", &bucket));
    assert!(folder.text("there/manifest.json").contains(&bucket));
    // The same command again reads nothing; another address is another source.
    let again =
        s3.run(&["pull", "--promql", VERSION, "--from", &bucket, "--out", &there, flags[0], flags[1]]).succeeds();
    assert!(again.stderr.contains("0 days") || again.stderr.contains("3 days"), "{}", again.stderr);
    s3.run(&pull(&s3.at("elsewhere"), &there, &flags)).fails_saying(&["s3://audits/elsewhere", "has no objects"]);
    // A single block is read too, and check shows what is there.
    let check = s3.run(&["check", "--from", &bucket]).succeeds();
    for words in [format!("files    2 blocks in {bucket}").as_str(), "members  ", "ready    "] {
        assert!(check.stdout.contains(words), "does not show {words:?}:\n{}", check.stdout);
    }
    let block = listings_of(&folder, "blocks").remove(0);
    let check = s3.run(&["check", "--from", &s3.at(&format!("{path}/{block}"))]).succeeds();
    assert!(check.stdout.contains("files    1 block in "), "{}", check.stdout);
    assert_eq!(s3.left_over(), [""; 0], "nothing stays on disk");
}

/// The names in a folder on disk.
fn listings_of(folder: &Folder, name: &str) -> Vec<String> {
    let entries = fs::read_dir(folder.at(name)).expect("a folder").flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A block of twelve hours with three members of etcd among series of other metrics, which are about 98 % of it.
fn crowded(folder: &Folder) {
    let mut metrics = Metrics::default();
    for member in ["a", "b", "c"] {
        metrics.member(&format!("cluster=\"c\",instance=\"{member}\""), START..START + 12 * HOUR);
    }
    let mut random = 1_u64;
    let mut text = String::new();
    // Names before, between and after those of etcd and its processes.
    for name in ["apiserver_noise", "http_noise", "zone_noise"] {
        for series in 0..400 {
            for second in (START..START + 12 * HOUR).step_by(60) {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                text.push_str(&format!("{name}{{series=\"{series}\"}} {} {second}\n", random >> 11));
            }
        }
    }
    metrics.add(&text);
    let file = folder.write("crowded.om", metrics.text());
    import(Path::new(&file), folder, &["--max-block-duration=18h"]);
}

#[test]
fn only_what_is_needed_of_a_block_is_read_and_nothing_is_listed_twice() {
    let (s3, folder) = (S3::start(), Folder::new("from-crowded"));
    crowded(&folder);
    copy_blocks(&folder.at("data"), &folder, "blocks", 'A', |_| {});
    let (disk, out) = (folder.at("blocks"), folder.at("audit"));
    s3.put(&disk, "thanos");
    let door = S3Door::before(s3.server().port(), |_| None);
    let from = s3.at("thanos");
    Run::of(s3.command_through(&door.url(), &pull(&from, &out, &[]))).succeeds();
    let blocks = listings_of(&folder, "blocks");
    // The folder of blocks is listed once, and each block once.
    let mut expected: Vec<String> = blocks.iter().map(|block| format!("thanos/{block}/")).collect();
    expected.insert(0, "thanos/".to_owned());
    assert_eq!(listings(&door), expected);
    let mut read: BTreeMap<String, Vec<Range<u64>>> = BTreeMap::new();
    for (path, range) in gets(&door) {
        let whole = range.is_none();
        let is_small = path.ends_with("meta.json") || path.ends_with("bucket-index.json.gz");
        assert_eq!(whole, is_small, "{path} is read by ranges");
        read.entry(path).or_default().push(range.unwrap_or(0..1));
    }
    let mut sums = BTreeMap::from([("index", 0), ("chunks", 0)]);
    for (path, ranges) in &mut read {
        ranges.sort_by_key(|range| range.start);
        // A request may reach into the next chunk, which another one reads from its begin on.
        let is_new = |pair: &[Range<u64>]| pair[0].end <= pair[1].start + (2 << 10);
        assert!(ranges.windows(2).all(is_new), "{path} is read twice: {ranges:?}");
        assert!(ranges.len() <= 6, "{} requests for {path}: {ranges:?}", ranges.len());
        for (kind, sum) in &mut sums {
            let bytes: u64 = ranges.iter().map(|range| range.end - range.start).sum();
            *sum += if path.contains(kind) { bytes } else { 0 };
        }
    }
    let size = |path: &str| fs::metadata(folder.at(&format!("blocks/{path}"))).map_or(0, |metadata| metadata.len());
    let chunks: u64 = blocks.iter().map(|block| size(&format!("{block}/chunks/000001"))).sum();
    assert!(chunks > 6 << 20, "the blocks are large: {chunks}");
    assert!(sums["chunks"] * 10 < chunks, "{sums:?} of {chunks}");
}

#[test]
fn blocks_out_of_range_are_not_opened() {
    let (s3, folder) = (S3::start(), Folder::new("from-range"));
    let blocks = copy_blocks(&simulated().prometheus.data(), &folder, "blocks", 'A', |_| {});
    let (disk, out, here) = (folder.at("blocks"), folder.at("audit"), folder.at("here"));
    let path = as_long_as(&s3, &disk, "thanos");
    let from = s3.at(&path);
    s3.put(&disk, &path);
    let door = S3Door::before(s3.server().port(), |_| None);
    // The second block begins on the third day.
    let range = ["--start", "2026-10-01", "--end", "2026-10-03"];
    Run::of(s3.command_through(&door.url(), &pull(&from, &out, &range))).succeeds();
    etcd_heatmap(&pull(&disk, &here, &range)).succeeds();
    assert_same(&days_of(&folder, "here", &disk), &days_of(&folder, "audit", &from));
    let of_second: Vec<String> =
        gets(&door).into_iter().map(|(path, _)| path).filter(|path| path.contains(&blocks[1])).collect();
    assert_eq!(of_second, [format!("{path}/{}/meta.json", blocks[1])]);
    assert_eq!(listings(&door), [format!("{path}/"), format!("{path}/{}/", blocks[0])]);
    let outside = s3.run(&pull(&from, &folder.at("none"), &["--start", "2019-01-01", "--end", "2019-01-02"]));
    outside.fails_saying(&["has no block with samples from 2018-12-31", "its blocks are from 2026-10-01", "--start"]);
}

#[test]
fn downsampled_marked_and_incomplete_blocks_are_left_out_with_a_note() {
    let (s3, folder) = (S3::start(), Folder::new("from-left-out"));
    let data = simulated().prometheus.data();
    let current = copy_blocks(&data, &folder, "blocks", 'A', |_| {});
    let (disk, out, here) = (folder.at("blocks"), folder.at("audit"), folder.at("here"));
    let path = as_long_as(&s3, &disk, "thanos");
    let from = s3.at(&path);
    etcd_heatmap(&pull(&disk, &here, &[])).succeeds();
    copy_blocks(&data, &folder, "blocks", 'B', |meta| meta["thanos"]["downsample"]["resolution"] = json!(300_000));
    // A block that others replace, and one that nothing replaces, both marked an hour ago.
    let mark = |block: &str| {
        let at = SystemTime::UNIX_EPOCH.elapsed().expect("a clock").as_secs() - 3600;
        let mark = json!({ "id": block, "version": 1, "details": "source of compacted block", "deletion_time": at });
        folder.write(&format!("blocks/{block}/deletion-mark.json"), mark.to_string());
    };
    let replaced =
        copy_blocks(&data, &folder, "blocks", 'C', |meta| meta["compaction"]["sources"] = json!([current[0]]));
    fs::remove_dir_all(folder.at(&format!("blocks/{}", replaced[1]))).expect("the other block goes");
    let expired = copy_blocks(&data, &folder, "blocks", 'D', |_| {});
    [&replaced[0], &expired[0]].into_iter().for_each(|block| mark(block));
    fs::remove_dir_all(folder.at(&format!("blocks/{}", expired[1]))).expect("the other block goes");
    let partial = copy_blocks(&data, &folder, "blocks", 'E', |_| {});
    partial.iter().for_each(|block| fs::remove_file(folder.at(&format!("blocks/{block}/meta.json"))).expect("it goes"));
    folder.write(&format!("blocks/{}/no-compact-mark.json", current[0]), "{}");
    s3.put(&disk, &path);
    let run = s3.run(&["pull", "--promql", VERSION, "--from", &from, "--out", &out]).succeeds();
    for words in [
        "left out 2 downsampled blocks of Thanos, which have no raw samples, from 2026-10-01".to_owned(),
        "left out 1 block marked for deletion that no other block replaces, from 2026-10-01".to_owned(),
        expired[0].clone(),
        format!("left out 2 incomplete blocks, being uploaded or deleted: {}, {}", partial[0], partial[1]),
    ] {
        assert!(run.stderr.contains(&words), "does not say {words:?}:\n{}", run.stderr);
    }
    assert!(!run.stderr.contains(&replaced[0]), "{}", run.stderr);
    assert_same(&days_of(&folder, "here", &disk), &days_of(&folder, "audit", &from));
}

#[test]
fn the_same_samples_in_two_blocks_count_once_and_replicas_are_chosen() {
    let (s3, folder) = (S3::start(), Folder::new("from-twice"));
    let data = simulated().prometheus.data();
    let (disk, here) = (folder.at("blocks"), folder.at("here"));
    let path = as_long_as(&s3, &disk, "thanos");
    copy_blocks(&data, &folder, "blocks", 'A', |meta| meta["thanos"]["labels"] = json!({ "replica": "a" }));
    etcd_heatmap(&pull(&disk, &here, &["--replica", "replica=a"])).succeeds();
    // Blocks of the other replica, and more of this one with the same samples.
    copy_blocks(&data, &folder, "blocks", 'B', |meta| meta["thanos"]["labels"] = json!({ "replica": "b" }));
    copy_blocks(&data, &folder, "blocks", 'C', |meta| meta["thanos"]["labels"] = json!({ "replica": "a" }));
    s3.put(&disk, &path);
    let (from, out) = (s3.at(&path), folder.at("audit"));
    s3.run(&pull(&from, &out, &[])).fails_saying(&["blocks of replicas", "--replica replica=a", "s3://audits/"]);
    s3.run(&pull(&from, &out, &["--replica", "replica=c"])).fails_saying(&["choose one of a, b"]);
    s3.run(&pull(&from, &out, &["--replica", "replica=a"])).succeeds();
    assert_same(&days_of(&folder, "here", &disk), &days_of(&folder, "audit", &from));
    assert!(folder.text("audit/manifest.json").contains("\"replica=a\""));
}

/// Puts the blocks of the simulated history into a bucket.
fn in_bucket(s3: &S3, folder: &Folder) -> Vec<String> {
    let blocks = copy_blocks(&simulated().prometheus.data(), folder, "blocks", 'A', |_| {});
    s3.put(&folder.at("blocks"), "thanos");
    blocks
}

#[test]
fn a_compaction_during_a_pull_changes_nothing() {
    let (s3, folder) = (S3::start(), Folder::new("from-compacted"));
    let data = simulated().prometheus.data();
    let (disk, here, out) = (folder.at("blocks"), folder.at("here"), folder.at("audit"));
    let path = as_long_as(&s3, &disk, "thanos");
    let from = s3.at(&path);
    copy_blocks(&data, &folder, "blocks", 'A', |_| {});
    s3.put(&disk, &path);
    etcd_heatmap(&pull(&disk, &here, &[])).succeeds();
    copy_blocks(&data, &folder, "others", 'B', |_| {});
    // At the first request for chunks, the compactor has replaced all blocks and deletes the old ones.
    let (done, port, server) = (AtomicBool::new(false), s3.server().port(), s3.server().url());
    let (others, old) = (folder.at("others"), path.clone());
    let door = S3Door::before(port, move |head| {
        if head.contains("/chunks/") && !done.swap(true, Ordering::SeqCst) {
            oracle("s3.py", &["put", &server, "audits", &old, &others]);
            delete(&server, &old, "A/");
        }
        None
    });
    let run = Run::of(s3.command_through(&door.url(), &pull(&from, &out, &[]))).succeeds();
    assert_eq!(run.stderr, "");
    assert_same(&days_of(&folder, "here", &disk), &days_of(&folder, "audit", &from));
    assert!(gets(&door).iter().any(|(path, _)| path.contains("B/chunks/")), "the new blocks are read");
}

/// Deletes the objects below a path of the bucket whose keys contain these words.
fn delete(server: &str, path: &str, words: &str) {
    let script = "import boto3, sys
server, path, words = sys.argv[1:]
login = dict(aws_access_key_id='key', aws_secret_access_key='a-secret', region_name='us-east-1')
objects = boto3.resource('s3', endpoint_url=server, **login).Bucket('audits').objects.filter(Prefix=path)
found = [one for one in objects if words in one.key]
assert found
[one.delete() for one in found]";
    let mut command = Command::new(python());
    command.args(["-c", script, server, path, words]);
    Run::of(command).succeeds();
}

#[test]
fn what_cannot_be_read_is_one_sentence() {
    let (s3, folder) = (S3::start(), Folder::new("from-refused"));
    let blocks = in_bucket(&s3, &folder);
    let (from, out) = (s3.at("thanos"), folder.at("audit"));
    let refusing = |part: &'static str| {
        S3Door::before(s3.server().port(), move |head| {
            let line = head.lines().next().unwrap_or_default();
            line.contains(part).then(|| s3_error("403 Forbidden", "AccessDenied", "Access Denied"))
        })
    };
    let through = |door: &S3Door| Run::of(s3.command_through(&door.url(), &pull(&from, &out, &[])));
    for (part, named) in [
        ("list-type", "s3://audits/thanos cannot be listed"),
        ("/meta.json", "/meta.json cannot be read"),
        ("/index", "/index cannot be read"),
        ("/chunks/", "/chunks/000001 cannot be read"),
    ] {
        let run = through(&refusing(part));
        run.fails_saying(&[named, "AccessDenied", "check the login and its permissions"]);
        assert!(!run.stderr.contains("a-secret"), "{}", run.stderr);
    }
    // An index that ends early, and one with a wrong byte.
    let index = fs::read(folder.at(&format!("blocks/{}/index", blocks[0]))).expect("an index");
    let with = |bytes: &[u8], words: &[&str]| {
        folder.write(&format!("blocks/{}/index", blocks[0]), bytes);
        s3.put(&folder.at("blocks"), "thanos");
        s3.run(&pull(&from, &out, &[])).fails_saying(words);
    };
    with(&index[..index.len() / 2], &["s3://audits/thanos/", "/index at byte", "copy the block again"]);
    let mut wrong = index.clone();
    let at = wrong.len() - 20;
    wrong[at] ^= 1;
    with(&wrong, &["s3://audits/thanos/", "/index at byte", "the checksum of the table of contents"]);
}

#[test]
fn what_is_no_block_is_refused_with_what_can_be_read() {
    let (s3, folder) = (S3::start(), Folder::new("from-no-blocks"));
    fs::create_dir(folder.at("dumps")).expect("a folder can be made");
    folder.write("dumps/metrics.openmetrics", "# EOF\n");
    s3.put(&folder.at("dumps"), "dumps");
    let out = folder.at("audit");
    let refused = |from: &str, words: &[&str]| s3.run(&pull(from, &out, &[])).fails_saying(words);
    refused(&s3.at("dumps"), &["s3://audits/dumps has no blocks", "Thanos", "Mimir", "copy dumps"]);
    refused(&s3.at("dumps/metrics.openmetrics"), &["has no objects", "check bucket and prefix"]);
    refused("s3://nowhere/thanos", &["s3://nowhere/thanos"]);
    refused("ftp://nowhere/thanos", &["ftp://nowhere/thanos", "s3://"]);
    refused("s3://key:a-secret@audits/thanos", &["must not hold a login"]);
    let inside = ["pull", "--from", &s3.at("thanos"), "--out", &s3.at("thanos/audit")];
    in_bucket(&s3, &folder);
    s3.run(&inside).fails_saying(&["--out", "to which nothing is written"]);
}

#[test]
fn raw_counts_of_an_instant_come_from_a_bucket() {
    let (s3, folder) = (S3::start(), Folder::new("from-explained"));
    in_bucket(&s3, &folder);
    let (from, disk, out) = (s3.at("thanos"), folder.at("blocks"), folder.at("audit"));
    etcd_heatmap(&["backfill", "--quiet", "--promql", VERSION, "--from", &disk, "--out", &out]).succeeds();
    let cluster = {
        let cells = cells(&folder.text("audit/heatmap.csv"));
        cells[0].cluster.clone()
    };
    let explain = |from: &str| {
        let explain = ["explain", &out, "--cluster", &cluster, "--at", "2026-10-02T10:00", "--instant", "--from", from];
        s3.run(&explain).succeeds().stdout.replace(from, "FROM")
    };
    let shown = explain(&from);
    assert!(shown.contains("raw counts: from FROM"), "{shown}");
    assert_eq!(shown, explain(&disk));
}
