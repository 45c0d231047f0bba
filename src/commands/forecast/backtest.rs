//! The two tables of a backtest: how every model did on every series, and what every forecast of red said and what came.

use std::fmt::Write;
use std::path::Path;

use crate::analysis::forecast::backtest::model_days;
use crate::analysis::forecast::forecaster::Forecasted;
use crate::analysis::forecast::panel::Panel;
use crate::analysis::forecast::result::HORIZON_HOURS;
use crate::files::{FileError, WholeFile};
use crate::text::csv::csv_field;
use crate::time::{UtcDay, format_instant};

pub(super) const MODELS_CSV: &str = "backtest-models.csv";
pub(super) const BREACHES_CSV: &str = "backtest-breaches.csv";

/// The buckets of leads, in hours.
const BUCKETS: [&str; 3] = ["0-1", "1-6", "6-24"];

/// Writes both tables.
pub(super) fn write(folder: &Path, panel: &Panel, forecasted: &Forecasted) -> Result<(), FileError> {
    WholeFile::write(&folder.join(MODELS_CSV), models(panel, forecasted).as_bytes())?;
    WholeFile::write(&folder.join(BREACHES_CSV), breaches(panel, forecasted).as_bytes())?;
    Ok(())
}

/// One row for each series, model, bucket of leads and UTC day of origins.
fn models(panel: &Panel, forecasted: &Forecasted) -> String {
    let mut text = "cluster,member,metric,model,hours,day,origins,crps,outcomes,within_80,within_95\n".to_owned();
    for ((member, metric), found) in &forecasted.series {
        let Ok(found) = found else { continue };
        let member = &panel.members[*member].member;
        for day in model_days(found) {
            let _ = writeln!(
                text,
                "{},{},{metric},{},{},{},{},{},{},{},{}",
                csv_field(&member.cluster),
                csv_field(&member.member),
                day.model,
                BUCKETS[day.bucket],
                UtcDay::of(day.day_ms),
                day.origins,
                day.crps,
                day.outcomes,
                day.within_80,
                day.within_95
            );
        }
    }
    text
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
                    csv_field(&scores.cluster),
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
