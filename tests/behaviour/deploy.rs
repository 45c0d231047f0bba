//! Tests of `deploy/`: builds and runs the image, and checks the manifests against Kubernetes' schemas.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::{
    DAY, Folder, HOUR, Metrics, Run, cells, etcd_heatmap, etcd_heatmap_command, needed, oracle, prometheus_of,
};

const KUBERNETES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/kubernetes");

/// The path of the program under test.
fn program() -> String {
    etcd_heatmap_command(&[]).get_program().to_str().expect("a plain path").to_owned()
}

#[test]
fn the_image_scores_the_sample_on_a_read_only_root_and_not_as_root() {
    for (tool, package) in [("buildah", "buildah"), ("debootstrap", "debootstrap")] {
        needed(tool, package);
    }
    let mut script = needed("bash", "bash");
    script.args([concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/docker/test"), &program()]);
    let said = Run::of(script).succeeds().stdout;
    assert!(said.ends_with("the image is good\n"), "{said}");
}

#[test]
fn the_manifests_are_valid_for_kubernetes() {
    oracle("manifests.py", &["schemas", KUBERNETES]);
    oracle("manifests.py", &["references", KUBERNETES]);
}

#[test]
fn every_pod_is_restricted_except_for_the_directory_of_a_node_exporter() {
    oracle("manifests.py", &["security", KUBERNETES]);
}

#[test]
fn the_program_accepts_every_command_line_of_the_manifests() {
    oracle("manifests.py", &["commands", KUBERNETES, &program()]);
}

#[test]
fn the_nightly_job_scores_all_of_yesterday_at_any_time_of_day() {
    let manifest = fs::read_to_string(format!("{KUBERNETES}/overlays/daily/cron-job.yaml")).expect("it is there");
    let range: Vec<_> = manifest
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- "))
        .filter(|argument| argument.starts_with("--start=") || argument.starts_with("--end="))
        .collect();
    assert_eq!(range.len(), 2, "{range:?}");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() as i64;
    let today = now - now % DAY;
    let mut metrics = Metrics::every(60);
    metrics.member(r#"cluster="c",job="etcd",instance="m""#, today - DAY - 2 * HOUR..now - 60);
    let (prometheus, folder) = (prometheus_of(&metrics.text()), Folder::new("yesterday"));
    let fixed = ["backfill", "--quiet", "--url", &prometheus.url(), "--out", &folder.at("audit")];
    etcd_heatmap(&[&fixed[..], &range].concat()).succeeds();

    let cells = cells(&folder.text("audit/heatmap.csv"));
    let date = Run::of({
        let mut date = needed("date", "coreutils");
        date.args(["-u", "-d", &format!("@{}", today - DAY), "+%F"]);
        date
    });
    let hours: Vec<_> = cells.iter().filter(|cell| cell.member.is_none()).collect();
    assert_eq!(hours.len(), 24, "{hours:?}");
    assert!(hours.iter().all(|cell| cell.date == date.stdout.trim() && cell.scored == 60), "{hours:?}");
}
