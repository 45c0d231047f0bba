//! Output folders in a bucket, on a real S3 server: the objects are the files of the same run into a folder on disk.

use std::fs;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::support::{
    Folder, Gate, Run, S3, S3Door, START, Tree, assert_same, etcd_heatmap, example, mix, s3_error, simulated, until,
};

const MANIFEST: &str = "manifest.json";

/// The sample, scored on disk.
fn sample() -> Folder {
    let folder = Folder::new("sample");
    etcd_heatmap(&["backfill", "--quiet", "--sample", "--out", &folder.at("audit")]).succeeds();
    folder
}

/// Three days of a simulated fleet into `out`.
fn arguments<'a>(command: &'a str, url: &'a str, out: &'a str) -> [&'a str; 14] {
    let range = ["--start", "2026-10-01", "--end", "2026-10-04"];
    let [start, first, end, last] = range;
    [command, "--quiet", "--url", url, "--out", out, start, first, end, last, "--step", "1m", "--series", "raw"]
}

fn days(tree: &Tree) -> Vec<&str> {
    tree.keys().map(String::as_str).filter(|name| name.ends_with("/readings.parquet")).collect()
}

#[test]
fn a_backfill_into_a_bucket_has_the_bytes_of_one_into_a_folder() {
    let (s3, expected) = (S3::start(), sample());
    let run = s3.run(&["backfill", "--sample", "--out", &s3.at("team/audit")]).succeeds();
    assert_same(&expected.tree("audit"), &s3.tree("team/audit"));
    let files = expected.tree("audit").len();
    assert!(run.stderr.contains(&format!("sent {files} files to s3://audits/team/audit")), "{}", run.stderr);
    let said = format!("{}{}", run.stdout, run.stderr);
    assert!(said.contains("in s3://audits/team/audit:\n") && said.contains("explain s3://audits/team/audit"), "{said}");
    assert!(!said.contains("/copy"), "the path of the working copy is no name for the place: {said}");
    assert_eq!(s3.left_over(), [""; 0], "nothing stays on disk");
}

#[test]
fn commands_read_a_bucket_as_they_read_a_folder() {
    let (s3, folder) = (S3::start(), sample());
    s3.put(&folder.at("audit"), "audit");
    let (there, here) = (s3.at("audit"), folder.at("audit"));
    let cell = ["--cluster", "c01", "--at", "2026-10-07T14"];
    let both = |command: &[&str], flags: &[&str]| {
        let run = |place: &str| {
            let run = s3.run(&[command, &[place], flags].concat());
            (run.code, run.stdout.replace(place, "FOLDER"), run.stderr.replace(place, "FOLDER"))
        };
        let (ours, expected) = (run(&there), run(&here));
        assert_eq!(ours, expected, "{command:?}");
        assert_eq!(ours.0, Some(0), "{command:?}: {ours:?}");
    };
    both(&["show"], &[]);
    both(&["findings"], &[]);
    both(&["findings"], &["--all"]);
    both(&["findings"], &["--evidence"]);
    both(&["diff"], &["--at", "2026-10-05"]);
    both(&["explain"], &cell);
    let of_two = s3.run(&["diff", &there, &here]).succeeds();
    assert!(of_two.stdout.contains(&there) && of_two.stdout.contains(&here), "{}", of_two.stdout);
    assert_same(&folder.tree("audit"), &s3.tree("audit"));
    assert_eq!(s3.left_over(), [""; 0]);
}

#[test]
fn scoring_again_sends_only_what_changes_and_removes_what_is_no_longer_written() {
    let (s3, folder) = (S3::start(), sample());
    s3.put(&folder.at("audit"), "audit");
    s3.put(&folder.at("audit/history"), "audit/mine");
    let door = S3Door::before(s3.server().port(), |_| None);
    let flags = ["score", "--formats", "csv", "--weight", "wal_fsync=0.5,leader_changes=0.1"];
    Run::of(s3.command_through(&door.url(), &[&flags[..], &[&s3.at("audit")]].concat())).succeeds();
    etcd_heatmap(&[&flags[..], &[&folder.at("audit")]].concat()).succeeds();
    let mut tree = s3.tree("audit");
    let foreign = tree.keys().filter(|name| name.starts_with("mine/")).cloned().collect::<Vec<_>>();
    assert!(!foreign.is_empty(), "files of others stay");
    tree.retain(|name, _| !name.starts_with("mine/"));
    assert_same(&folder.tree("audit"), &tree);

    let seen = door.seen();
    let puts: Vec<&str> = seen.iter().filter_map(|head| head.strip_prefix("PUT ")?.split(' ').next()).collect();
    assert!(!puts.iter().any(|path| path.contains("/history/")), "the history has not changed: {puts:?}");
    assert!(puts.first().is_some_and(|path| path.ends_with(MANIFEST)), "first, no file is listed: {puts:?}");
    assert!(puts.last().is_some_and(|path| path.ends_with(MANIFEST)), "last, all are: {puts:?}");
    let read = seen.iter().filter(|head| head.starts_with("GET ") && head.contains("/scores/")).count();
    assert_eq!(read, 0, "scores are replaced, not read");
}

#[test]
fn a_pull_that_is_killed_has_sent_its_complete_days_and_the_next_one_completes_them() {
    let s3 = S3::start();
    let gate = Gate::before(simulated().prometheus.server().port());
    let (out, undisturbed) = (s3.at("audit"), Folder::new("undisturbed"));
    etcd_heatmap(&arguments("backfill", &gate.url(), &undisturbed.at("audit"))).succeeds();
    let expected = undisturbed.tree("audit");

    gate.hold_from(START + 2 * 86_400);
    let url = gate.url();
    let mut run = s3.command(&arguments("backfill", &url, &out));
    let mut run = run.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
    until("two of three days in the bucket", || (days(&s3.tree("audit")).len() == 2).then_some(()));
    run.kill().expect("it is running");
    run.wait().expect("it was killed");
    let left = s3.tree("audit");
    assert_eq!(left.len(), 2, "{:?}", left.keys());
    assert!(left.iter().all(|(name, content)| expected[name] == *content), "a day is not whole");

    gate.open();
    s3.run(&arguments("backfill", &gate.url(), &out)).succeeds();
    assert_same(&expected, &s3.tree("audit"));
    assert_eq!(s3.left_over(), [""; 0], "what the killed run left on disk is removed");
}

#[test]
fn a_run_that_is_killed_at_any_moment_leaves_whole_objects_and_can_be_run_again() {
    let kills: u64 = std::env::var("KILLS").map_or(3, |n| n.parse().expect("KILLS is a number"));
    let (s3, url, undisturbed) = (S3::start(), simulated().url(), Folder::new("undisturbed"));
    etcd_heatmap(&arguments("backfill", &url, &undisturbed.at("audit"))).succeeds();
    let expected = undisturbed.tree("audit");
    let started = Instant::now();
    s3.run(&arguments("backfill", &url, &s3.at("first"))).succeeds();
    let took = started.elapsed();
    let (mut hits, mut between) = (0, 0);
    for number in 0..kills {
        let path = format!("killed-{number}");
        let mut run = s3.command(&arguments("backfill", &url, &s3.at(&path)));
        let mut run = run.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
        std::thread::sleep(took.mul_f64((mix(number) % 1000) as f64 / 1000.0));
        let _ = run.kill();
        hits += u32::from(run.wait().expect("it was killed").code().is_none());
        let left = s3.tree(&path);
        between += u32::from((1..expected.len()).contains(&left.len()));
        for (name, content) in left.iter().filter(|(name, _)| *name != MANIFEST) {
            assert_eq!(expected.get(name), Some(content), "{name} is not whole");
        }
        s3.run(&arguments("backfill", &url, &s3.at(&path))).succeeds();
        assert_same(&expected, &s3.tree(&path));
    }
    println!("{kills} kills within {took:.0?}: {hits} hit a running process, {between} left some of the objects");
}

#[test]
fn two_runs_at_once_do_not_mix_their_files() {
    let (s3, folder) = (S3::start(), sample());
    s3.put(&folder.at("audit"), "audit");
    let expected = {
        let args = ["score", "--quiet", "--formats", "csv", "--rollup", "mean"];
        etcd_heatmap(&[&args[..], &[&folder.at("audit")]].concat()).succeeds();
        folder.tree("audit")
    };
    // While the first run is about to write, another one writes.
    let (port, url, place) = (s3.server().port(), s3.server().url(), s3.at("audit"));
    let first = AtomicUsize::new(0);
    let door = S3Door::before(port, move |head| {
        if head.starts_with("PUT ") && first.fetch_add(1, Ordering::SeqCst) == 0 {
            let mut other = crate::support::etcd_heatmap_command(&[
                "score",
                "--quiet",
                "--formats",
                "csv",
                "--rollup",
                "mean",
                &place,
            ]);
            other.env("AWS_ENDPOINT_URL", &url).env("AWS_ACCESS_KEY_ID", "key").env("AWS_SECRET_ACCESS_KEY", "x");
            Run::of(other).succeeds();
        }
        None
    });
    let run = Run::of(s3.command_through(&door.url(), &["score", "--quiet", "--rollup", "quorum", &s3.at("audit")]));
    run.fails_saying(&["s3://audits/audit/manifest.json was changed by another run", "run the command again"]);
    assert_same(&expected, &s3.tree("audit"));
}

#[test]
fn a_store_that_stops_answering_is_told_and_what_was_not_sent_is_kept() {
    let (s3, folder) = (S3::start(), sample());
    let door = S3Door::before(s3.server().port(), |head| {
        (head.starts_with("PUT ") && head.contains("report.html"))
            .then(|| s3_error("507 Insufficient Storage", "QuotaExceeded", "The quota of the bucket is used up."))
    });
    let command = ["backfill", "--quiet", "--sample", "--out", &s3.at("audit")];
    let run = Run::of(s3.command_through(&door.url(), &command));
    run.fails_saying(&[
        "s3://audits/audit/report.html cannot be written",
        "QuotaExceeded: The quota",
        "2 files were not sent",
    ]);
    let kept = run.stderr.split("kept in ").nth(1).expect("a folder").trim();
    assert_same(&folder.tree("audit"), &tree_of(kept));
    assert!(!s3.tree("audit").contains_key(MANIFEST), "no manifest lists a file that is not there");
    // The next run finds the objects that were sent.
    s3.run(&command).succeeds();
    assert_same(&folder.tree("audit"), &s3.tree("audit"));
    fs::remove_dir_all(kept).expect("it is kept");
}

fn tree_of(folder: &str) -> Tree {
    let mut tree = Tree::new();
    let mut waiting = vec![std::path::PathBuf::from(folder)];
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(&next).expect("a folder").flatten() {
            match entry.path() {
                path if path.is_dir() => waiting.push(path),
                path => {
                    let name = path.strip_prefix(folder).expect("below").to_string_lossy().into_owned();
                    tree.insert(name, fs::read(&path).expect("a file"));
                }
            }
        }
    }
    tree
}

#[test]
fn answers_that_ask_for_patience_are_tried_again() {
    let (s3, expected) = (S3::start(), sample());
    let count = AtomicUsize::new(0);
    let door = S3Door::before(s3.server().port(), move |_| {
        (count.fetch_add(1, Ordering::SeqCst) % 3 == 1)
            .then(|| s3_error("503 Slow Down", "SlowDown", "Please reduce your request rate."))
    });
    let command = ["backfill", "--quiet", "--sample", "--out", &s3.at("audit")];
    Run::of(s3.command_through(&door.url(), &command)).succeeds();
    assert_same(&expected.tree("audit"), &s3.tree("audit"));
}

#[test]
fn a_store_that_refuses_or_ignores_conditions_is_written_with_a_note() {
    let (s3, expected) = (S3::start(), sample());
    let refusing = S3Door::before(s3.server().port(), |head| {
        head.to_lowercase()
            .contains("\r\nif-")
            .then(|| s3_error("501 Not Implemented", "NotImplemented", "A header you provided implies functionality."))
    });
    let ignoring = S3Door::without_conditions(s3.server().port());
    for (name, endpoint, has_note) in
        [("guarded", s3.server().url(), false), ("refused", refusing.url(), true), ("ignored", ignoring.url(), true)]
    {
        let out = s3.at(name);
        let run = Run::of(s3.command_through(&endpoint, &["backfill", "--sample", "--out", &out])).succeeds();
        assert_same(&expected.tree("audit"), &s3.tree(name));
        let note = format!("{out} does not support conditional writes: do not start another run that writes to it");
        assert_eq!(run.stderr.contains(&note), has_note, "{name}: {}", run.stderr);
    }
}

#[test]
fn scores_in_another_place_are_explained_from_their_history_in_the_bucket() {
    let (s3, folder) = (S3::start(), Folder::new("scores"));
    s3.run(&["backfill", "--quiet", "--sample", "--out", &s3.at("audit")]).succeeds();
    let explain = |scores: &str| s3.run(&["explain", scores, "--cluster", "c01", "--at", "2026-10-07T14"]);
    let own = explain(&s3.at("audit")).succeeds().stdout;
    for scores in [s3.at("scores"), folder.at("scores")] {
        s3.run(&["score", "--quiet", &s3.at("audit"), "--out", &scores]).succeeds();
        assert_eq!(explain(&scores).succeeds().stdout, own);
        let found = s3.run(&["findings", &scores]).succeeds().stdout;
        assert!(found.contains(&format!("etcd-heatmap explain {scores} ")), "{found}");
    }
}

#[test]
fn what_is_wrong_with_a_place_is_said_in_one_sentence() {
    let s3 = S3::start();
    let started = Instant::now();
    let says = |place: &str, words: &[&str]| s3.run(&["show", place]).fails_saying(words);
    says("s3://nowhere/audit", &["s3://nowhere/audit", "does not exist"]);
    says("https://audits/audit", &["https://audits/audit is neither a folder nor a place", "s3://"]);
    says("s3://key:word@audits/audit", &["must not hold a login"]);
    says("s3:///audit", &["names no bucket"]);
    says("file://audits/audit", &["names no folder of this machine", "file:///"]);
    says(&s3.at("empty"), &["s3://audits/empty", "no cells"]);
    s3.run(&["score", &s3.at("empty")]).fails_saying(&["s3://audits/empty", "history"]);
    let unsigned = |name: &str, value: &str| {
        let mut command = s3.command(&["show", &s3.at("audit")]);
        command.env(name, value);
        Run::of(command)
    };
    let unreachable = unsigned("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    unreachable.fails_saying(&[
        "error: cannot reach the object store at http://127.0.0.1:1 for s3://audits/audit: Connection refused (os error \
         111); check that it is running and that AWS_ENDPOINT_URL is right",
    ]);
    let mut command = s3.command(&["show", &s3.at("audit")]);
    command.env("AWS_ENDPOINT_URL", "http://minio.invalid:9000").env("HTTP_PROXY", "http://ann:a-secret@127.0.0.1:1");
    let behind = Run::of(command);
    behind.fails_saying(&[
        "error: cannot reach the object store at http://minio.invalid:9000 for s3://audits/audit through the proxy \
         http://127.0.0.1:1: Connection refused (os error 111); check the proxy, or add the host to NO_PROXY",
    ]);
    unsigned("AWS_CA_BUNDLE", "/nowhere.pem").fails_saying(&["cannot read /nowhere.pem"]);
    let refused =
        S3Door::before(s3.server().port(), |_| Some(s3_error("403 Forbidden", "AccessDenied", "Access Denied")));
    let run = Run::of(s3.command_through(&refused.url(), &["show", &s3.at("audit")]));
    run.fails_saying(&["s3://audits/audit cannot be listed", "AccessDenied: Access Denied", "check the login"]);
    assert!(!run.stderr.contains("a-secret") && !run.stderr.contains("127.0.0.1"), "{}", run.stderr);
    assert!(started.elapsed() < Duration::from_secs(60), "a wrong place is told soon");
}

#[test]
fn the_login_comes_from_a_profile_if_the_environment_has_none() {
    let s3 = S3::start();
    let files = Folder::new("aws");
    let credentials =
        files.write("credentials", "[audit]\naws_access_key_id = of-audit\naws_secret_access_key = word\n");
    let config = files.write("config", "[profile audit]\nregion = eu-north-1\n[profile bare]\nregion = eu-north-1\n");
    let door = S3Door::before(s3.server().port(), |_| None);
    let run_in = |environment: &[(&str, &str)], profile: &str, key: Option<&str>| {
        let mut command =
            s3.command_through(&door.url(), &["backfill", "--quiet", "--sample", "--out", &s3.at("audit")]);
        command.envs(environment.iter().copied());
        command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY").env_remove("AWS_REGION");
        command.env("AWS_SHARED_CREDENTIALS_FILE", &credentials).env("AWS_CONFIG_FILE", &config);
        command.env("AWS_PROFILE", profile);
        if let Some(key) = key {
            command.env("AWS_ACCESS_KEY_ID", key).env("AWS_SECRET_ACCESS_KEY", "word");
        }
        let before = door.seen().len();
        (Run::of(command), door.seen().split_off(before).join(""))
    };
    let run = |profile: &str, key: Option<&str>| run_in(&[], profile, key);
    let (of_profile, seen) = run("audit", None);
    of_profile.succeeds();
    assert!(seen.contains("Credential=of-audit/") && seen.contains("/eu-north-1/s3/"), "{seen}");
    let (of_profile, seen) =
        run_in(&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/keys")], "audit", None);
    of_profile.succeeds();
    assert!(seen.contains("Credential=of-audit/"), "a profile comes before the login of a container: {seen}");
    let (of_environment, seen) = run("audit", Some("of-environment"));
    of_environment.succeeds();
    assert!(seen.contains("Credential=of-environment/") && !seen.contains("of-audit"), "{seen}");
    run("bare", None).0.fails_saying(&["profile 'bare' has no keys"]);
    run("other", None).0.fails_saying(&["has the profile 'other'", "aws configure"]);
}

#[test]
fn a_file_url_is_a_folder_on_disk() {
    let folder = Folder::new("file-url");
    let url = format!("file://{}", folder.at("audit"));
    etcd_heatmap(&["backfill", "--quiet", "--sample", "--out", &url]).succeeds();
    assert_same(&sample().tree("audit"), &folder.tree("audit"));
    etcd_heatmap(&["show", &url]).succeeds();
}

#[test]
fn long_files_are_sent_in_parts_and_a_part_that_fails_is_sent_again() {
    let (s3, folder) = (S3::start(), Folder::new("long"));
    let size = ["--members", "180", "--clusters", "60", "--start", "2026-10-01", "--days", "1"];
    example("history", &[&size[..], &["--out", &folder.at("audit")]].concat()).succeeds();
    s3.put(&folder.at("audit"), "audit");
    let score = ["score", "--quiet", "--formats", "openmetrics"];
    etcd_heatmap(&[&score[..], &[&folder.at("audit")]].concat()).succeeds();

    let failed = AtomicUsize::new(0);
    let door = S3Door::before(s3.server().port(), move |head| {
        let is_part = head.starts_with("PUT ") && head.contains("partNumber=2");
        (is_part && failed.fetch_add(1, Ordering::SeqCst) == 0)
            .then(|| s3_error("500 Internal Server Error", "InternalError", "Please try again."))
    });
    Run::of(s3.command_through(&door.url(), &[&score[..], &[&s3.at("audit")]].concat())).succeeds();
    assert_same(&folder.tree("audit"), &s3.tree("audit"));
    let parts = door.seen().iter().filter(|head| head.starts_with("PUT ") && head.contains("partNumber=")).count();
    assert_eq!(parts, 3, "two parts, one of them twice");
}

#[test]
fn scores_in_another_place_name_where_their_history_is() {
    let (s3, folder) = (S3::start(), sample());
    s3.put(&folder.at("audit/history"), "audit/history");
    let (from, out) = (s3.at("audit"), s3.at("scores"));
    s3.run(&["score", "--quiet", "--formats", "csv", &from, "--out", &out]).succeeds();
    assert!(s3.tree("scores/history").is_empty(), "the history stays where it is");
    s3.run(&["score", &out]).fails_saying(&[&out, &from]);
    s3.run(&["score", "--quiet", "--formats", "csv", &folder.at("audit"), "--out", &s3.at("more")]).succeeds();
    s3.run(&["score", &s3.at("more")]).fails_saying(&[&s3.at("more"), &folder.at("audit")]);
    s3.run(&["score", "--quiet", "--formats", "csv", &from, "--out", &folder.at("here")]).succeeds();
    etcd_heatmap(&["score", &folder.at("here")]).fails_saying(&[&folder.at("here"), &from]);
}

#[test]
fn shards_in_a_bucket_are_joined_to_the_bytes_of_a_single_pull() {
    let (s3, url, single) = (S3::start(), simulated().url(), Folder::new("single"));
    etcd_heatmap(&arguments("pull", &url, &single.at("audit"))).succeeds();
    let out = s3.at("audit");
    let started = ["1/3", "2/3", "3/3"].map(|shard| {
        let mut run = s3.command(&[&arguments("pull", &url, &out)[..], &["--shard", shard]].concat());
        run.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs")
    });
    started.into_iter().for_each(|mut run| assert!(run.wait().expect("it ends").success()));
    s3.run(&["merge", &out]).succeeds();
    let mut tree = s3.tree("audit");
    tree.retain(|name, _| !name.starts_with("shards/"));
    assert_same(&single.tree("audit"), &tree);

    // Joined again, the days have the same bytes, and are not sent.
    let door = S3Door::before(s3.server().port(), |_| None);
    let again = Run::of(s3.command_through(&door.url(), &["merge", &out])).succeeds();
    assert!(!door.seen().iter().any(|head| head.starts_with("PUT ")), "{:?}", door.seen());
    assert!(!again.stderr.contains("sent"), "{}", again.stderr);
}

#[test]
fn polars_and_datafusion_read_a_history_in_a_bucket() {
    let s3 = S3::start();
    s3.run(&["backfill", "--quiet", "--sample", "--out", &s3.at("audit")]).succeeds();
    s3.engines_read("audit", &sample().at("audit"));
}

/// Kills of shards and of the merge, one after another; the last run of each completes it.
#[test]
fn shards_that_are_killed_at_any_moment_are_pulled_again_and_joined_to_the_bytes_of_a_single_pull() {
    let kills: u64 = std::env::var("KILLS").map_or(4, |n| n.parse().expect("KILLS is a number"));
    let (s3, url, single) = (S3::start(), simulated().url(), Folder::new("single"));
    etcd_heatmap(&arguments("pull", &url, &single.at("audit"))).succeeds();
    let (out, expected) = (s3.at("audit"), single.tree("audit"));
    let shard = |shard: &str| s3.command(&[&arguments("pull", &url, &out)[..], &["--shard", shard]].concat());
    let shards = ["1/3", "2/3", "3/3"];
    let started = Instant::now();
    Run::of(shard("1/3")).succeeds();
    let (took, mut hits) = (started.elapsed(), 0);
    for number in 0..kills {
        let mut command = match number % 4 {
            3 => s3.command(&["merge", &out]),
            which => shard(shards[usize::try_from(which).expect("small")]),
        };
        let mut run =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
        std::thread::sleep(took.mul_f64((mix(number) % 1000) as f64 / 1000.0));
        let _ = run.kill();
        hits += u32::from(run.wait().expect("it was killed").code().is_none());
        for (name, content) in s3.tree("audit/history") {
            assert_eq!(expected.get(&format!("history/{name}")), Some(&content), "{name} is not whole");
        }
    }
    shards.iter().for_each(|one| drop(Run::of(shard(one)).succeeds()));
    s3.run(&["merge", &out]).succeeds();
    let mut tree = s3.tree("audit");
    tree.retain(|name, _| !name.starts_with("shards/"));
    assert_same(&expected, &tree);
    println!("{kills} kills, {hits} hit a running process");
}
