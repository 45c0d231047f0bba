//! Encodes the cells that are embedded in the page: columns of small whole numbers, compressed, one block per cluster.
//! `store.js` decodes them and must match.

use std::io::Write;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use serde_json::{Value, json};

use super::{clusters, events, facts, method, readings};
use crate::analysis::cell_readings::ReadingCells;
use crate::analysis::findings::Findings;
use crate::folder::Manifest;
use crate::heatmap::{Cell, PackedLine, WHY_IDLE};
use crate::spec::Metric;
use crate::text::html::{html_script_json, html_text};
use crate::text::rounding::{loss_parts, score_parts};

/// The data that the script needs about all clusters, as JSON that is safe in a `script` element.
pub(super) fn index(
    manifest: &Manifest,
    lines: &[PackedLine],
    findings: &Findings,
    read: &ReadingCells,
    open: &[usize],
) -> String {
    let folding = manifest.folding().unwrap_or_default();
    let names = |lines: &[PackedLine]| -> Value {
        let members: Vec<String> = lines.iter().filter_map(|line| line.member.as_deref().map(html_text)).collect();
        json!({ "name": html_text(&lines[0].cluster), "members": members })
    };
    let metrics = Metric::ALL.map(|metric| {
        json!({
            "name": metric.name(),
            "title": metric.title(),
            "unit": readings::unit(metric),
            "thresholds": readings::thresholds(manifest, metric),
            "ofLimit": readings::of_limit(manifest, metric),
            "judged": method::judged(manifest, metric),
        })
    });
    let index = json!({
        "zone": folding.zone.to_string(),
        "minutes": folding.width.minutes(),
        "minCoverage": manifest.min_coverage.unwrap_or_default(),
        "metrics": metrics,
        "evidence": readings::evidence(read),
        "whyIdle": WHY_IDLE,
        "clusters": clusters(lines).map(names).collect::<Vec<_>>(),
        "kinds": events::nouns(findings),
        "rules": facts::rules(findings),
        "open": open,
    });
    html_script_json(&index.to_string())
}

/// The encoded cells of a cluster and its members, and the cluster's readings.
pub(super) fn block(manifest: &Manifest, lines: &[PackedLine], read: &ReadingCells) -> String {
    let mut deflated = ZlibEncoder::new(Vec::new(), Compression::new(9));
    let mut bytes = Vec::new();
    for line in lines {
        bytes.clear();
        put_line(&mut bytes, &line.cells());
        deflated.write_all(&bytes).expect("a vector takes all");
    }
    bytes.clear();
    let (evidence, of_cluster): (Vec<_>, _) = (read.evidence().collect(), read.cluster(&lines[0].cluster));
    readings::put_readings(&mut bytes, manifest, &lines[0].cells(), &evidence, of_cluster.as_ref());
    deflated.write_all(&bytes).expect("a vector takes all");
    BASE64_STANDARD.encode(deflated.finish().expect("a vector takes all"))
}

/// Text as compressed data.
pub(super) fn packed(text: &str) -> String {
    let mut deflated = ZlibEncoder::new(Vec::new(), Compression::new(9));
    deflated.write_all(text.as_bytes()).expect("a vector takes all");
    BASE64_STANDARD.encode(deflated.finish().expect("a vector takes all"))
}

/// Writes the number of cells, then each column as variable-length numbers.
fn put_line(bytes: &mut Vec<u8>, cells: &[Cell]) {
    put(bytes, cells.len() as u64);
    put_changes(bytes, cells, |cell| cell.start_ms / 1000);
    put_changes(bytes, cells, |cell| {
        cell.date.start_ms() / 60_000 + i64::from(cell.hour) * 60 + i64::from(cell.minute)
    });
    put_changes(bytes, cells, |cell| i64::from(cell.offset_minutes));
    let columns: [fn(&Cell) -> u64; 8] = [
        |cell| cell.expected.into(),
        |cell| cell.expected.saturating_sub(cell.scored).into(),
        |cell| u64::from(cell.uncertain) + 2 * cell.worst.map_or(0, |metric| metric.index() as u64 + 1),
        |cell| cell.after_restart.map_or(0, |steps| u64::from(steps) + 1),
        |cell| cell.partial.into(),
        |cell| cell.min.map_or(0, |min| u64::from(score_parts(min, 100)) + 1),
        short_of_the_mean,
        |cell| cell.idle.into(),
    ];
    for column in columns {
        cells.iter().for_each(|cell| put(bytes, column(cell)));
    }
    for metric in Metric::ALL {
        cells.iter().for_each(|cell| put(bytes, losses(cell)[metric.index()]));
    }
}

/// Losses by metric in hundredths of a point, rounded up, so that a small loss is not shown as 0.
fn losses(cell: &Cell) -> [u64; Metric::ALL.len()] {
    cell.losses.unwrap_or_default().map(|loss| loss_parts(loss, 100))
}

/// The mean (rounded down) plus all losses (rounded up) minus 10, in hundredths of a point. The page computes the
/// mean from this value, which is close to 0 and so compresses better.
fn short_of_the_mean(cell: &Cell) -> u64 {
    let mean = u64::from(score_parts(cell.mean.unwrap_or_default(), 100));
    (mean + losses(cell).iter().sum::<u64>()).saturating_sub(1000)
}

/// Writes a column as zigzag-encoded differences between consecutive cells. The differences of times are nearly
/// always equal, so they compress well.
fn put_changes(bytes: &mut Vec<u8>, cells: &[Cell], value: impl Fn(&Cell) -> i64) {
    let mut before = 0;
    for cell in cells {
        let change = value(cell) - before;
        put(bytes, ((change << 1) ^ (change >> 63)) as u64);
        before += change;
    }
}

/// Writes a variable-length number: seven bits per byte, least significant first.
pub(super) fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}
