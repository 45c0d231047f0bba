//! Days whose inputs have not changed are not joined again, and the history is that of a join of everything.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;

use super::{Folder, HOUR, Mortal, RANGE, assert_same, etcd_heatmap, fs, of_joined, run, server, settings};

const FIRST_DAY: [&str; 4] = ["--start", "2026-10-01", "--end", "2026-10-02"];

/// The inode of each day's file: a day that is written again gets another one.
fn inodes(folder: &Folder) -> BTreeMap<String, u64> {
    let days = fs::read_dir(folder.path().join("audit/history")).expect("a history").flatten();
    let inode = |day: fs::DirEntry| {
        let file = fs::metadata(day.path().join("readings.parquet")).expect("a day");
        (day.file_name().to_string_lossy().into_owned(), file.ino())
    };
    days.map(inode).collect()
}

/// The days with the same file in both.
fn kept(before: &BTreeMap<String, u64>, after: &BTreeMap<String, u64>) -> Vec<String> {
    before.iter().filter(|(day, inode)| after.get(*day) == Some(inode)).map(|(day, _)| day.clone()).collect()
}

/// Pulls and joins everything into a new folder.
fn from_scratch(sources: &[(&str, &str)], change: impl Fn(String) -> String) -> Folder {
    let folder = Folder::new("scratch");
    let config = settings(&folder, sources);
    fs::write(&config, change(folder.text("sources.toml"))).expect("a folder of our own");
    run("pull", &config, &folder, &RANGE).succeeds();
    folder
}

#[test]
fn only_days_with_other_inputs_are_joined_again() {
    let (eu, us, ap) = (server("eu", 4 * HOUR), Mortal::of(server("us", 30 * HOUR)), server("ap", 9 * HOUR));
    let (eu_url, us_url, ap_url) = (eu.url(), us.url(), ap.url());
    let both = [("eu-1", eu_url.as_str()), ("us-1", us_url.as_str())];
    let whole = of_joined(&from_scratch(&both, |text| text));
    let folder = Folder::new("unchanged");
    let config = settings(&folder, &both);
    let pull =
        |range: &[&str]| etcd_heatmap(&[&["pull", "--config", &config, "--out", &folder.at("audit")], range].concat());
    pull(&FIRST_DAY).succeeds();
    let first = inodes(&folder);

    // A day more, of one source: the other does not answer.
    us.die();
    let failed = pull(&RANGE);
    assert_eq!(failed.code, Some(1), "{}", failed.stderr);
    assert!(failed.stderr.contains("1 of 2 sources failed: us-1:"), "{}", failed.stderr);
    let second = inodes(&folder);
    assert_eq!(kept(&first, &second), ["date=2026-10-01"]);
    // The day of the other source comes later.
    us.live();
    let noted = pull(&RANGE).succeeds();
    assert!(noted.stderr.contains("2 days in ") && noted.stderr.contains(", 1 day unchanged"), "{}", noted.stderr);
    let third = inodes(&folder);
    assert_eq!(kept(&second, &third), ["date=2026-10-01"]);
    assert_same(&whole, &of_joined(&folder));

    // Nothing has changed.
    let noted = pull(&RANGE).succeeds();
    assert!(noted.stderr.contains(", 2 days unchanged"), "{}", noted.stderr);
    assert_eq!(kept(&third, &inodes(&folder)), ["date=2026-10-01", "date=2026-10-02"]);
    assert_same(&whole, &of_joined(&folder));

    // A file that somebody has changed is joined again, and so is one that is gone.
    let day = folder.path().join("audit/history/date=2026-10-01/readings.parquet");
    let mut bytes = fs::read(&day).expect("a day");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&day, bytes).expect("a folder of our own");
    fs::remove_file(folder.path().join("audit/history/date=2026-10-02/readings.parquet")).expect("a day");
    pull(&RANGE).succeeds();
    assert_same(&whole, &of_joined(&folder));

    // A source that is added is in the description of every day.
    let all = [both[0], both[1], ("ap-1", ap_url.as_str())];
    settings(&folder, &all);
    pull(&RANGE).succeeds();
    assert_same(&of_joined(&from_scratch(&all, |text| text)), &of_joined(&folder));
}

#[test]
fn another_label_writes_all_days_again() {
    let (eu, us) = (server("eu", 4 * HOUR), server("us", 30 * HOUR));
    let (eu_url, us_url) = (eu.url(), us.url());
    let both = [("eu-1", eu_url.as_str()), ("us-1", us_url.as_str())];
    let folder = Folder::new("relabeled");
    let config = settings(&folder, &both);
    run("pull", &config, &folder, &RANGE).succeeds();
    let before = inodes(&folder);
    let relabel = |text: String| text.trim_end().to_owned() + "\nlabels.member = \"job,instance\"\n";
    fs::write(&config, relabel(folder.text("sources.toml"))).expect("a folder of our own");
    run("pull", &config, &folder, &RANGE).fails_saying(&["us-1:", "member label"]);
    assert_eq!(kept(&before, &inodes(&folder)), ["date=2026-10-01", "date=2026-10-02"]);
    run("pull", &config, &folder, &[&RANGE[..], &["--overwrite"]].concat()).succeeds();
    assert_eq!(kept(&before, &inodes(&folder)), [""; 0]);
    assert_same(&of_joined(&from_scratch(&both, relabel)), &of_joined(&folder));
}
