//! A rate of growth with its uncertainty, and when it reaches a limit.
//!
//! Three parts, added as squares, make up the half width of the interval: Sen's interval of the slope, which takes points for
//! independent; how much the growth of days to weeks fluctuates, for the past that the rate comes from and for the time
//! ahead; and 5 % of the rate. `simulated` measures how often the truth lies inside.

use super::super::order::{median, quantile, sorted};
use super::segments::{Point, span};
use super::{Days, HORIZON_DAYS, Resource};

/// The 95 % quantile of the normal distribution: intervals have 90 %.
pub(super) const Z: f64 = 1.644_853_626_951_472_2;
/// Longest history in points: the longest segment has about as many, at least an hour and at most a day apart.
const POINTS: f64 = 28.0;
/// No growth goes on more evenly than within this share of its rate, however even it was.
const LEAST_SHARE: f64 = 0.05;
/// Numbers of blocks that a history is cut into. The longer ones show whether neighboring days resemble each other; the
/// number that gives the widest interval counts.
const BLOCKS: [f64; 3] = [12.0, 6.0, 4.0];
/// Shortest block of the last day: four hours.
const SHORT_BLOCK_DAYS: f64 = 1.0 / 6.0;
/// How many times faster than the upper end of the usual growth the last day must be, at the lower end of its own interval, to
/// count instead.
const FASTER: f64 = 3.0;
/// The share of that growth that the last hour must have. A load that has stopped does not go on.
const STILL: f64 = 0.25;
const HOURS_A_DAY: f64 = 24.0;

/// A slope, and the ends of its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Slope {
    pub(super) estimate: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// The median of the slopes of all pairs within each group (Theil and Sen; several groups as in Hirsch, Slack and Smith,
/// 1982), with Sen's interval for a normal quantile `z`. It comes from the variance of Kendall's statistic, corrected for
/// ties, which adds up over groups. `x` must ascend strictly in each group. `None` without a pair.
pub(super) fn theil_sen(groups: &[Vec<Point>], z: f64) -> Option<Slope> {
    let pairs = groups.iter().flat_map(|points| {
        points.iter().enumerate().flat_map(|(i, a)| points[i + 1..].iter().map(move |b| (b.1 - a.1) / (b.0 - a.0)))
    });
    let slopes = sorted(pairs);
    if slopes.is_empty() {
        return None;
    }
    let spread = z * groups.iter().map(|points| kendall_variance(points)).sum::<f64>().sqrt();
    let count = slopes.len() as f64;
    let upper = (((count + spread) / 2.0).round_ties_even() as usize).min(slopes.len() - 1);
    let lower = (((count - spread) / 2.0).round_ties_even() - 1.0).max(0.0) as usize;
    Some(Slope { estimate: quantile(&slopes, 0.5), low: slopes[lower.min(upper)], high: slopes[upper] })
}

/// The variance of Kendall's statistic of one group.
fn kendall_variance(points: &[Point]) -> f64 {
    let y = sorted(points.iter().map(|(_, y)| *y));
    let term = |n: usize| if n < 2 { 0.0 } else { (n * (n - 1) * (2 * n + 5)) as f64 };
    (term(y.len()) - y.chunk_by(|a, b| a == b).map(|tied| term(tied.len())).sum::<f64>()) / 18.0
}

/// A rate of growth, in units a day.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Trend {
    /// The median slope.
    pub(super) rate: f64,
    /// How far Sen's interval reaches below and above it.
    pub(super) below: f64,
    pub(super) above: f64,
    /// Half width of the interval of the sum of a day's fluctuations. It grows with the square root of time.
    pub(super) wander: f64,
    /// Half width of the interval of a level around the trend.
    pub(super) noise: f64,
    /// Days over which the rate was measured.
    pub(super) days: f64,
    /// The newest points, at most three.
    pub(super) newest: Vec<Point>,
}

impl Trend {
    /// The trend of hourly points. `None` if they are too few for an interval.
    pub(super) fn of(resource: Resource, groups: &[Vec<Point>]) -> Option<Self> {
        let longest = groups.iter().map(|points| span(points)).fold(0.0, f64::max);
        let wide = match resource {
            Resource::Database => ((longest / POINTS * HOURS_A_DAY).ceil() / HOURS_A_DAY).clamp(1.0 / HOURS_A_DAY, 1.0),
            Resource::Descriptors => 1.0,
        };
        let coarse: Vec<Vec<Point>> = groups.iter().map(|points| coarsen(resource, points, wide)).collect();
        // A block of a day contains all of its hours.
        Self::from_points(&coarse, 1.0)
    }

    /// The trend of the last day, if it is far faster than this one and still goes on in the last hour.
    pub(super) fn faster(&self, day: Vec<Point>, last_hour: f64) -> Option<Self> {
        let trend = Self::from_points(&[day], SHORT_BLOCK_DAYS)?;
        let (low, _) = trend.ends();
        let (_, high) = self.ends();
        (low > FASTER * high.max(0.0) && last_hour > trend.rate * STILL).then_some(trend)
    }

    fn from_points(groups: &[Vec<Point>], block_days: f64) -> Option<Self> {
        let slope = theil_sen(groups, Z)?;
        let days = groups.iter().map(|points| span(points)).sum::<f64>();
        let lengths = BLOCKS.iter().map(|count| (days / count).max(block_days));
        let wander = lengths.filter_map(|length| wander(groups, length, slope.estimate)).reduce(f64::max)?;
        let newest = groups.last().map(|points| points[points.len().saturating_sub(3)..].to_vec());
        let trend = Self {
            rate: slope.estimate,
            below: slope.estimate - slope.low,
            above: slope.high - slope.estimate,
            wander,
            noise: 0.0,
            days,
            newest: newest.unwrap_or_default(),
        };
        trend.is_finite().then_some(trend)
    }

    pub(super) fn is_finite(&self) -> bool {
        [self.rate, self.below, self.above, self.wander, self.noise].iter().all(|value| value.is_finite())
            && self.days > 0.0
    }

    /// The ends of the interval of the rate.
    fn ends(&self) -> (f64, f64) {
        let wander = self.wander / self.days.sqrt();
        (self.rate - self.below.hypot(wander), self.rate + self.above.hypot(wander))
    }

    /// The level of the trend on this day, from the newest points.
    pub(super) fn level(&self, day: f64) -> f64 {
        median(self.newest.iter().map(|(x, y)| y + self.rate * (day - x))).unwrap_or(0.0).max(0.0)
    }

    /// How far the sum of growth over `days` may be off, with this end of Sen's interval.
    fn off(&self, end: f64, days: f64) -> f64 {
        let wander = self.wander * (days * days / self.days + days).sqrt();
        let least = LEAST_SHARE * self.rate * days;
        [end * days, wander, least, self.noise].iter().fold(0.0, |sum: f64, part| sum.hypot(*part))
    }
}

/// Points at most `wide` days apart: the median of sizes, the highest number of descriptors with its time. Counted backward
/// from the last one.
fn coarsen(resource: Resource, points: &[Point], wide: f64) -> Vec<Point> {
    let Some(last) = points.last() else { return Vec::new() };
    let bin = |point: &Point| ((last.0 - point.0) / wide + 1e-9) as usize;
    let join = |points: &[Point]| match resource {
        Resource::Database => {
            let x = points.iter().map(|(x, _)| x).sum::<f64>() / points.len() as f64;
            median(points.iter().map(|(_, y)| *y)).map(|y| (x, y))
        }
        Resource::Descriptors => points.iter().copied().reduce(|a, b| if b.1 > a.1 { b } else { a }),
    };
    points.chunk_by(|a, b| bin(a) == bin(b)).filter_map(join).collect()
}

/// The half width of the interval of the sum of a day's fluctuations, from how much the rates of blocks differ: with
/// independent blocks, a block's rate varies in inverse proportion to its length (batch means). `None` with fewer than
/// two blocks.
fn wander(groups: &[Vec<Point>], block_days: f64, rate: f64) -> Option<f64> {
    let blocks: Vec<(f64, f64)> = groups.iter().flat_map(|points| blocks(points, block_days)).collect();
    let freedom = blocks.len().checked_sub(1).filter(|freedom| *freedom > 0)? as f64;
    let variance = blocks.iter().map(|(days, own)| days * (own - rate).powi(2)).sum::<f64>() / freedom;
    Some(student(freedom) * variance.sqrt())
}

/// Cuts points into blocks of about this many days; gives each one's length in days and its rate.
fn blocks(points: &[Point], days: f64) -> Vec<(f64, f64)> {
    let last = points.len().saturating_sub(1);
    let count = ((span(points) / days).round() as usize).clamp(1, last.max(1));
    let edge = |block: usize| points[block * last / count];
    let block = |place| {
        let (from, to) = (edge(place), edge(place + 1));
        (to.0 > from.0).then(|| (to.0 - from.0, (to.1 - from.1) / (to.0 - from.0)))
    };
    if points.is_empty() { Vec::new() } else { (0..count).filter_map(block).collect() }
}

/// The 95 % quantile of Student's distribution: the expansion of Abramowitz and Stegun 26.7.5, whose error is below 1.5 % for
/// two degrees of freedom and more. For a single one the exact value.
pub(super) fn student(freedom: f64) -> f64 {
    if freedom < 2.0 {
        return 6.313_751_514_675_043;
    }
    let powers = [
        (Z.powi(3) + Z) / 4.0,
        (5.0 * Z.powi(5) + 16.0 * Z.powi(3) + 3.0 * Z) / 96.0,
        (3.0 * Z.powi(7) + 19.0 * Z.powi(5) + 17.0 * Z.powi(3) - 15.0 * Z) / 384.0,
    ];
    Z + powers[0] / freedom + powers[1] / freedom.powi(2) + powers[2] / freedom.powi(3)
}

/// Growth from a level toward a limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Path<'a> {
    pub(super) level: f64,
    pub(super) limit: f64,
    pub(super) trend: &'a Trend,
}

impl Path<'_> {
    /// Days until the median growth reaches the limit, if within the horizon.
    pub(super) fn median(&self) -> Option<f64> {
        let days = (self.limit - self.level) / self.trend.rate;
        (self.trend.rate > 0.0 && days <= HORIZON_DAYS as f64).then_some(days.max(0.0))
    }

    /// When the limit is reached; `None` if not within the horizon even at the upper end. The ends are whole hours, rounded
    /// away from the median.
    pub(super) fn reaches(&self) -> Option<Days> {
        let first = |reached: &dyn Fn(f64) -> bool| {
            let mut hours = 1..=HORIZON_DAYS * 24;
            hours.find(|hour| reached(*hour as f64 / HOURS_A_DAY)).map(|hour| hour as f64 / HOURS_A_DAY)
        };
        let missing = self.limit - self.level;
        let Trend { rate, below, above, .. } = *self.trend;
        let earliest = first(&|days| rate * days + self.trend.off(above, days) >= missing)?;
        let latest = first(&|days| rate * days - self.trend.off(below, days) >= missing);
        Some(Days { earliest: earliest - 1.0 / HOURS_A_DAY, median: self.median(), latest })
    }
}
