//! Blocks of which external labels show that they have nothing that is wanted.

use serde_json::{Value, json};

use crate::support::{Folder, Run, S3, S3Door, as_long_as, copy_blocks, etcd_heatmap, oracle_run, simulated};

/// The version of the Prometheus whose blocks these are.
const VERSION: &str = "2.42";

/// A pull of everything from `from` into `out`.
fn pull<'a>(from: &'a str, out: &'a str, flags: &[&'a str]) -> Vec<&'a str> {
    [&["pull", "--promql", VERSION, "--from", from, "--out", out], flags].concat()
}

/// The blocks whose index was read.
fn opened(door: &S3Door) -> Vec<String> {
    let block = |head: &String| {
        let path = head.strip_prefix("GET /audits/")?.split(' ').next()?.strip_suffix("/index")?;
        path.rsplit('/').next().map(str::to_owned)
    };
    let mut blocks: Vec<String> = door.seen().iter().filter_map(block).collect();
    blocks.sort();
    blocks.dedup();
    blocks
}

#[test]
fn blocks_whose_external_labels_contradict_the_selector_are_not_opened() {
    let (s3, folder) = (S3::start(), Folder::new("from-selected"));
    let data = simulated().prometheus.data();
    let label = |name: &'static str, value: &'static str| {
        move |meta: &mut Value| meta["thanos"]["labels"] = json!({ name: value })
    };
    // The blocks of two regions. Those of the south alone are what is expected of each selector.
    let mut north = copy_blocks(&data, &folder, "blocks", 'A', label("region", "north"));
    let mut south = copy_blocks(&data, &folder, "blocks", 'B', label("region", "south"));
    copy_blocks(&data, &folder, "only-s", 'B', label("region", "south"));
    let (disk, only) = (folder.at("blocks"), folder.at("only-s"));
    let path = as_long_as(&s3, &disk, "thanos");
    let from = s3.at(&path);
    s3.put(&disk, &path);
    let by = ["--cluster-label", "region,cluster"];
    etcd_heatmap(&pull(&only, &folder.at("expected"), &by)).succeeds();
    let expected = oracle_rows(&folder, "expected");
    assert!(expected.lines().count() > 3, "{expected}");
    north.sort();
    south.sort();
    let left_out = "left out 2 blocks whose external labels contradict the matchers of the queries (--selector, --queries), from 2026-10-01";
    for selector in ["region=\"south\"", "region!=\"north\"", "region=~\"s.+|west\"", "region!~\"no.*\",job=\"etcd\""] {
        let flags = [&by[..], &["--selector", selector]].concat();
        let door = S3Door::before(s3.server().port(), |_| None);
        let out = format!("out-{}", selector.len());
        let at = folder.at(&out);
        let run = Run::of(s3.command_through(&door.url(), &pull(&from, &at, &flags))).succeeds();
        assert!(run.stderr.contains(left_out) && run.stderr.contains(&north[0]), "{selector}: {}", run.stderr);
        assert_eq!(opened(&door), south, "{selector}");
        assert_eq!(oracle_rows(&folder, &out), expected, "{selector}");
        // The same on disk.
        let on_disk = format!("{out}-disk");
        let at = folder.at(&on_disk);
        let run = etcd_heatmap(&pull(&disk, &at, &flags)).succeeds();
        assert!(run.stderr.contains(left_out), "{selector}: {}", run.stderr);
        assert_eq!(oracle_rows(&folder, &on_disk), expected, "{selector}");
    }
    // If all are left out, the reason is named.
    let none = ["--selector", "region=\"east\""];
    let nothing = s3.run(&pull(&from, &folder.at("none"), &none));
    nothing.fails_saying(&["has no block to read", "left out 4 blocks whose external labels contradict"]);
    etcd_heatmap(&pull(&disk, &folder.at("none"), &[&none[..], &["--quiet"]].concat()))
        .fails_saying(&["has none of etcd's six metrics", "--selector"]);
}

#[test]
fn a_label_that_a_block_lacks_excludes_nothing_and_an_external_label_replaces_that_of_a_series() {
    let (s3, folder) = (S3::start(), Folder::new("from-replaced"));
    let data = simulated().prometheus.data();
    // The series have the labels cluster (c01 to c03), instance and job.
    copy_blocks(&data, &folder, "blocks", 'A', |meta| meta["thanos"]["labels"] = json!({ "region": "north" }));
    let replaced = copy_blocks(&data, &folder, "all", 'B', |meta| {
        meta["thanos"]["labels"] = json!({ "cluster": "other", "__org_id__": "t", "empty": "" });
    });
    let pulled = |from: &str, selector: &str, out: &str| {
        s3.run(&pull(from, &folder.at(out), &["--merge-members", "--selector", selector]))
    };
    let path = as_long_as(&s3, &folder.at("blocks"), "thanos");
    s3.put(&folder.at("blocks"), &path);
    pulled(&s3.at(&path), "cluster=\"c01\"", "of-series").succeeds();
    etcd_heatmap(&pull(&data, &folder.at("plain"), &["--selector", "cluster=\"c01\""])).succeeds();
    assert_eq!(oracle_rows(&folder, "of-series"), oracle_rows(&folder, "plain"));

    s3.put(&folder.at("all"), "replaced");
    let nothing = pulled(&s3.at("replaced"), "cluster=\"c01\"", "none");
    nothing.fails_saying(&["left out 2 blocks whose external labels contradict", &replaced[0]]);
    // Labels that never become labels of series decide nothing: no series has them, so they have the empty value.
    for selector in ["cluster=\"other\",__org_id__=\"\"", "cluster=\"other\",empty=\"\""] {
        pulled(&s3.at("replaced"), selector, &format!("other-{}", selector.len())).succeeds();
    }
}

#[test]
fn a_selector_may_choose_a_replica_and_the_label_of_a_chosen_one_decides_nothing() {
    let folder = Folder::new("from-selected-replica");
    let data = simulated().prometheus.data();
    for (last, replica) in [('A', "a"), ('B', "b")] {
        copy_blocks(&data, &folder, "blocks", last, |meta| meta["thanos"]["labels"] = json!({ "replica": replica }));
    }
    let disk = folder.at("blocks");
    etcd_heatmap(&pull(&data, &folder.at("plain"), &[])).succeeds();
    for (number, flags) in
        [&["--selector", "replica=\"b\""][..], &["--replica", "replica=a", "--selector", "replica=\"\""]]
            .iter()
            .enumerate()
    {
        let out = format!("out-{number}");
        etcd_heatmap(&pull(&disk, &folder.at(&out), flags)).succeeds();
        assert_eq!(oracle_rows(&folder, &out), oracle_rows(&folder, "plain"), "{flags:?}");
    }
}

/// What DuckDB finds in a history: for each cluster the rows and the sums of two metrics.
fn oracle_rows(folder: &Folder, out: &str) -> String {
    let files = folder.at(&format!("{out}/history/*/readings.parquet"));
    let sums = "sum(open_fds), sum(round(wal_fsync_seconds * 1e9)::hugeint)";
    let from = format!("read_parquet('{files}', union_by_name = true)");
    let sql = format!("select cluster, member, count(*), {sums} from {from} group by all order by all");
    oracle_run("query.py", &[&sql]).succeeds().stdout
}
