//! A history cut at defragmentations and restarts, as hourly points.

use std::ops::Range;

use super::super::order::{median, quantile, sorted};
use super::{ALONE_DAYS, LEAST_DAYS, LONGEST_DAYS, Resource, Usage};
use crate::time::{DAY_MS, HOUR_MS};

/// Smallest drops of the size that end a segment, as a share of it: 1 % as the findings keep them, and 5 % as they report
/// them, for readings with noise. Unlike there, drops across a gap and near a restart count as well: whatever caused them,
/// growth must not be measured across them.
const LEAST_DROP: (f64, f64) = (0.01, 0.05);
/// Between the two, a drop must be this many times the median difference of neighboring readings.
const ABOVE_NOISE: f64 = 8.0;
/// A drop of descriptors of this share between two readings means that the process was restarted, where its start time is
/// missing.
const RESTART_DROP: f64 = 0.5;
/// Fewest readings on each side that a drop is confirmed with, where the hour before and after has fewer.
const CONFIRMED_BY: usize = 3;
/// Readings above this are errors: no file and no table of descriptors is that large.
const LARGEST: f64 = 9_223_372_036_854_775_808.0;
/// Fewest hours with readings in the recent history.
const LEAST_HOURS: usize = 24;
/// Lengths of bulk loads in days: two hours, and two days with the hours around them.
const BULK_DAYS: [f64; 2] = [2.0 / 24.0, 2.25];
/// How many times longer than a bulk load a history must be to recognize it.
const BULK_SHARE: f64 = 4.0;
/// A bulk load adds more than this many times as much as any other stretch of its length.
const BULK: f64 = 3.0;
/// A bulk load must last for most of this many hours; a spike of descriptors does not.
const LASTING_HOURS: usize = 12;
/// A point: days since the first reading of the history, and what was used.
pub(super) type Point = (f64, f64);

/// The readings of one resource, cut where they cannot be compared.
#[derive(Debug)]
pub(super) struct Segments {
    resource: Resource,
    /// Days between two readings.
    step: f64,
    /// How many readings an hour has, at least one.
    hour: usize,
    /// Readings; NaN is missing.
    used: Vec<f64>,
    /// Ranges of readings, oldest first; together all readings that count.
    ranges: Vec<Range<usize>>,
}

/// A drop of the size that ended a segment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Drop {
    /// Days since the first reading.
    pub(super) day: f64,
    /// The size before, in bytes.
    pub(super) before: f64,
    /// The size after, in bytes.
    pub(super) after: f64,
}

impl Segments {
    pub(super) fn of(resource: Resource, usage: &Usage<'_>) -> Self {
        let step_ms = usage.step_ms.max(1);
        let valid = |used: &f64| if (0.0..=LARGEST).contains(used) { *used } else { f64::NAN };
        let mut segments = Self {
            resource,
            step: step_ms as f64 / DAY_MS as f64,
            hour: (HOUR_MS / step_ms).max(1) as usize,
            used: usage.used.iter().map(valid).collect(),
            ranges: Vec::new(),
        };
        let (first, cuts) = match resource {
            Resource::Database => (0, segments.drops()),
            Resource::Descriptors => (segments.process_start(usage), Vec::new()),
        };
        let starts = [first].into_iter().chain(cuts);
        let mut starts: Vec<usize> = starts.chain([segments.used.len()]).collect();
        starts.dedup();
        segments.ranges = starts.windows(2).map(|two| two[0]..two[1]).collect();
        segments
    }

    /// Indices of the first readings after a drop.
    fn drops(&self) -> Vec<usize> {
        let mut cuts = Vec::new();
        let mut before: Option<(usize, f64)> = None;
        let least = self.least_drop();
        let is_drop = |before: f64, after: f64| after <= before * (1.0 - least) && after < before;
        for (index, used) in self.used.iter().enumerate().filter(|(_, used)| !used.is_nan()) {
            let is_drop = before.is_some_and(|(last, size)| {
                let lasts = || self.around(&cuts, last, index).is_some_and(|[before, after]| is_drop(before, after));
                is_drop(size, *used) && lasts()
            });
            if is_drop {
                cuts.push(index);
            }
            before = Some((index, *used));
        }
        cuts
    }

    /// The smallest drop that ends a segment, as a share of the size.
    fn least_drop(&self) -> f64 {
        let relative = |two: &[f64]| ((two[1] - two[0]) / two[0]).abs();
        let differences = self.used.windows(2).map(relative).filter(|difference| difference.is_finite());
        (ABOVE_NOISE * median(differences).unwrap_or(0.0)).clamp(LEAST_DROP.0, LEAST_DROP.1)
    }

    /// The medians of the hour before and the hour after a drop, which show whether it is more than noise.
    fn around(&self, cuts: &[usize], last: usize, index: usize) -> Option<[f64; 2]> {
        let length = self.hour.max(CONFIRMED_BY);
        let from = last.saturating_sub(length - 1).max(cuts.last().copied().unwrap_or(0));
        let to = (index + length).min(self.used.len());
        let [before, after] = [from..last + 1, index..to].map(|range| median(self.used[range].iter().copied()));
        Some([before?, after?])
    }

    /// The index of the first reading of the process that runs now.
    fn process_start(&self, usage: &Usage<'_>) -> usize {
        let started = usage.started.iter().take(self.used.len());
        let known: Vec<(usize, f64)> = started.copied().enumerate().filter(|(_, at)| at.is_finite()).collect();
        let mut first = 0;
        if let Some((_, now)) = known.last() {
            // The start time is computed from the time since boot and may waver by a second.
            let changed = known.iter().rposition(|(_, at)| (at - now).abs() > 60.0);
            first = changed.map_or(0, |changed| known[changed + 1].0);
            let since = (now * 1000.0 - usage.start_ms as f64) / usage.step_ms.max(1) as f64;
            // A start after the last reading is a wrong clock.
            if since < self.used.len() as f64 {
                first = first.max(since.max(0.0).ceil() as usize);
            }
        }
        let unknown = known.last().map_or(0, |(index, _)| *index).max(first);
        let later = (unknown..self.used.len()).filter(|index| !self.used[*index].is_nan()).collect::<Vec<_>>();
        let fell = |two: &&[usize]| self.used[two[1]] < self.used[two[0]] * RESTART_DROP;
        later.windows(2).filter(fell).map(|two| two[1]).next_back().unwrap_or(first).min(self.used.len())
    }

    /// The day of the last step of the history, since the first one.
    pub(super) fn end_day(&self) -> f64 {
        self.used.len().saturating_sub(1) as f64 * self.step
    }

    /// The last reading and its day.
    pub(super) fn last_reading(&self) -> Option<Point> {
        let range = self.ranges.last()?.clone();
        range.rev().find(|index| !self.used[*index].is_nan()).map(|index| (index as f64 * self.step, self.used[index]))
    }

    /// What is used now: the median of the last hour that has readings, zero without any.
    pub(super) fn level(&self) -> f64 {
        self.ranges.last().and_then(|range| self.hours(range.clone()).last().map(|(_, used)| *used)).unwrap_or(0.0)
    }

    /// The drops between segments, oldest first.
    pub(super) fn ends(&self) -> Vec<Drop> {
        let ends = self.ranges.iter().skip(1).filter_map(|range| {
            let before = self.used[..range.start].iter().rev().find(|used| !used.is_nan())?;
            Some(Drop { day: range.start as f64 * self.step, before: *before, after: self.used[range.start] })
        });
        ends.collect()
    }

    /// One point for each hour of a range that has readings: the median of sizes, the highest number of descriptors. Hours
    /// are counted backward from the end of the range, so that the last one is complete.
    fn hours(&self, range: Range<usize>) -> Vec<Point> {
        let start = range.start;
        let mut points = Vec::with_capacity(range.len() / self.hour + 1);
        let mut end = range.end;
        while end > start {
            let from = end.saturating_sub(self.hour).max(start);
            let values = self.used[from..end].iter().copied();
            let used = match self.resource {
                Resource::Database => median(values),
                Resource::Descriptors => values.filter(|used| !used.is_nan()).reduce(f64::max),
            };
            points.extend(used.map(|used| ((from + end - 1) as f64 / 2.0 * self.step, used)));
            end = from;
        }
        points.reverse();
        points
    }

    /// Hourly points of the current segment, or of the last segments together if the current one is short; without a bulk
    /// load. `None` if the history is too short.
    pub(super) fn recent(&self) -> Option<Vec<Vec<Point>>> {
        let mut groups: Vec<Vec<Point>> = Vec::new();
        let mut total = 0.0;
        for range in self.ranges.iter().rev() {
            let longest = ((LONGEST_DAYS - total) / self.step) as usize;
            let from = range.start.max(range.end.saturating_sub(longest));
            let points = self.hours(from..range.end);
            total += span(&points);
            groups.push(points);
            if groups.len() == 1 && total >= ALONE_DAYS || total >= LONGEST_DAYS - self.step {
                break;
            }
        }
        let hours: usize = groups.iter().map(Vec::len).sum();
        // The middles of the first and last hour are an hour apart less than the hours are long.
        if total + self.step.max(1.0 / 24.0) * groups.len() as f64 + 1e-9 < LEAST_DAYS || hours < LEAST_HOURS {
            return None;
        }
        groups.retain(|points| points.len() > 1);
        groups.reverse();
        without_bulk_loads(&mut groups);
        Some(groups)
    }

    /// Hourly points of the last 24 hours, without a bulk load; `None` if the current segment is shorter or half is missing.
    pub(super) fn last_day(&self) -> Option<Vec<Point>> {
        let range = self.ranges.last()?;
        let day = (1.0 / self.step).round().max(1.0) as usize;
        let from = range.end.checked_sub(day).filter(|from| *from >= range.start)?;
        let mut groups = [self.hours(from..range.end)];
        without_bulk_loads(&mut groups);
        let [points] = groups;
        (points.len() >= LEAST_HOURS / 2).then_some(points)
    }

    /// The growth from the last reading an hour or more before the last one, a day; zero without one.
    pub(super) fn last_hour_per_day(&self) -> f64 {
        let (Some(range), Some((day, used))) = (self.ranges.last(), self.last_reading()) else { return 0.0 };
        let index = (day / self.step).round() as usize;
        let mut earlier =
            (range.start..(index + 1).saturating_sub(self.hour)).rev().filter(|index| !self.used[*index].is_nan());
        earlier.next().map_or(0.0, |before| (used - self.used[before]) / ((index - before) as f64 * self.step))
    }
}

/// Days from the first to the last point.
pub(super) fn span(points: &[Point]) -> f64 {
    points.first().zip(points.last()).map_or(0.0, |(first, last)| last.0 - first.0)
}

/// Removes the bulk load of each length, because it happened once and is not a trend: a stretch with far more growth than
/// any other. Growth by allocations has many jumps of about one size, so it stays.
fn without_bulk_loads(groups: &mut [Vec<Point>]) {
    let days: f64 = groups.iter().map(|points| span(points)).sum();
    for load in BULK_DAYS.into_iter().filter(|load| load * BULK_SHARE <= days) {
        let rises: Vec<Rise> =
            groups.iter().enumerate().flat_map(|(group, points)| Rise::all(group, points, load)).collect();
        let Some(highest) = rises.iter().max_by(|a, b| a.growth.total_cmp(&b.growth)) else { continue };
        let apart =
            rises.iter().filter(|rise| rise.group != highest.group || rise.to < highest.from || highest.to < rise.from);
        let others = sorted(apart.map(|rise| rise.growth));
        let next = others.last().copied().unwrap_or(0.0).max(0.0);
        if highest.growth > BULK * next && highest.lasts(&groups[highest.group]) {
            let usual = if others.is_empty() { 0.0 } else { quantile(&others, 0.5) };
            highest.replace(&mut groups[highest.group], usual);
        }
    }
}

/// The growth between two points of a group.
#[derive(Clone, Copy, Debug)]
struct Rise {
    group: usize,
    from: usize,
    to: usize,
    growth: f64,
}

impl Rise {
    /// The growth within this many days from each point, unless a gap lies at the end of them.
    fn all(group: usize, points: &[Point], days: f64) -> Vec<Self> {
        let mut to = 0;
        let mut rises = Vec::with_capacity(points.len());
        for (from, (start, used)) in points.iter().enumerate() {
            while to < points.len() && points[to].0 < start + days - 1e-9 {
                to += 1;
            }
            if points.get(to).is_some_and(|end| end.0 - start <= days * 1.5) {
                rises.push(Self { group, from, to, growth: points[to].1 - used });
            }
        }
        rises
    }

    /// Whether the next hours stay up, unlike after a spike of descriptors.
    fn lasts(&self, points: &[Point]) -> bool {
        let after = median(points[self.to..].iter().take(LASTING_HOURS).map(|(_, used)| *used));
        after.is_some_and(|after| after - points[self.from].1 > self.growth / 2.0)
    }

    /// Replaces the growth by this much, spread evenly.
    fn replace(&self, points: &mut [Point], growth: f64) {
        let (from, to) = (points[self.from], points[self.to]);
        for point in &mut points[self.from + 1..self.to] {
            point.1 = from.1 + growth * (point.0 - from.0) / (to.0 - from.0);
        }
        points[self.to..].iter_mut().for_each(|point| point.1 -= self.growth - growth);
    }
}
