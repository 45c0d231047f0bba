//! What changed between two periods: means of the score and of each metric's loss,
//! with confidence intervals and effect sizes.
//!
//! Means are weighted by scored steps, so that a cell with low coverage counts less. A metric's loss is a negative
//! number of points: the score is 10 plus all losses, and a change above 0 is always an improvement.

mod cliff;
mod interval;
mod side;

pub(crate) use interval::{Interval, MIN_DAYS, RESAMPLES};
pub(crate) use side::{BELOW, Side};

use std::cmp::Ordering;
use std::sync::Arc;

use rayon::prelude::*;

use crate::heatmap::{Cell, Line};
use crate::spec::{METRICS, Metric};
use crate::text::named::named;
use crate::time::CellWidth;
use cliff::cliffs_delta;
use interval::intervals;

/// The quantities that are compared: the score, then the loss of each metric.
const QUANTITIES: usize = 1 + METRICS;
/// Differences below this are rounding errors of the sums and count as 0.
const ROUNDING: f64 = 1e-9;

/// One side of a comparison: the cells of one cluster or member in one period.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    pub(crate) cluster: &'a Arc<str>,
    /// The member; `None` for the cluster itself.
    pub(crate) member: Option<&'a Arc<str>>,
    /// At least one cell, in order of time.
    pub(crate) cells: &'a [Cell],
}

/// Makes one [`Part`] of all cells of each line (a cluster or member); skips lines without cells.
pub(crate) fn whole(lines: &[Line]) -> Vec<Part<'_>> {
    lines.iter().filter_map(|line| part(line, &line.cells)).collect()
}

/// Splits lines into the cells that end by an instant and those that begin at it or later. A cell that contains
/// the instant belongs to neither.
pub(crate) fn split(lines: &[Line], at_ms: i64, width: CellWidth) -> (Vec<Part<'_>>, Vec<Part<'_>>) {
    let width_ms = i64::from(width.minutes()) * 60_000;
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for line in lines {
        let ended = line.cells.partition_point(|cell| cell.start_ms + width_ms <= at_ms);
        let begun = line.cells.partition_point(|cell| cell.start_ms < at_ms);
        before.extend(part(line, &line.cells[..ended]));
        after.extend(part(line, &line.cells[begun..]));
    }
    (before, after)
}

fn part<'a>(line: &'a Line, cells: &'a [Cell]) -> Option<Part<'a>> {
    (!cells.is_empty()).then_some(Part { cluster: &line.cluster, member: line.member.as_ref(), cells })
}

named! {
    /// What the interval shows about a change.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Verdict {
        /// The whole interval lies above 0.
        Better = "better",
        /// The whole interval lies below 0.
        Worse = "worse",
        /// The interval contains 0, so the change may be chance.
        NoEvidence = "no_evidence",
        /// A side has fewer than [`MIN_DAYS`] days with a score.
        TooLittle = "too_little_data",
    }
}

impl Verdict {
    fn of(interval: Option<Interval>) -> Self {
        match interval {
            None => Self::TooLittle,
            Some(interval) if interval.low > ROUNDING => Self::Better,
            Some(interval) if interval.high < -ROUNDING => Self::Worse,
            Some(_) => Self::NoEvidence,
        }
    }
}

/// Change of the mean score, or of the mean loss of a metric, in points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Change {
    /// Mean before; `None` if no step is scored.
    pub(crate) before: Option<f64>,
    /// Mean after; `None` if no step is scored.
    pub(crate) after: Option<f64>,
    /// 95 % confidence interval of the difference; `None` with too few days.
    pub(crate) interval: Option<Interval>,
    /// Cliff's delta, −1 to 1: of all pairs of a cell before and a cell after, the share in which the later is better,
    /// minus the share in which it is worse.
    pub(crate) cliffs_delta: Option<f64>,
    pub(crate) verdict: Verdict,
}

impl Change {
    /// After minus before, in points; above 0 is an improvement.
    pub(crate) fn difference(&self) -> Option<f64> {
        Some(self.after? - self.before?)
    }
}

/// How one cluster or member changed.
#[derive(Clone, Debug)]
pub(crate) struct LineChange {
    pub(crate) cluster: Arc<str>,
    /// The member; `None` for the cluster itself.
    pub(crate) member: Option<Arc<str>>,
    pub(crate) before: Side,
    pub(crate) after: Side,
    pub(crate) score: Change,
    /// Change of each metric's loss.
    pub(crate) metrics: [Change; METRICS],
}

impl LineChange {
    /// The metrics that lost points on either side, with the change of their loss.
    pub(crate) fn costly(&self) -> impl Iterator<Item = (Metric, &Change)> {
        let costs = |change: &Change| [change.before, change.after].into_iter().flatten().any(|cost| cost < 0.0);
        Metric::ALL.into_iter().zip(&self.metrics).filter(move |(_, change)| costs(change))
    }
}

/// A cluster and one of its members; `None` as member stands for the cluster itself.
pub(crate) type Named = (Arc<str>, Option<Arc<str>>);

/// Result of comparing two periods.
#[derive(Clone, Debug, Default)]
pub(crate) struct Diff {
    /// Clusters and members present on both sides: each cluster, then its members.
    pub(crate) lines: Vec<LineChange>,
    /// Clusters and members present only before.
    pub(crate) only_before: Vec<Named>,
    /// Clusters and members present only after.
    pub(crate) only_after: Vec<Named>,
}

impl Diff {
    /// Number of confidence intervals printed for clusters: one for the score and one for each metric that lost points.
    /// The report shows it because about 1 in 20 intervals (at 95 %) is a false alarm if nothing changed.
    pub(crate) fn intervals(&self) -> usize {
        let of_line = |line: &LineChange| 1 + line.costly().count();
        let known = |line: &&LineChange| line.member.is_none() && line.score.interval.is_some();
        self.lines.iter().filter(known).map(of_line).sum()
    }
}

/// Compares each cluster and member between two periods. Both sides must be sorted in byte order,
/// a cluster before its members.
pub(crate) fn diff(before: &[Part<'_>], after: &[Part<'_>], width: CellWidth) -> Diff {
    let mut diff = Diff::default();
    let mut pairs = Vec::new();
    let (mut before, mut after) = (before.iter().peekable(), after.iter().peekable());
    loop {
        let order = match (before.peek(), after.peek()) {
            (Some(b), Some(a)) => (b.cluster, b.member).cmp(&(a.cluster, a.member)),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => break,
        };
        let b = if order.is_le() { before.next() } else { None };
        let a = if order.is_ge() { after.next() } else { None };
        match (b, a) {
            (Some(b), Some(a)) => pairs.push((b, a)),
            (Some(b), None) => diff.only_before.push(named(b)),
            (None, Some(a)) => diff.only_after.push(named(a)),
            (None, None) => break,
        }
    }
    diff.lines = pairs.into_par_iter().map(|(b, a)| compare(b, a, width)).collect();
    diff
}

fn named(part: &Part<'_>) -> Named {
    (part.cluster.clone(), part.member.cloned())
}

fn compare(before: &Part<'_>, after: &Part<'_>, width: CellWidth) -> LineChange {
    let (cluster, member) = named(before);
    let (before_side, before_days) = side::of(before.cells, width);
    let (after_side, after_days) = side::of(after.cells, width);
    let intervals = intervals(&before_days, &after_days);
    let change = |quantity: usize| {
        let interval = intervals.map(|all| all[quantity]);
        Change {
            before: before_side.means.map(|means| means[quantity]),
            after: after_side.means.map(|means| means[quantity]),
            interval,
            cliffs_delta: cliffs_delta(of_cells(before.cells, quantity), of_cells(after.cells, quantity)),
            verdict: Verdict::of(interval),
        }
    };
    let (score, metrics) = (change(0), std::array::from_fn(|metric| change(1 + metric)));
    LineChange { cluster, member, before: before_side, after: after_side, score, metrics }
}

/// The value of `quantity` (an index below [`QUANTITIES`]) in each cell that has a score.
fn of_cells(cells: &[Cell], quantity: usize) -> Vec<f64> {
    cells.iter().filter_map(|cell| Some(quantities(cell)?[quantity])).collect()
}

/// The mean score of a cell, then the mean loss of each metric as negative points; `None` for a cell without a score.
fn quantities(cell: &Cell) -> Option<[f64; QUANTITIES]> {
    let (mean, losses) = (cell.mean?, cell.losses?);
    // `0.0 - x` instead of `-x`, because -0.0 would be written as "-0".
    Some(std::array::from_fn(|quantity| if quantity == 0 { mean } else { 0.0 - losses[quantity - 1] }))
}
