//! Settings come from flags, the environment, a file, and defaults; `config show` prints where each comes from.

mod show;
mod wrong;

use crate::support::{Folder, Run, agrees_with_the_oracle, assert_empty, assert_same, cells, etcd_heatmap_command};
use crate::support::{sample_is_scored_exactly, simulated};

/// Runs the program in `folder` with these environment variables.
fn run_in(folder: &Folder, variables: &[(&str, &str)], arguments: &[&str]) -> Run {
    let mut command = etcd_heatmap_command(arguments);
    command.current_dir(folder.path()).envs(variables.iter().copied());
    Run::of(command)
}

const SAMPLE: [&str; 5] = ["backfill", "--sample", "--quiet", "--out", "audit"];

/// The line of `config show` for a key, with runs of spaces joined.
fn shown(folder: &Folder, variables: &[(&str, &str)], flags: &[&str], key: &str) -> String {
    let run = run_in(folder, variables, &[&["config", "show"], flags].concat()).succeeds();
    let line = run.stdout.lines().find(|line| line.starts_with(&format!("{key} = ")));
    let line = line.unwrap_or_else(|| panic!("no {key} in\n{}", run.stdout));
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

const FILE: &str = "\
[source]
step = \"5m\"
[labels]
cluster = \"k8s\"
[score]
without = [\"open_fds\", \"db_size\"]
time_zone = \"Europe/Berlin\"
cell = \"2h\"
min_coverage = 0.25
[bands]
wal_fsync = \"0.03:0\"
db_size = \"80%:0\"
[output]
dir = \"from-file\"
formats = [\"csv\"]
palette = \"orange-blue\"
";

/// The default of `--formats`.
const EVERY_FORMAT: &str = "parquet,csv,openmetrics,problems,findings,report,markdown,xlsx,svg,png";

#[test]
fn a_flag_wins_over_the_environment_the_environment_over_the_file_and_the_file_over_the_default() {
    let (folder, empty) = (Folder::new("precedence"), Folder::new("defaults"));
    folder.write("etcd-heatmap.toml", FILE);
    // A key, its line in the file, its variable and flag; its value by default, in the file, the variable and the flag.
    for (key, line, variable, flag, [default, in_file, in_variable, typed]) in [
        ("step", 2, "STEP", "--step", ["1m", "5m", "2m", "30s"]),
        ("cluster", 4, "CLUSTER_LABEL", "--cluster-label", ["", "k8s", "a", "b"]),
        ("without", 6, "WITHOUT", "--without", ["", "open_fds,db_size", "wal_fsync,db_size", "db_size"]),
        ("time_zone", 7, "TIME_ZONE", "--time-zone", ["UTC", "Europe/Berlin", "Asia/Kolkata", "America/Lima"]),
        ("cell", 8, "CELL", "--cell", ["1h", "2h", "30m", "15m"]),
        ("min_coverage", 9, "MIN_COVERAGE", "--min-coverage", ["0.5", "0.25", "0.75", "1"]),
        ("dir", 14, "OUT", "--out", ["", "from-file", "from-variable", "from-flag"]),
        ("formats", 15, "FORMATS", "--formats", [EVERY_FORMAT, "csv", "parquet", "openmetrics"]),
        ("palette", 16, "PALETTE", "--palette", ["red-green", "orange-blue", "red-green", "orange-blue"]),
    ] {
        let name = format!("ETCD_HEATMAP_{variable}");
        let variables = [(name.as_str(), in_variable)];
        let toml = |text: &str| match key {
            "without" | "formats" => format!("{:?}", text.split(',').filter(|t| !t.is_empty()).collect::<Vec<_>>()),
            "min_coverage" => text.to_owned(),
            _ => format!("{text:?}"),
        };
        let is = |line: String, text: &str, origin: &str| {
            let expected = format!("{key} = {} # {origin}", toml(text));
            assert!(line.starts_with(&expected), "{line}, not {expected}");
        };
        let line = format!("etcd-heatmap.toml, line {line}");
        is(shown(&empty, &[], &[], key), default, if key == "dir" { "not set" } else { "default" });
        is(shown(&folder, &[], &[], key), in_file, &line);
        is(shown(&folder, &[(&name, "")], &[], key), in_file, &line);
        is(shown(&folder, &variables, &[], key), in_variable, &format!("environment {name}"));
        is(shown(&folder, &variables, &[flag, typed], key), typed, &format!("flag {flag}"));
    }
}

#[test]
fn bands_are_overridden_metric_by_metric() {
    let folder = Folder::new("bands");
    folder.write("etcd-heatmap.toml", FILE);
    let variables = [("ETCD_HEATMAP_BAND", "wal_fsync=0.04:5,0.05:0;open_fds=99:0")];
    let show = ["config", "show", "--without", "open_fds", "--band", "open_fds=100:0"];
    let text = run_in(&folder, &variables, &show).succeeds().stdout;
    let bands: Vec<_> = text.lines().skip_while(|line| *line != "[bands]").skip(1).take(6).collect();
    for (line, expected) in bands.into_iter().zip([
        ["wal_fsync = \"0.04:5, 0.05:0\"", "# environment ETCD_HEATMAP_BAND"],
        ["backend_commit = \"0.025:5, 0.04:0\"", "# profile seed"],
        ["open_fds = \"100:0\"", "# flag --band"],
        ["leader_changes = \"5:0\"", "# profile seed"],
        ["client_traffic_in = \"none\"", "# profile seed"],
        ["db_size = \"80%:0\"", "# etcd-heatmap.toml, line 12"],
    ]) {
        assert!(line.starts_with(expected[0]) && line.ends_with(expected[1]), "{line}, not {expected:?}");
    }
}

#[test]
fn the_settings_file_is_the_named_one_or_else_the_one_in_the_working_directory() {
    let folder = Folder::new("which-file");
    folder.write("etcd-heatmap.toml", "score.cell = '2h'");
    folder.write("other.toml", "score.cell = '30m'");
    folder.write("config.conf", "[time]\nduration='[15m]'\n");
    let cell = |variables: &[(&str, &str)], flags: &[&str]| shown(&folder, variables, flags, "cell");
    let named = [("ETCD_HEATMAP_CONFIG", "other.toml")];
    assert_eq!(cell(&[], &[]), "cell = \"2h\" # etcd-heatmap.toml, line 1");
    assert_eq!(cell(&named, &[]), "cell = \"30m\" # other.toml, line 1");
    assert_eq!(cell(&named, &["--config", "config.conf"]), "cell = \"15m\" # config.conf, line 2");
    assert_eq!(cell(&[("ETCD_HEATMAP_CONFIG", "")], &[]), "cell = \"2h\" # etcd-heatmap.toml, line 1");
    let run = run_in(&folder, &[], &["--config", "missing.toml", "config", "show"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    run.fails_saying(&["--config: cannot read missing.toml"]);
}

#[test]
fn flags_variables_and_file_together_give_the_same_result_as_flags_alone() {
    let (url, by_flags) = (simulated().url(), Folder::new("by-flags"));
    let range = ["--start", "2026-10-01", "--end", "2026-10-02", "--step", "5m"];
    let how = ["--time-zone", "Asia/Kolkata", "--cell", "30m", "--rollup", "quorum", "--without", "open_fds"];
    let asked = ["backfill", "--quiet", "--url", &url, "--out", "audit"];
    run_in(&by_flags, &[], &[&asked[..], &range, &how].concat()).succeeds();
    agrees_with_the_oracle(&by_flags, &how);

    let elsewhere = Folder::new("elsewhere");
    let file = "[source]\nurl = 'http://nobody.invalid'\nstart = 2026-10-01\nend = '2026-10-02'\nstep = '5m'\n\
                [score]\nrollup = 'quorum'\nwithout = ['open_fds']\ncell = '2h'\n[output]\ndir = 'audit'\n";
    elsewhere.write("etcd-heatmap.toml", file);
    let variables = [("ETCD_HEATMAP_URL", url.as_str()), ("ETCD_HEATMAP_TIME_ZONE", "Asia/Kolkata")];
    run_in(&elsewhere, &variables, &["backfill", "--quiet", "--cell", "30m"]).succeeds();
    assert_same(&by_flags.tree("audit"), &elsewhere.tree("audit"));

    // `score` and `explain` use the folder from the file.
    run_in(&elsewhere, &variables, &["score", "--quiet", "--cell", "30m"]).succeeds();
    assert_same(&by_flags.tree("audit"), &elsewhere.tree("audit"));
    let explain = ["explain", "--cluster", "c01", "--at", "2026-10-01T12"];
    run_in(&elsewhere, &variables, &explain).succeeds();
}

#[test]
fn the_sample_ignores_a_server_in_the_settings_file() {
    let (plain, folder) = (Folder::new("plain"), Folder::new("sample-with-file"));
    run_in(&plain, &[], &SAMPLE).succeeds();
    folder
        .write("etcd-heatmap.toml", "[source]\nurl = 'http://nobody.invalid'\nstep = '1m'\n[output]\ndir = 'audit'\n");
    run_in(&folder, &[("ETCD_HEATMAP_START", "now-1h")], &["backfill", "--sample", "--quiet"]).succeeds();
    assert_same(&plain.tree("audit"), &folder.tree("audit"));
    let run = run_in(&folder, &[], &["backfill", "--sample", "--step", "1m"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    run.fails_saying(&["--sample", "--step"]);
}

#[test]
fn scores_go_into_the_folder_of_the_argument_not_into_that_of_the_settings() {
    let folder = Folder::new("typed-folder");
    run_in(&folder, &[], &SAMPLE).succeeds();
    let before = folder.tree("audit");
    folder.write("etcd-heatmap.toml", "[output]\ndir = 'elsewhere'\n");
    run_in(&folder, &[("ETCD_HEATMAP_OUT", "nowhere")], &["score", "--quiet", "audit"]).succeeds();
    assert_same(&before, &folder.tree("audit"));
    assert_empty(&folder, "elsewhere");
    assert_empty(&folder, "nowhere");
}

/// An INI file of the original script with other weights and cells of two hours.
const ORIGINAL: &str = "\
[weights]
wt_etcd_wal_fsync = 0.1
wt_etcd_db_fsync = 0.4
wt_etcd_file_descriptor = 0.1
wt_etcd_leader_election = 0.1
wt_etcd_client_traffic_in = 0.2
wt_etcd_database_size = 0.1

[time]
duration='[2h]'
";

#[test]
fn the_original_ini_sets_weights_and_cell_width() {
    let folder = Folder::new("original");
    folder.write("config.conf", ORIGINAL);
    run_in(&folder, &[], &[&SAMPLE[..], &["--config", "config.conf"]].concat()).succeeds();
    let cells = cells(&folder.text("audit/heatmap.csv"));
    assert!(cells.iter().all(|cell| cell.hour % 2 == 0 && cell.minute == 0), "cells of two hours");
    // Computed in Python from the sample: the mean over 24 steps of the worst member's Σ Fraction(weight) * points.
    for (start, mean) in [
        ("2026-10-01T14:00:00Z", 6.208333333333333),
        ("2026-10-01T16:00:00Z", 8.291666666666666),
        ("2026-10-07T12:00:00Z", 9.333333333333334),
        ("2026-10-07T14:00:00Z", 5.208333333333333),
        ("2026-10-07T16:00:00Z", 7.291666666666667),
        ("2026-10-09T14:00:00Z", 6.166666666666667),
        ("2026-10-11T06:00:00Z", 9.958333333333334),
    ] {
        let cell = cells.iter().find(|cell| cell.cluster == "c01" && cell.member.is_none() && cell.start == start);
        let cell = cell.unwrap_or_else(|| panic!("no cell at {start}"));
        assert_eq!((cell.mean, cell.expected), (Some(mean), 24), "{start}");
    }
    let manifest: serde_json::Value = serde_json::from_str(&folder.text("audit/manifest.json")).expect("JSON");
    assert_eq!(manifest["profile"]["rules"]["backend_commit"]["weight"], 0.4);
    assert_eq!(manifest["cell"], "2h");
}

#[test]
fn the_default_weights_of_the_original_ini_change_nothing() {
    let folder = Folder::new("original-weights");
    let weights = "[weights]\nwt_etcd_wal_fsync = 0.30\nwt_etcd_db_fsync = 0.20\nwt_etcd_file_descriptor = 0.10\n\
                   wt_etcd_leader_election = 0.30\nwt_etcd_client_traffic_in = 0.05\nwt_etcd_database_size = 0.05\n";
    folder.write("config.conf", format!("{weights}[time]\nduration='[1h]'\n"));
    run_in(&folder, &[], &[&SAMPLE[..], &["--config", "config.conf"]].concat()).succeeds();
    assert_same(&sample_is_scored_exactly(&[]).tree("audit"), &folder.tree("audit"));
}

#[test]
fn only_the_requested_formats_are_written_and_listed() {
    let all = sample_is_scored_exactly(&[]).tree("audit");
    let kind_of = |name: &str| match name.split('/').next() {
        Some("scores" | "heatmap.parquet") => Some("parquet"),
        Some("heatmap.csv" | "heatmap_wide.csv") => Some("csv"),
        Some("problems.csv") => Some("problems"),
        Some("findings.csv" | "evidence.csv" | "rules.csv") => Some("findings"),
        Some("report.html") => Some("report"),
        Some("report.md") => Some("markdown"),
        Some("heatmap.xlsx") => Some("xlsx"),
        Some("heatmap.svg") => Some("svg"),
        Some("heatmap.png") => Some("png"),
        Some("openmetrics") => Some("openmetrics"),
        _ => None,
    };
    let folder = Folder::new("formats");
    let some = [
        "parquet",
        "csv",
        "openmetrics",
        "csv,openmetrics",
        "svg,png",
        "report",
        "markdown",
        "xlsx,findings",
        "problems",
    ];
    for formats in some {
        // Into the same folder: files of the last run that this run does not write are removed.
        run_in(&folder, &[], &[&SAMPLE[..], &["--formats", formats]].concat()).succeeds();
        let is_wanted = |name: &str| kind_of(name).is_none_or(|kind| formats.split(',').any(|format| format == kind));
        let mut expected = all.clone();
        expected.retain(|name, _| is_wanted(name));
        let (mut found, manifest) = (folder.tree("audit"), folder.text("audit/manifest.json"));
        let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
        let listed = manifest["files"].as_array().expect("a list").iter().filter_map(|file| file["path"].as_str());
        assert!(listed.clone().all(is_wanted) && listed.count() > 0, "{formats}: {}", manifest["files"]);
        // Their contents differ, because they list the files beside them.
        for listing in ["manifest.json", "report.html"] {
            assert_eq!(found.remove(listing).is_some(), expected.remove(listing).is_some(), "{formats}: {listing}");
        }
        assert_same(&expected, &found);
    }
}

#[test]
fn the_example_file_gives_the_default_settings() {
    let (folder, plain) = (Folder::new("example"), sample_is_scored_exactly(&[]));
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/etcd-heatmap.example.toml");
    run_in(&folder, &[], &["backfill", "--sample", "--quiet", "--config", example]).succeeds();
    assert_same(&plain.tree("audit"), &folder.tree("audit"));
}
