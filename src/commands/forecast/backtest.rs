//! The two tables of a backtest: how every model did on every series, and what every forecast of red said and what came.

use std::fmt::Write;
use std::path::Path;

use crate::analysis::forecast::forecaster::Forecasted;
use crate::analysis::forecast::member_metric::SeriesForecast;
use crate::analysis::forecast::panel::Panel;
use crate::analysis::forecast::quantiles::{INTERVALS, LEVELS};
use crate::analysis::forecast::result::HORIZON_HOURS;
use crate::analysis::forecast::walk::Track;
use crate::files::{FileError, WholeFile};
use crate::time::format_instant;

pub(super) const MODELS_CSV: &str = "backtest-models.csv";
pub(super) const BREACHES_CSV: &str = "backtest-breaches.csv";

/// Writes both tables.
pub(super) fn write(folder: &Path, panel: &Panel, forecasted: &Forecasted) -> Result<(), FileError> {
    WholeFile::write(&folder.join(MODELS_CSV), models(panel, forecasted).as_bytes())?;
    WholeFile::write(&folder.join(BREACHES_CSV), breaches(panel, forecasted).as_bytes())?;
    Ok(())
}

/// One row for each series, model, bucket of leads and UTC day of origins.
fn models(panel: &Panel, forecasted: &Forecasted) -> String {
    let mut text = "cluster,member,metric,model,hours,day,origins,crps,within_80,within_95,outcomes\n".to_owned();
    for ((member, metric), found) in &forecasted.series {
        let Ok(found) = found else { continue };
        let member = &panel.members[*member].member;
        for track in &found.tracks {
            add_rows(&mut text, panel, &format!("{},{},{metric},{}", member.cluster, member.member, track.name), found, track);
        }
    }
    text
}

fn add_rows(text: &mut String, panel: &Panel, labels: &str, found: &SeriesForecast, track: &Track) {
    let day = 24 * panel.hour();
    for (bucket, hours) in ["0-1", "1-6", "6-24"].into_iter().enumerate() {
        let mut rows: Vec<(usize, f64, f64, [f64; 3])> = Vec::new();
        for (origin, scores) in track.scores.iter().enumerate().filter(|(_, scores)| !scores[bucket].is_nan()) {
            let end = forecasted_end(origin, panel);
            if rows.last().is_none_or(|row| row.0 != end / day) {
                rows.push((end / day, 0.0, 0.0, [0.0; 3]));
            }
            let Some(row) = rows.last_mut() else { continue };
            (row.1, row.2) = (row.1 + 1.0, row.2 + scores[bucket]);
            for (lead, quantiles) in track.quantiles[origin].iter().flat_map(|q| q.0.iter().enumerate()) {
                if found.leads.bucket(lead) == bucket {
                    count(&mut row.3, quantiles, found.series.values.get(end + found.leads.steps()[lead] - 1));
                }
            }
        }
        for (day_index, origins, sum, [outcomes, within_80, within_95]) in rows {
            let date = crate::time::UtcDay::of(panel.at_ms(day_index * day));
            let _ = writeln!(
                text,
                "{labels},{hours},{date},{origins},{},{},{},{outcomes}",
                sum / origins,
                within_80 / outcomes,
                within_95 / outcomes
            );
        }
    }
}

/// The number of known slots at an origin: every hour after the first day, and the end of the panel.
fn forecasted_end(origin: usize, panel: &Panel) -> usize {
    ((24 + origin) * panel.hour()).min(panel.len)
}

fn count([outcomes, within_80, within_95]: &mut [f64; 3], quantiles: &[f64; LEVELS.len()], outcome: Option<&f64>) {
    let Some(outcome) = outcome.filter(|outcome| !outcome.is_nan()) else { return };
    *outcomes += 1.0;
    for (within, [low, high]) in [within_80, within_95].into_iter().zip(INTERVALS) {
        *within += f64::from(u8::from((quantiles[low]..=quantiles[high]).contains(outcome)));
    }
}

/// One row for each cluster, origin and horizon with a probability and a known outcome.
fn breaches(panel: &Panel, forecasted: &Forecasted) -> String {
    let mut text = "cluster,origin,horizon_hours,probability,conditional_rate,usual_rate,courses,red_now,became_red\n".to_owned();
    let Forecasted { clusters, breaches, .. } = forecasted;
    for (index, (cluster, scores)) in clusters.iter().zip(&panel.clusters).enumerate() {
        for (origin, probabilities) in breaches.probabilities[index].iter().enumerate() {
            let Some(probabilities) = probabilities else { continue };
            for (horizon, hours) in HORIZON_HOURS.into_iter().enumerate() {
                let (Some(happened), Some(raw)) = (cluster.outcomes[origin][horizon], cluster.raw[origin]) else { continue };
                let _ = writeln!(
                    text,
                    "{},{},{hours},{},{},{},{},{},{}",
                    scores.cluster,
                    format_instant(panel.at_ms(cluster.origins[origin])),
                    probabilities[horizon],
                    breaches.conditional[index][origin][horizon],
                    breaches.usual[index][origin][horizon],
                    raw[horizon],
                    u8::from(cluster.now[origin] == Some(true)),
                    u8::from(happened)
                );
            }
        }
    }
    text
}
