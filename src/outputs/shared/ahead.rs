//! A forecast in words, for pages: probabilities beside the usual rate, likely times, readings, dates of limits, and how
//! good such forecasts were.

mod bucket;
mod limits;
mod trust;
mod words;

pub(in crate::outputs) use bucket::Bucket;
pub(in crate::outputs) use limits::{LimitLine, limits};
pub(in crate::outputs) use trust::{brier, coverage, crps, judgment, warnings};
pub(in crate::outputs) use words::{Clock, and, counted, names, percent};

use crate::analysis::findings::reading;
use crate::analysis::forecast::quantiles::{INTERVALS, LEVELS, MEDIAN};
use crate::analysis::forecast::result::{
    Blame, ClusterForecast, FanPoint, FirstHour, Forecast, MetricForecast, Outlook,
};
use crate::spec::{Metric, Unit};
use crate::time::{HOUR_MS, Zone};

/// The index of the 6-hour outlook, by which clusters are sorted.
const SORTED_BY: usize = 1;
/// A cluster is quiet if no probability reaches this: one chance in ten.
const QUIET_BELOW: f64 = 0.1;
/// How many clusters a page shows before it folds quiet ones.
const OPEN: usize = 6;

/// The clusters of a forecast in the order of a page.
#[derive(Debug)]
pub(in crate::outputs) struct Ordered<'a> {
    /// Those that are shown: likely ones first, then those without an outlook.
    pub(in crate::outputs) open: Vec<&'a ClusterForecast>,
    /// Those that are folded.
    pub(in crate::outputs) folded: Vec<&'a ClusterForecast>,
}

impl<'a> Ordered<'a> {
    /// Sorts by the probability within 6 hours. Clusters without an outlook come before quiet ones, because what is
    /// unknown is not healthy. With many clusters, quiet ones are folded, and so are all beyond twice [`OPEN`].
    pub(in crate::outputs) fn of(forecast: &'a Forecast) -> Self {
        let mut all: Vec<&ClusterForecast> = forecast.clusters.iter().collect();
        let chance =
            |of: &ClusterForecast| of.outlooks.as_ref().map_or(0.0, |outlooks| outlooks[SORTED_BY].probability);
        all.sort_by(|a, b| tier(a).cmp(&tier(b)).then_with(|| chance(b).total_cmp(&chance(a))));
        let loud = all.iter().filter(|of| tier(of) != Tier::Quiet).count();
        let folded = if all.len() <= OPEN { Vec::new() } else { all.split_off(loud.clamp(1, 2 * OPEN)) };
        Self { open: all, folded }
    }

    /// How many of the folded clusters are quiet.
    pub(in crate::outputs) fn quiet(&self) -> usize {
        self.folded.iter().filter(|of| tier(of) == Tier::Quiet).count()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Tier {
    Likely,
    Unknown,
    Quiet,
}

fn tier(of: &ClusterForecast) -> Tier {
    match &of.outlooks {
        Err(_) => Tier::Unknown,
        Ok(outlooks) if outlooks.iter().any(|outlook| outlook.probability >= QUIET_BELOW) => Tier::Likely,
        Ok(_) => Tier::Quiet,
    }
}

/// A probability or a rate in whole percent. It is never shown as 0 or 100 %, which would be certain.
pub(in crate::outputs) fn chance(probability: f64) -> String {
    percent(probability.clamp(f64::EPSILON, 1.0 - f64::EPSILON))
}

/// [`chance`] for a narrow place: `< 1 %`.
pub(in crate::outputs) fn chance_short(probability: f64) -> String {
    chance(probability).replace("under ", "< ").replace("over ", "> ")
}

/// `usually 4 %, now 61 %`.
pub(in crate::outputs) fn usually(outlook: &Outlook) -> String {
    format!("usually {}, now {}", chance(outlook.usual), chance(outlook.probability))
}

/// The outlook that a page puts first: the shortest that is a warning, else that of 6 hours.
pub(in crate::outputs) fn headline(outlooks: &[Outlook; 3], warns_from: f64) -> &Outlook {
    outlooks.iter().find(|outlook| outlook.probability >= warns_from).unwrap_or(&outlooks[SORTED_BY])
}

/// The outlook whose first hour and cause a page shows: the one that it puts first, or else the longest, which has them
/// soonest.
pub(in crate::outputs) fn detailed<'a>(of: &'a ClusterForecast, forecast: &Forecast) -> Option<&'a Outlook> {
    let outlooks = of.outlooks.as_ref().ok()?;
    let first = headline(outlooks, forecast.trust.warns_from);
    let has_details = first.first.is_some() && first.blame.is_some();
    Some(if has_details { first } else { &outlooks[outlooks.len() - 1] })
}

/// A local time such as `Oct 7 12:00`.
pub(in crate::outputs) fn moment(zone: Zone, ms: i64) -> String {
    Clock { zone, origin_ms: ms }.instant(ms)
}

/// The local time of day: `12:00`.
pub(in crate::outputs) fn clock(zone: Zone, ms: i64) -> String {
    zone.format(ms).get(11..16).unwrap_or_default().to_owned()
}

/// The local date: `2026-10-19`.
pub(in crate::outputs) fn date(zone: Zone, ms: i64) -> String {
    zone.format(ms).chars().take("2026-10-19".len()).collect()
}

/// `Oct 7 15:00, with 80 % between 13:00 and Oct 8 02:00`.
pub(in crate::outputs) fn first_hour(first: FirstHour, zone: Zone) -> String {
    let FirstHour { earliest_ms, median_ms, latest_ms } = first;
    let clock = Clock { zone, origin_ms: median_ms };
    let median = clock.instant(median_ms);
    if earliest_ms == latest_ms {
        return median;
    }
    let [earliest, latest] = [earliest_ms, latest_ms].map(|ms| clock.beside(ms, median_ms));
    format!("{median}, with 80 % between {earliest} and {latest}")
}

/// A range of readings: `8 to 16 ms`. A p99 of a latency is interpolated inside a bucket of etcd's histogram, so the ends
/// are those of buckets.
pub(in crate::outputs) fn between(metric: Metric, low: f64, high: f64) -> String {
    if metric.unit() != Unit::Seconds {
        return joined(&reading(metric, low.max(0.0)), &reading(metric, high.max(0.0)));
    }
    let text = |seconds: f64| reading(metric, seconds);
    match (Bucket::of(low).low, Bucket::of(high).high) {
        (lower, None) => format!("{} or more", text(lower)),
        (lower, Some(upper)) if lower <= 0.0 => format!("at most {}", text(upper)),
        (lower, Some(upper)) => joined(&text(lower), &text(upper)),
    }
}

/// Two readings with their unit once if it is the same: `2 to 5 ms`.
fn joined(low: &str, high: &str) -> String {
    match (low.split_once(' '), high.split_once(' ')) {
        _ if low == high => low.to_owned(),
        (Some((number, unit)), Some((_, same))) if unit == same => format!("{number} to {high}"),
        _ => format!("{low} to {high}"),
    }
}

/// The forecast of a member's metric.
pub(in crate::outputs) fn metric_of<'a>(
    forecast: &'a Forecast,
    cluster: &str,
    blame: &Blame,
) -> Option<&'a MetricForecast> {
    let is_it = |of: &&MetricForecast| of.cluster == cluster && of.member == blame.member && of.metric == blame.metric;
    forecast.metrics.iter().find(is_it)
}

/// The points of a fan that can be drawn: their 95 % interval is finite.
pub(in crate::outputs) fn finite(fan: &[FanPoint]) -> impl Iterator<Item = &FanPoint> {
    let [low, high] = INTERVALS[1];
    fan.iter().filter(move |point| point.quantiles[low..=high].iter().all(|value| value.is_finite()))
}

/// The point of a fan that is nearest to an instant.
pub(in crate::outputs) fn at(fan: &[FanPoint], ms: i64) -> Option<&FanPoint> {
    finite(fan).min_by_key(|point| (point.at_ms - ms).abs())
}

/// What is expected of a metric: `8 to 16 ms at Oct 7 15:00 (80 % between 4 and 32 ms)`, at the likely start of the first
/// red hour or 6 hours after the origin.
pub(in crate::outputs) fn expected(
    of: &MetricForecast,
    outlook: &Outlook,
    origin_ms: i64,
    zone: Zone,
) -> Option<String> {
    let fan = of.fan.as_ref().ok()?;
    let wanted_ms = outlook.first.map_or(origin_ms + 6 * HOUR_MS, |first| first.median_ms);
    let point = at(fan, wanted_ms)?;
    let [low, high] = INTERVALS[0].map(|place| point.quantiles[place]);
    let median = between(of.metric, point.quantiles[MEDIAN], point.quantiles[MEDIAN]);
    let interval = between(of.metric, low, high);
    let when = moment(zone, point.at_ms);
    let now = of.now.map(|now| format!("now {}, ", between(of.metric, now, now))).unwrap_or_default();
    Some(format!("{now}{median} expected at {when} (80 % interval: {interval})"))
}

/// The range of a score ahead at one of [`INTERVALS`], as places in [`LEVELS`].
pub(in crate::outputs) const EIGHTY: [usize; 2] = INTERVALS[0];
/// The places in [`LEVELS`] of the ends of the 50 % interval.
pub(in crate::outputs) const FIFTY: [usize; 2] = [6, 16];
const _: () = assert!(LEVELS[FIFTY[0]] == 0.25 && LEVELS[FIFTY[1]] == 0.75);

#[cfg(test)]
pub(in crate::outputs) mod made;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests;
