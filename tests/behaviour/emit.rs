//! The OpenMetrics files for promtool: `--retention`, `--emit` and `--label`.

use crate::support::{Folder, Run, etcd_heatmap, oracle, simulated};

fn backfill(folder: &Folder, flags: &[&str]) -> Run {
    etcd_heatmap(&[&["backfill", "--sample", "--quiet", "--out", &folder.at("audit")][..], flags].concat())
}

#[test]
fn each_openmetrics_file_is_the_longest_block_that_the_retention_allows() {
    let folder = Folder::new("retention");
    for (retention, hours) in [("20h", "2"), ("15d", "18"), ("90d", "162"), ("1y", "486"), ("10y", "486")] {
        // Into the same folder, so that files of other block lengths must be removed.
        backfill(&folder, &["--retention", retention]).succeeds();
        oracle("emitted.py", &[&folder.at("audit"), "--block-hours", hours]);
    }
    backfill(&folder, &["--retention", "10h"]).fails_saying(&["--retention", "20h"]);
}

#[test]
fn emit_and_label_add_families_and_labels() {
    let folder = Folder::new("families");
    let labels = ["--label", "job=node", "--label", "instance=a\"b:9100"];
    for emit in ["worst", "points", "points,worst,scores"] {
        backfill(&folder, &[&["--emit", emit, "--retention", "1y"], &labels[..]].concat()).succeeds();
        let asked = [folder.at("audit"), "--block-hours".into(), "486".into(), "--emit".into(), emit.into()];
        oracle("emitted.py", &[&asked.each_ref().map(String::as_str)[..], &labels].concat());
    }
    for (flags, words) in [
        (["--emit", "wurst"], &["--emit", "did you mean 'worst'"][..]),
        (["--label", "member=x"], &["--label", "member"]),
        (["--label", "job"], &["--label", "job=node"]),
    ] {
        backfill(&folder, &flags).fails_saying(words);
    }
}

#[test]
fn retention_can_be_queried_from_the_importing_server() {
    let folder = Folder::new("asked-retention");
    // The retention of the test server is 100 years.
    backfill(&folder, &["--retention", &simulated().url()]).succeeds();
    oracle("emitted.py", &[&folder.at("audit"), "--block-hours", "486"]);
    let nobody = Folder::new("asked-nobody");
    backfill(&nobody, &["--retention", "http://ann:secret@127.0.0.1:9"]).fails_saying(&["cannot reach", "127.0.0.1:9"]);
}
