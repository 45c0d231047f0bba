//! The notebook, executed: it recomputes the scores of a folder and detects modified ones.

use crate::support::{Folder, etcd_heatmap, oracle, oracle_run};

fn sample(flags: &[&str]) -> Folder {
    let folder = Folder::new("notebook");
    etcd_heatmap(&[&["backfill", "--quiet", "--sample", "--out", &folder.at("audit")], flags].concat()).succeeds();
    folder
}

#[test]
fn the_notebook_recomputes_the_scores_and_cells_of_a_folder() {
    for flags in [&[][..], &["--profile", "openshift", "--min-coverage", "0.9"], &["--profile", "operator"]] {
        oracle("notebook.py", &[&sample(flags).at("audit")]);
    }
}

#[test]
fn the_notebook_reports_when_it_cannot_compare_cells() {
    for flags in [&["--time-zone", "Asia/Kolkata"], &["--rollup", "quorum"]] {
        oracle("notebook.py", &[&sample(flags).at("audit"), "--scores-only"]);
    }
}

#[test]
fn the_notebook_detects_a_modified_score() {
    let folder = sample(&[]);
    let audit = folder.at("audit");
    oracle("falsify.py", &[&audit, "2026-10-07"]);
    let run = oracle_run("notebook.py", &[&audit]);
    assert_eq!(run.code, Some(1), "one score is another: {}{}", run.stdout, run.stderr);
    // One row that only the notebook has, and one that only the folder has.
    assert!(run.stdout.contains("scores: 32823 rows, 2 differences"), "{}", run.stdout);
    assert!(run.stdout.contains("cells: 3649 rows, 0 differences"), "{}", run.stdout);
}
