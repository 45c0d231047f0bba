//! What `import` puts into the data directory of a real Prometheus, by the real promtool.

mod joined;
mod refused;
mod stopped;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::support::{
    Folder, Prometheus, Run, START, assert_same, etcd_heatmap, etcd_heatmap_command, isolated, oracle,
};

/// The sample, scored: 19 files of 18 hours, to be read only.
fn audit() -> &'static str {
    static SHARED: OnceLock<(Folder, String)> = OnceLock::new();
    let (_, path) = SHARED.get_or_init(|| {
        let folder = Folder::new("imported");
        let path = folder.at("audit");
        etcd_heatmap(&["backfill", "--quiet", "--sample", "--out", &path]).succeeds();
        (folder, path)
    });
    path
}

/// A folder with an empty data directory `data`.
fn with_data(name: &str) -> Folder {
    let folder = Folder::new(name);
    fs::create_dir(folder.path().join("data")).expect("a folder of our own");
    folder
}

fn import(audit: &str, folder: &Folder, flags: &[&str]) -> Run {
    etcd_heatmap(&[&["import", audit, "--data-dir", &folder.at("data")], flags].concat())
}

/// What lies directly in the data directory.
fn names(data: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(data).expect("it is there");
    entries.map(|entry| entry.expect("it is there").file_name().to_string_lossy().into_owned()).collect()
}

fn manifest(audit: &str) -> Value {
    let text = fs::read(format!("{audit}/manifest.json")).expect("a manifest");
    serde_json::from_slice(&text).expect("the manifest is JSON")
}

/// Seconds of all samples that were written.
fn seconds(audit: &str) -> Vec<i64> {
    let files = fs::read_dir(format!("{audit}/openmetrics")).expect("files");
    let texts = files.map(|file| fs::read_to_string(file.expect("a file").path()).expect("text"));
    let seconds = |text: String| -> Vec<i64> {
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        samples.map(|line| line.rsplit(' ').next().and_then(|t| t.parse().ok()).expect("seconds")).collect()
    };
    texts.flat_map(seconds).collect()
}

/// Makes the data directory look like that of a server that wrote its last sample at this second.
fn stopped_at(folder: &Folder, second: i64) {
    fs::create_dir_all(folder.path().join("data/wal")).expect("a folder of our own");
    let wal = fs::File::create(folder.at("data/wal/00000000")).expect("a file of our own");
    std::io::Write::write_all(&mut &wal, b"records").expect("a file of our own");
    wal.set_modified(UNIX_EPOCH + Duration::from_secs(second as u64)).expect("the time can be set");
}

/// Waits for what a server does once a minute.
#[track_caller]
fn within_minutes(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(240), "waited four minutes in vain: {what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn a_fresh_prometheus_answers_what_was_imported_and_a_second_import_adds_nothing() {
    let folder = with_data("fresh");
    let first = import(audit(), &folder, &[]).succeeds();
    let count = seconds(audit()).len().to_string();
    let count = format!("{},{}", &count[..count.len() - 3], &count[count.len() - 3..]);
    assert!(
        first.stdout.contains(&format!("imported 19 blocks, {count} samples from 2026-10-01T00:00:00Z to 2026-10-14T23:55:00Z (at most 10 series a block)"))
    );
    assert_eq!(names(&folder.at("")), BTreeSet::from(["data".to_owned()]), "nothing is left beside it");
    let imported = folder.tree("data");

    let second = import(audit(), &folder, &[]).succeeds();
    assert!(second.stdout.contains("19 of 19 blocks already existed\nnothing was imported"), "{second:?}");
    assert_same(&imported, &folder.tree("data"));
    for name in names(&folder.at("data")) {
        let meta: Value = serde_json::from_str(&folder.text(&format!("data/{name}/meta.json"))).expect("JSON");
        assert_eq!(meta["ulid"], name.as_str());
    }
    let prometheus = Prometheus::start(folder, |_| String::new());
    oracle("samples.py", &[&prometheus.url(), audit()]);
}

#[test]
fn a_running_prometheus_takes_an_import_loses_nothing_live_and_compacts_it() {
    let folder = with_data("running");
    let data = folder.at("data");
    let prometheus = Prometheus::start(folder, |own| {
        format!(
            "global: {{scrape_interval: 1s}}\nscrape_configs:\n- {{job_name: self, static_configs: [{{targets: ['127.0.0.1:{own}']}}]}}\n"
        )
    });
    let value = |query: &str| -> Option<String> {
        let answer = prometheus.server().ask("GET", &format!("/api/v1/query?query={query}"), "")?;
        let answer: Value = serde_json::from_str(&answer).ok()?;
        answer["data"]["result"][0]["value"][1].as_str().map(str::to_owned)
    };
    let first_live = || value("min_over_time(timestamp(up)[1h:1s])");
    within_minutes("a scrape", || first_live().is_some());
    let live = first_live();

    let into = ["import", audit(), "--data-dir", &data];
    etcd_heatmap(&into).succeeds();
    let imported = names(&data);
    within_minutes("the server reads its blocks once a minute", || {
        value("count(last_over_time(etcd_score[90d]))").is_some()
    });
    oracle("samples.py", &[&prometheus.url(), audit()]);
    within_minutes("blocks of 18 hours become blocks of 54", || imported.difference(&names(&data)).count() >= 12);

    let compacted = names(&data);
    let again = etcd_heatmap(&into).succeeds();
    assert!(again.stdout.contains("19 of 19 blocks already existed\nnothing was imported"), "{again:?}");
    let back = imported.difference(&compacted).filter(|gone| names(&data).contains(*gone)).count();
    assert_eq!(back, 0, "what was compacted does not come back");
    oracle("samples.py", &[&prometheus.url(), audit()]);
    assert_eq!(first_live(), live, "what the server has scraped is all there");
}

#[test]
fn files_that_overlap_the_head_are_not_imported_yet() {
    let folder = with_data("head");
    // A server that was stopped a week into the history.
    let stopped = START + 7 * 86_400;
    stopped_at(&folder, stopped);

    let run = import(audit(), &folder, &["--quiet"]);
    let manifest = manifest(audit());
    let blocks = manifest["openmetrics"]["blocks"].as_array().expect("a list");
    let last = |block: &Value| block["last"].as_i64().expect("seconds");
    let finished = blocks.iter().filter(|block| last(block) < stopped - 3 * 3600).count();
    let left = blocks.iter().find(|block| last(block) >= stopped - 3 * 3600).expect("there are some");
    run.fails_saying(&[
        &format!("{} files were not imported", blocks.len() - finished),
        "from 2026-10-07T20:50:00Z on may still be in the server's head",
        left["path"].as_str().expect("a path"),
        "import again after 2026-10-15T03:10:00Z",
    ]);
    assert_eq!(names(&folder.at("data")).len(), finished + 1, "those before are imported");
    let dry = import(audit(), &folder, &["--quiet", "--dry-run"]);
    dry.fails_saying(&["were not imported", "head"]);
}

#[test]
fn a_file_whose_last_sample_is_the_first_of_the_head_is_left_and_a_second_later_it_is_imported() {
    let (folder, manifest) = (with_data("edge-of-head"), manifest(audit()));
    let blocks = manifest["openmetrics"]["blocks"].as_array().expect("a list");
    let (before, at_the_edge) = (9, &blocks[9]);
    let path = at_the_edge["path"].as_str().expect("a path");
    // The head spans at most three hours, and the server may be ten minutes late with its block.
    let edge = at_the_edge["last"].as_i64().expect("seconds") + 3 * 3600 + 600;
    for (stopped, imported) in [(edge, before), (edge + 1, before + 1)] {
        stopped_at(&folder, stopped);
        let run = import(audit(), &folder, &["--dry-run", "--retention", "100y"]);
        run.fails_saying(&[&format!("{} files were not imported", blocks.len() - imported)]);
        assert_eq!(run.stdout.matches("would become the block").count(), imported, "{}", run.stdout);
        let line = run.stdout.lines().find(|line| line.contains(path)).expect("a line a file");
        assert_eq!(line.contains("too recent"), imported == before, "{line}");
    }
}

#[test]
fn samples_older_than_the_retention_are_counted() {
    let folder = with_data("retention");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later").as_secs() as i64;
    // Between two steps, in the middle of a file.
    let oldest = START + 100 * 3600 + 150;
    let retention = format!("{}s", now - oldest);
    let run = import(audit(), &folder, &["--retention", &retention, "--dry-run"]).succeeds();
    let older = seconds(audit()).into_iter().filter(|second| *second < oldest).count();
    let expected = format!("{},{:03} samples before", older / 1000, older % 1000);
    assert!(run.stderr.starts_with(&expected), "{expected}: {run:?}");
    let run = import(audit(), &folder, &["--retention", "100y", "--dry-run"]).succeeds();
    assert!(!run.stderr.contains("retention"), "{run:?}");
}

#[test]
fn a_dry_run_prints_the_plan_and_writes_nothing() {
    let folder = with_data("dry");
    let said = import(audit(), &folder, &["--dry-run"]).succeeds().stdout;
    assert_eq!(said.matches("would become the block").count(), 19, "{said}");
    assert_eq!(names(&folder.at("")), BTreeSet::from(["data".to_owned()]));
    assert!(names(&folder.at("data")).is_empty());
    import(audit(), &folder, &[]).succeeds();
    assert!(names(&folder.at("data")).iter().all(|ulid| said.contains(ulid)), "{said}");
    let said = import(audit(), &folder, &["--dry-run"]).succeeds().stdout;
    assert_eq!(said.matches("already imported").count(), 19, "{said}");
}

#[test]
fn the_same_scores_cut_otherwise_are_no_conflict_and_other_scores_are() {
    let (folder, cut) = (with_data("conflict"), Folder::new("cut"));
    let [longer, other] = ["longer", "other"].map(|name| cut.at(name));
    etcd_heatmap(&["backfill", "--quiet", "--sample", "--out", &longer, "--retention", "90d"]).succeeds();
    etcd_heatmap(&["score", "--quiet", &longer, "--out", &other, "--profile", "mixin"]).succeeds();
    import(audit(), &folder, &[]).succeeds();
    let before = folder.tree("data");

    let run = import(&other, &folder, &["--quiet"]);
    run.fails_saying(&["already has", "etcd_score", "2026-10-", "openmetrics/etcd_score-", "delete_series"]);
    assert_same(&before, &folder.tree("data"));
    assert_eq!(names(&folder.at("")), BTreeSet::from(["data".to_owned()]), "nothing is left beside it");

    let run = import(&longer, &folder, &[]).succeeds();
    assert!(run.stdout.contains("imported 3 blocks"), "{run:?}");
    let prometheus = Prometheus::start(folder, |_| String::new());
    oracle("samples.py", &[&prometheus.url(), audit()]);
}

#[test]
fn blocks_get_the_owner_of_the_data_directory() {
    let folder = with_data("owner");
    let data = folder.path().join("data");
    fs::set_permissions(&data, fs::Permissions::from_mode(0o750)).expect("a folder of our own");
    // Only root can give something away.
    let own = fs::metadata(&data).expect("it is there").uid();
    let owner = if own == 0 { 65_534 } else { own };
    chown(&data, Some(owner), None).expect("one's own or root");
    import(audit(), &folder, &[]).succeeds();
    let mut looked_at = 0;
    for name in names(&folder.at("data")) {
        for (path, mode) in [("", 0o750), ("chunks", 0o750), ("meta.json", 0o640), ("chunks/000001", 0o640)] {
            let meta = fs::metadata(data.join(&name).join(path)).expect("it is there");
            assert_eq!((meta.uid(), meta.mode() & 0o777), (owner, mode), "{name}/{path}");
            looked_at += 1;
        }
    }
    assert_eq!(looked_at, 19 * 4);
}

#[test]
fn blocks_are_copied_to_a_data_directory_on_another_file_system() {
    let (folder, expected) = (with_data("disk"), with_data("no-disk"));
    import(audit(), &expected, &[]).succeeds();
    let ours =
        etcd_heatmap_command(&["import", audit(), "--data-dir", &folder.at("data"), "--staging", &folder.at("")]);
    let script = "mount -t tmpfs none data && \"$@\" && \"$@\" && mkdir out && cp -a data/. out/";
    let mut shell = isolated("-rm");
    shell.current_dir(folder.path()).args(["sh", "-c", script, "sh"]).arg(ours.get_program()).args(ours.get_args());
    let run = Run::of(shell).succeeds();
    assert!(run.stdout.contains("imported 19 blocks") && run.stdout.contains("nothing was imported"), "{run:?}");
    assert_same(&expected.tree("data"), &folder.tree("out"));
    assert_eq!(names(&folder.at("")), ["data", "out"].map(str::to_owned).into(), "nothing is left beside it");
}
