//! `report.html` in a headless Chromium. Whether it shows what heatmap.csv and findings.csv say is worked out in
//! `tests/oracle/report_page.py`; these tests make the folders.

use crate::support::{
    Asked, Folder, HOUR, Metrics, START, autumn, escaped, etcd_heatmap, needed, oracle, prometheus_of,
    sample_is_scored_exactly, spring,
};

const BERLIN: [&str; 2] = ["--time-zone", "Europe/Berlin"];

/// Opens the report of `folder/audit` and holds it to the files beside it.
#[track_caller]
fn is_looked_at(folder: &Folder, check: &str) {
    needed("chromium", "chromium");
    oracle("report_page.py", &[&folder.at("audit"), check]);
}

#[test]
fn every_cell_of_every_line_stands_at_its_day_and_hour() {
    is_looked_at(&sample_is_scored_exactly(&[]), "cells");
}

#[test]
fn days_of_23_and_25_hours_and_cells_of_every_width_have_their_places() {
    for history in [spring(), autumn()] {
        for width in ["15m", "1h", "2h"] {
            is_looked_at(&history.is_scored_exactly(&[&BERLIN[..], &["--cell", width]].concat()), "cells");
        }
    }
    // Half an hour comes twice there, within one cell.
    is_looked_at(&spring().is_scored_exactly(&["--time-zone", "Australia/Lord_Howe"]), "cells");
}

#[test]
fn a_cell_that_a_clock_change_cuts_short_says_when_it_really_ends() {
    for history in [spring(), autumn()] {
        is_looked_at(&history.is_scored_exactly(&[&BERLIN[..], &["--cell", "2h"]].concat()), "times");
    }
}

#[test]
fn a_click_opens_what_a_cell_is_made_of_and_the_keyboard_does_all_that_the_mouse_does() {
    is_looked_at(&sample_is_scored_exactly(&[]), "use");
}

#[test]
fn both_palettes_and_themes_are_chosen_by_their_controls_and_every_text_can_be_read() {
    is_looked_at(&sample_is_scored_exactly(&[]), "colours");
}

#[test]
fn nothing_is_asked_for_and_an_injected_script_is_refused() {
    is_looked_at(&sample_is_scored_exactly(&[]), "policy");
}

#[test]
fn incidents_stand_in_the_order_of_their_ranks_and_no_finding_is_left_out() {
    is_looked_at(&sample_is_scored_exactly(&[]), "findings");
}

#[test]
fn without_a_script_there_are_tables() {
    is_looked_at(&sample_is_scored_exactly(&[]), "plain");
    is_looked_at(&autumn().is_scored_exactly(&BERLIN), "plain");
}

#[test]
fn the_same_cells_give_the_same_bytes() {
    let folder = sample_is_scored_exactly(&[]);
    let first = folder.text("audit/report.html");
    etcd_heatmap(&["score", "--quiet", &folder.at("audit")]).succeeds();
    assert!(first == folder.text("audit/report.html"));
}

/// Names that would do something somewhere, and one that is merely long.
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
fn hostile_names_are_harmless_and_legible() {
    let mut metrics = Metrics::every(300);
    let names: Vec<String> = NAMES.iter().map(|name| (*name).to_owned()).chain(["n".repeat(300)]).collect();
    for (place, cluster) in names.iter().enumerate() {
        for further in [1, 4] {
            let [cluster, member] = [cluster, &names[(place + further) % names.len()]].map(|name| escaped(name));
            let labels = format!(r#"cluster="{cluster}",job="etcd",instance="{member}""#);
            // A disk that is slow for an hour makes a finding that names the cluster.
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
    is_looked_at(&folder, "findings");
}
