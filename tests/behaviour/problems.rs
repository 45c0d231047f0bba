//! `problems.csv`, `findings.csv`, `evidence.csv` and `rules.csv`, held to the scores and to each other by
//! `tests/oracle/problems.py`.

use crate::support::{
    Asked, DAY, Folder, HOUR, Metrics, START, Simulated, escaped, etcd_heatmap, oracle, prometheus_of, simulated,
};

const FILES: [&str; 4] = ["problems.csv", "findings.csv", "evidence.csv", "rules.csv"];

#[test]
fn the_problems_of_the_sample_add_up_to_what_its_clusters_lost() {
    let folder = Folder::new("problems-sample");
    etcd_heatmap(&["backfill", "--quiet", "--sample", "--out", &folder.at("audit")]).succeeds();
    oracle("problems.py", &[&folder.at("audit")]);
    let formats = ["score", "--quiet", &folder.at("audit"), "--formats", "problems", "--out", &folder.at("only")];
    etcd_heatmap(&formats).succeeds();
    assert_eq!(folder.text("only/problems.csv"), folder.text("audit/problems.csv"));
    assert!(!std::path::Path::new(&folder.at("only/findings.csv")).exists());
}

#[test]
fn problems_add_up_whatever_the_rollup_and_time_zone() {
    let folder = Folder::new("problems-rollup");
    Asked::all(&simulated().prometheus, START, Simulated::END).run("backfill", &folder).succeeds();
    let audit = folder.at("audit");
    oracle("problems.py", &[&audit]);
    for flags in [&["--rollup", "mean"][..], &["--rollup", "quorum", "--time-zone", "Asia/Kolkata"]] {
        etcd_heatmap(&[&["score", "--quiet", &audit][..], flags].concat()).succeeds();
        oracle("problems.py", &[&audit]);
    }
    assert_eq!(etcd_heatmap(&["findings", &audit, "--csv"]).succeeds().stdout, folder.text("audit/findings.csv"));
}

#[test]
fn no_name_in_the_tables_of_problems_becomes_a_formula() {
    let names = ["=cmd()", "@c, \"x\"", "'a\nb"];
    let mut metrics = Metrics::every(300);
    for (index, cluster) in names.iter().enumerate() {
        let member = names[(index + 1) % names.len()];
        let labels = format!(r#"cluster="{}",job="etcd",instance="{}""#, escaped(cluster), escaped(member));
        let slow = |t: i64| (START + HOUR..START + 3 * HOUR).contains(&t);
        metrics.member_with_slow_disk(&labels, START - HOUR..START + DAY, slow);
    }
    let (prometheus, folder) = (prometheus_of(&metrics.text()), Folder::new("problems-formula"));
    Asked { step: 300, ..Asked::all(&prometheus, START, START + DAY) }.run("backfill", &folder).succeeds();
    // The oracle refuses any field that starts like a formula.
    oracle("problems.py", &[&folder.at("audit")]);
    let problems = folder.text("audit/problems.csv");
    assert!(
        problems.contains(",'=cmd(),slow_disk,") && problems.contains(",\"'@c, \"\"x\"\"\",slow_disk,"),
        "{problems}"
    );
    for file in FILES {
        assert!(!folder.text(&format!("audit/{file}")).is_empty(), "{file}");
    }
}
