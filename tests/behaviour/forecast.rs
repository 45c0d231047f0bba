//! The command `forecast`, on simulated histories of `benches/forecast/simulated.py`.

use std::path::Path;
use std::time::Duration;

use crate::support::{Folder, Run, assert_same, etcd_heatmap, etcd_heatmap_command, oracle, oracle_run};

/// A history of 3 clusters with red hours now and then.
fn history(folder: &Folder, days: &str) -> String {
    let out = folder.at("audit");
    let script = "../../benches/forecast/simulated.py";
    oracle_run(script, &[&out, "--set", "red-mix", "--clusters", "3", "--days", days]).succeeds();
    out
}

#[test]
fn a_forecast_has_files_that_other_programs_read_and_a_text_with_every_cluster() {
    let folder = Folder::new("forecast");
    let out = history(&folder, "12");
    let run = etcd_heatmap(&["forecast", &out, "--textfile", &folder.at("etcd.prom")]).succeeds();
    oracle("forecast.py", &[&out]);
    for name in ["forecast.parquet", "forecast.csv", "forecast.json", "forecast.prom", "forecast.om"] {
        assert!(Path::new(&out).join(name).is_file(), "{name} is missing");
    }
    assert_eq!(folder.text("etcd.prom"), folder.text("audit/forecast.prom"));
    let known: serde_json::Value = serde_json::from_str(&folder.text("audit/forecast.json")).expect("it is JSON");
    let clusters = known["clusters"].as_array().expect("a list");
    assert_eq!(clusters.len(), 3);
    for cluster in clusters {
        let outlooks = cluster["outlooks"]["Ok"].as_array().expect("outlooks of 12 days of history");
        let probabilities: Vec<f64> = outlooks.iter().filter_map(|outlook| outlook["probability"].as_f64()).collect();
        // A longer horizon contains the shorter ones.
        assert!(
            probabilities.is_sorted() && probabilities.iter().all(|p| (0.0..=1.0).contains(p)),
            "{probabilities:?}"
        );
    }
    assert!(run.stdout.contains("within 6 h"), "{}", run.stdout);
    etcd_heatmap(&["lint", &format!("{out}/forecast.om")]).succeeds();
}

#[test]
fn the_same_history_gives_the_same_bytes_on_any_number_of_threads() {
    let folder = Folder::new("forecast-threads");
    let out = history(&folder, "6");
    let forecast = |threads: &str| {
        Run::of({
            let mut command = etcd_heatmap_command(&["forecast", &out, "--backtest"]);
            command.env("RAYON_NUM_THREADS", threads);
            command
        })
        .succeeds();
        folder.tree("audit")
    };
    assert_same(&forecast("1"), &forecast("3"));
}

#[test]
fn a_backtest_compares_all_models_and_lists_what_came_of_every_forecast() {
    let folder = Folder::new("forecast-backtest");
    let out = history(&folder, "12");
    etcd_heatmap(&["forecast", &out, "--backtest", "--save", &folder.at("networks")]).succeeds();
    let models = folder.text("audit/backtest-models.csv");
    for name in ["auto", "best-naive", "last-hour", "same-time-yesterday", "rhythm", "trend", "arima", "lstm"] {
        assert!(models.lines().any(|line| line.split(',').nth(3) == Some(name)), "no row of {name}");
    }
    let breaches = folder.text("audit/backtest-breaches.csv");
    assert!(breaches.lines().count() > 300, "{} rows", breaches.lines().count());
    // The saved networks compete without being trained again.
    etcd_heatmap(&["forecast", &out, "--load", &folder.at("networks")]).succeeds();
    folder.write("networks/lstm-wal_fsync.safetensors", "no network");
    etcd_heatmap(&["forecast", &out, "--load", &folder.at("networks")])
        .fails_saying(&["lstm-wal_fsync.safetensors", "not a safetensors file"]);
}

#[test]
fn the_report_shows_the_forecast_and_a_later_score_keeps_it_until_the_history_changes() {
    let folder = Folder::new("forecast-report");
    let out = history(&folder, "6");
    etcd_heatmap(&["score", &out, "--quiet"]).succeeds();
    let before = folder.text("audit/report.html");
    etcd_heatmap(&["forecast", &out, "--quiet"]).succeeds();
    let with = folder.text("audit/report.html");
    assert!(!before.contains("Next 24 hours") && with.contains("Next 24 hours"));
    assert!(!with.contains("<td>report.html</td>"), "the page lists itself as it was before");
    assert!(folder.text("audit/report.md").contains("Next 24 hours"));
    let listed = folder.text("audit/manifest.json");
    assert!(listed.contains("forecast.parquet") && listed.contains("heatmap.parquet"), "{listed}");
    etcd_heatmap(&["score", &out, "--quiet"]).succeeds();
    assert!(folder.text("audit/report.html").contains("Next 24 hours"));
    let run = etcd_heatmap(&["score", &out, "--profile", "mixin"]).succeeds();
    assert!(run.stderr.contains("the forecast is removed (it is by the profile seed)"), "{}", run.stderr);
    assert!(!folder.text("audit/report.html").contains("Next 24 hours"));
    assert!(!Path::new(&out).join("forecast.json").exists());
}

#[test]
fn too_little_history_is_a_sentence_and_not_a_healthy_outlook() {
    let folder = Folder::new("forecast-short");
    let out = history(&folder, "5");
    for day in 1..=3 {
        std::fs::remove_dir_all(format!("{out}/history/date=2026-09-{:02}", 6 + day)).expect("a day of the history");
    }
    let run = etcd_heatmap(&["forecast", &out]).succeeds();
    assert!(run.stdout.contains("unknown"), "{}", run.stdout);
    assert!(!folder.text("audit/forecast.prom").contains("etcd_breach_probability{"));
}

#[test]
fn wrong_flags_are_answered_with_what_is_possible() {
    let folder = Folder::new("forecast-flags");
    let out = history(&folder, "5");
    let forecast = |flags: &[&str]| etcd_heatmap(&[&["forecast", &*out], flags].concat());
    forecast(&["--model", "arma"]).fails_saying(&["--model", "did you mean 'arima'"]);
    forecast(&["--horizon", "48h"]).fails_saying(&["--horizon", "from 1h to 24h"]);
    forecast(&["--metric", "leader_changes"]).fails_saying(&["--metric", "use score"]);
    forecast(&["--metric", "wal"]).fails_saying(&["--metric", "did you mean 'wal_fsync'", "or score"]);
    etcd_heatmap(&["forecast", &folder.at("nowhere")]).fails_saying(&["nowhere"]);
}

#[test]
fn a_metric_that_costs_no_points_is_forecast_if_it_is_named() {
    let folder = Folder::new("forecast-metric");
    let out = history(&folder, "5");
    etcd_heatmap(&[
        "forecast",
        &out,
        "--metric",
        "client_traffic_in",
        "--model",
        "same-time-yesterday",
        "--horizon",
        "6h",
    ])
    .succeeds();
    let csv = folder.text("audit/forecast.csv");
    assert!(
        csv.contains(",client_traffic_in,") && csv.contains(",same-time-yesterday,") && !csv.contains(",wal_fsync,")
    );
    // Six hours: 12 leads of 5 minutes and 20 quarters, for each of nine members.
    assert_eq!(csv.lines().filter(|line| line.contains(",client_traffic_in,")).count(), 9 * 32);
}

#[test]
fn a_signal_stops_a_backtest_before_any_file_is_written() {
    let folder = Folder::new("forecast-stopped");
    let out = history(&folder, "12");
    let mut run = etcd_heatmap_command(&["forecast", &out, "--backtest"]).spawn().expect("it starts");
    std::thread::sleep(Duration::from_millis(1500));
    let killed = std::process::Command::new("kill").args(["-INT", &run.id().to_string()]).status();
    assert!(killed.expect("kill runs").success());
    assert_eq!(run.wait().expect("it ends").code(), Some(130));
    assert!(!Path::new(&out).join("forecast.json").exists());
}
