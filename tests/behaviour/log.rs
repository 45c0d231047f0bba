//! The diagnostic log of `-v`, `-vv` and RUST_LOG.

use serde_json::Value;

use crate::support::{
    BINARY, DAY, Fault, Faults, Folder, METRICS, Metrics, Run, START, etcd_heatmap, etcd_heatmap_command, needed,
    prometheus_of, prometheus_with, request, simulated,
};

const ONE_DAY: [&str; 4] = ["--start", "2026-10-01", "--end", "2026-10-02"];
/// The window of that day at one minute: 24 × 60 steps, both ends included.
const WINDOW: &str = "window{from=2026-10-01T00:00:00Z to=2026-10-01T23:59:00Z steps=1440}";

fn pull(url: &str, folder: &Folder, flags: &[&str]) -> Run {
    let out = folder.at("audit");
    etcd_heatmap(&[&["pull", "--url", url, "--out", &out], &ONE_DAY[..], flags].concat())
}

/// The log lines: those that start with a time and a level.
fn log_lines(run: &Run) -> Vec<&str> {
    run.stderr.lines().filter(|line| is_log_line(line)).collect()
}

fn is_log_line(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let is_time = words.next().is_some_and(|word| chrono::DateTime::parse_from_rfc3339(word).is_ok());
    is_time && words.next().is_some_and(|word| ["WARN", "INFO", "DEBUG", "TRACE"].contains(&word))
}

#[track_caller]
fn assert_logged(run: &Run, words: &[&str]) {
    let has = |line: &&str| words.iter().all(|word| line.contains(word));
    assert!(log_lines(run).iter().any(has), "no line of the log has {words:?}:\n{}", run.stderr);
}

/// The number after `name=`.
fn number(line: &str, name: &str) -> u64 {
    let value = line.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name} in {line}"))
}

#[test]
fn a_pull_logs_each_query_with_its_window_and_the_size_of_the_answer() {
    let folder = Folder::new("log");
    let run = pull(&simulated().url(), &folder, &["-v", "--quiet", "--series", "raw"]).succeeds();
    assert_eq!(log_lines(&run).len(), run.stderr.lines().count(), "--quiet leaves the log alone: {run:?}");
    let manifest: Value = serde_json::from_str(&folder.text("audit/manifest.json")).expect("JSON");
    for metric in METRICS {
        let of_metric = format!("query{{metric={metric} form=");
        let is_pulled = |line: &&&str| line.contains(&of_metric) && line.contains(WINDOW) && !line.contains("look:");
        let lines = log_lines(&run);
        let [sent, answered] = lines.iter().filter(is_pulled).collect::<Vec<_>>()[..] else {
            panic!("{metric} is not one query and one answer: {run:?}")
        };
        assert!(sent.ends_with(": sent") && answered.contains(": answered series="), "{sent}\n{answered}");
        // The same query, sent without our client.
        let promql = manifest["queries"][metric]["promql"].as_str().expect("a query");
        let promql: String = url::form_urlencoded::byte_serialize(promql.as_bytes()).collect();
        let path = format!("/api/v1/query_range?start={START}&end={}&step=60&query={promql}", START + DAY - 60);
        let (status, body) = request(simulated().prometheus.server().port(), "GET", &path, "").expect("an answer");
        let answer: Value = serde_json::from_str(&body).expect("JSON");
        let series = answer["data"]["result"].as_array().expect("a matrix");
        let samples: usize = series.iter().map(|one| one["values"].as_array().map_or(0, Vec::len)).sum();
        assert_eq!((status, number(answered, "series")), (200, series.len() as u64), "{answered}");
        assert_eq!(number(answered, "samples"), samples as u64, "{answered}");
    }
    let file = folder.at("audit/history/date=2026-10-01/readings.parquet");
    let bytes = std::fs::metadata(&file).expect("it was written").len();
    assert_logged(&run, &["wrote", &format!("file={file}"), &format!("bytes={bytes}")]);
    assert!(!run.stderr.contains("PromQL") && !run.stderr.contains("HTTP"), "that is for -vv: {run:?}");
}

#[test]
fn vv_logs_promql_requests_and_lookups_but_nothing_from_other_crates() {
    let expected = [
        &["PromQL: histogram_quantile(0.99, "][..],
        &["HTTP request", "method=\"POST\"", "/api/v1/query_range"],
        &["lookup{path=\"/api/v1/series\"}", "looking up"],
        &["HTTP response", "status=200"],
        &["chose the form to send", "metric=wal_fsync"],
        &["locked"],
    ];
    let flags: [&[&str]; 2] = [&["-vv"], &[]];
    for flags in flags {
        let folder = Folder::new("log-debug");
        let (url, out) = (simulated().url(), folder.at("audit"));
        let mut command =
            etcd_heatmap_command(&[&["pull", "--url", &url, "--out", &out], &ONE_DAY[..], flags].concat());
        command.env("RUST_LOG", "trace");
        let run = Run::of(command).succeeds();
        expected.iter().for_each(|words| assert_logged(&run, words));
        // hyper-util logs these for every connection.
        for other in ["connecting to", "connected to", "pooling idle connection", "reuse idle connection"] {
            assert!(!run.stderr.contains(other), "{other}: {run:?}");
        }
    }
}

#[test]
fn a_retry_is_logged_with_its_cause_and_the_wait() {
    let faults = Faults::before(simulated().prometheus.server().port());
    // The probes before the first day are answered.
    pull(&faults.url(), &Folder::new("log-calm"), &["-q", "--series", "raw"]).succeeds();
    let calm = vec![Fault::Latency; faults.probes()];
    for (fault, cause) in [(Fault::Unavailable, "503 Service Unavailable"), (Fault::Busy("1"), "slow down")] {
        faults.script(&[&calm[..], &[fault]].concat());
        let run = pull(&faults.url(), &Folder::new("log-retry"), &["-vq", "--series", "raw"]).succeeds();
        assert_logged(&run, &[" WARN ", WINDOW, "trying again", cause, "tried=1"]);
        let line = log_lines(&run).into_iter().find(|line| line.contains("trying again")).expect("it is there");
        // Half a second minus random jitter of up to a half, or the time that the server requests.
        let waits = if cause == "slow down" { 1000..=1000 } else { 250..=500 };
        assert!(waits.contains(&number(line, "wait_ms")), "{line}");
    }
}

#[test]
fn a_window_that_is_too_large_is_logged_when_it_is_halved() {
    let faults = Faults::before(simulated().prometheus.server().port());
    faults.always(Fault::TooManySteps(400));
    let run = pull(&faults.url(), &Folder::new("log-halved"), &["-vq", "--series", "raw"]).succeeds();
    for (steps, next) in [("steps=1440", "next=720"), ("steps=720", "next=360")] {
        let cause = "query processing would load too many samples into memory";
        assert_logged(&run, &[" WARN ", "query{metric=wal_fsync ", "window halved", steps, next, cause]);
    }
    // 1440 = 4 × 360.
    assert_logged(&run, &["metric=wal_fsync", "to=2026-10-01T23:59:00Z steps=360}: answered"]);
    assert!(!run.stderr.contains("next=180"), "{run:?}");
}

#[test]
fn a_query_with_too_many_series_is_logged_when_it_is_split() {
    let mut metrics = Metrics::default();
    for member in ["a", "b", "c", "d"] {
        metrics.member(&format!("job=\"etcd\",instance=\"{member}\""), START - DAY..START + DAY);
    }
    let limited = prometheus_with(&metrics.text(), &["--query.max-samples=1460"]);
    let folder = Folder::new("log-split");
    let out = folder.at("audit");
    let hour = ["--start", "2026-10-01", "--end", "2026-10-01T01:00:00Z", "--series", "raw"];
    let run = etcd_heatmap(&[&["pull", "-vq", "--url", &limited.url(), "--out", &out], &hour[..]].concat()).succeeds();
    let half = "one=\"instance=~\\\"a|b\\\"\" other=\"instance!~\\\"a|b\\\"\"";
    assert_logged(&run, &[" WARN ", "too many series for the server: split", "too many samples", half]);
    assert_logged(&run, &["slice=\"instance=~", ": answered"]);
}

#[test]
fn the_chosen_form_of_each_metric_is_logged_with_the_reason() {
    let mut metrics = Metrics::default();
    let labels = "job=\"etcd\",instance=\"a\"";
    let hours = START - DAY..START + DAY;
    metrics.member(labels, hours.clone());
    metrics.recorded("open_fds", labels, hours, |_| 60.0);
    metrics.recorded("db_size", labels, START..START + DAY / 2, |_| 4e6);
    let prometheus = prometheus_of(&metrics.text());
    let folder = Folder::new("log-choice");
    let settings = folder.write("mine.toml", "[source]\npreset = \"kubermatic\"\n");
    let run = pull(&prometheus.url(), &folder, &["-vq", "--config", &settings]).succeeds();
    assert_logged(&run, &["read the settings", &settings, "settings=1"]);
    assert_logged(&run, &["took a preset", "preset=\"kubermatic\"", "member=\"instance\""]);
    assert_logged(&run, &["metric=open_fds", "the recorded form covers the raw form", "choosing the recorded form"]);
    assert_logged(&run, &["metric=db_size", "not recorded at a sampled step", "choosing the raw form"]);
    assert_logged(&run, &["metric=wal_fsync", "not recorded at a sampled step", "choosing the raw form"]);
    assert_logged(&run, &["will be pulled", "metric=\"open_fds\" form=\"recorded\""]);
}

#[test]
fn members_are_counted_before_a_pull_of_recorded_series_only() {
    let mut metrics = Metrics::default();
    for metric in METRICS {
        for member in ["a", "b", "c"] {
            let labels = format!("job=\"etcd\",instance=\"{member}\"");
            metrics.recorded(metric, &labels, START..START + DAY, |_| 1.0);
        }
    }
    let prometheus = prometheus_of(&metrics.text());
    let run = pull(&prometheus.url(), &Folder::new("log-members"), &["-vvq"]).succeeds();
    // The number of days pulled at once depends on the number of members.
    assert_logged(&run, &["members seen", "members=3"]);
    assert_logged(&run, &["days at once", "in_flight=2"]);
}

#[test]
fn without_v_nothing_is_logged_and_with_v_other_output_stays_the_same() {
    let folder = Folder::new("log-none");
    let out = folder.at("audit");
    let backfill = |flags: &[&str], rust_log: Option<&str>| {
        let mut command = etcd_heatmap_command(&[&["backfill", "--sample", "--out", &out], flags].concat());
        rust_log.map(|text| command.env("RUST_LOG", text));
        Run::of(command).succeeds()
    };
    let without = |run: &Run| {
        let others = run.stderr.lines().filter(|line| !is_log_line(line));
        // Durations differ between runs.
        others.map(|line| line.split(" in ").next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    // The first run pulls; the others reuse its history.
    backfill(&[], None);
    let plain = backfill(&[], None);
    assert_eq!((log_lines(&plain).len(), plain.stderr.is_empty()), (0, false), "{plain:?}");
    for (flags, rust_log) in [(&["-v"][..], None), (&["-vv"], None), (&[], Some("debug"))] {
        let logged = backfill(flags, rust_log);
        assert!(!log_lines(&logged).is_empty(), "{logged:?}");
        assert_eq!((&logged.stdout, without(&logged)), (&plain.stdout, without(&plain)), "{flags:?}");
    }
    for (flags, rust_log) in [(&["-q"][..], None), (&["-q"], Some("off")), (&["-q"], Some("hyper=trace"))] {
        assert_eq!(backfill(flags, rust_log).stderr, "", "{flags:?} {rust_log:?}");
    }
    let noted = backfill(&[], Some("etcd_heatmap=loud"));
    assert!(noted.stderr.starts_with("RUST_LOG is invalid and ignored (") && log_lines(&noted).is_empty(), "{noted:?}");
}

#[test]
fn on_a_terminal_log_lines_do_not_break_the_progress_bar() {
    let folder = Folder::new("log-bar");
    // `script` runs the program in a terminal and records its output.
    let mut terminal = needed("script", "bsdutils");
    let backfill = format!("'{BINARY}' -v backfill --sample --out '{}'", folder.at("audit"));
    terminal.args(["-qec", &backfill, "/dev/null"]).env("TERM", "xterm").env_remove("RUST_LOG");
    let run = Run::of(terminal).succeeds();
    // The bar is erased before a log line is written. A bar of two rows leaves the cursor on the second one.
    let lines: Vec<&str> = run.stdout.split('\n').map(|line| line.rsplit("\u{1b}[2K").next().unwrap_or(line)).collect();
    let lines: Vec<&str> = lines.into_iter().map(|line| line.trim_start_matches("\u{1b}[1A")).collect();
    let logged = |line: &&&str| line.contains(" INFO ");
    assert!(lines.iter().filter(logged).count() > 14, "a line for each day at least: {run:?}");
    assert!(run.stdout.contains("scoring  ["), "there is no bar: {run:?}");
    for line in lines.iter().filter(logged) {
        assert!(is_log_line(line), "{line:?} does not stand alone: {run:?}");
    }
}
