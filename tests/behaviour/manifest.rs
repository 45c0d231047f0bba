//! Missing, broken and later manifests, and the source in a manifest.

use std::sync::OnceLock;

use crate::support::{Folder, Run, etcd_heatmap, etcd_heatmap_command};

const BROKEN: &str = "{\"version\": \"0.1.0\", ";
const LATER: &str = "{\"version\": \"9.8.7\", \"format\": 1000, \"readings\": \"elsewhere\"}";

/// A folder with the scored sample, shared by all tests.
fn sample() -> &'static Folder {
    static SHARED: OnceLock<Folder> = OnceLock::new();
    SHARED.get_or_init(|| {
        let folder = Folder::new("manifest-sample");
        etcd_heatmap(&["backfill", "--quiet", "--sample", "--out", &folder.at("audit")]).succeeds();
        folder
    })
}

/// A copy of the scored sample with this manifest, or without one.
fn with_manifest(text: Option<&str>) -> Folder {
    let folder = Folder::new("manifest");
    for (name, bytes) in sample().tree("audit") {
        let path = folder.path().join("audit").join(&name);
        std::fs::create_dir_all(path.parent().expect("a path below the folder")).expect("a folder of our own");
        std::fs::write(path, bytes).expect("a file of our own");
    }
    match text {
        Some(text) => drop(folder.write("audit/manifest.json", text)),
        None => std::fs::remove_file(folder.at("audit/manifest.json")).expect("a file of our own"),
    }
    folder
}

/// Runs all commands that read a manifest but do not write one.
fn read(audit: &str) -> Vec<Run> {
    let sample = sample().at("audit");
    [
        vec!["show", audit],
        vec!["findings", audit],
        vec!["explain", audit, "--cluster", "c01", "--at", "2026-10-01T05:00"],
        vec!["diff", audit, &sample],
        vec!["diff", &sample, audit],
        vec!["import", audit, "--victoria-metrics", "http://127.0.0.1:1"],
        vec!["score", audit, "--compare", "seed,mixin"],
    ]
    .into_iter()
    .map(|arguments| etcd_heatmap(&arguments))
    .collect()
}

#[test]
fn a_broken_manifest_is_an_error_for_readers_and_replaced_by_score_and_backfill() {
    let folder = with_manifest(Some(BROKEN));
    let audit = folder.at("audit");
    for run in read(&audit) {
        run.fails_saying(&["audit/manifest.json is broken", "score the history again"]);
    }
    for arguments in [["score", &audit], ["backfill", "--sample"]] {
        folder.write("audit/manifest.json", BROKEN);
        let out: &[&str] = if arguments[0] == "backfill" { &["--out", &audit] } else { &[] };
        let run = etcd_heatmap(&[&arguments[..], out].concat()).succeeds();
        assert!(run.stderr.contains("audit/manifest.json is broken"), "{}", run.stderr);
        assert_eq!(folder.text("audit/manifest.json"), sample().text("audit/manifest.json"));
    }
}

#[test]
fn every_command_refuses_and_keeps_a_manifest_of_a_later_version() {
    let folder = with_manifest(Some(LATER));
    let audit = folder.at("audit");
    let before = folder.tree("audit");
    let mut runs = read(&audit);
    runs.push(etcd_heatmap(&["score", &audit]));
    runs.push(etcd_heatmap(&["score", &sample().at("audit"), "--out", &audit]));
    runs.push(etcd_heatmap(&["backfill", "--sample", "--overwrite", "--out", &audit]));
    for run in runs {
        run.fails_saying(&["audit/manifest.json was written by etcd-heatmap 9.8.7", "update etcd-heatmap"]);
    }
    assert!(before == folder.tree("audit"), "something was written");
}

#[test]
fn a_missing_manifest_is_not_reported_as_broken() {
    let folder = with_manifest(None);
    let runs = read(&folder.at("audit"));
    for run in &runs {
        assert!(!run.stderr.contains("broken"), "{}", run.stderr);
    }
    // Commands that only need the history succeed.
    let codes: Vec<_> = runs.iter().map(|run| run.code).collect();
    assert_eq!(codes, [Some(1), Some(0), Some(0), Some(1), Some(1), Some(1), Some(0)]);
}

#[test]
fn damaged_old_and_foreign_manifests_are_told_apart() {
    let ours = sample().text("audit/manifest.json");
    let old = ours.replacen(&format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION")), "\"version\": \"0.0.7\"", 1);
    let old = old.replace("\"members\"", "\"people\"");
    for (text, said) in [
        ("", "is broken (the file is empty)"),
        (&ours[..ours.len() / 3], "is broken (it is cut off in line"),
        ("not JSON", "is broken (not JSON"),
        (&ours.replace("\"UTC\"", "\"Mars/Olympus\""), "is broken (invalid time_zone)"),
        (&old, "was written by etcd-heatmap 0.0.7, an older version"),
        ("{\"name\": \"app\", \"icons\": []}", "is not a manifest of etcd-heatmap"),
        ("[1, 2]", "is not a manifest of etcd-heatmap"),
    ] {
        let folder = with_manifest(Some(text));
        for run in read(&folder.at("audit")) {
            run.fails_saying(&["audit/manifest.json", said]);
        }
    }
    // `score` replaces what it cannot read, as the errors advise.
    for text in [&old, &ours[..ours.len() / 3]] {
        let folder = with_manifest(Some(text));
        let run = etcd_heatmap(&["score", &folder.at("audit")]).succeeds();
        assert!(run.stderr.contains("it will be replaced"), "{run:?}");
        let read = etcd_heatmap(&["show", &folder.at("audit")]).succeeds();
        assert!(!read.stderr.contains("manifest"), "{read:?}");
    }
    // A file of another program is never replaced.
    let folder = with_manifest(Some("{\"name\": \"app\"}"));
    etcd_heatmap(&["score", &folder.at("audit")]).fails_saying(&["is not a manifest of etcd-heatmap"]);
    assert_eq!(folder.text("audit/manifest.json"), "{\"name\": \"app\"}");
}

#[test]
fn a_folder_of_scores_names_the_folder_with_their_history() {
    let folder = Folder::new("scores-only");
    let (audit, scores) = (sample().at("audit"), folder.at("scores"));
    etcd_heatmap(&["score", "--quiet", &audit, "--out", &scores]).succeeds();
    let explain = ["explain", &scores, "--cluster", "c01", "--at", "2026-10-07"];
    let commands = [&["findings", &scores][..], &["score", &scores], &["forecast", &scores], &explain];
    for command in &commands[1..3] {
        let run = etcd_heatmap(command);
        run.fails_saying(&["holds scores but not their history: use "]);
        let named = run.stderr.split(": use ").nth(1).and_then(|rest| rest.split(", from which").next());
        let named = std::fs::canonicalize(named.expect("a folder")).expect("it exists");
        assert_eq!(named, std::fs::canonicalize(&audit).expect("it exists"));
    }
    // A manifest without the name of that folder, for example of 0.1.0.
    let mut manifest: serde_json::Value = serde_json::from_str(&folder.text("scores/manifest.json")).expect("JSON");
    manifest.as_object_mut().and_then(|fields| fields.remove("history_folder")).expect("it was there");
    folder.write("scores/manifest.json", manifest.to_string());
    for command in &commands {
        etcd_heatmap(command).fails_saying(&["name the folder that 'etcd-heatmap score' read"]);
    }
}

#[test]
fn commands_that_a_folder_of_scores_prints_find_its_history_and_score_it_as_there() {
    let folder = Folder::new("elsewhere");
    let run = |arguments: &[&str]| {
        let mut command = etcd_heatmap_command(arguments);
        command.current_dir(folder.path());
        Run::of(command).succeeds().stdout
    };
    run(&["backfill", "--quiet", "--sample", "--out", "audit"]);
    let listed = run(&["score", "audit", "--out", "mixin", "--profile", "mixin", "--time-zone", "Asia/Kolkata"]);
    // In place, with the same settings.
    run(&["score", "audit", "--profile", "mixin", "--time-zone", "Asia/Kolkata"]);
    let printed: Vec<&str> =
        listed.split("etcd-heatmap ").skip(1).filter_map(|rest| rest.split(['\n', '\'']).next()).collect();
    assert!(printed.iter().any(|command| command.starts_with("explain mixin ")), "{listed}");
    assert!(printed.iter().any(|command| command.starts_with("findings mixin ")), "{listed}");
    for command in printed {
        let said = run(&command.split_whitespace().collect::<Vec<_>>());
        let in_place = command.replacen("mixin", "audit", 1);
        let there = run(&in_place.split_whitespace().collect::<Vec<_>>());
        assert_eq!(said.replace(" mixin", " audit"), there, "{command}");
    }
    std::fs::remove_dir_all(folder.at("audit")).expect("a folder of our own");
    let mut gone = etcd_heatmap_command(&["findings", "mixin"]);
    gone.current_dir(folder.path());
    Run::of(gone).fails_saying(&["mixin holds scores but not their history: use audit"]);
}

#[test]
fn manifest_and_report_of_the_sample_do_not_mention_a_server() {
    let manifest: serde_json::Value = serde_json::from_str(&sample().text("audit/manifest.json")).expect("JSON");
    assert_eq!((&manifest["format"], &manifest["source"]["kind"]), (&2.into(), &"sample".into()));
    let report = sample().text("audit/report.html");
    assert!(report.contains("the sample that is embedded in etcd-heatmap") && !report.contains("127.0.0.1:9090"));
}
