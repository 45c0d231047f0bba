//! What the digest keeps of a member's database: its sizes, drops of its size, the defragmentations that etcd counted, how
//! full it was, and what of it was in use.

use super::signs::FULL_SHARE;
use super::statistics::median;
use crate::readings::Window;
use crate::spec::{Companion, LOOK_BACK_SECONDS, Metric};
use crate::time::{HOUR_MS, UtcDay};

/// A defragmentation shows from one step to the next, and the longest step is an hour. A drop across a longer gap may
/// have other causes and is ignored.
const DROP_WITHIN_MS: i64 = HOUR_MS;
/// Drops below this share of the size, such as from rounding, are not kept: no rule reports them.
const LEAST_DROP: f64 = 0.01;
/// A rate that rises to at least this many times its value at the step before shows one more defragmentation. How scrapes lie
/// in the window makes a rate of one defragmentation vary by up to a quarter.
const RISES: f64 = 1.3;
/// A rate shows a defragmentation for its window, and VictoriaMetrics for up to a scrape interval longer. What it shows later
/// is another one.
const LATE_MS: i64 = 60_000;

/// Two readings of a database at one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Usage {
    /// Size of the file, bytes.
    pub(super) size: f64,
    /// Without free pages, bytes.
    pub(super) in_use: f64,
}

impl Usage {
    /// The readings of a step; `None` if one of them is missing.
    pub(super) fn of(size: f64, in_use: Option<f64>) -> Option<Self> {
        in_use.filter(|in_use| size > 0.0 && *in_use >= 0.0).map(|in_use| Self { size, in_use })
    }
}

/// A stretch of steps at which the database was within 2 % of its quota.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Full {
    pub(super) start_ms: i64,
    /// The highest share of the quota.
    pub(super) share: f64,
    /// The readings of the first step at which the size in use is known.
    pub(super) usage: Option<Usage>,
}

/// A drop of the database size between two consecutive readings; sizes in bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Drop {
    pub(super) before_ms: i64,
    pub(super) at_ms: i64,
    pub(super) before: f64,
    pub(super) after: f64,
}

impl Drop {
    /// The drop between two readings, if it is large enough and the readings are close enough in time.
    pub(super) fn between(before: (i64, f64), after: (i64, f64)) -> Option<Self> {
        let is_one = after.1 < before.1 * (1.0 - LEAST_DROP) && after.0 - before.0 <= DROP_WITHIN_MS;
        is_one.then_some(Self { before_ms: before.0, at_ms: after.0, before: before.1, after: after.1 })
    }
}

/// A defragmentation that etcd counted: the rate of the time that defragmentations took rose at a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Counted {
    pub(super) at_ms: i64,
    /// By how much the rate rose: the duration divided by the rate's window.
    pub(super) share: f64,
    /// The last size known before that step, and when.
    pub(super) before: Option<(i64, f64)>,
    /// The size at that step, or the first one known after it.
    pub(super) after: Option<f64>,
}

/// Which steps show another defragmentation, in order of time.
#[derive(Clone, Copy, Debug, Default)]
struct Shown {
    /// The rate at the last step that had one.
    rate: f64,
    /// The step that showed the last defragmentation.
    since_ms: Option<i64>,
}

impl Shown {
    /// By how much the rate rose, if it shows a defragmentation that it did not show before.
    fn rise(&mut self, at_ms: i64, rate: f64, window_ms: i64) -> Option<f64> {
        let before = std::mem::replace(&mut self.rate, rate);
        let goes_on = self.since_ms.is_some_and(|since_ms| before > 0.0 && at_ms < since_ms + window_ms + LATE_MS);
        let rose = if goes_on { rate - before } else { rate };
        if rate <= 0.0 || (goes_on && rate < RISES * before) {
            return None;
        }
        self.since_ms = Some(at_ms);
        Some(rose)
    }
}

/// The rate of defragmentations at a step, with the sizes around it that the day has.
#[derive(Clone, Copy, Debug)]
struct Rate {
    at_ms: i64,
    rate: f64,
    before: Option<(i64, f64)>,
    after: Option<f64>,
}

/// A member's database on one UTC day.
#[derive(Clone, Debug)]
pub(super) struct DatabaseDay {
    /// The UTC day, and the median of the sizes on it, in bytes.
    median_size: Option<(UtcDay, f64)>,
    /// First and last reading of the size, each as an instant in milliseconds and a size in bytes. Comparing them between
    /// days finds a drop across midnight.
    ends: Option<[(i64, f64); 2]>,
    drops: Vec<Drop>,
    /// The rates above 0, and the steps at which they are 0 again; empty if the history has none.
    rates: Vec<Rate>,
    full: Vec<Full>,
    /// At the last step at which both are known.
    usage: Option<Usage>,
    /// Last reading of the quota, in bytes; `None` if the day has none.
    quota: Option<f64>,
}

impl DatabaseDay {
    pub(super) fn new(window: &Window, member: usize) -> Self {
        let grid = window.grid();
        let row =
            |companion: Companion| window.companions().contains(&companion).then(|| window.row(companion, member));
        let sizes = window.row(Metric::DbSize, member);
        let known: Vec<(i64, f64)> =
            sizes.iter().enumerate().filter(|(_, v)| !v.is_nan()).map(|(step, v)| (grid.at(step), *v)).collect();
        let (in_use, quota) = (row(Companion::DbInUse), row(Companion::Quota));
        let usage = |step: usize| Usage::of(sizes[step], in_use.map(|row| row[step]));
        let full = quota.map(|quota| full(sizes, quota, |step| grid.at(step), usage)).unwrap_or_default();
        Self {
            median_size: median(&mut known.iter().map(|(_, v)| *v).collect::<Vec<f64>>())
                .map(|size| (UtcDay::of(grid.first_ms()), size)),
            ends: known.first().zip(known.last()).map(|(first, last)| [*first, *last]),
            drops: known.windows(2).filter_map(|two| Drop::between(two[0], two[1])).collect(),
            rates: row(Companion::Defragmenting)
                .map(|row| rates(row, |step| grid.at(step), &known))
                .unwrap_or_default(),
            full,
            usage: (0..sizes.len()).rev().find_map(usage),
            quota: quota.and_then(|row| row.iter().rev().find(|v| !v.is_nan()).copied()),
        }
    }
}

/// The stretches of steps at which the size is within 2 % of the quota.
fn full(sizes: &[f64], quotas: &[f64], at: impl Fn(usize) -> i64, usage: impl Fn(usize) -> Option<Usage>) -> Vec<Full> {
    let mut all: Vec<Full> = Vec::new();
    let mut was_full = false;
    for (step, (size, quota)) in sizes.iter().zip(quotas).enumerate() {
        let is_full = is_full(*size, *quota);
        if is_full {
            let one = Full { start_ms: at(step), share: size / quota, usage: usage(step) };
            match all.last_mut().filter(|_| was_full) {
                Some(last) => {
                    (last.share, last.usage) = (last.share.max(one.share), last.usage.or(one.usage));
                }
                None => all.push(one),
            }
        }
        was_full = is_full;
    }
    all
}

/// Whether a database is within 2 % of its quota. A negative quota is none.
pub(super) fn is_full(size: f64, quota: f64) -> bool {
    quota > 0.0 && size >= FULL_SHARE * quota
}

/// The rates above 0, the first of the day, and those after one above 0, each with the sizes around it.
fn rates(row: &[f64], at: impl Fn(usize) -> i64, sizes: &[(i64, f64)]) -> Vec<Rate> {
    let mut rates: Vec<Rate> = Vec::new();
    for (step, rate) in row.iter().enumerate().filter(|(_, rate)| !rate.is_nan()) {
        if *rate > 0.0 || rates.last().is_none_or(|last| last.rate > 0.0) {
            let at_ms = at(step);
            let next = sizes.partition_point(|(size_ms, _)| *size_ms < at_ms);
            let before = next.checked_sub(1).map(|index| sizes[index]);
            rates.push(Rate { at_ms, rate: *rate, before, after: sizes.get(next).map(|(_, size)| *size) });
        }
    }
    rates
}

/// A member's database over the whole range.
#[derive(Debug, Default)]
pub(super) struct DatabaseTrack {
    pub(super) median_sizes: Vec<(UtcDay, f64)>,
    pub(super) drops: Vec<Drop>,
    /// Whether the history has the rate of defragmentations at any step.
    pub(super) is_counted: bool,
    pub(super) counted: Vec<Counted>,
    pub(super) full: Vec<Full>,
    /// The last readings of size and size in use; `None` if the history has no size in use.
    pub(super) usage: Option<Usage>,
    /// The last reading of the quota, in bytes.
    pub(super) quota: Option<f64>,
    last_size: Option<(i64, f64)>,
    shown: Shown,
}

impl DatabaseTrack {
    /// Adds the next day; `window_ms` is how far the rate of defragmentations looks back.
    pub(super) fn add(&mut self, day: DatabaseDay, window_ms: i64) {
        self.median_sizes.extend(day.median_size);
        if let Some([first, _]) = day.ends {
            self.drops.extend(self.last_size.and_then(|before| Drop::between(before, first)));
            if let Some(last) = self.counted.last_mut() {
                last.after = last.after.or(Some(first.1));
            }
        }
        self.drops.extend(day.drops);
        self.is_counted |= !day.rates.is_empty();
        for Rate { at_ms, rate, before, after } in day.rates {
            if let Some(share) = self.shown.rise(at_ms, rate, window_ms) {
                self.counted.push(Counted { at_ms, share, before: before.or(self.last_size), after });
            }
        }
        self.full.extend(day.full);
        self.last_size = day.ends.map(|[_, last]| last).or(self.last_size);
        self.usage = day.usage.or(self.usage);
        self.quota = day.quota.or(self.quota);
    }
}

/// How far a rate of this query looks back, in milliseconds: `[5m]`, or that of `--rate-window`.
pub(super) fn window_ms(promql: Option<&str>) -> i64 {
    let written = promql.and_then(|query| query.rsplit_once('[')?.1.split_once(']')).map(|(window, _)| window);
    let window = written.and_then(|window| humantime::parse_duration(window).ok());
    window.and_then(|window| i64::try_from(window.as_millis()).ok()).unwrap_or(LOOK_BACK_SECONDS * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    /// The minutes at which these rates, one a minute, show a defragmentation, and by how much they rose.
    fn shown(rates: &[f64]) -> Vec<(usize, f64)> {
        let mut shown = Shown::default();
        let rise =
            |(minute, rate): (usize, &f64)| Some((minute, shown.rise(minute as i64 * MINUTE, *rate, 5 * MINUTE)?));
        rates.iter().enumerate().filter_map(rise).collect()
    }

    #[test]
    fn a_defragmentation_shows_in_the_rate_for_five_minutes_and_is_counted_once() {
        assert_eq!(shown(&[0.0, 0.0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.0, 0.0]), [(2, 0.1)]);
        // The same database again two minutes later: the rate doubles, then the first one leaves the window.
        assert_eq!(shown(&[0.0, 0.1, 0.1, 0.2, 0.2, 0.2, 0.1, 0.1, 0.0]), [(1, 0.1), (3, 0.1)]);
        // And as soon as the first one has left the window.
        assert_eq!(shown(&[0.1, 0.1, 0.1, 0.1, 0.1, 0.0, 0.1, 0.0]), [(0, 0.1), (6, 0.1)]);
        // A rate that goes on for longer than its window shows another one.
        assert_eq!(shown(&[0.1; 9]), [(0, 0.1), (6, 0.1)]);
        // Scrapes lie differently in each window.
        assert_eq!(shown(&[0.1, 0.12, 0.1, 0.125, 0.11]), [(0, 0.1)]);
        assert_eq!(shown(&[0.0; 3]), []);
    }

    #[test]
    fn the_window_of_a_rate_is_read_from_its_query() {
        let sum = "rate(etcd_disk_backend_defrag_duration_seconds_sum{job=~\"[a-z]+\"}[10m])";
        assert_eq!([Some(sum), Some("a_recorded_series"), None].map(window_ms), [600_000, 300_000, 300_000]);
    }

    #[test]
    fn stretches_near_the_quota_keep_their_highest_share_and_their_first_size_in_use() {
        let usage = |step: usize| (step > 1).then_some(Usage { size: 99.0, in_use: step as f64 });
        let sizes = [97.0, 98.0, 99.0, 97.0, f64::NAN, 98.0];
        let found = full(&sizes, &[100.0; 6], |step| step as i64, usage);
        let full = |start_ms, share, in_use| Full { start_ms, share, usage: Some(Usage { size: 99.0, in_use }) };
        assert_eq!(found, [full(1, 0.99, 2.0), full(5, 0.98, 5.0)]);
        assert_eq!((is_full(1.0, -1.0), is_full(f64::NAN, 1.0), is_full(1.0, f64::NAN)), (false, false, false));
    }
}
