//! Annotations beside findings, compared by `tests/oracle/annotations.py` with a second reading of their CSV file.

use std::path::Path;

use crate::support::{Folder, assert_same, etcd_heatmap, needed, oracle, oracle_run};

/// Annotations of the embedded sample: each form of time and field, and each kind of finding. The first planned move holds a
/// storm of leader changes without a known cause, the second one a single change, the third one a change after a restart.
const DEPLOYS: &str = "\u{feff}cluster,time,end,text,kind\r
c01,2026-10-01 14:30,,\"upgraded etcd, then\r\nrestarted \"\"the API\"\"\",deploy\r
c01,2026-10-03T14:00:00Z,2026-10-03T15:00:00Z,déplacé 🔥,\r
c01,2026-10-07 12:00,2026-10-07 13:00,rotated the leader,planned_move\r
c01,2026-10-10T21:22:00+02:00,,moved before patching,planned_move\r
c01,1791763380,,moved off 10.0.1.3,planned_move\r
,2026-10-04 15:00,2026-10-04 16:00,<script>alert(1)</script>,defragmentation\r
c02,2026-10-02 16:48,,'=cmd(),other\r
c02,2026-10-06,2026-10-06,at midnight,defragmentation\r
c01,2026-10-09 10:00,,one,\r
c01,2026-10-09 11:00,,two,\r
c01,2026-10-09 12:00,,three,\r
c01,2026-10-09 13:00,2026-10-10 13:00,four,\r
,,,,\r
c03,2026-10-07 15:20,,defragmented,defragmentation\r
c03,2026-10-20,,after the history,\r
";

/// The scored sample with the annotations, and `plain.csv`, its findings without them.
fn noted(file: &str, flags: &[&str]) -> Folder {
    let folder = Folder::new("annotations");
    etcd_heatmap(&[&["backfill", "--quiet", "--sample", "--out", &folder.at("audit")][..], flags].concat()).succeeds();
    std::fs::copy(folder.at("audit/findings.csv"), folder.at("plain.csv")).expect("files of our own");
    let file = folder.write("deploys.csv", file);
    let score = ["score", "--quiet", &folder.at("audit"), "--annotations", &file];
    etcd_heatmap(&[&score[..], flags].concat()).succeeds();
    folder
}

#[test]
fn findings_and_problems_mention_the_annotations_that_they_overlap() {
    let folder = noted(DEPLOYS, &[]);
    let arguments = ["audit", "deploys.csv", "plain.csv"].map(|name| folder.at(name));
    oracle("annotations.py", &arguments.each_ref().map(String::as_str));
    let changes =
        etcd_heatmap(&["findings", &folder.at("audit"), "--csv", "--kind", "leader_change"]).succeeds().stdout;
    let planned = changes.lines().filter(|row| row.contains(",planned_move,")).count();
    assert_eq!(planned, 2, "{changes}");
    let restarted = changes.lines().find(|row| row.contains(",restart,")).expect("a measured cause stays");
    assert!(restarted.contains("a planned move was noted: \"\"moved off 10.0.1.3\"\""), "{restarted}");
    let short = etcd_heatmap(&["findings", &folder.at("audit")]).succeeds().stdout;
    let nights = "\n    noted: \"upgraded etcd, then restarted \"the API\"\" (2026-10-01 at 14:30) and 3 more, at 4 of 14 incidents\n";
    assert!(short.contains(nights), "{short}");
    let storm = "\n    noted: \"rotated the leader\" (2026-10-07 at 12:00 to 13:00)\n";
    assert!(short.contains(storm), "{short}");
}

#[test]
fn times_without_an_offset_are_those_of_the_zone_of_the_scores() {
    let folder = noted(DEPLOYS, &["--time-zone", "America/New_York"]);
    let arguments = ["audit", "deploys.csv", "plain.csv"].map(|name| folder.at(name));
    oracle(
        "annotations.py",
        &[&arguments.each_ref().map(String::as_str)[..], &["--zone", "America/New_York"]].concat(),
    );
}

#[test]
fn the_oracle_sees_an_annotation_at_another_time() {
    let folder = noted(DEPLOYS, &[]);
    folder.write("deploys.csv", DEPLOYS.replace("2026-10-01 14:30", "2026-10-05 14:30"));
    let arguments = ["audit", "deploys.csv", "plain.csv"].map(|name| folder.at(name));
    assert_eq!(oracle_run("annotations.py", &arguments.each_ref().map(String::as_str)).code, Some(1));
}

#[test]
fn a_folder_keeps_its_annotations_for_later_runs() {
    let folder = noted(DEPLOYS, &[]);
    let audit = folder.at("audit");
    let before = folder.tree("audit");
    std::fs::remove_file(folder.at("deploys.csv")).expect("a file of our own");
    // Without the flag, everything is written again as it was, and findings are the same.
    etcd_heatmap(&["score", "--quiet", &audit]).succeeds();
    assert_same(&before, &folder.tree("audit"));
    assert_eq!(etcd_heatmap(&["findings", &audit, "--csv"]).succeeds().stdout, folder.text("audit/findings.csv"));
    etcd_heatmap(&["score", "--quiet", &audit, "--out", &folder.at("other")]).succeeds();
    assert_eq!(folder.text("other/findings.csv"), folder.text("audit/findings.csv"));
    assert_eq!(folder.text("other/annotations.csv"), folder.text("audit/annotations.csv"));
    // The flag of `findings` replaces them for once.
    let other = folder.write("other.csv", "time,cluster,text\n2026-10-02T07:00:00Z,c01,cable pulled\n");
    let once = etcd_heatmap(&["findings", &audit, "--csv", "--annotations", &other]).succeeds().stdout;
    assert!(once.contains("noted: \"\"cable pulled\"\"") && !once.contains("rotated"), "{once}");
    // Without the file, there are none.
    std::fs::remove_file(folder.at("audit/annotations.csv")).expect("a file of our own");
    assert_eq!(etcd_heatmap(&["findings", &audit, "--csv"]).succeeds().stdout, folder.text("plain.csv"));
    etcd_heatmap(&["score", "--quiet", &audit]).succeeds();
    assert!(!Path::new(&folder.at("audit/annotations.csv")).exists());
    assert!(!folder.text("audit/manifest.json").contains("annotations"));
}

#[test]
fn a_settings_file_can_name_the_annotations() {
    let folder = Folder::new("annotations-setting");
    let csv = folder.write("deploys.csv", DEPLOYS);
    let toml = folder.write("settings.toml", format!("[score]\nannotations = \"{csv}\"\n"));
    etcd_heatmap(&["backfill", "--quiet", "--sample", "--out", &folder.at("audit"), "--config", &toml]).succeeds();
    assert!(folder.text("audit/findings.csv").contains("rotated the leader"));
    let shown = etcd_heatmap(&["config", "show", "--config", &toml]).succeeds().stdout;
    assert!(shown.contains(&format!("annotations = \"{csv}\"")), "{shown}");
}

#[test]
fn a_cluster_that_the_history_does_not_have_is_noted_and_its_annotations_are_kept() {
    let folder = Folder::new("annotations-unknown");
    let csv =
        folder.write("deploys.csv", "time,cluster,text\n2026-10-01,c001,a\n2026-10-02,edge,b\n2026-10-03,edge,c\n");
    let run = ["backfill", "--sample", "--out", &folder.at("audit"), "--annotations", &csv];
    let stderr = etcd_heatmap(&run).succeeds().stderr;
    let note = "deploys.csv has annotations of 2 clusters that this history does not have: c001 in line 2 (did you mean 'c01'?), edge in line 3\n";
    assert!(stderr.contains(note), "{stderr}");
    assert_eq!(folder.text("audit/annotations.csv").lines().count(), 4);
    let again = etcd_heatmap(&["score", &folder.at("audit")]).succeeds().stderr;
    assert!(!again.contains("deploys.csv"), "{again}");
    assert!(!folder.text("audit/report.html").contains("id=\"annotations\""), "no cluster of the page has any");
}

#[test]
fn a_faulty_file_stops_a_run_before_anything_is_written() {
    let folder = Folder::new("annotations-faulty");
    let csv = folder.write("deploys.csv", "time,cluster,text\n2026-10-01,c01,a\nsoon,c01,b\n");
    let backfill = ["backfill", "--sample", "--out", &folder.at("audit"), "--annotations", &csv];
    let run = etcd_heatmap(&backfill);
    run.fails_saying(&["deploys.csv, line 3: time 'soon' is not a time"]);
    assert_eq!(folder.tree("audit").len(), 0);
    etcd_heatmap(&backfill[..4]).succeeds();
    let before = folder.tree("audit");
    etcd_heatmap(&["score", &folder.at("audit"), "--annotations", &csv]).fails_saying(&["deploys.csv, line 3"]);
    etcd_heatmap(&["score", &folder.at("audit"), "--annotations", &folder.at("none.csv")])
        .fails_saying(&["cannot read", "none.csv"]);
    assert_same(&before, &folder.tree("audit"));
}

#[test]
fn the_report_shows_annotations_as_text_and_refuses_their_markup() {
    let folder = noted(DEPLOYS, &[]);
    let page = folder.text("audit/report.html");
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && !page.contains("<script>alert(1)"));
    assert!(page.contains("Noted: “") || page.contains("Noted: \"") || page.contains("Noted: &quot;"));
    needed("chromium", "chromium");
    for check in ["annotations", "events", "problems", "readings", "axe"] {
        oracle("report_page.py", &[&folder.at("audit"), check]);
    }
}

#[test]
fn a_page_without_annotations_has_nothing_of_them() {
    let folder = noted("time,cluster,text\n2026-10-20,c01,after the history\n", &[]);
    let page = folder.text("audit/report.html");
    let plain = Folder::new("annotations-none");
    etcd_heatmap(&["backfill", "--quiet", "--sample", "--out", &plain.at("audit")]).succeeds();
    let scripts = |page: &str| page.matches("<script").count();
    assert_eq!(scripts(&page), scripts(&plain.text("audit/report.html")));
    assert!(
        !page.contains("markNotes") && page.contains("1 of <bdi>deploys.csv</bdi>"),
        "only the method names the file"
    );
}

#[test]
fn no_annotation_becomes_a_formula_in_a_spreadsheet() {
    let folder = noted(DEPLOYS, &[]);
    // These oracles refuse any field that starts like a formula.
    oracle("problems.py", &[&folder.at("audit")]);
    oracle("spreadsheet.py", &[&folder.at("audit")]);
    assert!(
        folder.text("audit/evidence.csv").contains(",annotation,'=cmd(),"),
        "{}",
        folder.text("audit/evidence.csv")
    );
    assert!(folder.text("audit/annotations.csv").contains(",c02,other,'=cmd()\n"));
}
