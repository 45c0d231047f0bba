//! Every error is one sentence with the cause and the remedy, and leaves no file half-written.

use crate::support::{
    Answering, Asked, DAY, Folder, HOUR, Run, START, agrees_with_the_oracle, assert_empty, assert_same, etcd_heatmap,
    etcd_heatmap_command, free_port, isolated, prometheus_of, simulated, spring,
};

/// Runs `backfill` against `url` with these flags; it must fail with these words and write nothing.
#[track_caller]
fn fails(url: &str, flags: &[&str], words: &[&str]) {
    let folder = Folder::new("bad-input");
    let out = folder.at("audit");
    let run = etcd_heatmap(&[&["backfill", "--quiet", "--url", url, "--out", &out][..], flags].concat());
    run.fails_saying(words);
    assert_empty(&folder, "");
}

const TWO_HOURS: [&str; 4] = ["--start", "2026-10-01T00:00:00Z", "--end", "2026-10-01T02:00:00Z"];

#[test]
fn an_unreachable_server_is_named_with_its_address() {
    let address = format!("127.0.0.1:{}", free_port());
    fails(&format!("http://{address}"), &TWO_HOURS, &[&address, "running"]);
}

#[test]
fn a_host_name_that_does_not_resolve_is_named() {
    fails("http://no-such-host.invalid:9090", &TWO_HOURS, &["no-such-host.invalid"]);
}

#[test]
fn a_url_without_a_scheme_is_an_error() {
    fails("127.0.0.1:9090", &TWO_HOURS, &["127.0.0.1:9090", "http://"]);
}

#[test]
fn a_404_names_the_path_and_the_flag() {
    let url = format!("{}/no/such/prefix", simulated().url());
    fails(&url, &TWO_HOURS, &["404", "/no/such/prefix", "--url"]);
}

#[test]
fn a_web_page_in_place_of_json_is_an_error() {
    let server = Answering::with("200 OK", "text/html", "<!DOCTYPE html><html><title>Sign in</title></html>");
    fails(&server.url(), &TWO_HOURS, &["web page", "JSON", "--url"]);
}

#[test]
fn a_401_is_an_error() {
    let server = Answering::with("401 Unauthorized", "text/plain", "Unauthorized\n");
    fails(&server.url(), &TWO_HOURS, &["401"]);
}

#[test]
fn truncated_json_is_retried_and_then_an_error() {
    let json = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1790812800,"1"#;
    let server = Answering::with("200 OK", "application/json", json);
    let flags = [&TWO_HOURS[..], &["--retries", "1"]].concat();
    fails(&server.url(), &flags, &[&server.url(), "Prometheus", "(tried 2 times)"]);
}

#[test]
fn a_start_after_the_end_is_an_error() {
    let flags = ["--start", "2026-10-02", "--end", "2026-10-01"];
    fails(&simulated().url(), &flags, &["start", "2026-10-02", "2026-10-01"]);
}

#[test]
fn an_empty_range_is_an_error() {
    let flags = ["--start", "2026-10-01", "--end", "2026-10-01"];
    fails(&simulated().url(), &flags, &["start", "2026-10-01"]);
}

#[test]
fn a_range_without_a_step_in_it_is_an_error() {
    let flags = ["--start", "2026-10-01T00:00:01Z", "--end", "2026-10-01T00:00:59Z", "--step", "1m"];
    fails(&simulated().url(), &flags, &["step"]);
}

#[test]
fn a_step_of_0_is_an_error() {
    for step in ["0", "0s"] {
        fails(&simulated().url(), &[&TWO_HOURS[..], &["--step", step]].concat(), &["step", "0"]);
    }
}

#[test]
fn a_range_in_the_future_is_an_error() {
    let flags = ["--start", "2126-10-01", "--end", "2126-10-02"];
    fails(&simulated().url(), &flags, &["2126-10-01", "future"]);
}

#[test]
fn an_unreadable_time_is_an_error_with_examples() {
    fails(&simulated().url(), &["--start", "yesterday-ish"], &["yesterday-ish", "now-30d"]);
}

#[test]
fn a_response_without_series_names_the_selector_and_the_range() {
    let empty = prometheus_of("up{job=\"etcd\"} 1 1790812800\n# EOF\n");
    fails(&empty.url(), &TWO_HOURS, &["metrics", "--selector"]);
    // The series exist, but not in this range, or not with these labels.
    let before = ["--start", "2026-09-01", "--end", "2026-09-02"];
    fails(&simulated().url(), &before, &["2026-09-01"]);
    fails(&simulated().url(), &[&TWO_HOURS[..], &["--selector", r#"job="no-such-job""#]].concat(), &["no-such-job"]);
}

#[test]
fn a_selector_that_is_not_promql_is_an_error() {
    fails(&simulated().url(), &[&TWO_HOURS[..], &["--selector", "job=etcd"]].concat(), &["--selector"]);
}

#[test]
fn an_output_path_that_is_a_file_is_an_error_and_the_file_stays() {
    let folder = Folder::new("file");
    let out = folder.write("audit", "mine");
    let run = etcd_heatmap(&["backfill", "--quiet", "--sample", "--out", &out]);
    run.fails_saying(&[&out, "--out"]);
    let below = folder.at("audit/below");
    etcd_heatmap(&["backfill", "--quiet", "--sample", "--out", &below]).fails_saying(&[&below, "--out"]);
    assert_eq!(folder.tree("").into_iter().collect::<Vec<_>>(), [("audit".to_owned(), b"mine".to_vec())]);
}

#[test]
fn a_folder_without_a_history_is_an_error() {
    let folder = Folder::new("no-history");
    let nothing = folder.at("nothing");
    etcd_heatmap(&["score", "--quiet", &nothing]).fails_saying(&[&nothing, "pull"]);
    assert_empty(&folder, "");
}

#[test]
fn a_history_file_that_is_not_parquet_is_named() {
    let folder = Folder::new("no-parquet");
    std::fs::create_dir_all(folder.path().join("history/date=2026-10-01")).expect("a folder of our own");
    folder.write("history/date=2026-10-01/readings.parquet", "PAR1 and then nothing of the kind PAR1");
    let before = folder.tree("");
    etcd_heatmap(&["score", "--quiet", &folder.at("")]).fails_saying(&["readings.parquet", "pull"]);
    assert_eq!(before, folder.tree(""));
}

/// Some cells of this zone cross midnight UTC, so a broken day is only part of them.
const KOLKATA: [&str; 2] = ["--time-zone", "Asia/Kolkata"];

/// Damages the readings of one day.
fn break_day(folder: &Folder, date: &str, damage: impl Fn(&mut Vec<u8>)) {
    let name = format!("audit/history/date={date}/readings.parquet");
    let mut bytes = std::fs::read(folder.path().join(&name)).expect("a day of the history");
    damage(&mut bytes);
    folder.write(&name, bytes);
}

/// Overwrites rows but not the footer, truncates the file, or empties it.
const DAMAGES: [fn(&mut Vec<u8>); 3] =
    [|bytes| bytes[4..400].fill(0xff), |bytes| bytes.truncate(bytes.len() / 2), |bytes| bytes.clear()];

#[test]
fn a_broken_day_is_named_and_the_other_days_are_scored() {
    let [overwritten, cut, empty] = DAMAGES;
    let folder = spring().is_scored_exactly(&KOLKATA);
    let (out, intact) = (folder.at("audit"), folder.tree("audit"));
    for (date, damage) in [
        ("2026-03-30", overwritten),
        ("2026-03-30", cut),
        ("2026-03-30", empty),
        ("2026-03-28", cut),
        ("2026-04-05", cut),
    ] {
        break_day(&folder, date, damage);
        let run = etcd_heatmap(&[&["score", "--quiet", &out], &KOLKATA[..]].concat());
        assert_eq!(run.code, Some(1), "{date}: {run:?}");
        run.fails_saying(&[&format!("date={date}"), "pull"]);
        agrees_with_the_oracle(&folder, &[&KOLKATA[..], &["--broken", date]].concat());
        let whole = &intact[&format!("history/date={date}/readings.parquet")];
        break_day(&folder, date, |bytes| bytes.clone_from(whole));
    }
    etcd_heatmap(&[&["score", "--quiet", &out], &KOLKATA[..]].concat()).succeeds();
    assert_same(&intact, &folder.tree("audit"));
}

#[test]
fn a_broken_day_is_pulled_again_as_the_error_advises() {
    let folder = Folder::new("pulled-again");
    let asked = Asked { step: 300, ..Asked::all(&simulated().prometheus, START, START + 2 * DAY) };
    asked.run("backfill", &folder).succeeds();
    let intact = folder.tree("audit");
    for damage in DAMAGES {
        break_day(&folder, "2026-10-01", damage);
        etcd_heatmap(&["score", "--quiet", &folder.at("audit")]).fails_saying(&["2026-10-01", "pull that day again"]);
        asked.run("backfill", &folder).succeeds();
        assert_same(&intact, &folder.tree("audit"));
    }
}

#[test]
fn two_broken_days_are_named_in_one_line_after_the_progress() {
    let folder = spring().is_scored_exactly(&[]);
    for date in ["2026-03-30", "2026-04-02"] {
        break_day(&folder, date, |bytes| bytes.truncate(99));
    }
    let run = etcd_heatmap(&["score", &folder.at("audit")]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let errors: Vec<_> = run.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "{run:?}");
    assert!(errors[0].contains("2026-03-30") && errors[0].contains("2026-04-02"), "{errors:?}");
    assert_eq!(run.stderr.lines().last(), Some(errors[0]), "{run:?}");
    agrees_with_the_oracle(&folder, &["--broken", "2026-03-30", "--broken", "2026-04-02"]);
}

#[test]
fn invalid_cell_flags_are_errors_with_valid_values() {
    let cases: [(&[&str], &[&str]); 9] = [
        (&["--time-zone", "Europe/Atlantis"], &["--time-zone", "Europe/Atlantis", "Europe/Berlin"]),
        (&["--time-zone", "CEST"], &["--time-zone", "CEST", "Europe/Berlin"]),
        (&["--time-zone", "+02:00"], &["--time-zone", "+02:00", "Europe/Berlin"]),
        (&["--time-zone", ""], &["--time-zone", "Europe/Berlin"]),
        (&["--cell", "45m"], &["--cell", "45m", "15m", "30m", "1h", "2h"]),
        (&["--rollup", "best"], &["--rollup", "best", "worst", "mean", "quorum"]),
        (&["--min-coverage", "1.5"], &["--min-coverage", "1.5", "0", "1"]),
        (&["--min-coverage=-0.1"], &["--min-coverage", "-0.1"]),
        (&["--min-coverage", "NaN"], &["--min-coverage", "NaN"]),
    ];
    for (flags, words) in cases {
        let folder = Folder::new("flags");
        let sample = ["backfill", "--quiet", "--sample", "--out", &folder.at("audit")];
        etcd_heatmap(&[&sample[..], flags].concat()).fails_saying(words);
        assert_empty(&folder, "");
        etcd_heatmap(&[&["score", "--quiet", &folder.at("audit")], flags].concat()).fails_saying(words);
    }
}

#[test]
fn a_full_disk_leaves_nothing_half_written() {
    let folder = Folder::new("full-disk");
    etcd_heatmap(&["backfill", "--quiet", "--sample", "--out", &folder.at("intact")]).succeeds();
    let whole = folder.tree("intact");
    let half = whole.values().map(Vec::len).sum::<usize>() / 2048;
    std::fs::create_dir_all(folder.path().join("disk")).expect("a folder of our own");
    // The first disk fills up while the history is written, the second while the scores are.
    for kib in [64, half] {
        let size = format!("size={kib}k");
        // In its own mount namespace: no other process sees this disk, and it vanishes with the process.
        let script =
            r#"mount -t tmpfs -o "$1" tmpfs disk && shift && "$@"; code=$?; rm -rf kept; cp -r disk kept; exit $code"#;
        let program = etcd_heatmap_command(&["backfill", "--quiet", "--sample", "--out", "disk/audit"]);
        let mut full = isolated("-rm");
        full.args(["sh", "-c", script, "sh", &size]).arg(program.get_program()).args(program.get_args());
        full.current_dir(folder.path());
        Run::of(full).fails_saying(&["disk/audit", "full", "--out"]);

        let mut left = folder.tree("kept/audit");
        // The manifest is also written before the scores, and then lists none of them.
        if let Some(manifest) = left.remove("manifest.json") {
            let manifest: serde_json::Value = serde_json::from_slice(&manifest).expect("a whole manifest");
            assert_eq!(manifest["files"], serde_json::json!([]), "files that are not there are listed");
        }
        for (name, bytes) in &left {
            assert_eq!(whole.get(name), Some(bytes), "{name} is not what it would be on a disk with room");
        }
        assert!(left.len() < whole.len(), "{kib} KiB are too little for the sample");
    }
}

#[test]
fn usage_errors_exit_with_2() {
    for arguments in [
        &["backfill", "--sample", "--url", "http://127.0.0.1:9090", "--out", "audit"][..],
        &["backfill", "--out", "audit"],
        &["backfill", "--sample"],
        &["paint"],
        &["pull", "--url", "http://127.0.0.1:9090", "--out", "audit", "--series", "some"],
    ] {
        let run = etcd_heatmap(arguments);
        assert_eq!(run.code, Some(2), "{arguments:?}: {run:?}");
        assert!(run.stderr.starts_with("error: ") && run.stdout.is_empty(), "{arguments:?}: {run:?}");
    }
}

/// Runs command lines in a folder with the scored sample in `audit`, and asserts exit code and words of each error.
#[track_caller]
fn each_fails_with(code: i32, lines: &[(&str, &str)]) {
    let folder = Folder::new("usage");
    etcd_heatmap(&["backfill", "--quiet", "--sample", "--out", &folder.at("audit")]).succeeds();
    std::fs::create_dir_all(folder.path().join("queries")).expect("a folder of our own");
    folder.write("queries/wal_fsnyc.promql", "up");
    for (line, words) in lines {
        let mut command = etcd_heatmap_command(&line.split(' ').collect::<Vec<_>>());
        command.current_dir(folder.path());
        let run = Run::of(command);
        run.fails_saying(&[words]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(code), ""), "{line}: {run:?}");
    }
}

#[test]
fn an_unusable_value_exits_with_2() {
    each_fails_with(
        2,
        &[
            ("explain audit --cluster c01 --at yesterday", "--at: 'yesterday'"),
            ("explain audit --cluster c01 --at 1790812800000", "seconds since 1970"),
            // Clocks go forward from 02:00 to 03:00.
            ("explain audit --cluster c01 --at 2026-03-29T02:30 --time-zone Europe/Berlin", "--at: 2026-03-29T02:30"),
            ("explain nowhere --cluster c01 --at yesterday", "--at: 'yesterday'"),
            ("diff audit --at yesterday", "--at: 'yesterday'"),
            ("diff audit audit", "with itself"),
            ("diff nowhere nowhere", "with itself"),
            ("show audit --since yesterday", "--since: 'yesterday'"),
            ("show audit --days 0", "--days: '0'"),
            ("findings audit --kind earthquake", "--kind: "),
            ("score audit --compare seed", "--compare needs at least two"),
            ("score audit --compare seed,seed", "--compare needs at least two"),
            ("score nowhere --compare seed", "--compare needs at least two"),
            ("score audit --compare seed,none", "--compare: "),
            ("score audit --fail-below 11", "--fail-below: invalid score '11'"),
            ("score audit --retention forever", "--retention: invalid retention 'forever'"),
            ("import audit --victoria-metrics 127.0.0.1:8428", "--victoria-metrics: '127.0.0.1:8428'"),
            ("import audit --victoria-metrics ftp://host", "--victoria-metrics: 'ftp://host'"),
            ("import audit --data-dir . --retention forever", "--retention: "),
            ("import audit --data-dir . --jobs 0", "--jobs: '0'"),
            ("pull --url http://127.0.0.1:9 --out new --start yesterday", "--start: 'yesterday'"),
            ("pull --url http://127.0.0.1:9 --out new --start 2026-10-02 --end 2026-10-01", "--start before --end"),
            ("pull --url http://127.0.0.1:9 --out new --start 2126-10-02 --end 2126-10-03", "future"),
            ("pull --url http://127.0.0.1:9 --out new --start 1.5 --end 1.6", "--step"),
            ("pull --url http://127.0.0.1:9 --out new --queries nowhere", "--queries"),
            ("check --url http://127.0.0.1:9 --queries queries", "did you mean"),
            ("config show --queries queries", "did you mean"),
            ("config show --start now --end now-1d", "--start before --end"),
            ("rules --member-label metric", "--member-label"),
            ("rules --queries nowhere", "--queries"),
            ("textfile --url http://127.0.0.1:9 --every 1s", "--every needs --out"),
            ("textfile --url http://127.0.0.1:9 --max-age 1.5s", "--max-age: invalid age '1.5s'"),
            ("completions tcsh", "<shell>: 'tcsh'"),
        ],
    );
}

#[test]
fn a_missing_folder_cluster_or_range_exits_with_1() {
    each_fails_with(
        1,
        &[
            ("explain audit --cluster c99 --at 2026-10-07", "c01, c02, c03"),
            ("explain audit --cluster c01 --at 2027-10-07", "2026-10-15"),
            ("findings audit --cluster c99", "c01, c02, c03"),
            ("show audit --cluster c99", "c01, c02, c03"),
            ("show audit --since 2027-10-07", "2026-10-14"),
            ("diff audit --at 2027-10-07", "no cells after --at"),
            ("diff audit nowhere", "nowhere"),
            ("score nowhere", "nowhere"),
            ("import audit --data-dir nowhere", "nowhere"),
            ("import nowhere --victoria-metrics http://127.0.0.1:9", "manifest.json"),
            ("lint nowhere.om", "nowhere.om"),
            // A file or subfolder in place of the output folder.
            ("show audit/heatmap.parquet", "use audit"),
            ("show audit/report.html", "use audit"),
            ("findings audit/history", "use audit"),
            ("findings audit/history/date=2026-10-02/readings.parquet", "use audit"),
            ("explain audit/manifest.json --cluster c01 --at 2026-10-07", "use audit"),
            ("score audit/heatmap.csv", "use audit"),
            ("diff audit/heatmap.csv audit", "use audit"),
            ("diff audit audit/scores", "use audit"),
            ("import audit/openmetrics --victoria-metrics http://127.0.0.1:9", "use audit"),
        ],
    );
}

#[test]
fn help_lists_the_flags_and_an_example() {
    for (subcommand, flags) in [
        ("backfill", &["--url", "--sample", "--start", "--end", "--step", "--selector", "--cluster-label"][..]),
        ("pull", &["--member-label", "--series", "--queries", "--without", "--concurrency", "--max-qps", "--retries"]),
        ("pull", &["--timeout", "--allow-partial", "--overwrite"]),
        ("check", &["--url", "--start", "--end", "--preset", "--selector"]),
        ("lint", &["FILE", "# EOF", "--quiet"]),
        ("score", &["--out", "--without", "--quiet", "--time-zone", "--cell", "--rollup", "--min-coverage"]),
    ] {
        let run = etcd_heatmap(&[subcommand, "--help"]).succeeds();
        for word in flags.iter().chain(&["Example", format!("etcd-heatmap {subcommand} ").as_str()]) {
            assert!(run.stdout.contains(word), "`{subcommand} --help` does not contain {word:?}:\n{}", run.stdout);
        }
    }
}

#[test]
fn all_notations_of_an_instant_mean_the_same_instant() {
    let prometheus = &simulated().prometheus;
    let [end, start] = [START + DAY, START + DAY - HOUR];
    let expected = Folder::new("epoch");
    Asked::all(prometheus, start, end).run("backfill", &expected).succeeds();
    for [start, end] in [
        ["2026-10-01T23:00:00Z", "2026-10-02"],
        ["2026-10-02T01:00:00+02:00", "2026-10-01T19:00:00-05:00"],
        ["1790895600", "1790899200"],
    ] {
        let folder = Folder::new("instant");
        let (url, out) = (prometheus.url(), folder.at("audit"));
        let range = ["--start", start, "--end", end, "--step", "1m"];
        etcd_heatmap(&[&["backfill", "--url", &url, "--out", &out][..], &range].concat()).succeeds();
        assert_same(&expected.tree("audit"), &folder.tree("audit"));
    }
}
