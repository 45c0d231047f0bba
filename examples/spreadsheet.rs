//! Writes heatmap.xlsx and heatmap_wide.csv into an output folder that was scored:
//! `spreadsheet DIR [--year]`. With `--year` the cells are not the folder's, but made up: a year of 20
//! clusters with three members each.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use etcd_heatmap::export::{Manifest, read_cells, write_wide_csv, write_workbook};
use etcd_heatmap::findings::{Cause, Finding, Kind};
use etcd_heatmap::heatmap::{Cell, Line};
use etcd_heatmap::spec::Metric;
use etcd_heatmap::time::{HOUR_MS, UtcDay, format_instant};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let out = Path::new(arguments.first().ok_or("name the output folder")?);
    let mut manifest = Manifest::read(out).ok_or("no manifest")?;
    let lines = match arguments.iter().any(|argument| argument == "--year") {
        true => {
            (manifest.time_zone, manifest.cell) = (Some("UTC".to_owned()), Some("1h".to_owned()));
            year()
        }
        false => read_cells(out)?,
    };
    let found = findings(&lines);
    std::fs::write(out.join("findings.csv"), as_csv(&found))?;
    let begun = Instant::now();
    let workbook = write_workbook(out, &manifest, &lines, &found)?;
    let by_workbook = begun.elapsed();
    let csv = write_wide_csv(out, &manifest, &lines)?;
    let by_csv = begun.elapsed() - by_workbook;
    println!("{} {} cells {} bytes {by_workbook:.2?}", workbook.path, workbook.rows, workbook.stat.bytes);
    println!("{} {} rows {} bytes {by_csv:.2?}", csv.path, csv.rows, csv.stat.bytes);
    Ok(())
}

/// One finding of each kind and cluster, which say nothing true.
fn findings(lines: &[Line]) -> Vec<Finding> {
    let clusters = lines.iter().filter(|line| line.member.is_none() && !line.cells.is_empty());
    let kinds = [Kind::Incident, Kind::LeaderChange, Kind::Growth];
    clusters
        .enumerate()
        .flat_map(|(index, line)| kinds.map(|kind| (index, line, kind)))
        .map(|(index, line, kind)| Finding {
            kind,
            cluster: line.cluster.to_string(),
            members: vec![line.cluster.to_string(), "=1+1".to_owned()],
            start_ms: line.cells[0].start_ms,
            end_ms: line.cells[0].start_ms + 3 * HOUR_MS / 2,
            lowest: Some(2.5),
            lost: Some(40.0 - index as f64),
            metric: Some(Metric::WalFsync),
            first: Some(Metric::BackendCommit),
            cause: (kind == Kind::LeaderChange).then_some(Cause::SlowDisk),
            confidence: (kind != Kind::Incident).then_some(0.75),
            rank: (kind == Kind::Incident).then_some(index + 1),
            says: format!("=HYPERLINK(\"http://example.invalid\") of {}", line.cluster),
            rule: "made up",
            evidence: vec![
                ("p99 of the WAL fsync".to_owned(), "0.512 s".to_owned()),
                ("-x".to_owned(), "1".to_owned()),
            ],
        })
        .collect()
}

/// The columns that the second opinion compares; an apostrophe before a text is not part of it.
fn as_csv(findings: &[Finding]) -> String {
    let mut text = "rank,kind,cluster,members,start,end,lowest_score,lost_points_hours,metric,first_metric,cause,\
                    confidence,says,rule,evidence\n"
        .to_owned();
    for f in findings {
        let number = |value: Option<f64>| value.map_or(String::new(), |v| v.to_string());
        let metric = |metric: Option<Metric>| metric.map_or(String::new(), |m| m.to_string());
        let evidence: Vec<_> = f.evidence.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let fields = [
            f.rank.map_or(String::new(), |rank| rank.to_string()),
            f.kind.name().to_owned(),
            format!("'{}", f.cluster),
            format!("'{}", f.members.join("; ")),
            format_instant(f.start_ms),
            format_instant(f.end_ms),
            number(f.lowest),
            number(f.lost),
            metric(f.metric),
            metric(f.first),
            f.cause.map_or(String::new(), |cause| cause.name().to_owned()),
            number(f.confidence),
            format!("'{}", f.says),
            f.rule.to_owned(),
            format!("'{}", evidence.join("; ")),
        ];
        let quoted = fields.map(|field| format!("\"{}\"", field.replace('"', "\"\"")));
        text += &(quoted.join(",") + "\n");
    }
    text
}

fn year() -> Vec<Line> {
    let first = UtcDay::of(1_767_225_600_000);
    (0..80)
        .map(|index| Line {
            cluster: Arc::from(format!("cluster-{:02}", index / 4)),
            member: (index % 4 > 0).then(|| Arc::from(format!("member-{}", index % 4))),
            cells: (0..8760).map(|hour| cell(first, index, hour)).collect(),
        })
        .collect()
}

fn cell(first: UtcDay, line: i64, hour: i64) -> Cell {
    let start_ms = first.start_ms() + hour * HOUR_MS;
    let mixed = (hour * 7919 + line * 104_729).wrapping_mul(2_654_435_761) % 1_000_003;
    let mean = 10.0 - (mixed.unsigned_abs() as f64 / 1_000_003.0).powi(6) * 9.0;
    let known = mixed % 50 != 0;
    Cell {
        start_ms,
        date: UtcDay::of(start_ms),
        hour: (hour % 24) as u8,
        minute: 0,
        offset_minutes: 0,
        mean: known.then_some(mean),
        min: known.then_some((mean - 1.0).max(0.0)),
        scored: if known { 60 } else { 0 },
        expected: 60,
        uncertain: !known,
        after_restart: None,
        partial: 0,
        worst: None,
        losses: known.then_some([10.0 - mean, 0.0, 0.0, 0.0, 0.0, 0.0]),
    }
}
