//! Pulls into a history in a bucket read of its days what they need, and write what the same pulls write on disk.

use std::fs;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::{
    DAY, Folder, Gate, Run, S3, S3Door, START, Tree, assert_same, etcd_heatmap, example, simulated, until,
};

/// Another pull than without these flags.
const OTHER: [&str; 2] = ["--rate-window", "10m"];

/// A pull of the simulated fleet from October 1 until `end` into a folder.
fn pull(url: &str, end: &str, out: &str, flags: &[&str]) -> Run {
    etcd_heatmap(&[&arguments(url, end, out)[..], flags].concat())
}

/// The same into a folder of the bucket, through a proxy.
fn pull_through(door: &S3Door, s3: &S3, url: &str, end: &str, path: &str) -> Run {
    Run::of(s3.command_through(&door.url(), &arguments(url, end, &s3.at(path))))
}

fn pull_into(s3: &S3, url: &str, end: &str, path: &str) -> Run {
    s3.run(&arguments(url, end, &s3.at(path)))
}

fn arguments<'a>(url: &'a str, end: &'a str, out: &'a str) -> [&'a str; 14] {
    let [step, minute, series, raw] = ["--step", "1m", "--series", "raw"];
    ["pull", "--quiet", "--url", url, "--out", out, "--start", "2026-10-01", "--end", end, step, minute, series, raw]
}

fn of_several<'a>(settings: &'a str, end: &'a str, out: &'a str) -> [&'a str; 14] {
    let [step, minute, series, raw] = ["--step", "1m", "--series", "raw"];
    [
        "pull",
        "--quiet",
        "--config",
        settings,
        "--out",
        out,
        "--start",
        "2026-10-01",
        "--end",
        end,
        step,
        minute,
        series,
        raw,
    ]
}

fn day(number: u32) -> String {
    format!("history/date=2026-10-{number:02}/readings.parquet")
}

fn bytes_of_history(tree: &Tree) -> u64 {
    tree.iter().filter(|(name, _)| name.starts_with("history/")).map(|(_, content)| content.len() as u64).sum()
}

/// Requests for the whole content of a day.
fn whole_days(door: &S3Door) -> Vec<String> {
    let is_whole = |head: &&String| {
        head.starts_with("GET ") && head.contains("/history/") && !head.to_lowercase().contains("\r\nrange: ")
    };
    door.seen().iter().filter(is_whole).filter_map(|head| head.lines().next().map(str::to_owned)).collect()
}

/// Replaces an object, or adds it, as another program does.
fn overwrite(s3: &S3, path: &str, content: &[u8]) {
    let (folder, name) = path.rsplit_once('/').expect("an object in a folder");
    let one = Folder::new("one");
    one.write(name, content);
    s3.put(&one.at(""), folder);
}

#[test]
fn a_pull_of_one_more_day_reads_less_than_a_tenth_of_the_days_that_are_there() {
    let (s3, url, folder) = (S3::start(), simulated().url(), Folder::new("disk"));
    for end in ["2026-10-03", "2026-10-04"] {
        pull(&url, end, &folder.at("audit"), &[]).succeeds();
        let days = bytes_of_history(&s3.tree("audit"));
        let door = S3Door::before(s3.server().port(), |_| None);
        pull_through(&door, &s3, &url, end, "audit").succeeds();
        assert_same(&folder.tree("audit"), &s3.tree("audit"));
        if days > 0 {
            assert!(days > 300_000, "{days} bytes are too few to compare with");
            println!("{} of {days} bytes were read", door.answered());
            assert!(door.answered() < days / 10, "{} of {days} bytes were read", door.answered());
            let sent = door.seen().iter().filter(|head| head.starts_with("PUT ") && head.contains("/history/")).count();
            assert_eq!(sent, 1, "only the new day is sent");
        }
    }
    // A day that grows is needed whole: the server may have dropped some of its readings.
    for end in ["2026-10-03T12:00:00Z", "2026-10-04"] {
        pull(&url, end, &folder.at("grown"), &[]).succeeds();
        let door = S3Door::before(s3.server().port(), |_| None);
        pull_through(&door, &s3, &url, end, "grown").succeeds();
        assert_same(&folder.tree("grown"), &s3.tree("grown"));
        let whole = whole_days(&door);
        assert!(whole.iter().all(|line| line.contains("2026-10-03")), "{whole:?}");
        assert_eq!(whole.len(), usize::from(end == "2026-10-04"), "{whole:?}");
    }
    assert_eq!(s3.left_over(), [""; 0]);
}

#[test]
fn a_pull_of_several_sources_reads_only_the_ends_of_the_days_that_it_does_not_join_again() {
    let (s3, url, folder) = (S3::start(), simulated().url(), Folder::new("disk"));
    let source = |name| format!("[[source]]\nname = \"{name}\"\nurl = \"{url}\"\n");
    let settings = folder.write("sources.toml", &(source("eu-1") + &source("us-1")));
    for (end, days) in [("2026-10-03", 0), ("2026-10-04", 6)] {
        etcd_heatmap(&of_several(&settings, end, &folder.at("audit"))).succeeds();
        let there = s3.tree("audit");
        assert_eq!(there.iter().filter(|(name, _)| name.ends_with(".parquet")).count(), days);
        let door = S3Door::before(s3.server().port(), |_| None);
        Run::of(s3.command_through(&door.url(), &of_several(&settings, end, &s3.at("audit")))).succeeds();
        assert_same(&folder.tree("audit"), &s3.tree("audit"));
        assert_eq!(whole_days(&door), [""; 0]);
        let bytes: u64 = there.values().map(|content| content.len() as u64).sum();
        assert!(days == 0 || door.answered() < bytes / 10, "{} of {bytes} bytes were read", door.answered());
    }
}

#[test]
fn days_that_are_damaged_or_of_another_pull_end_as_on_disk() {
    let (s3, url, folder) = (S3::start(), simulated().url(), Folder::new("disk"));
    pull(&url, "2026-10-03", &folder.at("base"), &[]).succeeds();
    pull(&url, "2026-10-03", &folder.at("other"), &OTHER).succeeds();
    let (base, other) = (folder.tree("base"), folder.tree("other"));
    let whole = &base[&day(2)];
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 0xff;
    let cases: [(&str, &[u8]); 6] = [
        ("garbage", b"not a day"),
        ("empty", b""),
        ("cut", &whole[..whole.len() / 2]),
        ("flipped", &flipped),
        ("other", &other[&day(2)]),
        ("same", whole),
    ];
    for (name, content) in cases {
        let disk = Folder::new("case");
        for (path, content) in &base {
            let file = disk.path().join("audit").join(path);
            fs::create_dir_all(file.parent().expect("it is in a folder")).expect("a folder for it");
            fs::write(file, content).expect("a copy");
        }
        pull_into(&s3, &url, "2026-10-03", name).succeeds();
        disk.write(&format!("audit/{}", day(2)), content);
        overwrite(&s3, &format!("{name}/{}", day(2)), content);
        let run = |run: Run, place: &str| (run.code, run.stderr.replace(place, "AUDIT"));
        let on_disk = run(pull(&url, "2026-10-04", &disk.at("audit"), &[]), &disk.at("audit"));
        let in_bucket = run(pull_into(&s3, &url, "2026-10-04", name), &s3.at(name));
        assert_eq!(in_bucket, on_disk, "{name}");
        assert_eq!(on_disk.0, Some(i32::from(name == "other")), "{name}: {}", on_disk.1);
        assert_same(&disk.tree("audit"), &s3.tree(name));
    }
}

#[test]
fn a_day_that_another_run_replaces_while_it_is_pulled_again_is_not_overwritten() {
    let (s3, url) = (S3::start(), simulated().url());
    pull_into(&s3, &url, "2026-10-02T12:00:00Z", "audit").succeeds();
    let before = s3.tree("audit");
    pull_into(&s3, &url, "2026-10-02T18:00:00Z", "longer").succeeds();
    let longer = s3.tree("longer").remove(&day(2)).expect("it was pulled");

    // The other run ends after this one has read the footers, and before it reads the day.
    let (port, has_replaced) = (s3.server().port(), AtomicBool::new(false));
    let of_other = Folder::new("other");
    of_other.write("readings.parquet", &longer);
    let (endpoint, from) = (s3.server().url(), of_other.at(""));
    let door = S3Door::before(port, move |head| {
        let is_whole = head.starts_with("GET ") && head.contains("2026-10-02") && !head.contains("\r\nrange: ");
        if is_whole && !has_replaced.swap(true, Ordering::SeqCst) {
            crate::support::oracle("s3.py", &["put", &endpoint, "audits", "audit/history/date=2026-10-02", &from]);
        }
        None
    });
    let run = pull_through(&door, &s3, &url, "2026-10-03", "audit");
    run.fails_saying(&[
        "s3://audits/audit/history/date=2026-10-02/readings.parquet was changed by another run",
        "run the command again",
    ]);
    let mut expected = before;
    expected.insert(day(2), longer);
    assert_same(&expected, &s3.tree("audit"));
    pull_into(&s3, &url, "2026-10-03", "audit").succeeds();
    let folder = Folder::new("disk");
    pull(&url, "2026-10-03", &folder.at("audit"), &[]).succeeds();
    assert_same(&folder.tree("audit"), &s3.tree("audit"));
}

#[test]
fn objects_that_another_program_copied_into_the_bucket_are_read_whole() {
    let (s3, url, folder) = (S3::start(), simulated().url(), Folder::new("disk"));
    pull(&url, "2026-10-03", &folder.at("audit"), &[]).succeeds();
    s3.put(&folder.at("audit"), "audit");
    let door = S3Door::before(s3.server().port(), |_| None);
    for end in ["2026-10-04", "2026-10-04"] {
        pull(&url, end, &folder.at("audit"), &[]).succeeds();
        pull_through(&door, &s3, &url, end, "audit").succeeds();
        assert_same(&folder.tree("audit"), &s3.tree("audit"));
    }
    let whole = whole_days(&door);
    assert_eq!(whole.len(), 4, "the two days that were copied, twice: {whole:?}");
}

#[test]
fn a_replacement_that_was_killed_goes_on_and_reads_its_days_to_move_them() {
    let (s3, folder) = (S3::start(), Folder::new("disk"));
    let gate = Gate::before(simulated().prometheus.server().port());
    let (url, out, replace) = (gate.url(), s3.at("audit"), [&OTHER[..], &["--overwrite"]].concat());
    pull_into(&s3, &url, "2026-10-04", "audit").succeeds();
    pull(&url, "2026-10-04", &folder.at("audit"), &[]).succeeds();
    pull(&url, "2026-10-04", &folder.at("audit"), &replace).succeeds();

    gate.hold_from(START + 2 * DAY);
    let command = [&arguments(&url, "2026-10-04", &out)[..], &replace].concat();
    let mut run = s3.command(&command);
    let mut run = run.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
    let waiting = || s3.tree("audit").keys().filter(|name| name.starts_with("history.new/")).count();
    until("a day of the replacement in the bucket", || (waiting() > 0).then_some(()));
    run.kill().expect("it is running");
    run.wait().expect("it was killed");
    gate.open();
    s3.run(&command).succeeds();
    assert_same(&folder.tree("audit"), &s3.tree("audit"));
}

#[test]
fn a_copy_under_pseudonyms_is_written_again_without_reading_or_sending_its_days() {
    let (s3, folder) = (S3::start(), Folder::new("large"));
    // Days of 6 MB whose footers take two requests.
    let size = ["--members", "180", "--clusters", "60", "--start", "2026-10-01", "--days", "2"];
    example("history", &[&size[..], &["--out", &folder.at("audit")]].concat()).succeeds();
    folder.write("key.txt", "a key of 24 characters.\n");
    let (from, key, out) = (folder.at("audit"), folder.at("key.txt"), s3.at("copy"));
    let copy = ["anonymize", &from, "--key-file", &key, "--out"];
    etcd_heatmap(&[&copy[..], &[&folder.at("copy")]].concat()).succeeds();
    let door = S3Door::before(s3.server().port(), |_| None);
    let again = || Run::of(s3.command_through(&door.url(), &[&copy[..], &[&out]].concat())).succeeds();
    again();
    assert_same(&folder.tree("copy"), &s3.tree("copy"));

    let (seen, read) = (door.seen().len(), door.answered());
    again();
    let again = door.seen().split_off(seen);
    assert!(!again.iter().any(|head| head.starts_with("PUT ") || head.starts_with("POST ")), "{again:?}");
    let (read, days) = (door.answered() - read, bytes_of_history(&folder.tree("copy")));
    assert!(days > 10_000_000 && read < days / 100, "{read} of {days} bytes were read");
    let ends = again.iter().filter(|head| head.to_lowercase().contains("\r\nrange: ")).count();
    assert!((3..=4).contains(&ends), "a longer end is asked for once the first is known: {ends}");
    assert_same(&folder.tree("copy"), &s3.tree("copy"));
}

#[test]
fn a_backfill_reads_each_day_of_the_bucket_once_and_none_that_it_has_just_written() {
    let (s3, url) = (S3::start(), simulated().url());
    let out = s3.at("audit");
    for (end, there) in [("2026-10-03", 0), ("2026-10-04", 2)] {
        let mut command = arguments(&url, end, &out);
        command[0] = "backfill";
        let door = S3Door::before(s3.server().port(), |_| None);
        Run::of(s3.command_through(&door.url(), &command)).succeeds();
        let seen = door.seen();
        let read: Vec<&str> =
            seen.iter().filter(|head| head.starts_with("GET ")).filter_map(|head| head.lines().next()).collect();
        let mut days: Vec<&&str> = read.iter().filter(|line| line.contains("/history/")).collect();
        days.sort_unstable();
        days.dedup();
        assert_eq!(days.len(), there, "{read:?}");
        assert_eq!(read.iter().filter(|line| line.contains("/history/")).count(), there, "{read:?}");
    }
}

#[test]
fn an_explanation_reads_only_the_days_around_its_cell() {
    let (s3, url, folder) = (S3::start(), simulated().url(), Folder::new("disk"));
    let (disk, bucket) = (folder.at("audit"), s3.at("audit"));
    let (mut here, mut there) = (arguments(&url, "2026-10-04", &disk), arguments(&url, "2026-10-04", &bucket));
    (here[0], there[0]) = ("backfill", "backfill");
    etcd_heatmap(&here).succeeds();
    s3.run(&there).succeeds();
    for at in ["2026-10-01T05", "2026-10-02T12", "2026-10-03T23"] {
        let cell = ["--cluster", "c01", "--at", at];
        let on_disk = etcd_heatmap(&[&["explain", &disk], &cell[..]].concat()).succeeds().stdout;
        let door = S3Door::before(s3.server().port(), |_| None);
        let explain = [&["explain", &bucket], &cell[..]].concat();
        let in_bucket = Run::of(s3.command_through(&door.url(), &explain)).succeeds().stdout;
        assert_eq!(in_bucket.replace(&bucket, "AUDIT"), on_disk.replace(&disk, "AUDIT"));
        let whole = whole_days(&door);
        assert!(whole.len() == 1 && whole[0].contains(&at[..10]), "{at}: {whole:?}");
    }
}
