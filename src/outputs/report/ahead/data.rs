//! The hours ahead as JSON, with which the script continues the heat map of a cluster.

use serde_json::{Value, json};

use crate::analysis::forecast::quantiles::MEDIAN;
use crate::analysis::forecast::result::{ClusterForecast, Forecast, ScoreHour};
use crate::heatmap::PackedLine;
use crate::outputs::report::clusters;
use crate::outputs::shared::ahead::{EIGHTY, chance, moment};
use crate::text::html::html_script_json;
use crate::text::rounding::score_parts;
use crate::time::{CellWidth, HOUR_MS, Zone};

/// For each cluster of the page, its hours: local minutes since 1970, the median score in hundredths, and a sentence.
pub(in crate::outputs::report) fn data(lines: &[PackedLine], forecast: &Forecast, zone: Zone) -> String {
    let of = |lines: &[PackedLine]| forecast.clusters.iter().find(|of| *of.cluster == *lines[0].cluster);
    let hours = |of: Option<&ClusterForecast>| -> Vec<Value> {
        of.into_iter().flat_map(|of| &of.hours).map(|hour| hour_of(hour, zone)).collect()
    };
    let all: Vec<Vec<Value>> = clusters(lines).map(|lines| hours(of(lines))).collect();
    html_script_json(&json!(all).to_string())
}

fn hour_of(hour: &ScoreHour, zone: Zone) -> Value {
    // The last step may be a few minutes before the full hour: the middle of the hour ahead tells which hour it is.
    let local_ms = hour.start_ms + HOUR_MS / 2 + zone.offset_ms(hour.start_ms + HOUR_MS / 2);
    let minutes = local_ms.div_euclid(HOUR_MS) * i64::from(CellWidth::default().minutes());
    let hundredths = |place: usize| score_parts(hour.quantiles[place], 100);
    let text = |place: usize| format!("{:.2}", f64::from(hundredths(place)) / 100.0);
    let says = format!(
        "Forecast for {}: median {}, 80 % between {} and {}; red in {} of simulated courses",
        moment(zone, hour.start_ms),
        text(MEDIAN),
        text(EIGHTY[0]),
        text(EIGHTY[1]),
        chance(hour.red)
    );
    json!([minutes, hundredths(MEDIAN), says])
}
