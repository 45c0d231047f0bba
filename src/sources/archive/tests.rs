//! Archives of the real tar.

#![expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::scratch::Scratch;
use crate::sources::dump::{self, DumpError, Wanted, real};
use crate::sources::spool::Spool;
use crate::sources::tsdb::block::Samples;

/// Why an archive's dumps cannot be read.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Dump(#[from] DumpError),
}

const ONE: &str = "b{x=\"1\"} 1 1700000000.000\nb{x=\"1\"} 2 1700000030.000\n# EOF\n";
const TWO: &str = "b{x=\"1\"} 2 1700000030.000\nb{x=\"1\"} 3 1700000060.000\nb{x=\"2\"} 9 1700000000.000\n# EOF\n";
const FOLDER: &str = "must-gather.local.1/quay-io-x";

/// Runs tar in a folder.
pub(super) fn tar(dir: &Path, arguments: &[&str]) {
    let output = Command::new("tar").current_dir(dir).args(arguments).output().expect("tar is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn compress(file: &Path, name: &str) -> PathBuf {
    let compressed = file.with_file_name(name);
    fs::write(&compressed, zstd::encode_all(fs::read(file).unwrap().as_slice(), 1).unwrap()).unwrap();
    compressed
}

fn spooled(dumps: &Dumps) -> Result<BTreeMap<String, Samples>, Failure> {
    let mut writer = Spool::create(None).unwrap();
    let wanted = Wanted::new(&["b", "etcd_a_bucket", "etcd_b", "etcd_c_total"]);
    dumps.for_each(|file, content| {
        dump::read(content, &file.to_string(), &wanted, &mut writer)?;
        Ok::<(), Failure>(())
    })?;
    Ok(dump::tests::content(&writer.finish().unwrap()))
}

fn dumps(path: &Path) -> (Dumps, Vec<String>) {
    match recognize(path).unwrap() {
        Recognized { found: Found::Dumps(dumps), notes } => (dumps, notes),
        other => panic!("{other:?}"),
    }
}

fn archived(path: &Path) -> (ArchivedData, Vec<String>) {
    match recognize(path).unwrap() {
        Recognized { found: Found::ArchivedData(data), notes } => (data, notes),
        other => panic!("{other:?}"),
    }
}

fn must_gather(scratch: &Scratch) {
    scratch.write(&format!("{FOLDER}/monitoring/metrics/metrics.openmetrics"), ONE.as_bytes());
    scratch.write(&format!("{FOLDER}/monitoring/metrics/metrics.stderr"), b"");
    scratch.write(&format!("{FOLDER}/etcd_info/metrics.openmetrics"), TWO.as_bytes());
    scratch.write(&format!("{FOLDER}/namespaces/a/pods/b/{}.log", "long".repeat(50)), b"I0101 something 1 2\n");
    scratch.write("must-gather.local.1/event-filter.html", b"<html>");
}

#[test]
fn dumps_of_a_must_gather_are_found_in_folders_and_archives() {
    let scratch = Scratch::new();
    must_gather(&scratch);
    tar(scratch.path(), &["-cf", "a.tar", "must-gather.local.1"]);
    tar(scratch.path(), &["-czf", "a.tar.gz", "must-gather.local.1"]);
    tar(scratch.path(), &["-czf", "b.tgz", "--format=posix", "./must-gather.local.1"]);
    tar(scratch.path(), &["-cf", "c.bin", "--format=ustar", "--exclude=*.log", "must-gather.local.1"]);
    compress(&scratch.path().join("a.tar"), "a.tar.zst");
    let expected: &[f64] = &[1.0, 2.0, 3.0];
    for name in ["must-gather.local.1", "a.tar", "a.tar.gz", "b.tgz", "c.bin", "a.tar.zst"] {
        let path = scratch.path().join(name);
        let (dumps, notes) = dumps(&path);
        assert_eq!((dumps.files().len(), notes.len()), (2, 0), "{name}: {notes:?}");
        let read = spooled(&dumps).unwrap();
        assert_eq!(read["b{x=\"1\"}"].values, expected);
        assert_eq!(read["b{x=\"2\"}"].values, [9.0]);
        let shown = dumps.files()[0].to_string();
        assert!(shown.starts_with(&*path.to_string_lossy()) && shown.ends_with("metrics.openmetrics"), "{shown}");
    }
}

#[test]
fn a_single_dump_is_recognized_by_its_content_and_compressed_dumps_in_archives_are_read() {
    let scratch = Scratch::new();
    let plain = scratch.write("dump", ONE.as_bytes());
    let compressed = compress(&plain, "metrics.openmetrics.zst");
    for path in [&plain, &compressed] {
        let (dumps, _) = dumps(path);
        assert_eq!(dumps.files().iter().map(|dump| &dump.path).collect::<Vec<_>>(), [path]);
        assert_eq!(spooled(&dumps).unwrap()["b{x=\"1\"}"].values, [1.0, 2.0]);
    }
    scratch.write("other.om", TWO.as_bytes());
    tar(scratch.path(), &["-czf", "all.tar.gz", "metrics.openmetrics.zst", "other.om"]);
    let (dumps, _) = dumps(&scratch.path().join("all.tar.gz"));
    assert_eq!(spooled(&dumps).unwrap()["b{x=\"1\"}"].values, [1.0, 2.0, 3.0]);
}

#[test]
fn a_dump_is_read_although_an_empty_one_of_the_same_name_comes_first() {
    let scratch = Scratch::new();
    scratch.write("a.om", b"");
    tar(scratch.path(), &["-cf", "a.tar", "a.om"]);
    scratch.write("a.om", ONE.as_bytes());
    tar(scratch.path(), &["-rf", "a.tar", "a.om"]);
    let (dumps, _) = dumps(&scratch.path().join("a.tar"));
    assert_eq!(spooled(&dumps).unwrap()["b{x=\"1\"}"].values, [1.0, 2.0]);
}

#[test]
fn files_that_begin_like_a_dump_are_read_if_there_is_nothing_else() {
    let scratch = Scratch::new();
    scratch.write("bundle/data/etcd.txt", ONE.as_bytes());
    scratch.write("bundle/data/scrape.txt", b"b{x=\"1\"} 1\n");
    tar(scratch.path(), &["-cf", "a.tar", "bundle"]);
    for name in ["bundle", "a.tar"] {
        let (dumps, _) = dumps(&scratch.path().join(name));
        assert_eq!(dumps.files().len(), 1);
        assert_eq!(spooled(&dumps).unwrap().len(), 1);
    }
}

#[test]
fn nothing_to_read_is_an_error_that_names_what_is_there() {
    let scratch = Scratch::new();
    scratch.write("bundle/pods.json", b"{}");
    scratch.write("bundle/logs/a.log", b"x");
    tar(scratch.path(), &["-cf", "a.tar", "bundle"]);
    for (name, inside) in [("bundle", "only logs, pods.json"), ("a.tar", "only bundle/logs, bundle/pods.json")] {
        let text = recognize(&scratch.path().join(name)).unwrap_err().to_string();
        assert!(text.contains("cannot find samples in") && text.ends_with(inside), "{text}");
    }
    fs::create_dir(scratch.path().join("empty")).unwrap();
    assert!(recognize(&scratch.path().join("empty")).unwrap_err().to_string().ends_with("only nothing"));
    assert!(matches!(recognize(&scratch.path().join("none")), Err(ArchiveError::Io { .. })));
}

/// All files below a folder and their contents.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(dir).unwrap().to_string_lossy().into_owned();
                found.insert(name, fs::read(path).unwrap());
            }
        }
    }
    found
}

#[test]
fn data_directories_are_unpacked_with_only_what_prometheus_reads() {
    let scratch = Scratch::new();
    let data = real::blocks(&scratch, 5);
    let expected = real::of_blocks(&data);
    for (name, bytes) in [("wal/00000000", 5), ("wal/checkpoint.00000001/00000000", 3), ("chunks_head/000001", 7)] {
        scratch.write(&format!("data/{name}"), &vec![1; bytes]);
    }
    let intact = files(&data);
    let written: u64 = intact.values().map(|bytes| bytes.len() as u64).sum();
    for name in ["queries.active", "lock", "wal/notes", "01HG7Y4Z3Q8W9X0V1T2S3R4Q5P.tmp-for-deletion/meta.json"] {
        scratch.write(&format!("data/{name}"), b"not needed");
    }
    tar(&data, &["-czf", "../top.tar.gz", "."]);
    tar(scratch.path(), &["-cf", "below.tar", "--transform=s,^data,a/prometheus,", "data"]);
    tar(scratch.path(), &["-czf", "nested.tgz", "top.tar.gz"]);
    for name in ["top.tar.gz", "below.tar", "nested.tgz"] {
        let (data, notes) = archived(&scratch.path().join(name));
        assert!(notes.is_empty(), "{notes:?}");
        assert_eq!((data.bytes(), data.files()), (written, intact.len()), "{name}");
        let parent = scratch.path().join("temporary");
        fs::create_dir_all(&parent).unwrap();
        let unpacked = data.unpack(Some(&parent)).unwrap();
        assert!(files(unpacked.path()) == intact, "{name}");
        assert!(real::of_blocks(unpacked.path()) == expected);
        drop(unpacked);
        assert_eq!(fs::read_dir(&parent).unwrap().count(), 0);
    }
    let Found::DataDirectory(found) = recognize(scratch.path()).unwrap().found else { panic!("no data directory") };
    assert_eq!(found, data);
    let Found::DataDirectory(found) = recognize(&data).unwrap().found else { panic!("no data directory") };
    assert_eq!(found, data);
}

#[test]
fn an_archive_in_a_folder_is_read_if_the_folder_has_nothing_else() {
    let scratch = Scratch::new();
    let data = real::blocks(&scratch, 6);
    fs::create_dir_all(scratch.path().join("bundle/prometheus")).unwrap();
    tar(&data, &["-czf", "../bundle/prometheus/prom_data.tar.gz", "."]);
    scratch.write("bundle/logs.tar.gz", &[0x1f, 0x8b, 8, 0, 0]);
    let (found, _) = archived(&scratch.path().join("bundle"));
    assert!(real::of_blocks(found.unpack(None).unwrap().path()) == real::of_blocks(&data));
    scratch.write("bundle/a.openmetrics", ONE.as_bytes());
    let (found, notes) = dumps(&scratch.path().join("bundle"));
    assert_eq!(found.files().len(), 1);
    assert!(notes.iter().any(|note| note.contains("prom_data.tar.gz is not read")), "{notes:?}");
}

#[test]
fn the_largest_data_directory_is_chosen_and_the_rest_is_named() {
    let scratch = Scratch::new();
    let block = |id: char| format!("01HG7Y4Z3Q8W9X0V1T2S3R4Q5{id}");
    scratch.write(&format!("b/prometheus-0/{}/meta.json", block('A')), &[b' '; 10]);
    scratch.write(&format!("b/prometheus-1/{}/meta.json", block('B')), &[b' '; 20]);
    scratch.write(&format!("b/prometheus-1/snapshots/x/{}/meta.json", block('B')), &[b' '; 15]);
    scratch.write("b/agent/wal/00000000", &[0; 100]);
    scratch.write("b/metrics.openmetrics", ONE.as_bytes());
    tar(scratch.path(), &["-cf", "a.tar", "b"]);
    let (data, notes) = archived(&scratch.path().join("a.tar"));
    assert_eq!((data.root(), data.bytes()), ("b/prometheus-1", 20));
    for part in
        ["b/prometheus-1/snapshots/x with 15 bytes", "b/prometheus-0 with 10 bytes", "b/metrics.openmetrics", "b/agent"]
    {
        assert!(notes[0].starts_with("Found but not read: ") && notes[0].contains(part), "{notes:?}");
    }
    // Dumps are preferred to a log alone, and empty ones are named.
    for name in ["prometheus-0", "prometheus-1"] {
        fs::remove_dir_all(scratch.path().join("b").join(name)).unwrap();
    }
    scratch.write("b/etcd_info/metrics.openmetrics", b"");
    let (found, notes) = dumps(&scratch.path().join("b"));
    assert_eq!(found.files().len(), 1);
    assert!(notes.iter().any(|note| note.starts_with("Empty and not read: ")), "{notes:?}");
    let single = scratch.path().join("c").join(block('C'));
    for name in ["meta.json", "index", "chunks/000001"] {
        scratch.write(&format!("c/{}/{name}", block('C')), b"x");
    }
    assert!(recognize(&single).unwrap_err().to_string().contains("is a single block: give the folder"));
}

#[cfg(unix)]
#[test]
fn a_pipe_is_read_once() {
    let scratch = Scratch::new();
    let pipe = scratch.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let to = pipe.clone();
    let writer = std::thread::spawn(move || fs::write(to, ONE).unwrap());
    let (dumps, _) = dumps(&pipe);
    assert_eq!(spooled(&dumps).unwrap()["b{x=\"1\"}"].values, [1.0, 2.0]);
    writer.join().unwrap();
}

#[cfg(unix)]
#[test]
fn links_in_folders_are_not_followed() {
    let scratch = Scratch::new();
    let secret = scratch.write("outside/secret.openmetrics", ONE.as_bytes());
    scratch.write("bundle/a.openmetrics", TWO.as_bytes());
    std::os::unix::fs::symlink(&secret, scratch.path().join("bundle/b.openmetrics")).unwrap();
    std::os::unix::fs::symlink(scratch.path().join("outside"), scratch.path().join("bundle/c")).unwrap();
    std::os::unix::fs::symlink(scratch.path(), scratch.path().join("bundle/loop")).unwrap();
    let (found, _) = dumps(&scratch.path().join("bundle"));
    assert_eq!(found.files().len(), 1);
    assert!(found.files()[0].path.ends_with("a.openmetrics"));
}

#[test]
fn a_snapshot_in_a_data_directory_is_not_chosen_before_the_directory() {
    let scratch = Scratch::new();
    let block = "01M8KTPEYFSWX588SHP6MTNRHV";
    scratch.write("data/wal/00000000", &[0; 10]);
    for file in ["meta.json", "index", "chunks/000001"] {
        scratch.write(&format!("data/snapshots/20261001T000000Z-1/{block}/{file}"), &[0; 500]);
    }
    let Found::DataDirectory(dir) = recognize(scratch.path()).unwrap().found else { panic!("no directory") };
    assert_eq!(dir, scratch.path().join("data"));
    for (folder, root) in [("data", ""), (".", "data")] {
        let file = scratch.path().join("all.tar");
        tar(&scratch.path().join(folder), &["-cf", file.to_str().unwrap(), "--exclude=*.tar", "."]);
        let (data, notes) = archived(&file);
        assert_eq!(data.root(), root);
        assert!(notes.iter().any(|note| note.contains("snapshots/20261001T000000Z-1")), "{notes:?}");
        fs::remove_file(&file).unwrap();
    }
    let alone = scratch.path().join("data/snapshots/20261001T000000Z-1");
    let Found::DataDirectory(dir) = recognize(&alone).unwrap().found else { panic!("no directory") };
    assert_eq!(dir, alone);
}

#[test]
fn blocks_that_are_hard_links_to_those_of_a_snapshot_are_unpacked() {
    const BLOCK: &str = "01M8KTPEYFSWX588SHP6MTNRHV";
    let scratch = Scratch::new();
    for (file, content) in [("meta.json", "{}"), ("index", "index"), ("chunks/000001", "chunks")] {
        let path = scratch.write(&format!("data/{BLOCK}/{file}"), content.as_bytes());
        let linked = scratch.path().join(format!("data/snapshots/20261001T000000Z-1/{BLOCK}/{file}"));
        fs::create_dir_all(linked.parent().unwrap()).unwrap();
        fs::hard_link(path, linked).unwrap();
    }
    let block = format!("data/{BLOCK}");
    // In both orders: the entry that comes first has the content.
    for order in [["data/snapshots", &block], [&block, "data/snapshots"]] {
        tar(scratch.path(), &[&["-cf", "linked.tar"], &order[..]].concat());
        let (data, _) = archived(&scratch.path().join("linked.tar"));
        assert_eq!((data.root(), data.files(), data.bytes()), ("data", 3, 13));
        let unpacked = data.unpack(Some(scratch.path())).unwrap();
        let read = |file: &str| fs::read_to_string(unpacked.path().join(BLOCK).join(file)).unwrap();
        assert_eq!([read("meta.json"), read("index"), read("chunks/000001")], ["{}", "index", "chunks"]);
    }
}
