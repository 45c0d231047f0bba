//! `score --compare`, and changed weights and bands: one history scored by several profiles.

use std::collections::BTreeMap;

use crate::support::{Cell, Folder, cells, etcd_heatmap};

/// A scored folder of the sample, which has the limits that all profiles need.
fn sample() -> (Folder, String) {
    let folder = Folder::new("compare");
    let audit = folder.at("audit");
    etcd_heatmap(&["backfill", "--quiet", "--sample", "--out", &audit]).succeeds();
    (folder, audit)
}

/// The rows of `comparison.csv` by cluster and start, each with its values by column.
fn rows(csv: &str) -> BTreeMap<(String, String), BTreeMap<String, String>> {
    let mut lines = csv.lines();
    let header: Vec<String> = lines.next().expect("a header").split(',').map(str::to_owned).collect();
    let row = |line: &str| -> BTreeMap<String, String> {
        header.iter().cloned().zip(line.split(',').map(str::to_owned)).collect()
    };
    lines.map(row).map(|row| ((row["cluster"].clone(), row["start"].clone()), row)).collect()
}

fn shade(mean: Option<f64>) -> &'static str {
    match mean {
        None => "unknown",
        Some(mean) if mean < 5.0 => "red",
        Some(mean) if mean < 9.0 => "yellow",
        Some(_) => "green",
    }
}

#[test]
fn a_comparison_has_the_same_cells_as_scoring_with_each_profile() {
    let (folder, audit) = sample();
    let flags = ["--time-zone", "Europe/Berlin", "--cell", "2h"];
    let profiles = ["seed", "etcd-faq", "mixin", "openshift", "fleet", "operator"];
    let compare = ["score", &audit, "--compare", &profiles.join(",")];
    let printed = etcd_heatmap(&[&compare[..], &flags].concat()).succeeds().stdout;
    let compared = rows(&folder.text("audit/comparison.csv"));
    let mut alone: BTreeMap<(String, String), Vec<Option<f64>>> = BTreeMap::new();
    for profile in profiles {
        let out = folder.at(profile);
        let score = ["score", "--quiet", &audit, "--profile", profile, "--out", &out];
        etcd_heatmap(&[&score[..], &flags].concat()).succeeds();
        let clusters = cells(&folder.text(&format!("{profile}/heatmap.csv")));
        for cell in clusters.into_iter().filter(|cell: &Cell| cell.member.is_none()) {
            alone.entry((cell.cluster, cell.start)).or_default().push(cell.mean);
        }
    }
    assert_eq!(compared.keys().collect::<Vec<_>>(), alone.keys().collect::<Vec<_>>());
    let mut counts: BTreeMap<(&str, &str, &str), f64> = BTreeMap::new();
    for (place, means) in &alone {
        let row = &compared[place];
        let shades: Vec<&str> = means.iter().map(|mean| shade(*mean)).collect();
        for ((profile, mean), shade) in profiles.iter().zip(means).zip(&shades) {
            assert_eq!(row[&format!("{profile}_mean")].parse().ok(), *mean, "{profile} at {place:?}");
            assert_eq!(row[&format!("{profile}_shade")], *shade, "{profile} at {place:?}");
            *counts.entry((&place.0, profile, shade)).or_default() += 2.0;
        }
        assert_eq!(row["agree"], shades.iter().all(|shade| *shade == shades[0]).to_string(), "{place:?}");
    }
    for block in printed.split("\n\n").filter(|block| block.starts_with('c')) {
        let cluster = block.split(':').next().expect("it begins with the cluster");
        for profile in profiles {
            let line = block.lines().find(|line| line.trim_start().starts_with(profile)).expect("a line a profile");
            let numbers: Vec<f64> = line.split_whitespace().skip(1).map(|n| n.parse().expect("hours")).collect();
            let expected = ["green", "yellow", "red", "unknown"]
                .map(|shade| counts.get(&(cluster, profile, shade)).copied().unwrap_or(0.0));
            assert_eq!(numbers, expected, "{cluster}, {profile}");
        }
    }
}

#[test]
fn a_changed_profile_is_compared_with_the_original() {
    let (folder, audit) = sample();
    let what_if = ["--compare", "seed", "--weight", "wal_fsync=0.6", "--band", "backend_commit=0.1:0"];
    let printed = etcd_heatmap(&[&["score", &audit], &what_if[..]].concat()).succeeds().stdout;
    assert!(printed.contains("\n  seed (changed) ") && printed.contains("\n  seed  "), "{printed}");
    assert!(
        printed.contains("2026-10-01T14:00:00Z for 3 h: seed yellow, seed (changed) red"),
        "the slow disk: {printed}"
    );
    let header = folder.text("audit/comparison.csv").lines().next().expect("a header").to_owned();
    assert!(header.contains("seed_mean") && header.contains("seed_changed_mean"), "{header}");
    let manifest = folder.text("audit/manifest.json");
    assert!(manifest.contains("comparison.csv"), "the manifest lists every file");

    etcd_heatmap(&["score", "--quiet", &audit]).succeeds();
    assert!(!folder.path().join("audit/comparison.csv").exists(), "the file of an earlier comparison is removed");
}

#[test]
fn compare_needs_two_profiles_and_suggests_a_name_for_a_typo() {
    let (_folder, audit) = sample();
    let compare = |names: &str| etcd_heatmap(&["score", &audit, "--compare", names]);
    compare("seed").fails_saying(&["at least two", "--compare seed,etcd-faq,fleet"]);
    compare("seed,seed").fails_saying(&["at least two"]);
    compare("seed,flet").fails_saying(&["flet", "did you mean 'fleet'"]);
}

#[test]
fn a_broken_day_is_reported_and_the_other_days_are_compared() {
    let (folder, audit) = sample();
    folder.write("audit/history/date=2026-10-05/readings.parquet", "not Parquet");
    let run = etcd_heatmap(&["score", "--quiet", &audit, "--compare", "seed,fleet"]);
    assert_eq!(run.code, Some(1));
    run.fails_saying(&["date=2026-10-05", "all other days are scored"]);
    let rows = rows(&folder.text("audit/comparison.csv"));
    let of_day = |date: &str| rows.values().filter(|row| row["date"] == date).collect::<Vec<_>>();
    assert!(of_day("2026-10-05").iter().all(|row| row["seed_shade"] == "unknown"));
    assert!(of_day("2026-10-06").iter().any(|row| row["seed_shade"] == "green"));
}

#[test]
fn changed_weights_and_bands_give_the_scores_of_the_oracle() {
    use crate::support::sample_is_scored_exactly;
    sample_is_scored_exactly(&["--weight", "wal_fsync=0.5"]);
    sample_is_scored_exactly(&["--weight", "wal_fsync=0.123", "--weight", "db_size=0.4", "--rollup", "mean"]);
    let bands = ["--band", "wal_fsync=0.004:7.125, 0.008:2.5", "--band", "db_size=28.5%:3, 29%:0"];
    sample_is_scored_exactly(&[&["--profile", "fleet", "--without", "leader_changes"], &bands[..]].concat());
}
