//! The forecast of each metric of each member, as lines of text.

use std::fmt::Write;

use super::rows::model;
use crate::analysis::findings::{duration, reading};
use crate::analysis::forecast::quantiles::{INTERVALS, MEDIAN};
use crate::analysis::forecast::result::{FanPoint, Forecast, MetricForecast};
use crate::outputs::shared::ahead::between;
use crate::spec::Metric;
use crate::text::terminal::{terminal_label, terminal_line};

/// A line for each metric: the last reading, the median and the 80 % interval at the end of each bucket of leads, and the
/// models.
pub(super) fn lines(forecast: &Forecast) -> Vec<String> {
    let mut lines = Vec::new();
    if !forecast.metrics.is_empty() {
        lines.push("metrics (median, and the interval that 80 % of readings are in):".to_owned());
    }
    lines.extend(forecast.metrics.iter().map(|of| line(of, forecast)));
    lines
}

fn line(of: &MetricForecast, forecast: &Forecast) -> String {
    let (cluster, member) = (terminal_label(&of.cluster), terminal_label(&of.member));
    let mut line = format!("{cluster}: {} of {member}: ", of.metric.title());
    match of.now {
        Some(now) => line.push_str(&format!("now {}", reading(of.metric, now))),
        None => line.push_str("no reading in the last hour"),
    }
    match &of.fan {
        Err(reason) => {
            let _ = write!(line, ";  no forecast ({})", terminal_line(reason));
        }
        Ok(fan) => ends(fan, forecast).into_iter().for_each(|point| {
            let lead = duration(forecast.lead_ms(point));
            let model = model(&of.models[forecast.bucket(point)]).map(|model| format!(", {}", terminal_line(&model)));
            let _ = write!(line, ";  in {lead} {}{}", expected(of.metric, point), model.unwrap_or_default());
        }),
    }
    line
}

/// The last point of each bucket of leads that has any.
fn ends<'a>(fan: &'a [FanPoint], forecast: &Forecast) -> Vec<&'a FanPoint> {
    fan.chunk_by(|a, b| forecast.bucket(a) == forecast.bucket(b)).filter_map(|of_bucket| of_bucket.last()).collect()
}

/// The median and the 80 % interval; of percentiles, the buckets of etcd's histogram that they are in.
fn expected(metric: Metric, point: &FanPoint) -> String {
    let [low, high] = INTERVALS[0].map(|place| point.quantiles[place]);
    let median = point.quantiles[MEDIAN];
    format!("{} ({})", between(metric, median, median), between(metric, low, high))
}
