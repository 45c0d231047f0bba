//! Damaged files of `--from`: a data directory with blocks, deletions and a write-ahead log, and archives and dumps of it.
//! Each damage is an error that names the file, or changes nothing, or leaves readings unknown and says so.
//!
//! `FLIPS=1000 cargo test --release damaged_files -- --nocapture` makes 1000, and prints what became of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::live_directory::{Target, openmetrics, scraped, scraping_into};
use crate::support::{Folder, HOUR, Metrics, Run, etcd_heatmap, import, mix, needed, now, oracle_run};

/// Default of `FLIPS`.
const FLIPS: u64 = 48;

/// Prometheus writes such files too, but no samples are in them.
const WITHOUT_SAMPLES: [&str; 3] = ["lock", "queries.active", "chunks_head/"];

/// Most bytes of a scrape in the write-ahead log. A log without its end looks like that of a server that was killed.
const LAST_RECORDS: usize = 3000;

struct Files {
    folder: Folder,
    start: i64,
    end: i64,
}

impl Files {
    /// Five hours in blocks with deletions, then an hour without samples, and some seconds in the write-ahead log.
    fn new() -> Self {
        let (targets, start) = ((0..2).map(Target::start).collect::<Vec<_>>(), now() - 6 * HOUR);
        let server = Folder::new("to-be-damaged");
        let mut metrics = Metrics::every(15);
        for target in &targets {
            metrics.member(&format!("job=\"etcd\",instance=\"127.0.0.1:{}\"", target.port), start..now() - HOUR);
        }
        let text = server.write("history.om", metrics.text());
        import(Path::new(&text), &server, &[]);
        let prometheus = scraping_into(server, &targets);
        scraped(&prometheus, 12);
        let ask = |path: &str| prometheus.server().ask("POST", &format!("/api/v1/admin/tsdb/{path}"), "");
        let (from, to) = (start + HOUR, start + HOUR + 600);
        ask(&format!("delete_series?match[]=process_open_fds&start={from}&end={to}")).expect("they are deleted");
        let folder = Folder::new("damaged");
        run("cp", &["-r", &prometheus.data(), &folder.at("data")]);
        run("tar", &["-cf", &folder.at("prometheus.tar"), "-C", &folder.at(""), "data"]);
        run("tar", &["-czf", &folder.at("prom_data.tar.gz"), "-C", &folder.at(""), "data"]);
        let mut promtool = needed("promtool", "prometheus");
        promtool.args(["tsdb", "dump", &folder.at("data")]);
        folder.write("metrics.openmetrics", openmetrics(&Run::of(promtool).succeeds().stdout));
        run("gzip", &["-k", &folder.at("metrics.openmetrics")]);
        Self { folder, start, end: now() }
    }

    /// What to pull from, and the file in it that is damaged.
    fn damageable(&self) -> Vec<(&'static str, String)> {
        let data = self.folder.tree("data").into_iter().filter(|(name, bytes)| {
            let has_samples = !WITHOUT_SAMPLES.iter().any(|other| name.starts_with(other));
            has_samples && bytes.len() > 1
        });
        let archives = ["prometheus.tar", "prom_data.tar.gz", "metrics.openmetrics.gz"];
        let data = data.map(|(name, _)| ("data", format!("data/{name}")));
        data.chain(archives.map(|archive| (archive, archive.to_owned()))).collect()
    }

    fn pull(&self, from: &str, out: &str) -> Run {
        let (start, end) = (self.start.to_string(), self.end.to_string());
        let (from, out) = (self.folder.at(from), self.folder.at(out));
        let range = ["--start", &start, "--end", &end, "--step", "15s"];
        etcd_heatmap(&[&["pull", "--overwrite", "--from", &from, "--out", &out], &range[..]].concat())
    }

    fn readings(&self, out: &str) -> BTreeMap<String, Vec<u8>> {
        let history = self.folder.tree(&format!("{out}/history"));
        history.into_iter().filter(|(name, _)| name.ends_with("readings.parquet")).collect()
    }
}

fn run(program: &str, arguments: &[&str]) {
    let mut command = Command::new(program);
    command.args(arguments);
    Run::of(command).succeeds();
}

/// Changes or cuts some bytes. Gives what was done, and the first byte after it.
fn damage(bytes: &mut Vec<u8>, number: u64) -> (String, usize) {
    let at = mix(number) as usize % bytes.len();
    match mix(number + 1) % 8 {
        0 => {
            bytes.truncate(at);
            (format!("cut at {at}"), usize::MAX)
        }
        1 => {
            let end = (at + 1 + mix(number + 2) as usize % 600).min(bytes.len());
            bytes[at..end].fill(0);
            (format!("zeros from {at} to {end}"), end)
        }
        _ => {
            bytes[at] ^= 1 << (mix(number + 3) % 8);
            (format!("a flipped bit at {at}"), at + 1)
        }
    }
}

#[test]
fn damage_is_an_error_that_names_the_file_or_harmless_or_unknown_and_noted() {
    let files = Files::new();
    let flips = std::env::var("FLIPS").map_or(FLIPS, |n| n.parse().expect("FLIPS is a number"));
    let damageable = files.damageable();
    for kind in ["/index", "/tombstones", "/meta.json", "/chunks/000001", "data/wal/"] {
        assert!(damageable.iter().any(|(_, file)| file.contains(kind)), "no {kind} in {damageable:?}");
    }
    for from in ["data", "prometheus.tar", "prom_data.tar.gz", "metrics.openmetrics.gz"] {
        files.pull(from, &format!("intact-{from}")).succeeds();
    }
    let (mut refused, mut harmless, mut unknown) = (0, 0, 0);
    for number in 0..flips {
        let (from, file) = &damageable[mix(number) as usize % damageable.len()];
        let (path, intact) = (files.folder.at(file), format!("intact-{from}"));
        let bytes = std::fs::read(&path).expect("a file");
        let mut damaged = bytes.clone();
        let (what, end) = damage(&mut damaged, 10 * number + 1_000_000);
        std::fs::write(&path, &damaged).expect("the folder is writable");
        let run = files.pull(from, "damaged");
        std::fs::write(&path, &bytes).expect("the folder is writable");
        let what = format!("{file}: {what} of {}: {run:?}", bytes.len());
        assert!(matches!(run.code, Some(0 | 1)) && !run.stderr.contains("panicked"), "{what}");
        let name = file.rsplit('/').next().unwrap_or(file);
        if run.code == Some(1) {
            assert!(run.stderr.contains(name), "{what}");
            refused += 1;
        } else if files.readings("damaged") == files.readings(&intact) {
            harmless += 1;
        } else {
            // A log without its end is that of a server that was killed earlier.
            let is_open_end = file.contains("/wal/") && end.saturating_add(LAST_RECORDS) > bytes.len();
            let (intact, damaged) = (files.folder.at(&intact), files.folder.at("damaged"));
            let compared = oracle_run("subset.py", &[&damaged, &intact]);
            assert!(compared.code == Some(0) || is_open_end, "{what}\n{compared:?}");
            let is_noted = run.stderr.contains(name) && run.stderr.contains("may be missing");
            assert!(is_noted || is_open_end, "{what}\n{}", compared.stdout);
            unknown += 1;
        }
        let _ = std::fs::remove_dir_all(files.folder.at("damaged"));
    }
    println!("of {flips}, {refused} were errors, {harmless} harmless, {unknown} left readings unknown");
    assert!(refused > 0 && harmless > 0);
}
