//! The fan: the readings of the past 48 hours as solid lines, and the forecast of the next 24 as intervals around a dashed
//! median.
//!
//! The past is that of the cluster: highest and median of all members by cell, as in the charts. The forecast is that of the
//! member and metric to blame, or of the reading that comes nearest to its threshold.

use std::fmt::Write;

use maud::{Markup, html};

use super::super::page::Shown;
use super::super::readings;
use super::hours::{AHEAD, PAST};
use super::scale::{HEIGHT, Scale};
use crate::analysis::forecast::quantiles::{INTERVALS, MEDIAN};
use crate::analysis::forecast::result::{ClusterForecast, FanPoint, Forecast, Limit, MetricForecast};
use crate::outputs::shared::ahead::{EIGHTY, FIFTY, at, between, clock, detailed, finite, metric_of, moment};
use crate::spec::Metric;
use crate::text::html::html_text;
use crate::time::{HOUR_MS, Zone};

/// The width of the drawing; the page stretches it.
const WIDTH: f64 = 720.0;
/// Pixels above the plot, and from its lower edge to the base of the labels below it.
const ABOVE: f64 = 6.0;
const TO_LABELS: f64 = 15.0;
/// Thresholds whose lines are closer than this, in pixels, share a label.
const LABEL: f64 = 11.0;
/// The intervals that are drawn, the widest first, with their classes.
const BANDS: [([usize; 2], &str); 3] = [(INTERVALS[1], "band95"), (EIGHTY, "band80"), (FIFTY, "band50")];

/// Everything that a fan shows.
struct Fan<'a> {
    of: &'a MetricForecast,
    points: Vec<&'a FanPoint>,
    /// Middle of the cell, median and maximum over all members; in stretches without a gap.
    past: Vec<Vec<[f64; 3]>>,
    thresholds: Vec<f64>,
    origin_ms: i64,
    zone: Zone,
}

/// The fan of a cluster as a figure; a sentence if no metric of it can be forecast.
pub(super) fn figure(shown: Shown<'_>, forecast: &Forecast, of: &ClusterForecast) -> Markup {
    let Some(metric) = chosen(shown, forecast, of) else { return without(forecast, of) };
    let points: Vec<&FanPoint> = metric.fan.iter().flat_map(|fan| finite(fan)).collect();
    let fan = Fan {
        of: metric,
        points,
        past: past(shown, forecast, metric),
        thresholds: thresholds(shown, forecast, metric),
        origin_ms: forecast.origin_ms,
        zone: shown.manifest.folding().unwrap_or_default().zone,
    };
    html! {
        figure.fan {
            figcaption { strong { (fan.of.metric.title()) " of " bdi { (html_text(&fan.of.member)) } } span.quiet { (fan.models()) } }
            (fan.drawn())
        }
    }
}

/// Why there is no fan.
fn without(forecast: &Forecast, of: &ClusterForecast) -> Markup {
    let mut reasons =
        forecast.metrics.iter().filter(|one| one.cluster == of.cluster).filter_map(|one| one.fan.as_ref().err());
    html! { @if let Some(reason) = reasons.next() { p.quiet { "No reading can be forecast: " (html_text(reason)) } } }
}

/// The metric to blame if it has a fan, else the one whose median comes nearest to its first threshold.
fn chosen<'a>(shown: Shown<'_>, forecast: &'a Forecast, of: &ClusterForecast) -> Option<&'a MetricForecast> {
    let blamed = detailed(of, forecast).and_then(|outlook| metric_of(forecast, &of.cluster, outlook.blame.as_ref()?));
    let share = |one: &MetricForecast| {
        let highest = one.fan.iter().flatten().map(|point| point.quantiles[MEDIAN]).fold(0.0, f64::max);
        thresholds(shown, forecast, one).first().map_or(0.0, |threshold| highest / threshold)
    };
    let has_fan = |one: &&MetricForecast| one.fan.as_ref().is_ok_and(|fan| finite(fan).next().is_some());
    let own = forecast.metrics.iter().filter(|one| one.cluster == of.cluster).filter(has_fan);
    blamed.filter(has_fan).or_else(|| own.max_by(|a, b| share(a).total_cmp(&share(b))))
}

/// The thresholds of the profile in the unit of the metric, ascending. Shares of a limit need its value.
fn thresholds(shown: Shown<'_>, forecast: &Forecast, of: &MetricForecast) -> Vec<f64> {
    let profile = shown.manifest.profile().filter(|profile| profile.counts(of.metric));
    let Some(bands) = profile.map(|profile| profile.rule(of.metric).bands.clone()).filter(|bands| bands.of_limit)
    else {
        return readings::thresholds(shown.manifest, of.metric);
    };
    let limit = match of.metric {
        Metric::DbSize => Limit::Quota,
        _ => Limit::MaxFds,
    };
    let is_it = |one: &&crate::analysis::forecast::result::LimitForecast| {
        one.cluster == of.cluster && one.member == of.member && one.limit == limit
    };
    let value = forecast.limits.iter().find(is_it).and_then(|one| one.of);
    value.map(|value| bands.list.iter().map(|band| band.above * value).collect()).unwrap_or_default()
}

/// The readings of the cluster in the last 48 hours, cut where cells are missing.
fn past(shown: Shown<'_>, forecast: &Forecast, of: &MetricForecast) -> Vec<Vec<[f64; 3]>> {
    let width_ms = i64::from(shown.manifest.folding().unwrap_or_default().width.minutes()) * 60_000;
    let (from, to) = (forecast.origin_ms - PAST * HOUR_MS, forecast.origin_ms + width_ms / 2);
    let mut stretches: Vec<Vec<[f64; 3]>> = Vec::new();
    let mut last_ms = i64::MIN;
    let column = of.metric.index();
    let known = shown.readings.cluster(&of.cluster);
    let cells = known
        .iter()
        .flat_map(|of| of.starts().iter().enumerate().map(move |(cell, start)| (*start, of.spread(column, cell))));
    for (start_ms, spread) in cells {
        let middle_ms = (start_ms + width_ms / 2).min(forecast.origin_ms);
        let Some(spread) = spread.filter(|_| (from..to).contains(&(start_ms + width_ms / 2))) else {
            continue;
        };
        if last_ms == i64::MIN || start_ms - last_ms > width_ms {
            stretches.push(Vec::new());
        }
        last_ms = start_ms;
        stretches.last_mut().expect("one was pushed").push([middle_ms as f64, spread.p50.into(), spread.max.into()]);
    }
    stretches
}

impl Fan<'_> {
    /// The models of the longest leads: `forecast by rhythm and last_hour`.
    fn models(&self) -> String {
        let longest = &self.of.models[self.of.models.len() - 1];
        let named: Vec<&str> =
            longest.iter().filter(|(_, share)| *share >= 0.005).map(|(name, _)| name.as_str()).collect();
        if named.is_empty() { String::new() } else { html_text(&format!("forecast by {}", named.join(" and "))) }
    }

    fn x(&self, ms: f64) -> f64 {
        let from = self.origin_ms - PAST * HOUR_MS;
        ((ms - from as f64) / ((PAST + AHEAD) * HOUR_MS) as f64).clamp(0.0, 1.0) * WIDTH
    }

    fn scale(&self) -> Scale {
        let past = self.past.iter().flatten().flat_map(|point| [point[1], point[2]]);
        let medians = self.points.iter().map(|point| point.quantiles[MEDIAN]);
        let sure: Vec<f64> = past.chain(medians).chain(self.thresholds.iter().copied()).chain(self.of.now).collect();
        let ends = self.points.iter().flat_map(|point| INTERVALS[1].map(|place| point.quantiles[place]));
        Scale::of(self.of.metric, &sure, &ends.collect::<Vec<_>>())
    }

    fn drawn(&self) -> Markup {
        let scale = self.scale();
        let now = self.x(self.origin_ms as f64);
        let height = |y: f64| format!("{:.1}", y + ABOVE);
        let clock = format!("now {}", clock(self.zone, self.origin_ms));
        let labels = [
            ("0", "start", "−48 h"),
            ("33.33%", "middle", "−24 h"),
            ("66.67%", "middle", &clock),
            ("83.33%", "middle", "+12 h"),
            ("100%", "end", "+24 h"),
        ];
        html! {
            svg role="img" aria-label=(self.sentence()) {
                svg y=(ABOVE) height=(HEIGHT) width="100%" viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" {
                    rect.ahead x=(now) width=(WIDTH - now) height=(HEIGHT) {}
                    path.grid d=(scale.ticks().iter().map(|(value, _)| across(scale.y(*value))).collect::<String>()) {}
                    @for (ends, class) in BANDS { path class=(class) d=(self.band(scale, ends)) {} }
                    path.limit d=(self.thresholds.iter().map(|value| across(scale.y(*value))).collect::<String>()) {}
                    path.p50 d=(self.line(scale, 1)) {}
                    path.past d=(self.line(scale, 2)) {}
                    path.middle d=(self.middle(scale)) {}
                    path.now d=(format!("M{now} 0V{HEIGHT}")) {}
                }
                @for (y, label) in self.tick_labels(scale) { text.tick x="4" y=(height(y - 3.0)) { (label) } }
                @for (y, label) in self.limit_labels(scale) { text.of-limit x="66%" y=(height(y - 3.0)) text-anchor="end" { (label) } }
                @for (x, anchor, label) in labels { text x=(x) y=(ABOVE + HEIGHT + TO_LABELS) text-anchor=(anchor) { (label) } }
            }
        }
    }

    /// The labels of ticks, without those that the line of a threshold would strike through.
    fn tick_labels(&self, scale: Scale) -> Vec<(f64, String)> {
        let is_free = |y: f64| self.thresholds.iter().all(|value| !(y - LABEL..y).contains(&scale.y(*value)));
        let ticks = scale.ticks().into_iter().map(|(value, label)| (scale.y(value), label));
        ticks.filter(|(y, _)| is_free(*y)).collect()
    }

    /// The labels of thresholds; one whose line is too near to the one below has none.
    fn limit_labels(&self, scale: Scale) -> Vec<(f64, String)> {
        let mut labels: Vec<(f64, String)> = Vec::new();
        for value in &self.thresholds {
            let y = scale.y(*value).max(8.0);
            if labels.last().is_none_or(|(before, _)| before - y >= LABEL) {
                labels.push((y, format!("threshold {}", crate::analysis::findings::reading(self.of.metric, *value))));
            }
        }
        labels
    }

    /// A line of the past: 1 is the median, 2 the maximum. A single cell is a dot.
    fn line(&self, scale: Scale, which: usize) -> String {
        let mut path = String::new();
        for stretch in &self.past {
            path_of(&mut path, stretch.iter().map(|point| (self.x(point[0]), scale.y(point[which]))));
            if stretch.len() == 1 {
                path.push_str("h0");
            }
        }
        path
    }

    /// The median ahead, from the last reading.
    fn middle(&self, scale: Scale) -> String {
        let mut path = String::new();
        path_of(&mut path, self.with_now(MEDIAN).into_iter().map(|(ms, value)| (self.x(ms), scale.y(value))));
        path
    }

    /// The area between two quantiles.
    fn band(&self, scale: Scale, [low, high]: [usize; 2]) -> String {
        let edge = |place| self.with_now(place).into_iter().map(|(ms, value)| (self.x(ms), scale.y(value)));
        let mut path = String::new();
        path_of(&mut path, edge(low).chain(edge(high).rev()));
        path + "z"
    }

    /// A quantile over time, beginning at the last reading if there is one.
    fn with_now(&self, place: usize) -> Vec<(f64, f64)> {
        let now = self.of.now.map(|now| (self.origin_ms as f64, now));
        now.into_iter().chain(self.points.iter().map(|point| (point.at_ms as f64, point.quantiles[place]))).collect()
    }

    /// The fan in a sentence.
    fn sentence(&self) -> String {
        let metric = self.of.metric;
        let now =
            self.of.now.map_or_else(|| "no reading now".to_owned(), |now| format!("now {}", between(metric, now, now)));
        let ahead = [6, 24].into_iter().filter_map(|hours| {
            let point = at(self.of.fan.as_ref().ok()?, self.origin_ms + hours * HOUR_MS)?;
            let [low, high] = EIGHTY.map(|place| point.quantiles[place]);
            let median = between(metric, point.quantiles[MEDIAN], point.quantiles[MEDIAN]);
            Some(format!("{} {median}, with 80 % {}", moment(self.zone, point.at_ms), between(metric, low, high)))
        });
        let ahead: Vec<String> = ahead.collect();
        format!("{} of {}: {now}; expected {}", metric.title(), html_text(&self.of.member), ahead.join("; "))
    }
}

fn across(y: f64) -> String {
    format!("M0 {y:.1}H{WIDTH}")
}

fn path_of(path: &mut String, points: impl Iterator<Item = (f64, f64)>) {
    for (place, (x, y)) in points.enumerate() {
        let _ = write!(path, "{}{x:.1} {y:.1}", if place == 0 { 'M' } else { 'L' });
    }
}
