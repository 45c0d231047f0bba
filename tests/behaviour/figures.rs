//! One cell in all outputs: the same rounding, and the same main cause if two metrics lose equal points.

use crate::support::{Asked, Folder, HOUR, METRICS, Metrics, START, etcd_heatmap, oracle, prometheus_of};

/// Four hours at 30 s, of which two steps are one point worse: in the first two hours too many open files, in the
/// others a slow commit. By hand, in cells of two hours: each has a mean of 10 - 1/240 = 9.99583 and all of them
/// 10 - 2/480, and both metrics cost one point, of which backend_commit is the first of the specification.
fn hardly_worse() -> Folder {
    let mut metrics = Metrics::every(30);
    for metric in METRICS {
        metrics.recorded(metric, r#"cluster="c",job="etcd",instance="m""#, START..START + 4 * HOUR, |t| match metric {
            "open_fds" if t == START + 600 => 2000.0,
            "backend_commit" if t == START + 3 * HOUR => 0.03,
            _ => 0.002,
        });
    }
    let prometheus = prometheus_of(&metrics.text());
    let folder = Folder::new("figures");
    let asked = Asked { step: 30, recorded: METRICS.to_vec(), ..Asked::all(&prometheus, START, START + 4 * HOUR) };
    asked.is_answered_exactly(&folder);
    folder
}

#[test]
fn all_outputs_round_alike_and_break_ties_alike() {
    let folder = hardly_worse();
    let (audit, svg) = (folder.at("audit"), folder.at("c.svg"));
    let gated = etcd_heatmap(&["score", &audit, "--cell", "2h", "--fail-below", "10"]);
    let summary = "c: mean 9.99, lowest 9, 100 % of steps scored, main cause backend_commit";
    assert!(gated.stdout.contains(summary), "{}", gated.stdout);
    let low: Vec<&str> = gated.stderr.lines().filter(|line| line.starts_with("  2026")).collect();
    let [first, second] =
        ["T00:00:00Z c: mean 9.99, main cause open_fds", "T02:00:00Z c: mean 9.99, main cause backend_commit"];
    assert!(low[0].ends_with(first) && low[1].ends_with(second), "{low:?}");

    let shown = etcd_heatmap(&["show", &audit, "--svg", &svg, "--cluster", "c"]).succeeds();
    assert!(etcd_heatmap(&["show", &audit]).succeeds().stdout.contains(summary), "{shown:?}");
    assert!(folder.text("c.svg").contains(summary.trim_start_matches("c: ")), "the drawing has the same summary");
    let csv = folder.text("audit/heatmap_wide.csv");
    let row = csv.lines().find(|line| line.starts_with("c,,")).unwrap_or_default();
    assert!(row.contains(",24,9.99,9.99,,"), "{row}");
    let report = folder.text("audit/report.html");
    let figures = "mean 9.99, lowest 9.00, 100.0 % of steps scored";
    assert!(report.contains(figures), "the report has the same figures");
    let explained =
        etcd_heatmap(&["explain", &audit, "--cluster", "c", "--at", "2026-10-01T00:10:00Z"]).succeeds().stdout;
    assert!(explained.contains(": mean 9.99, lowest 9, 240 of 240 steps scored"), "{explained}");
    assert!(explained.contains("10 - 0.01 open_fds = 9.99"), "{explained}");
    let compared = etcd_heatmap(&["diff", &audit, "--at", "2026-10-01T02:00:00Z"]).succeeds().stdout;
    assert!(compared.contains("  9.99   9.99  +0.00"), "{compared}");
    assert!(compared.contains(" -0.01   0.00  +0.00"), "{compared}");
    // The oracle reads the workbook and the wide CSV with other programs.
    oracle("spreadsheet.py", &[&audit]);
}
