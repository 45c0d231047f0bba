//! The alerts of `rules --alerts` for every built-in profile and every metric: at each threshold, just above it, and in
//! every combination of bands, as promtool evaluates them.

use crate::support::{Folder, Run, etcd_heatmap, needed, now, oracle_run, prometheus_of};

/// Flags of a profile that no file has: a metric with critical readings and no weight, a heaviest metric that is never
/// critical, and a low score that is no short decimal.
const CHANGED: [&[&str]; 2] = [
    &["--profile", "seed", "--without", "open_fds"],
    &["--profile", "mixin", "--band", "wal_fsync=0.5:2.5", "--weight", "wal_fsync=0.35"],
];

fn said(arguments: &[&str]) -> String {
    oracle_run("alerts.py", arguments).succeeds().stdout
}

/// The names of the built-in profiles, from the files in `src/spec/profiles`.
fn profiles() -> Vec<String> {
    said(&["profiles"]).lines().map(str::to_owned).collect()
}

/// Runs the rule test of this name in the folder; promtool reads the rule files beside it.
fn passes(folder: &Folder, test: &str) {
    let mut promtool = needed("promtool", "prometheus");
    promtool.args(["test", "rules", &format!("{test}.test.yml")]).current_dir(folder.path());
    Run::of(promtool).succeeds();
}

/// A folder with the alerts of a profile.
fn alerts(flags: &[&str]) -> Folder {
    let folder = Folder::new("alerts");
    let printed = etcd_heatmap(&[&["rules", "--alerts"], flags].concat()).succeeds().stdout;
    folder.write("alerts.rules.yml", printed);
    folder
}

#[test]
fn alerts_on_recording_rules_fire_just_above_the_critical_thresholds_of_every_profile() {
    let named = profiles();
    let named = named.iter().map(|name| vec!["--profile", name.as_str()]);
    for flags in named.chain(CHANGED.map(<[&str]>::to_vec)) {
        let folder = alerts(&flags);
        let printed = etcd_heatmap(&[&["rules"], &flags[..]].concat()).succeeds().stdout;
        folder.write("rules.rules.yml", printed);
        said(&[&["rules", &folder.at("")], &flags[..]].concat());
        passes(&folder, "rules");
    }
}

#[test]
fn alerts_on_a_textfile_fire_just_above_the_critical_thresholds_of_every_profile() {
    let named = profiles();
    let clusters: Vec<&str> = named.iter().map(String::as_str).collect();
    let prometheus = prometheus_of(&said(&[&["readings", &now().to_string()], &clusters[..]].concat()));
    let named = clusters.iter().map(|name| vec!["--profile", name]);
    for flags in named.chain(CHANGED[..1].iter().map(|flags| flags.to_vec())) {
        let folder = alerts(&flags);
        let (url, selector) = (prometheus.url(), format!("cluster={:?}", flags[1]));
        let asked =
            ["textfile", "--url", &url, "--series", "recorded", "--selector", &selector, "--query-offset", "2s"];
        folder.write("scores.prom", etcd_heatmap(&[&asked[..], &flags].concat()).succeeds().stdout);
        said(&[&["textfile", &folder.at("")], &flags[..]].concat());
        passes(&folder, "textfile");
    }
}

#[test]
fn the_metrics_that_can_be_critical_are_those_with_critical_thresholds_in_the_sources() {
    // Written by hand from the sources of the profiles. A threshold that leaves points is no critical one: mixin,
    // openshift and fleet have only warnings for leader changes, mixin and openshift for commits.
    let expected = [
        ("etcd-faq", "backend_commit db_size leader_changes open_fds wal_fsync"),
        ("fleet", "backend_commit db_size open_fds wal_fsync"),
        ("mixin", "db_size open_fds wal_fsync"),
        ("openshift", "db_size open_fds wal_fsync"),
        ("operator", "backend_commit db_size leader_changes open_fds wal_fsync"),
        ("seed", "backend_commit leader_changes open_fds wal_fsync"),
    ];
    assert_eq!(profiles(), expected.map(|(profile, _)| profile), "a profile is not listed here");
    for (profile, metrics) in expected {
        let folder = Folder::new("critical");
        let printed = said(&["rules", &folder.at(""), "--profile", profile]);
        let list = metrics.split(' ').map(|metric| format!("'{metric}'")).collect::<Vec<_>>().join(", ");
        assert!(printed.contains(&format!("critical: [{list}]")), "{profile}: {printed}");
    }
}
