//! `report.html` in a headless Chromium. These tests create the folders; `tests/oracle/report_page.py` compares the
//! page with the other files of the folder.

use crate::support::{
    Asked, Folder, HOUR, Metrics, START, autumn, escaped, etcd_heatmap, needed, oracle, prometheus_of,
    sample_is_scored_exactly, spring,
};

const BERLIN: [&str; 2] = ["--time-zone", "Europe/Berlin"];

/// Opens the report of `folder/audit` and compares it with the other files of the folder.
#[track_caller]
fn is_looked_at(folder: &Folder, check: &str) {
    needed("chromium", "chromium");
    oracle("report_page.py", &[&folder.at("audit"), check]);
}

#[test]
fn the_report_shows_every_cell_at_its_day_and_hour() {
    is_looked_at(&sample_is_scored_exactly(&[]), "cells");
}

#[test]
fn the_report_handles_days_of_23_and_25_hours_and_all_cell_widths() {
    for history in [spring(), autumn()] {
        for width in ["15m", "1h", "2h"] {
            is_looked_at(&history.is_scored_exactly(&[&BERLIN[..], &["--cell", width]].concat()), "cells");
        }
    }
    // Clocks go back by half an hour there, so a repeated time lies within one cell.
    is_looked_at(&spring().is_scored_exactly(&["--time-zone", "Australia/Lord_Howe"]), "cells");
}

#[test]
fn a_cell_shortened_by_a_clock_change_shows_its_real_end() {
    for history in [spring(), autumn()] {
        is_looked_at(&history.is_scored_exactly(&[&BERLIN[..], &["--cell", "2h"]].concat()), "times");
    }
}

#[test]
fn cells_open_their_details_by_mouse_and_by_keyboard() {
    is_looked_at(&sample_is_scored_exactly(&[]), "use");
}

#[test]
fn palettes_and_themes_can_be_chosen_and_all_text_has_enough_contrast() {
    is_looked_at(&sample_is_scored_exactly(&[]), "colours");
}

#[test]
fn the_report_loads_nothing_and_refuses_injected_scripts() {
    is_looked_at(&sample_is_scored_exactly(&[]), "policy");
}

#[test]
fn the_verdict_has_the_figures_of_the_other_files() {
    is_looked_at(&sample_is_scored_exactly(&[]), "verdict");
}

#[test]
fn every_problem_has_a_card_that_is_shown_or_folded() {
    is_looked_at(&sample_is_scored_exactly(&[]), "problems");
}

#[test]
fn the_table_of_clusters_counts_low_hours_instead_of_showing_means() {
    is_looked_at(&sample_is_scored_exactly(&[]), "clusters");
}

#[test]
fn the_charts_have_the_readings_of_the_history() {
    is_looked_at(&sample_is_scored_exactly(&[]), "readings");
}

#[test]
fn evidence_of_a_real_fault_has_charts_below_those_of_the_metrics() {
    let folder = Folder::new("report-evidence");
    let (data, out) = (format!("{}/tests/lab/data", env!("CARGO_MANIFEST_DIR")), folder.at("audit"));
    let backfill = ["backfill", "--quiet", "--from", &data, "--step", "15s", "--evidence", "all", "--out", &out];
    etcd_heatmap(&backfill).succeeds();
    is_looked_at(&folder, "readings");
}

#[test]
fn every_finding_is_listed_with_its_cluster() {
    is_looked_at(&sample_is_scored_exactly(&[]), "events");
}

#[test]
fn the_report_fits_a_desktop_and_a_phone_and_a_reload_opens_the_same_cell() {
    is_looked_at(&sample_is_scored_exactly(&[]), "places");
}

#[test]
fn axe_finds_no_violation_in_any_theme_or_palette() {
    is_looked_at(&sample_is_scored_exactly(&[]), "axe");
}

#[test]
fn without_scripts_the_report_shows_plain_tables() {
    is_looked_at(&sample_is_scored_exactly(&[]), "plain");
    is_looked_at(&autumn().is_scored_exactly(&BERLIN), "plain");
}

#[test]
fn the_report_has_the_same_bytes_for_the_same_cells() {
    let folder = sample_is_scored_exactly(&[]);
    let first = folder.text("audit/report.html");
    etcd_heatmap(&["score", "--quiet", &folder.at("audit")]).succeeds();
    assert!(first == folder.text("audit/report.html"));
}

#[test]
fn the_next_24_hours_are_those_of_the_forecast() {
    let folder = sample_is_scored_exactly(&[]);
    let before = folder.text("audit/report.html");
    // A made-up forecast from the end of the sample: one cluster becomes red, one is unknown, the others are quiet.
    let made = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/behaviour/forecast/sample.json");
    std::fs::copy(made, folder.at("audit/forecast.json")).expect("the file is committed");
    etcd_heatmap(&["score", "--quiet", &folder.at("audit")]).succeeds();
    for check in ["ahead", "cells", "events", "problems", "places", "colours", "axe"] {
        is_looked_at(&folder, check);
    }
    std::fs::remove_file(folder.at("audit/forecast.json")).expect("score keeps the forecast");
    etcd_heatmap(&["score", "--quiet", &folder.at("audit")]).succeeds();
    assert!(before == folder.text("audit/report.html"), "a page without a forecast has nothing of it");
}

/// Names that could act as markup, scripts or control sequences, and a very long one.
const NAMES: [&str; 7] = [
    "=cmd()",
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script><!--",
    "\"><img src=x onerror=alert(1)>",
    "two\nlines",
    "\u{202e}drawkcab\u{200f}",
    "emoji 👩\u{200d}🚒 🔥",
];

#[test]
fn hostile_names_are_harmless_and_legible_in_the_report() {
    let mut metrics = Metrics::every(300);
    let names: Vec<String> = NAMES.iter().map(|name| (*name).to_owned()).chain(["n".repeat(300)]).collect();
    for (place, cluster) in names.iter().enumerate() {
        for further in [1, 4] {
            let [cluster, member] = [cluster, &names[(place + further) % names.len()]].map(|name| escaped(name));
            let labels = format!(r#"cluster="{cluster}",job="etcd",instance="{member}""#);
            // An hour of a slow disk is an incident, whose text contains the name of the cluster.
            let slow = |t: i64| further == 1 && (START + 2 * HOUR..START + 3 * HOUR).contains(&t);
            metrics.member_with_slow_disk(&labels, START - HOUR..START + 6 * HOUR, slow);
        }
    }
    let prometheus = prometheus_of(&metrics.text());
    let folder = Folder::new("report-hostile");
    let asked = Asked { step: 300, ..Asked::all(&prometheus, START, START + 5 * HOUR) };
    asked.run("backfill", &folder).succeeds();
    is_looked_at(&folder, "cells");
    is_looked_at(&folder, "labels");
    is_looked_at(&folder, "problems");
    is_looked_at(&folder, "events");
}
