//! Pulls from blocks of Mimir and Cortex in a bucket: tenants, the bucket index, shards.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::SystemTime;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::support::{
    Folder, Run, S3, S3Door, as_long_as, assert_same, copy_blocks, days_of, etcd_heatmap, import, simulated,
};

/// The version of the Prometheus whose blocks these are.
const VERSION: &str = "2.42";

fn pull<'a>(from: &'a str, out: &'a str) -> Vec<&'a str> {
    vec!["pull", "--promql", VERSION, "--from", from, "--out", out]
}

fn now_s() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().expect("a clock").as_secs()
}

/// The list of blocks that a compactor writes, in its documented format.
fn write_index(folder: &Folder, tenant: &str, blocks: &[String], marked: &[&String], updated_s: u64) {
    let listed: Vec<Value> = blocks
        .iter()
        .map(|block| {
            let meta: Value =
                serde_json::from_str(&folder.text(&format!("{tenant}/{block}/meta.json"))).expect("a description");
            json!({
                "block_id": block, "min_time": meta["minTime"], "max_time": meta["maxTime"], "segments_format": "1b6d",
                "segments_num": 1, "uploaded_at": updated_s - 7200,
                "compactor_shard_id": meta["thanos"]["labels"]["__compactor_shard_id__"].as_str().unwrap_or_default(),
            })
        })
        .collect();
    let marks: Vec<Value> =
        marked.iter().map(|block| json!({ "block_id": block, "deletion_time": updated_s - 7200 })).collect();
    let index = json!({ "version": 2, "blocks": listed, "block_deletion_marks": marks, "updated_at": updated_s });
    let mut compressed = GzEncoder::new(Vec::new(), Compression::default());
    compressed.write_all(index.to_string().as_bytes()).expect("memory");
    folder.write(&format!("{tenant}/bucket-index.json.gz"), compressed.finish().expect("memory"));
}

#[test]
fn the_index_of_a_tenant_takes_the_place_of_a_listing() {
    let (s3, folder) = (S3::start(), Folder::new("from-mimir"));
    let data = simulated().prometheus.data();
    let current = copy_blocks(&data, &folder, "anonymous", 'A', |meta| {
        meta["thanos"]["labels"] = json!({ "__org_id__": "anonymous" });
    });
    let (disk, out, above) = (folder.at("anonymous"), folder.at("audit"), folder.at("above"));
    etcd_heatmap(&pull(&disk, &folder.at("here"))).succeeds();
    let marked = copy_blocks(&data, &folder, "anonymous", 'B', |meta| {
        let name = meta["ulid"].as_str().expect("a name").trim_end_matches('B').to_owned();
        meta["compaction"]["sources"] = json!([name + "A"]);
    });
    let marked: Vec<&String> = marked.iter().collect();
    let all: Vec<String> = current.iter().chain(marked.iter().copied()).cloned().collect();
    write_index(&folder, "anonymous", &all, &marked, now_s());
    let path = as_long_as(&s3, &disk, "anonymous");
    s3.put(&disk, &path);
    let door = S3Door::before(s3.server().port(), |_| None);
    let from = s3.at(&path);
    let run = Run::of(s3.command_through(&door.url(), &pull(&from, &out))).succeeds();
    assert!(!run.stderr.contains("left out"), "{}", run.stderr);
    let expected = days_of(&folder, "here", &disk);
    assert_same(&expected, &days_of(&folder, "audit", &from));
    let seen = door.seen();
    let listed: Vec<&String> = seen.iter().filter(|head| head.contains("list-type")).collect();
    assert_eq!(listed.len(), current.len(), "only the blocks are listed: {listed:?}");
    assert!(!seen.iter().any(|head| head.contains("B/index")), "no marked block is opened");
    // The only tenant is found.
    s3.run(&pull(from.trim_end_matches("/anonymous"), &above)).succeeds();
    assert_same(&expected, &days_of(&folder, "above", &from));
}

#[test]
fn an_index_that_is_old_or_damaged_is_replaced_by_a_listing() {
    let (s3, folder) = (S3::start(), Folder::new("from-old-index"));
    let blocks = copy_blocks(&simulated().prometheus.data(), &folder, "tenant", 'A', |_| {});
    let disk = folder.at("tenant");
    etcd_heatmap(&pull(&disk, &folder.at("here"))).succeeds();
    let path = as_long_as(&s3, &disk, "tenant");
    let (from, expected) = (s3.at(&path), days_of(&folder, "here", &disk));
    // The old index lacks a block.
    write_index(&folder, "tenant", &blocks[..1], &[], now_s() - 3 * 3600);
    s3.put(&disk, &path);
    let run = s3.run(&pull(&from, &folder.at("old"))).succeeds();
    assert!(run.stderr.contains("bucket-index.json.gz is not up to date"), "{}", run.stderr);
    assert_same(&expected, &days_of(&folder, "old", &from));
    folder.write("tenant/bucket-index.json.gz", b"no gzip");
    s3.put(&disk, &path);
    let run = s3.run(&pull(&from, &folder.at("damaged"))).succeeds();
    assert!(run.stderr.contains("bucket-index.json.gz is no list of blocks"), "{}", run.stderr);
    assert_same(&expected, &days_of(&folder, "damaged", &from));
}

#[test]
fn several_tenants_are_named_and_one_is_chosen() {
    let (s3, folder) = (S3::start(), Folder::new("from-tenants"));
    for tenant in ["team-a", "team-b"] {
        copy_blocks(&simulated().prometheus.data(), &folder, &format!("all/{tenant}"), 'A', |_| {});
    }
    fs::create_dir(folder.at("all/__mimir_cluster")).expect("a folder can be made");
    folder.write("all/__mimir_cluster/bucket_seed.json", "{}");
    s3.put(&folder.at("all"), "all");
    let out = folder.at("audit");
    s3.run(&pull(&s3.at("all"), &out)).fails_saying(&[
        "s3://audits/all has the blocks of 2 tenants",
        "such as s3://audits/all/team-a",
        "team-a, team-b",
    ]);
    s3.run(&pull(&s3.at("all/team-b"), &out)).succeeds();
}

#[test]
fn the_shards_of_a_block_are_one_and_no_label_says_so() {
    let (s3, folder) = (S3::start(), Folder::new("from-shards"));
    let text = fs::read_to_string(&simulated().file).expect("the simulated history");
    for (number, is_own) in [(1, true), (2, false)] {
        // Mimir splits the series of a block by a hash; here, by the member.
        let of_shard = |line: &&str| {
            line.starts_with('#')
                || (line.bytes().map(usize::from).take_while(|b| *b != 125).sum::<usize>() % 2 == 0) == is_own
        };
        let lines: Vec<&str> = text.lines().filter(|line| *line != "# EOF").filter(of_shard).collect();
        let part = Folder::new("shard");
        let file = part.write("shard.om", lines.join("\n") + "\n# EOF\n");
        import(Path::new(&file), &part, &["--max-block-duration=162h"]);
        let last = if number == 1 { 'A' } else { 'B' };
        copy_blocks(&part.at("data"), &folder, "tenant", last, |meta| {
            meta["thanos"]["labels"] = json!({ "__compactor_shard_id__": format!("{number}_of_2") });
        });
    }
    let data = simulated().prometheus.data();
    let path = as_long_as(&s3, &data, "tenant");
    s3.put(&folder.at("tenant"), &path);
    s3.run(&pull(&s3.at(&path), &folder.at("audit"))).succeeds();
    etcd_heatmap(&pull(&data, &folder.at("here"))).succeeds();
    assert_same(&days_of(&folder, "here", &data), &days_of(&folder, "audit", &s3.at(&path)));
}
