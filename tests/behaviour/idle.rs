//! Members without a WAL fsync or backend commit have no p99 and no score. They are idle, not missing: they were
//! scraped.

use std::sync::OnceLock;

use crate::support::{
    Asked, BINARY, Cell, Folder, HOUR, Prometheus, Server, case, cells, etcd_cluster, etcd_heatmap, holds, needed, now,
    oracle, put, until,
};

/// 2026-11-20, the start of the histories of `cases/histories.py`.
const START: i64 = 1_795_132_800;

/// The day of the case `idle`, pulled and scored with every output in `folder/audit`, and compared with the oracles.
fn day() -> &'static Folder {
    static SHARED: OnceLock<Folder> = OnceLock::new();
    SHARED.get_or_init(|| {
        let folder = Folder::new("idle");
        Asked::all(&case("idle"), START, START + 24 * HOUR).is_answered_exactly(&folder);
        folder
    })
}

/// The history of [`day`], scored with these flags in `folder/audit` of its own, and compared with the oracle.
fn scored(flags: &[&str]) -> Folder {
    let folder = Folder::new("idle-scored");
    for file in ["manifest.json", "history/date=2026-11-20/readings.parquet"] {
        let target = folder.path().join("audit").join(file);
        std::fs::create_dir_all(target.parent().expect("a path below the folder")).expect("a folder of our own");
        std::fs::copy(day().path().join("audit").join(file), target).expect("it was pulled");
    }
    let audit = folder.at("audit");
    etcd_heatmap(&[&["score", "--quiet", &audit], flags].concat()).succeeds();
    oracle("score.py", &[&[audit.as_str(), "--step", "60"], flags].concat());
    folder
}

fn cell(folder: &Folder, cluster: &str, member: Option<&str>, hour: u32) -> Cell {
    let of_hour = |cell: &Cell| cell.cluster == cluster && cell.member.as_deref() == member && cell.hour == hour;
    let found = cells(&folder.text("audit/heatmap.csv")).into_iter().find(of_hour);
    found.unwrap_or_else(|| panic!("{cluster} {member:?} has no cell at {hour}:00"))
}

/// Scored, idle and missing steps of a cell.
fn steps(folder: &Folder, cluster: &str, member: Option<&str>, hour: u32) -> (u32, u32, u32) {
    let Cell { scored, idle, expected, .. } = cell(folder, cluster, member, hour);
    (scored, idle, expected - scored - idle)
}

#[test]
fn steps_without_a_fsync_or_commit_are_idle_and_not_missing() {
    let folder = day();
    for member in [None, Some("quiet-1"), Some("quiet-3")] {
        assert_eq!(steps(folder, "quiet", member, 5), (60, 0, 0), "{member:?}");
        // The counters stand still from 06:00, and the last increase leaves the window of five minutes at 06:04 (or a
        // minute earlier, where windows are open on the left).
        let (scored, idle, missing) = steps(folder, "quiet", member, 6);
        assert!((3..=4).contains(&scored) && scored + idle == 60 && missing == 0, "{scored} {idle} {missing}");
        for hour in 7..18 {
            assert_eq!(steps(folder, "quiet", member, hour), (0, 60, 0), "{member:?} at {hour}:00");
        }
        assert_eq!(steps(folder, "quiet", member, 18), (60, 0, 0), "{member:?}");
    }
    let quiet = cell(folder, "quiet", None, 12);
    assert_eq!((quiet.mean, quiet.uncertain, &*quiet.worst_metric), (None, true, ""), "idle is never healthy");
}

#[test]
fn a_cluster_that_is_idle_at_night_has_scores_by_day() {
    let folder = day();
    // At 00:00 a rate has a single sample, so there is no p99, and nothing shows that the member was idle.
    assert_eq!(steps(folder, "nights", None, 0), (0, 59, 1));
    assert_eq!(steps(folder, "nights", None, 4), (0, 60, 0));
    assert_eq!(steps(folder, "nights", None, 5), (60, 0, 0));
    assert_eq!(steps(folder, "nights", None, 23), (60, 0, 0));
}

#[test]
fn an_idle_follower_leaves_its_cluster_without_a_score_unless_a_quorum_decides() {
    let folder = day();
    assert_eq!(steps(folder, "follower", Some("follower-3"), 12), (0, 60, 0));
    assert_eq!(steps(folder, "follower", Some("follower-1"), 12), (60, 0, 0));
    assert_eq!(steps(folder, "follower", None, 12), (0, 60, 0));
    for (rollup, expected) in [("mean", (0, 60, 0)), ("quorum", (60, 0, 0))] {
        let folder = scored(&["--rollup", rollup]);
        assert_eq!(steps(&folder, "follower", None, 12), expected, "{rollup}");
        // Two scores of three are a majority: 10 and 7, because the first member's disk is slow.
        assert_eq!(cell(&folder, "follower", None, 12).mean, (rollup == "quorum").then_some(7.0));
    }
}

#[test]
fn a_missing_metric_or_member_beside_an_idle_one_is_missing() {
    let folder = day();
    // The first member has no fsync from 06:00 to 12:00, and no open_fds from 08:00 to 10:00.
    assert_eq!(steps(folder, "mixed", Some("mixed-1"), 7), (0, 60, 0));
    assert_eq!(steps(folder, "mixed", Some("mixed-1"), 9), (0, 0, 60));
    assert_eq!(steps(folder, "mixed", None, 9), (0, 0, 60));
    assert_eq!(steps(folder, "mixed", Some("mixed-1"), 11), (0, 60, 0));
    // Prometheus repeats the last sample of a gauge for five minutes.
    let (scored, idle, missing) = steps(folder, "mixed", Some("mixed-1"), 8);
    assert!(scored == 0 && (4..=5).contains(&idle) && missing == 60 - idle, "{scored} {idle} {missing}");
    // The third member is away from 10:00 to 14:00, and the other two are idle all the time.
    assert_eq!(steps(folder, "gone", Some("gone-1"), 12), (0, 60, 0));
    assert_eq!(steps(folder, "gone", Some("gone-3"), 12), (0, 0, 60));
    assert_eq!(steps(folder, "gone", None, 12), (0, 0, 60), "one missing member is enough");
    assert_eq!(steps(folder, "gone", None, 8), (0, 60, 0));
}

#[test]
fn a_metric_that_is_left_out_may_be_idle() {
    let folder = scored(&["--without", "wal_fsync"]);
    assert_eq!(steps(&folder, "mixed", Some("mixed-1"), 7), (60, 0, 0), "its commits go on");
    assert_eq!(steps(&folder, "quiet", None, 12), (0, 60, 0), "no commit either");
    let folder = scored(&["--without", "wal_fsync", "--without", "backend_commit"]);
    assert_eq!(steps(&folder, "quiet", None, 12), (60, 0, 0));
}

#[test]
fn idle_cells_have_their_own_look_in_every_output() {
    let (folder, drawn) = (day(), Folder::new("idle-drawn"));
    let (audit, svg, png) = (folder.at("audit"), drawn.at("picture.svg"), drawn.at("picture.png"));
    etcd_heatmap(&["show", &audit, "--svg", &svg, "--png", &png, "--members"]).succeeds();
    let csv = folder.at("audit/heatmap.csv");
    oracle("picture.py", &[svg.as_str(), &csv, "--png", &png, "--cell", "60", "--members"]);
    for palette in ["true", "256", "none"] {
        oracle("terminal.py", &[BINARY, &audit, "--width", "100", "--palette", palette]);
    }
    oracle("spreadsheet.py", &[&audit]);
    needed("chromium", "chromium");
    for check in ["cells", "colours"] {
        oracle("report_page.py", &[&audit, check]);
    }
    let why = "no WAL fsync or no backend commit, so no p99 and no score; this does not mean healthy";
    let shown = etcd_heatmap(&["show", &audit, "--cluster", "quiet"]).succeeds().stdout;
    assert!(shown.contains(why) && shown.contains("  idle --"), "{shown}");
    let row = shown.lines().find(|line| line.starts_with("2026-11-20")).unwrap_or_default();
    assert_eq!(row.matches("--").count(), 11, "{shown}");
    for file in ["heatmap.svg", "report.html"] {
        assert!(folder.text(&format!("audit/{file}")).contains(why), "{file} explains idle cells");
    }
}

#[test]
fn outputs_without_idle_cells_do_not_mention_them() {
    let folder = Folder::new("never-idle");
    let audit = folder.at("audit");
    let run = etcd_heatmap(&["backfill", "--sample", "--out", &audit]).succeeds();
    let shown = etcd_heatmap(&["show", &audit]).succeeds().stdout;
    for text in [run.stdout, shown] {
        assert!(!["idle:", "% idle", "  idle "].iter().any(|words| text.contains(words)), "{text}");
    }
    assert!(!folder.text("audit/heatmap.svg").contains("#idle"), "no entry in the legend");
    assert!(!folder.text("audit/report.html").contains("swatch idle"), "no entry in the legend");
}

#[test]
fn explain_and_the_gate_report_idle_steps_with_the_reason() {
    let audit = day().at("audit");
    let explain = |cluster: &str, at: &str| {
        etcd_heatmap(&["explain", &audit, "--cluster", cluster, "--at", at]).succeeds().stdout
    };
    let quiet = explain("quiet", "2026-11-20T12:00:00Z");
    for part in [
        "0 of 60 steps scored, 60 idle",
        "idle: no WAL fsync or no backend commit, so no p99 and no score; this does not mean healthy",
        "idle at 60 (no WAL fsync in the rate window, so no p99)",
        "idle at 60 (no backend commit in the rate window, so no p99)",
    ] {
        assert!(quiet.contains(part), "no {part:?}:\n{quiet}");
    }
    let mixed = explain("mixed", "2026-11-20T07:00:00Z");
    let first = mixed.split("\nmember ").nth(1).unwrap_or_default();
    assert!(first.starts_with("mixed-1: 0 of 60 steps scored, 60 idle"), "{mixed}");
    assert!(!mixed.contains("no backend commit in the rate window"), "only fsyncs are idle:\n{mixed}");
    let missing = explain("mixed", "2026-11-20T09:00:00Z");
    assert!(missing.contains("no step scored, so there is no sum"), "open_fds is missing:\n{missing}");

    let folder = Folder::new("idle-gate");
    let gated = etcd_heatmap(&["score", &audit, "--out", &folder.at("audit"), "--fail-below", "5"]);
    assert_eq!(gated.code, Some(3), "{}", gated.stderr);
    let line = gated.stderr.lines().find(|line| line.contains("follower")).unwrap_or_default();
    assert!(
        line.contains("% of the steps: follower (91.") && line.contains("% idle: no WAL fsync"),
        "{}",
        gated.stderr
    );
    assert!(gated.stdout.contains("% idle"), "the summary of a cluster counts idle steps:\n{}", gated.stdout);
}

#[test]
fn findings_do_not_take_an_idle_member_for_one_that_is_away() {
    let found = day().text("audit/findings.csv");
    let away: Vec<&str> = found.lines().filter(|line| line.contains("sent no metrics")).collect();
    assert_eq!(away.len(), 1, "{found}");
    assert!(away[0].contains("gone-3 of gone sent no metrics for 3 h"), "{}", away[0]);
}

#[test]
fn the_same_history_is_scored_alike_by_five_engines_and_the_notebook() {
    let folder = Folder::new("idle-engines");
    let audit = day().at("audit");
    let [rules, sql] = ["rules", "sql"]
        .map(|command| folder.write(&format!("seed.{command}"), etcd_heatmap(&[command]).succeeds().stdout));
    oracle("engines.py", &[&audit, "--step", "60", "--rules", &rules, "--sql", &sql]);
    oracle("notebook.py", &[&audit]);
}

#[test]
fn live_members_without_writes_are_idle_until_something_is_written() {
    let folder = Folder::new("idle-etcd");
    let members = etcd_cluster(&folder);
    let prometheus = Prometheus::start(Folder::new("idle-prometheus"), |_| scrape_config(&members));
    // NaN is the only value that differs from itself.
    let quantile = "histogram_quantile(0.99, rate(etcd_disk_wal_fsync_duration_seconds_bucket[5m]))";
    // An evaluation looks at most 15 seconds back.
    until("twenty seconds in which the p99 of three members is NaN", || {
        let nan = format!("count(count_over_time((({quantile}) != ({quantile}))[20s:1s]) >= 20) == 3");
        holds(&prometheus, &nan).then_some(())
    });
    let begin = now() - 10;
    let text = etcd_heatmap(&["textfile", "--url", &prometheus.url(), "--query-offset", "0s"]).succeeds();
    let unknown = |line: &&str| line.starts_with("etcd_score_unknown{") && line.ends_with(" 1");
    assert_eq!(text.stdout.lines().filter(unknown).count(), 3, "{}", text.stdout);
    assert!(!text.stderr.contains("has no series of wal_fsync"), "it has series: {}", text.stderr);
    until("three members whose p99 is a number", || {
        put(&members[0])?;
        holds(&prometheus, &format!("count(({quantile}) > 0) == 3")).then_some(())
    });
    std::thread::sleep(std::time::Duration::from_secs(8));

    let asked = Asked { step: 1, selector: Some(r#"job="etcd""#), ..Asked::all(&prometheus, begin, now() - 2) };
    asked.is_answered_exactly(&folder);
    let cells = cells(&folder.text("audit/heatmap.csv"));
    let sum = |count: fn(&Cell) -> u32| cells.iter().filter(|cell| cell.member.is_some()).map(count).sum::<u32>();
    assert!(sum(|cell| cell.idle) > 0 && sum(|cell| cell.scored) > 0, "{cells:?}");
    assert_eq!(sum(|cell| cell.expected - cell.scored - cell.idle), 0, "nothing is missing: {cells:?}");
}

fn scrape_config(members: &[Server]) -> String {
    let targets: Vec<_> = members.iter().map(|member| format!("\"127.0.0.1:{}\"", member.port())).collect();
    let targets = targets.join(", ");
    format!(
        "global: {{scrape_interval: 1s}}\nscrape_configs:\n\
         - {{job_name: etcd, static_configs: [{{targets: [{targets}]}}]}}\n"
    )
}
