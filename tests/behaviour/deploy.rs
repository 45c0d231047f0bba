//! Tests of `deploy/`: builds and runs the image, and checks the manifests against Kubernetes' schemas.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::{
    DAY, Folder, HOUR, Metrics, Run, START, Server, assert_same, cells, etcd_heatmap, etcd_heatmap_command, free_port,
    needed, oracle, prometheus_of, python,
};

const KUBERNETES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/kubernetes");

/// The command line in the manifest of a Job, with another folder instead of that on the volume.
fn arguments(manifest: &str, out: &str) -> Vec<String> {
    let text = fs::read_to_string(format!("{KUBERNETES}/overlays/{manifest}")).expect("it is there");
    let lines = text.lines().map(str::trim).skip_while(|line| *line != "args:").skip(1);
    let arguments = lines.take_while(|line| line.starts_with("- ") || line.starts_with('#'));
    arguments.filter_map(|line| line.strip_prefix("- ")).map(|line| line.replace("/audit/history", out)).collect()
}

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

#[test]
fn an_indexed_job_has_as_many_pods_as_shards_and_retries_each_alone() {
    oracle("manifests.py", &["indexes", KUBERNETES]);
}

/// Runs the command lines of both Jobs, without a shell and with the variables of their pods, as Kubernetes does.
#[test]
fn the_pods_of_an_indexed_job_pull_all_shards_and_a_lost_one_runs_again_alone() {
    let mut metrics = Metrics::every(60);
    for cluster in ["c01", "c02"] {
        metrics
            .member(&format!("cluster=\"{cluster}\",job=\"etcd\",instance=\"m\""), START - 2 * HOUR..START + 2 * HOUR);
    }
    let (prometheus, folder) = (prometheus_of(&metrics.text()), Folder::new("indexed-job"));
    let pod = |index: u32, url: &str| {
        let arguments = arguments("shards/job.yaml", &folder.at("audit"));
        let mut pod = etcd_heatmap_command(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        pod.env("JOB_COMPLETION_INDEX", index.to_string()).env("ETCD_HEATMAP_URL", url);
        Run::of(pod)
    };
    let merge = || {
        let arguments = arguments("merge/job.yaml", &folder.at("audit"));
        etcd_heatmap(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    // The SHA-256 of its name puts c01 into shard 14, whose pod has the index 13.
    let lost = 13;
    for index in 0..16 {
        match index == lost {
            true => pod(index, "http://127.0.0.1:9").fails_saying(&["http://127.0.0.1:9"]),
            false => drop(pod(index, &prometheus.url()).succeeds()),
        }
    }
    merge().fails_saying(&["1 of 16 shards is missing", "14/16"]);
    pod(lost, &prometheus.url()).succeeds();
    pod(16, &prometheus.url()).fails_saying(&["--shard", "index from 0 to 15", "JOB_COMPLETION_INDEX is \"16\""]);
    merge().succeeds();

    let whole = Folder::new("no-job");
    let single: Vec<String> = arguments("shards/job.yaml", &whole.at("audit"))
        .into_iter()
        .filter(|argument| !argument.starts_with("--shard"))
        .chain(["--url".to_owned(), prometheus.url()])
        .collect();
    etcd_heatmap(&single.iter().map(String::as_str).collect::<Vec<_>>()).succeeds();
    let history = |folder: &Folder| folder.tree("audit/history");
    assert!(!history(&whole).is_empty());
    assert_same(&history(&whole), &history(&folder));
}

/// Runs the commands of docs/deploy.md around the shards with kubectl, on a Job that ends with this condition. Returns how they
/// ended, and what was applied.
fn run_shards_by_hand(ends: &str) -> (Run, String) {
    let (folder, port) = (Folder::new("kubectl"), free_port());
    let mut api = Command::new(python());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/job_api.py");
    api.args(["-B", script, "--port", &port.to_string(), "--ends", ends, "--after", "2"]);
    let _api = Server::start(&api, port, &folder).ready("/apis");
    // The Job is there already, so `apply` only notes what it was asked for.
    let kubectl = python().with_file_name("kubectl");
    let stand_in = format!(
        "#!/bin/sh\n[ \"$1\" != apply ] || {{ echo \"$3\" >> applied; exit; }}\nexec {} --server=http://127.0.0.1:{port} \"$@\"\n",
        kubectl.display()
    );
    fs::create_dir(folder.at("bin")).expect("the folder is writable");
    let stand_in = folder.write("bin/kubectl", stand_in);
    fs::set_permissions(&stand_in, Permissions::from_mode(0o755)).expect("it is ours");
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/deploy.md")).expect("it is there");
    let block = page.split("```sh\n").find(|block| block.contains("overlays/shards\n")).expect("the commands");
    let block = block.split("```").next().expect("its end").replace("sleep 30", "sleep 0.2");
    let mut shell = Command::new("timeout");
    shell.args(["60", "bash", "-c", &block]);
    let path = std::env::var("PATH").unwrap_or_default();
    shell.env("PATH", format!("{}:{path}", folder.at("bin"))).env("HOME", folder.path()).current_dir(folder.path());
    let run = Run::of(shell);
    (run, folder.text("applied"))
}

#[test]
fn shards_are_merged_when_their_job_is_complete_and_the_wait_ends_when_it_has_failed() {
    let (run, applied) = run_shards_by_hand("Complete");
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(applied, "deploy/kubernetes/overlays/shards\ndeploy/kubernetes/overlays/merge\n");
    let (run, applied) = run_shards_by_hand("Failed");
    assert_eq!(run.code, Some(1), "{run:?}");
    assert_eq!(applied, "deploy/kubernetes/overlays/shards\n");
}

#[test]
fn a_shard_by_index_outside_of_an_indexed_job_is_refused() {
    let mut command = etcd_heatmap_command(&["pull", "--url", "http://127.0.0.1:9", "--shard", "index/16"]);
    command.env_remove("JOB_COMPLETION_INDEX");
    let run = Run::of(command);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    run.fails_saying(&["--shard", "JOB_COMPLETION_INDEX", "not set", "such as 1/16"]);
}
