//! `forecast --every`, which keeps a history and the gauges of its forecast current from a server.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::support::{
    Background, DAY, Fault, Faults, Folder, Metrics, Prometheus, etcd_heatmap, etcd_heatmap_command, now,
    prometheus_of, until,
};

/// A server with the last six hours of a member.
fn six_hours() -> Prometheus {
    let mut metrics = Metrics::default();
    metrics.member(r#"job="etcd",instance="i""#, now() - DAY / 4..now());
    prometheus_of(&metrics.text())
}

fn every_second(folder: &Folder, url: &str) -> Background {
    let (history, gauges) = (folder.at("history"), folder.at("etcd_forecast.prom"));
    let arguments = ["forecast", &history, "--every", "1s", "--url", url, "--textfile", &gauges];
    let mut command = etcd_heatmap_command(&arguments);
    command.env("ETCD_HEATMAP_RETRIES", "0");
    Background::start(command)
}

/// Waits for the gauges, and returns the end of the history that they were made from.
fn generated(folder: &Folder) -> f64 {
    until("gauges are written", || {
        let text = std::fs::read_to_string(folder.at("etcd_forecast.prom")).ok()?;
        text.lines().find_map(|line| line.strip_prefix("etcd_forecast_generated_timestamp_seconds "))?.parse().ok()
    })
}

#[test]
fn gauges_are_written_again_and_again_until_a_signal_and_the_folder_is_whole() {
    let (prometheus, folder) = (six_hours(), Folder::new("forecast-every"));
    let running = every_second(&folder, &prometheus.url());
    let age = now() as f64 - generated(&folder);
    assert!((-600.0..600.0).contains(&age), "{age} s old");
    std::fs::remove_file(folder.at("etcd_forecast.prom")).expect("it is there");
    generated(&folder);
    let (code, said) = running.end("TERM");
    assert_eq!(code, Some(0), "{said}");
    let manifest: Value = serde_json::from_str(&folder.text("history/manifest.json")).expect("the manifest is JSON");
    for kind in ["history", "files"] {
        for file in manifest[kind].as_array().expect("a list") {
            let path = file["path"].as_str().expect("a path");
            assert!(Path::new(&folder.at("history")).join(path).is_file(), "{path} is missing");
        }
    }
    assert!(Path::new(&folder.at("etcd_forecast.prom")).is_file(), "the last forecast stays");
    // It is an ordinary history.
    etcd_heatmap(&["forecast", &folder.at("history")]).succeeds();
    // One of another server is an error that no waiting solves.
    let other = Faults::before(prometheus.server().port()).url();
    let run = etcd_heatmap(&["forecast", &folder.at("history"), "--every", "1s", "--url", &other]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("error: ") && run.stderr.contains("was pulled differently"), "{}", run.stderr);
}

#[test]
fn a_server_that_is_away_is_asked_again_and_the_last_forecast_stays() {
    let (prometheus, folder) = (six_hours(), Folder::new("forecast-every-away"));
    let faults = Faults::before(prometheus.server().port());
    let running = every_second(&folder, &faults.url());
    let first = generated(&folder);
    faults.always(Fault::Unavailable);
    // Two turns or more.
    std::thread::sleep(Duration::from_secs(3));
    assert!(generated(&folder) >= first);
    faults.calm();
    std::fs::remove_file(folder.at("etcd_forecast.prom")).expect("it is there");
    generated(&folder);
    let (code, said) = running.end("INT");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("error: ") && said.contains("; trying again in 1s"), "{said}");
}

#[test]
fn mistakes_are_found_before_anything_is_pulled() {
    let folder = Folder::new("forecast-every-wrong");
    let out = folder.at("history");
    let usage = |arguments: &[&str], sentence: &str| {
        let run = etcd_heatmap(&[&["forecast", &out], arguments].concat());
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.stderr.contains(sentence), "{}", run.stderr);
    };
    usage(
        &["--url", "http://127.0.0.1:9"],
        "--url belongs to --every: add --every 1h, or pull first with 'etcd-heatmap pull --url'",
    );
    usage(&["--every", "1h"], "--url");
    usage(&["--every", "0s", "--url", "http://127.0.0.1:9"], "forecasts are made every 1s to 24h");
    usage(&["--every", "often", "--url", "http://127.0.0.1:9"], "write a duration such as 1h");
    let missing = folder.at("nowhere/etcd.prom");
    etcd_heatmap(&["forecast", &out, "--every", "1h", "--url", "http://127.0.0.1:9", "--textfile", &missing])
        .fails_saying(&["nowhere"]);
    assert!(!Path::new(&out).exists(), "the folder was made");
}
