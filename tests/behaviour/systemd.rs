//! Tests of the units in `deploy/systemd`.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::{BINARY, DAY, Folder, Metrics, Run, needed, prometheus_of};

const UNITS: [&str; 5] = [
    "etcd-heatmap-textfile.service",
    "etcd-heatmap-backfill.service",
    "etcd-heatmap-backfill.timer",
    "etcd-heatmap-forecast.service",
    "etcd-heatmap-forecast.timer",
];

fn unit(name: &str) -> String {
    let path = format!("{}/deploy/systemd/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {path}: {error}"))
}

/// Copies of the units with the path of the tested program.
fn installed(folder: &Folder) -> Vec<String> {
    UNITS.map(|name| folder.write(name, unit(name).replace("/usr/bin/etcd-heatmap ", &format!("{BINARY} ")))).to_vec()
}

/// The values of a unit's setting, with continued lines joined and systemd's escapes undone.
fn settings(unit: &str, name: &str) -> Vec<String> {
    let joined = unit.replace("\\\n", " ");
    let values = joined.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    values.map(|value| value.replace("%%", "%").replace("$$", "$")).collect()
}

/// The first value of a unit's setting.
fn setting(unit: &str, name: &str) -> String {
    settings(unit, name).into_iter().next().unwrap_or_else(|| panic!("{name} is not set"))
}

#[test]
fn systemd_accepts_the_units_without_warnings() {
    let folder = Folder::new("units");
    let mut verify = needed("systemd-analyze", "systemd");
    verify.args(["verify", "--man=no"]).args(installed(&folder));
    let said = Run::of(verify).succeeds();
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""));
}

#[test]
fn the_services_have_low_exposure_in_systemd_analyze() {
    let folder = Folder::new("exposure");
    for service in installed(&folder).iter().filter(|unit| unit.ends_with(".service")) {
        let mut security = needed("systemd-analyze", "systemd");
        // The exposure goes from 0 to 10; a service without hardening has 9.6. The threshold is in tenths.
        security.args(["security", "--offline=true", "--no-pager", "--threshold=20", service]);
        Run::of(security).succeeds();
    }
}

#[test]
fn the_backfill_service_writes_yesterday_and_next_time_only_new_days() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() as i64;
    let today = now / DAY * DAY;
    let mut metrics = Metrics::default();
    metrics.member(r#"job="etcd",instance="i""#, today - DAY..today);
    let prometheus = prometheus_of(&metrics.text());
    let folder = Folder::new("unit");
    let command = setting(&unit("etcd-heatmap-backfill.service"), "ExecStart")
        .replace("/usr/bin/etcd-heatmap ", &format!("{BINARY} "))
        .replace("/var/lib/etcd-heatmap/", &folder.at(""));
    let script = command.strip_prefix("/bin/sh -euc '").and_then(|rest| rest.strip_suffix('\'')).expect("a shell's");
    for _ in 0..2 {
        let mut shell = needed("sh", "dash");
        shell.args(["-euc", script]).current_dir(folder.path()).env("ETCD_HEATMAP_URL", prometheus.url());
        shell.env_remove("ETCD_HEATMAP_ORACLE_PYTHON").env("NO_PROXY", "127.0.0.1");
        Run::of(shell).succeeds();
    }
    let date = |format: &str| {
        let mut date = needed("date", "coreutils");
        date.args(["-u", "-d", &format!("@{}", today - DAY), format]);
        Run::of(date).succeeds().stdout.trim().to_owned()
    };
    let (month, day) = (date("+%Y-%m"), date("+%F"));
    let days = folder.tree(&format!("{month}/history"));
    assert!(days.contains_key(&format!("date={day}/readings.parquet")), "{:?}", days.keys());
    let heat = folder.text(&format!("{month}/heatmap.csv"));
    assert!(heat.lines().filter(|line| line.contains(&day)).count() >= 24, "{heat}");
}

#[test]
fn the_forecast_service_pulls_the_last_hours_and_replaces_the_gauges() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() as i64;
    let mut metrics = Metrics::default();
    metrics.member(r#"job="etcd",instance="i""#, now - DAY / 4..now);
    let prometheus = prometheus_of(&metrics.text());
    let folder = Folder::new("forecast-unit");
    let gauges = folder.write("etcd_forecast.prom", "left by an earlier run");
    let commands = settings(&unit("etcd-heatmap-forecast.service"), "ExecStart");
    assert_eq!(commands.len(), 2, "{commands:?}");
    for command in commands {
        let command = command
            .replace("/usr/bin/etcd-heatmap ", &format!("{BINARY} "))
            .replace("/var/lib/etcd-heatmap-forecast", &folder.at("history"))
            .replace("/var/lib/prometheus/node-exporter/", &folder.at(""));
        let mut shell = needed("sh", "dash");
        shell.args(["-euc", &command]).current_dir(folder.path()).env("ETCD_HEATMAP_URL", prometheus.url());
        shell.env_remove("ETCD_HEATMAP_ORACLE_PYTHON").env("NO_PROXY", "127.0.0.1");
        Run::of(shell).succeeds();
    }
    let text = std::fs::read_to_string(gauges).expect("the gauges are there");
    let generated = text.lines().find_map(|line| line.strip_prefix("etcd_forecast_generated_timestamp_seconds "));
    let age = now as f64 - generated.and_then(|at| at.parse::<f64>().ok()).expect("the time of the forecast");
    assert!((-600.0..600.0).contains(&age), "{age} s old: {text}");
    // Six hours are too few for an outlook.
    assert!(!text.contains("etcd_breach_probability{"), "{text}");
}

#[test]
fn the_program_accepts_the_command_of_the_textfile_service() {
    let command = setting(&unit("etcd-heatmap-textfile.service"), "ExecStart");
    let arguments = command.strip_prefix("/usr/bin/etcd-heatmap ").expect("our program");
    let mut shell = needed("sh", "dash");
    shell.env("ETCD_HEATMAP_URL", "http://127.0.0.1:9").args(["-c", &format!("{BINARY} {arguments} --help")]);
    let told = Run::of(shell).succeeds().stdout;
    assert!(told.contains("--query-offset"), "{told}");
    // The program rejects an unknown flag even with --help.
    let mut shell = needed("sh", "dash");
    shell.args(["-c", &format!("{BINARY} {arguments} --no-such-flag --help")]);
    assert_eq!(Run::of(shell).code, Some(2));
}
