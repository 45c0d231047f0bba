//! The score of a cluster as a strip of hours under its fan: the past 48, and hatched the next 24.

use maud::{Markup, html};

use super::super::colours::class;
use super::super::page::Shown;
use crate::analysis::forecast::quantiles::MEDIAN;
use crate::analysis::forecast::result::{ClusterForecast, Forecast};
use crate::heatmap::{Cell, Totals};
use crate::outputs::report::clusters;
use crate::outputs::shared::ahead::moment;
use crate::text::palette::RED_BELOW;
use crate::text::rounding::score_text;
use crate::time::{CellWidth, HOUR_MS};

/// How many hours of the past are shown.
pub(super) const PAST: i64 = 48;
/// How many hours ahead are shown.
pub(super) const AHEAD: i64 = 24;

/// The strip; nothing without an outlook.
pub(super) fn strip(shown: Shown<'_>, forecast: &Forecast, of: &ClusterForecast) -> Markup {
    if of.hours.is_empty() {
        return html! {};
    }
    let folding = shown.manifest.folding().unwrap_or_default();
    let cells = clusters(shown.lines).find(|lines| *lines[0].cluster == *of.cluster).map(|lines| lines[0].cells());
    let cells = cells.unwrap_or_default();
    let past = (-PAST..0).map(|hour| past(&cells, forecast.origin_ms + hour * HOUR_MS, folding.width));
    let ahead = of.hours.iter().take(AHEAD as usize);
    let lowest = of.hours.iter().min_by(|a, b| a.quantiles[MEDIAN].total_cmp(&b.quantiles[MEDIAN]));
    let label = lowest.map_or_else(String::new, |hour| {
        let red = of.hours.iter().filter(|hour| hour.quantiles[MEDIAN] < RED_BELOW).count();
        format!(
            "Score by hour, the past {PAST} hours and the next {AHEAD}: median ahead at least {}, lowest at {}; red in {red} of {} hours",
            score_text(hour.quantiles[MEDIAN]),
            moment(folding.zone, hour.start_ms),
            of.hours.len()
        )
    });
    html! {
        div.hours role="img" aria-label=(label) {
            @for class in past { i class=(class) {} }
            @for hour in ahead { i class={ (class(hour.quantiles[MEDIAN])) " ahead" } {} }
        }
    }
}

/// The class of an hour of the past. A cell belongs to the hour that holds its middle; a cell wider than that is that of
/// each of its hours.
fn past(cells: &[Cell], start_ms: i64, width: CellWidth) -> String {
    let width_ms = i64::from(width.minutes()) * 60_000;
    let middle_ms = start_ms + HOUR_MS / 2;
    let is_inside = |cell: &&Cell| match width_ms > HOUR_MS {
        true => (cell.start_ms..cell.start_ms + width_ms).contains(&middle_ms),
        false => (start_ms..start_ms + HOUR_MS).contains(&(cell.start_ms + width_ms / 2)),
    };
    let from = cells.partition_point(|cell| cell.start_ms + 2 * width_ms < start_ms);
    let near = cells[from..].iter().take_while(|cell| cell.start_ms < start_ms + HOUR_MS);
    let totals = Totals::of(near.filter(is_inside));
    match totals.mean() {
        Some(mean) => class(mean),
        None if totals.expected == 0 => "none".to_owned(),
        None if totals.is_idle() => "idle".to_owned(),
        None => "unknown".to_owned(),
    }
}
