//! Encodes the readings of a cluster's cells: median, maximum, and the member with the maximum where it costs points; of
//! evidence, where it is above 0.
//! `readings.js` decodes them and must match.

use super::data::put;
use serde_json::{Value, json};

use crate::analysis::cell_readings::{ClusterReadings, ReadingCells, Spread, title_of_evidence};
use crate::analysis::findings::threshold;
use crate::folder::Manifest;
use crate::heatmap::Cell;
use crate::spec::{Column, Companion, Metric, Unit};

/// Codes a decade: numbers from 100 to 999, times a power of ten.
const A_DECADE: u64 = 900;
/// The power of ten of the first decade: the smallest number that has a code is 0.0000001 (100 × 10^-9).
const FIRST_POWER: i32 = -9;

/// The unit of a column, by which the page writes its readings.
pub(super) fn unit(column: impl Into<Column>) -> &'static str {
    match column.into().unit() {
        Unit::Seconds => "s",
        Unit::Count | Unit::Instant => "",
        Unit::Flag => "flag",
        Unit::Version => "version",
        Unit::Share => "share",
        Unit::PerSecond => "/s",
        Unit::Bytes => "B",
        Unit::BytesPerSecond => "B/s",
    }
}

/// The readings above which a metric loses points, ascending; empty if thresholds are shares of a limit.
pub(super) fn thresholds(manifest: &Manifest, metric: Metric) -> Vec<f64> {
    let profile = manifest.profile().filter(|profile| profile.counts(metric));
    let bands = profile.map(|profile| profile.rule(metric).bands.clone()).filter(|bands| !bands.of_limit);
    let mut above: Vec<f64> = bands.map(|bands| bands.list.iter().map(|band| band.above).collect()).unwrap_or_default();
    above.sort_by(f64::total_cmp);
    above
}

/// The threshold in words if it is a share of a limit: `80 % of its quota`.
pub(super) fn of_limit(manifest: &Manifest, metric: Metric) -> Option<String> {
    let profile = manifest.profile().filter(|profile| profile.limit(metric).is_some())?;
    threshold(&profile, metric)
}

/// What the page knows of the evidence in the cells, in their order: name, title and unit.
pub(super) fn evidence(cells: &ReadingCells) -> Vec<Value> {
    let one = |companion: Companion| {
        let title = title_of_evidence(companion).unwrap_or(companion.name());
        json!({ "name": companion.name(), "title": title, "unit": unit(companion), "thresholds": [] })
    };
    cells.evidence().map(one).collect()
}

/// Writes three columns for each metric, and for each evidence, with one number for each of these cells: the codes of the median and the
/// maximum, and the index of the member plus 1.
pub(super) fn put_readings(
    bytes: &mut Vec<u8>,
    manifest: &Manifest,
    cells: &[Cell],
    evidence: &[Companion],
    of_cluster: Option<&ClusterReadings>,
) {
    let mut by_cell = vec![None; cells.len()];
    for (found, start_ms) in of_cluster.into_iter().flat_map(|of| of.starts().iter().enumerate()) {
        if let Ok(place) = cells.binary_search_by_key(start_ms, |cell| cell.start_ms) {
            by_cell[place] = Some(found);
        }
    }
    let evidence = evidence.iter().copied().map(Column::Companion);
    for (index, column) in Metric::ALL.into_iter().map(Column::Metric).chain(evidence).enumerate() {
        let spread = |cell: &Option<usize>| of_cluster.zip(*cell).and_then(|(of, cell)| of.spread(index, cell));
        let spreads: Vec<Option<Spread>> = by_cell.iter().map(spread).collect();
        let above = match column {
            Column::Metric(metric) => thresholds(manifest, metric),
            Column::Companion(_) => Vec::new(),
        };
        // Counts are exact.
        let is_count = matches!(column.unit(), Unit::Count | Unit::Flag);
        let of = |value: f32, digits, round: fn(f64) -> f64| match is_count {
            true => value.ceil().max(0.0) as u64 + 1,
            false => code(value, &above, digits, round),
        };
        spreads.iter().for_each(|s| put(bytes, s.map_or(0, |s| of(s.p50, 2, f64::round))));
        spreads.iter().for_each(|s| put(bytes, s.map_or(0, |s| of(s.max, 3, up))));
        let is_high = |s: &Spread| match column {
            Column::Metric(_) => above.first().is_some_and(|above| s.max > *above as f32),
            Column::Companion(_) => s.max > 0.0,
        };
        spreads.iter().for_each(|s| put(bytes, s.filter(is_high).map_or(0, |s| u64::from(s.member) + 1)));
    }
}

/// Rounds up; the slack keeps 10 × 1.001 from becoming 10.02.
fn up(value: f64) -> f64 {
    (value - 1e-4).ceil()
}

/// The code of a reading: 0 is kept for none, 1 is zero, and the others count numbers with `digits` significant
/// digits (more where that would move the reading over a threshold, or below one that it exceeds).
fn code(value: f32, above: &[f64], digits: i32, round: fn(f64) -> f64) -> u64 {
    if value <= 0.0 {
        return 1;
    }
    let exceeded = |value: f32| above.iter().filter(|above| value > **above as f32).count();
    let candidates = [(digits, round), (digits, f64::floor as fn(f64) -> f64), (3, up), (3, f64::floor)];
    let coded = candidates.map(|(digits, round)| nearest(f64::from(value), digits, round));
    let right = coded.into_iter().find(|(_, shown)| exceeded(*shown as f32) == exceeded(value));
    right.unwrap_or(coded[0]).0
}

/// The code of a number rounded to significant digits, and the number that it stands for.
fn nearest(value: f64, digits: i32, round: fn(f64) -> f64) -> (u64, f64) {
    let power = (value.log10() + 1e-9).floor() as i32 - 2;
    let coarse = 10_f64.powi(3 - digits);
    let scaled = if power < 0 { value * 10_f64.powi(-power) } else { value / 10_f64.powi(power) };
    let mantissa = (round(scaled / coarse) * coarse).clamp(100.0, 1000.0);
    let decades = u64::try_from(power - FIRST_POWER).unwrap_or(0);
    let shown = if power < 0 { mantissa / 10_f64.powi(-power) } else { mantissa * 10_f64.powi(power) };
    (2 + decades * A_DECADE + mantissa as u64 - 100, shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the page makes of a code.
    fn decoded(code: u64) -> f64 {
        let (decade, rest) = ((code - 2) / A_DECADE, (code - 2) % A_DECADE);
        (rest + 100) as f64 * 10_f64.powi(decade as i32 + FIRST_POWER)
    }

    #[test]
    fn a_maximum_stays_on_its_side_of_every_threshold() {
        let near = |value: f32, above: &[f64], expected: f64| {
            let found = decoded(code(value, above, 3, up));
            assert!((found / expected - 1.0).abs() < 1e-9, "{value}: {found} instead of {expected}");
        };
        near(0.01, &[0.01], 0.01);
        near(0.010_000_1, &[0.01], 0.0101);
        near(0.038_23, &[0.01], 0.0383);
        near(1021.0, &[1024.0], 1020.0);
        near(1025.0, &[1024.0], 1030.0);
        near(0.999_9, &[], 1.0);
        near(8_589_934_592.0, &[], 8_590_000_000.0);
        assert_eq!(code(0.0, &[], 3, up), 1);
    }
}
