//! `pull --shard` and `merge`: several runs pull one history, and the result has the bytes of a single pull.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::support::{
    Doorman, Folder, HOUR, Metrics, Prometheus, Run, START, Tree, assert_same, etcd_heatmap, prometheus_of,
};

const START_AT: [&str; 2] = ["--start", "2026-10-01T06:00:00Z"];
const END_AT: [&str; 2] = ["--end", "2026-10-02T06:00:00Z"];
const STEP: [&str; 2] = ["--step", "5m"];

/// Seven clusters of two members, of which one sends nothing for some hours, and one cluster whose series have no label
/// `cluster`.
fn fleet() -> Prometheus {
    let mut metrics = Metrics::every(60);
    for cluster in ["a", "b", "c", "d", "e", "f", "prod.eu+1"] {
        for member in ["m1", "m2"] {
            let labels = format!("cluster=\"{cluster}\",job=\"etcd\",instance=\"{member}\"");
            let end = if (cluster, member) == ("c", "m2") { START + 12 * HOUR } else { START + 30 * HOUR };
            metrics.member(&labels, START - 26 * HOUR..end);
        }
    }
    metrics.member("job=\"kube-etcd\",instance=\"m1\"", START - 26 * HOUR..START + 30 * HOUR);
    prometheus_of(&metrics.text())
}

fn pull(url: &str, folder: &Folder, flags: &[&str]) -> Run {
    pull_of(url, folder, &[&END_AT[..], &STEP[..], flags].concat())
}

fn pull_of(url: &str, folder: &Folder, flags: &[&str]) -> Run {
    etcd_heatmap(&[&["pull", "--url", url, "--out", &folder.at("audit")], &START_AT[..], flags].concat())
}

fn merge(folder: &Folder) -> Run {
    etcd_heatmap(&["merge", &folder.at("audit")])
}

fn of_history(folder: &Folder) -> Tree {
    let mut tree = folder.tree("audit");
    tree.retain(|name, _| !name.starts_with("shards/"));
    tree
}

/// The clusters in the manifest of a shard.
fn clusters(folder: &Folder, shard: &str) -> Vec<String> {
    let manifest: Value =
        serde_json::from_str(&folder.text(&format!("audit/shards/{shard}/manifest.json"))).expect("JSON");
    let members = manifest["members"].as_array().expect("a list");
    let mut clusters: Vec<String> =
        members.iter().map(|member| member["cluster"].as_str().expect("a name").to_owned()).collect();
    clusters.dedup();
    clusters
}

/// Which shards hold which clusters, from Python: `int(hashlib.sha256(name.encode()).hexdigest()[:16], 16) % 4 + 1`.
fn expected() -> BTreeMap<&'static str, Vec<String>> {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    [
        ("1-of-4", names(&[])),
        ("2-of-4", names(&["d"])),
        ("3-of-4", names(&["a", "b", "c", "e", "f", "kube-etcd"])),
        ("4-of-4", names(&["prod.eu+1"])),
    ]
    .into()
}

#[test]
fn shards_are_joined_to_the_bytes_of_a_single_pull() {
    let prometheus = fleet();
    let (whole, sharded) = (Folder::new("whole"), Folder::new("sharded"));
    pull(&prometheus.url(), &whole, &[]).succeeds();
    let doorman = Doorman::before(prometheus.server().port(), |_| None);
    for shard in ["4/4", "2/4", "1/4", "3/4"] {
        let before = doorman.seen().len();
        pull(&doorman.url(""), &sharded, &["--shard", shard]).succeeds();
        // After the search for days and queries, which is of all clusters, queries leave the other clusters out.
        let leaves_out = |query: &&String| query.contains("cluster%21%7E");
        let seen = doorman.seen().split_off(before);
        let queries = seen.iter().filter(|request| request.starts_with("POST /api/v1/query_range"));
        let of_pull: Vec<&String> = queries.skip_while(|query| !leaves_out(query)).collect();
        assert!(of_pull.len() >= 12 && of_pull.iter().all(leaves_out), "{shard}: {of_pull:?}");
    }
    let held: BTreeMap<&str, Vec<String>> =
        ["1-of-4", "2-of-4", "3-of-4", "4-of-4"].map(|shard| (shard, clusters(&sharded, shard))).into();
    assert_eq!(held, expected());

    assert_eq!(of_history(&sharded), Tree::new());
    let run = merge(&sharded).succeeds();
    assert!(run.stderr.contains("joined 4 shards of 15 members, 2 days"), "{}", run.stderr);
    let names = |folder: &Folder| of_history(folder).into_keys().collect::<Vec<_>>();
    assert_eq!(names(&sharded), names(&whole));

    // Through the same URL, every byte is the same.
    let again = Folder::new("again");
    pull(&doorman.url(""), &again, &[]).succeeds();
    assert_same(&of_history(&again), &of_history(&sharded));

    // A shard that was scored is still a shard, and merging again changes nothing.
    etcd_heatmap(&["score", "--quiet", &sharded.at("audit/shards/2-of-4")]).succeeds();
    merge(&sharded).succeeds();
    assert_same(&of_history(&again), &of_history(&sharded));
    etcd_heatmap(&["score", "--quiet", &sharded.at("audit")]).succeeds();
    etcd_heatmap(&["score", "--quiet", &again.at("audit")]).succeeds();
    assert_same(&of_history(&again), &of_history(&sharded));
}

/// Of four shards, two are empty. The clusters of the others live on different days and have different metrics.
#[test]
fn shards_that_are_empty_or_differ_in_days_and_metrics_are_joined_to_the_bytes_of_a_single_pull() {
    let mut metrics = Metrics::every(60);
    let (first, last) = (START + 2 * HOUR..START + 20 * HOUR, START + 50 * HOUR..START + 60 * HOUR);
    let mut incomplete = Metrics::every(60);
    incomplete.member("cluster=\"d\",instance=\"m\"", first.clone());
    metrics.append(&incomplete.without(&["etcd_mvcc_db_total_size"]));
    metrics.series("etcd_server_is_leader", "cluster=\"d\",instance=\"m\"", first, |_| 1.0);
    metrics.member("cluster=\"prod.eu+1\",instance=\"m\"", last);
    let prometheus = prometheus_of(&metrics.text());
    let (whole, sharded) = (Folder::new("whole"), Folder::new("sharded"));
    let range = ["--end", "2026-10-10", "--step", "5m"];
    pull_of(&prometheus.url(), &whole, &range).succeeds();
    for shard in ["1/4", "2/4", "3/4", "4/4"] {
        pull_of(&prometheus.url(), &sharded, &[&range[..], &["--shard", shard]].concat()).succeeds();
    }
    assert_eq!((clusters(&sharded, "1-of-4"), clusters(&sharded, "3-of-4")), (vec![], vec![]));
    merge(&sharded).succeeds();
    assert_same(&of_history(&whole), &of_history(&sharded));
}

#[test]
fn a_shard_that_is_missing_damaged_or_of_another_pull_is_named() {
    let prometheus = fleet();
    let (url, folder) = (prometheus.url(), Folder::new("shards"));
    etcd_heatmap(&["merge", &folder.at("audit")]).fails_saying(&["holds no shards", "pull --shard"]);
    assert!(!folder.path().join("audit").exists());
    for (shard, words) in [("4/3", "is not a shard"), ("3", "such as 3/16"), ("0/3", "such as 3/16")] {
        let run = pull(&url, &folder, &["--shard", shard]);
        assert_eq!(run.code, Some(2), "{}", run.stderr);
        run.fails_saying(&[words]);
    }

    pull(&url, &folder, &["--shard", "2/3"]).succeeds();
    merge(&folder).fails_saying(&["2 of 3 shards are missing", "1/3, 3/3", "again"]);
    pull(&url, &folder, &["--shard", "1/3"]).succeeds();
    pull(&url, &folder, &["--shard", "3/3"]).succeeds();
    merge(&folder).succeeds();
    let joined = of_history(&folder);

    let shard = |path: &str| folder.path().join("audit/shards").join(path);
    // A pull that was killed has no manifest.
    let manifest = shard("3-of-3/manifest.json");
    let kept = fs::read(&manifest).expect("a file of our own");
    fs::remove_file(&manifest).expect("a file of our own");
    merge(&folder).fails_saying(&["1 of 3 shards is missing", "3/3"]);
    fs::write(&manifest, &kept).expect("a file of our own");

    let day = shard("1-of-3/history/date=2026-10-02/readings.parquet");
    let bytes = fs::read(&day).expect("a file of our own");
    let other = fs::read(shard("2-of-3/history/date=2026-10-02/readings.parquet")).expect("a file of our own");
    fs::write(&day, &other).expect("a file of our own");
    merge(&folder).fails_saying(&["date=2026-10-02", "damaged", "shard 1/3"]);
    fs::write(&day, &bytes[..bytes.len() / 2]).expect("a file of our own");
    merge(&folder).fails_saying(&["1-of-3", "date=2026-10-02"]);
    fs::remove_file(&day).expect("a file of our own");
    merge(&folder).fails_saying(&["shard 1/3 lacks 2026-10-02"]);
    // The shard runs again alone.
    pull(&url, &folder, &["--shard", "1/3"]).succeeds();
    merge(&folder).succeeds();
    assert_same(&joined, &of_history(&folder));

    let again = ["--shard", "2/3", "--overwrite"];
    pull_of(&url, &folder, &[&again[..], &STEP, &["--end", "2026-10-02T07:00:00Z"]].concat()).succeeds();
    merge(&folder).fails_saying(&["shard 2/3 was pulled in another way than shard 1/3", "range"]);
    pull_of(&url, &folder, &[&again[..], &END_AT, &["--step", "1m"]].concat()).succeeds();
    merge(&folder).fails_saying(&["shard 2/3 was pulled in another way than shard 1/3", "step"]);
    pull(&url, &folder, &["--shard", "1/2"]).succeeds();
    merge(&folder).fails_saying(&["shards of 2 and of 3"]);
    assert_same(&joined, &of_history(&folder));
}

#[test]
fn shards_are_not_joined_into_the_history_of_another_source() {
    let prometheus = fleet();
    let (url, folder) = (prometheus.url(), Folder::new("other"));
    pull(&url, &folder, &["--shard", "1/1"]).succeeds();
    pull_of(&url, &folder, &[&END_AT[..], &["--step", "10m"]].concat()).succeeds();
    let before = of_history(&folder);
    let refused = merge(&folder);
    assert!(!refused.stderr.contains("--overwrite"), "merge has no such flag: {}", refused.stderr);
    refused.fails_saying(&["is of another source than the shards", "step 600s instead of 300s", "another --out"]);
    assert_same(&before, &of_history(&folder));
}

/// A merge that is killed leaves whole files, and the next one completes the history.
#[test]
fn a_killed_merge_is_completed_by_the_next_one() {
    let prometheus = fleet();
    let folder = Folder::new("killed-merge");
    for shard in ["1/2", "2/2"] {
        pull(&prometheus.url(), &folder, &["--shard", shard]).succeeds();
    }
    merge(&folder).succeeds();
    let joined = of_history(&folder);
    for milliseconds in [1, 5, 10, 15, 20, 30] {
        fs::remove_dir_all(folder.path().join("audit/history")).expect("a folder of our own");
        fs::remove_file(folder.path().join("audit/manifest.json")).expect("a file of our own");
        let mut child = crate::support::etcd_heatmap_command(&["merge", "--quiet", &folder.at("audit")])
            .spawn()
            .expect("the program starts");
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
        for (name, bytes) in of_history(&folder).iter().filter(|(name, _)| name.ends_with("/readings.parquet")) {
            assert_eq!(joined.get(name), Some(bytes), "{name} is not whole");
        }
        merge(&folder).succeeds();
        assert_same(&joined, &of_history(&folder));
    }
}
