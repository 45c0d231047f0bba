//! Regular defragmentations: a sawtooth goes on, so one tooth is not extrapolated beyond the next defragmentation.

use super::super::order::{median, sorted};
use super::Days;
use super::segments::{Point, Segments, span};
use super::trend::{Path, Slope, Trend, student, theil_sen};

/// Fewest drops that can be regular.
const LEAST_DROPS: usize = 2;
/// How many of the last drops count.
const MOST_DROPS: usize = 30;
/// Regular drops are at least this share of their median distance apart, and at most its reciprocal.
const REGULAR: f64 = 0.5;
/// Two drops are regular only if at most this many times their distance lies before the first and after the second,
const PAIR_AROUND: f64 = 1.5;
/// and if their peaks differ by at most this share.
const PAIR_PEAKS: f64 = 0.15;
/// A defragmentation is overdue after this many median distances: then it is no longer counted on.
const OVERDUE: f64 = 1.5;
/// A tooth this much higher than all recent ones has left the pattern.
const ABOVE_USUAL: f64 = 1.15;
/// How many teeth are recent.
const RECENT: usize = 8;
/// Fewest peaks for a trend of peaks. With four, all of six slopes are positive by chance in one case of 24.
const LEAST_PEAKS: usize = 4;
/// The 97.5 % quantile of the normal distribution, for the question whether peaks grow at all.
const Z_GROWS: f64 = 1.959_963_984_540_054;

/// The sizes just before and after regular defragmentations.
#[derive(Debug)]
pub(super) struct Sawtooth {
    /// Days and sizes, oldest first.
    peaks: Vec<Point>,
    /// Days and sizes just after the same defragmentations.
    floors: Vec<Point>,
    /// The median distance of defragmentations in days.
    period: f64,
}

impl Sawtooth {
    /// The sawtooth of a history whose drops are regular.
    pub(super) fn of(segments: &Segments) -> Option<Self> {
        let drops = segments.ends();
        let drops = &drops[drops.len().saturating_sub(MOST_DROPS)..];
        let peaks: Vec<Point> = drops.iter().map(|drop| (drop.day, drop.before)).collect();
        let floors = drops.iter().map(|drop| (drop.day, drop.after)).collect();
        let distances = sorted(peaks.windows(2).map(|two| two[1].0 - two[0].0));
        let period = median(distances.iter().copied()).filter(|_| peaks.len() >= LEAST_DROPS)?;
        let (shortest, longest) = (distances.first()?, distances.last()?);
        let is_regular = *shortest >= REGULAR * period && *longest <= period / REGULAR;
        let sawtooth = Self { peaks, floors, period };
        (is_regular && (distances.len() > 1 || sawtooth.is_regular_pair(segments))).then_some(sawtooth)
    }

    /// Whether only two drops look like a part of a sawtooth: as much time around them as fits, and peaks of one height.
    fn is_regular_pair(&self, segments: &Segments) -> bool {
        let [first, second] = self.peaks[..] else { return true };
        let around = first.0.max(segments.end_day() - second.0);
        around <= PAIR_AROUND * self.period && (first.1 - second.1).abs() <= PAIR_PEAKS * first.1.max(second.1)
    }

    /// Whether the next defragmentation can be counted on, and comes before the current tooth reaches the limit.
    pub(super) fn goes_on(&self, segments: &Segments, used: f64, tooth: &Path<'_>) -> bool {
        let Some((last, _)) = self.peaks.last() else { return false };
        let age = segments.end_day() - last;
        let highest = self.peaks.iter().rev().take(RECENT).map(|(_, size)| *size).fold(0.0, f64::max);
        let left = (self.period - age).max(0.0);
        age <= OVERDUE * self.period && used <= ABOVE_USUAL * highest && tooth.median().is_none_or(|days| days > left)
    }

    /// When the peaks reach the limit, and their growth a day. `None` unless they grow for certain, and the
    /// median growth reaches the limit within the horizon.
    ///
    /// The growth is that of the peaks or, where it is known better, that of the sizes after defragmentations: what is kept
    /// grows more evenly than what is freed.
    pub(super) fn reaches(&self, end_day: f64, limit: f64) -> (Option<Days>, f64) {
        let usual = theil_sen(&[self.peaks.clone()], Z_GROWS).map_or(0.0, |slope| slope.estimate);
        let slopes = [&self.peaks, &self.floors].map(|points| growth(points));
        let Some(slope) = slopes.into_iter().flatten().min_by(|a, b| (a.high - a.low).total_cmp(&(b.high - b.low)))
        else {
            return (None, usual);
        };
        let lines = self.peaks.iter().map(|(day, size)| size - slope.estimate * day);
        let center = median(lines.clone()).unwrap_or(0.0);
        let freedom = (self.peaks.len() - 2) as f64;
        let variance = lines.map(|line| (line - center).powi(2)).sum::<f64>() / freedom;
        let trend = Trend {
            rate: slope.estimate,
            below: slope.estimate - slope.low,
            above: slope.high - slope.estimate,
            wander: 0.0,
            noise: student(freedom) * variance.sqrt(),
            days: span(&self.peaks),
            newest: Vec::new(),
        };
        let level = (center + slope.estimate * end_day).clamp(0.0, limit);
        let days = trend.is_finite().then(|| Path { level, limit, trend: &trend }.reaches()).flatten();
        (days.filter(|days| days.median.is_some()), slope.estimate)
    }
}

/// The slope of peaks or floors, if they grow for certain.
fn growth(points: &[Point]) -> Option<Slope> {
    theil_sen(&[points.to_vec()], Z_GROWS).filter(|slope| points.len() >= LEAST_PEAKS && slope.low > 0.0)
}
