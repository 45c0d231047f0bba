//! The raw counts behind the readings of a step: what the samples in the window of each query count, without the
//! extrapolation of rates.

use std::collections::BTreeMap;

use crate::readings::Member;
use crate::sources::promql::parse_le;
use crate::sources::raw::{Computes, Label, Sampled};
use crate::sources::tsdb::block::Samples;
use crate::spec::Metric;

/// The raw counts of some members of a cluster.
#[derive(Debug)]
pub(crate) struct RawCounts {
    /// Where the samples are from: a URL without its login, or a path.
    pub(crate) from: String,
    /// The metrics of each member, in the order of the specification.
    pub(crate) members: Vec<(Member, Vec<MetricCounts>)>,
}

/// The raw counts behind the reading of one metric of a member.
#[derive(Debug)]
pub(crate) struct MetricCounts {
    pub(crate) metric: Metric,
    /// The window that ends at the step, in milliseconds; `None` if the query cannot be taken apart.
    pub(crate) window_ms: Option<i64>,
    /// Whether the reading is that of a recording rule, whose window may be another one.
    pub(crate) is_recorded: bool,
    /// Whether samples in the window may be missing, because a part of the source is damaged.
    pub(crate) may_lack: bool,
    pub(crate) found: Found,
}

/// What the samples in the window count, or why there are none.
#[derive(Debug, PartialEq)]
pub(crate) enum Found {
    Histogram(Histogram),
    /// The increases of counters, one for each series.
    Increases(Vec<Increase>),
    /// The values of counters at the samples at which they changed, one for each series.
    Moves(Vec<Moves>),
    /// The last samples, one for each series.
    Last(Vec<Last>),
    /// One sample, which has no increase.
    Single(Span),
    /// The member has series, but no samples in the window.
    Silent,
    /// The member has samples, but not those of the metrics with these names, by which the query selects.
    Unmatched(String),
    /// The source has no series of the metrics with these names of the member.
    Absent(String),
    /// The source refused, or could not be read: the error.
    Refused(String),
    /// The query of the history is none that can be computed from raw samples: the reason.
    Opaque(String),
}

/// Samples of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) samples: usize,
    /// The times of the first and the last sample, milliseconds since 1970.
    pub(crate) first_ms: i64,
    pub(crate) last_ms: i64,
}

/// The observations of a histogram in the window.
#[derive(Debug, PartialEq)]
pub(crate) struct Histogram {
    /// The upper bound of each bucket in seconds, ascending, and the observations in it and in no lower bucket.
    pub(crate) buckets: Vec<(f64, f64)>,
    /// The observations in all buckets.
    pub(crate) total: f64,
    /// The finite bounds in seconds of the bucket that holds the quantile, each with the observations above it; empty
    /// without observations.
    pub(crate) slow: Vec<(f64, f64)>,
    /// The samples of one bucket; with several targets, of all.
    pub(crate) span: Span,
    /// The series that each bucket has, which are added up.
    pub(crate) targets: usize,
    /// Whether the buckets of a target have different samples, so that their counts may not fit together.
    pub(crate) is_uneven: bool,
}

/// The increase of a counter in the window.
#[derive(Debug, PartialEq)]
pub(crate) struct Increase {
    pub(crate) series: String,
    pub(crate) span: Span,
    /// From the first sample to the last, with what was counted before each reset.
    pub(crate) amount: f64,
    pub(crate) resets: usize,
}

/// When the value of a counter changed in the window.
#[derive(Debug, PartialEq)]
pub(crate) struct Moves {
    pub(crate) series: String,
    pub(crate) span: Span,
    pub(crate) first: f64,
    pub(crate) last: f64,
    /// The time of each sample that differs from the one before it, in milliseconds, with both values.
    pub(crate) moves: Vec<(i64, [f64; 2])>,
}

/// The last sample of a window.
#[derive(Debug, PartialEq)]
pub(crate) struct Last {
    pub(crate) series: String,
    pub(crate) at_ms: i64,
    pub(crate) value: f64,
}

/// What the series of one member count, each of which has samples; `None` without series.
pub(crate) fn counted(computes: Computes, series: &[&Sampled]) -> Option<Found> {
    let longest = series.iter().max_by_key(|one| one.samples.len())?;
    if computes != Computes::Last && longest.samples.len() < 2 {
        return Some(Found::Single(span(&longest.samples)?));
    }
    Some(match computes {
        Computes::Quantile(q) => return histogram(q, series).map(Found::Histogram),
        Computes::Increase => Found::Increases(series.iter().filter_map(|one| increased(one)).collect()),
        Computes::Changes => Found::Moves(series.iter().filter_map(|one| moved(one)).collect()),
        Computes::Last => Found::Last(series.iter().filter_map(|one| last(one)).collect()),
    })
}

fn span(samples: &Samples) -> Option<Span> {
    let (first_ms, last_ms) = (*samples.times_ms.first()?, *samples.times_ms.last()?);
    Some(Span { samples: samples.len(), first_ms, last_ms })
}

/// The increase of a counter from its first to its last sample, and the number of its resets. Prometheus adds in this
/// order: the last sample minus the first, plus the sample before each reset.
fn increase(values: &[f64]) -> (f64, usize) {
    let (Some(first), Some(last)) = (values.first(), values.last()) else { return (0.0, 0) };
    let resets = values.windows(2).filter(|pair| pair[1] < pair[0]);
    (resets.clone().fold(last - first, |sum, pair| sum + pair[0]), resets.count())
}

fn increased(one: &Sampled) -> Option<Increase> {
    let (amount, resets) = increase(&one.samples.values);
    Some(Increase { series: one.shown(), span: span(&one.samples)?, amount, resets })
}

fn moved(one: &Sampled) -> Option<Moves> {
    let values = &one.samples.values;
    let pairs = one.samples.times_ms[1..].iter().zip(values.windows(2));
    let moves = pairs.filter(|(_, pair)| pair[0] != pair[1] && !pair[0].is_nan());
    Some(Moves {
        series: one.shown(),
        span: span(&one.samples)?,
        first: *values.first()?,
        last: *values.last()?,
        moves: moves.map(|(at_ms, pair)| (*at_ms, [pair[0], pair[1]])).collect(),
    })
}

fn last(one: &Sampled) -> Option<Last> {
    Some(Last { series: one.shown(), at_ms: *one.samples.times_ms.last()?, value: *one.samples.values.last()? })
}

/// Adds up the increases of the buckets of all targets, and takes each bucket's lower neighbor off. `None` without a
/// bucket whose bound is a number.
fn histogram(q: f64, series: &[&Sampled]) -> Option<Histogram> {
    let mut spans: BTreeMap<Vec<&Label>, Vec<Span>> = BTreeMap::new();
    let mut increases: Vec<(f64, f64)> = Vec::new();
    for one in series {
        let Some(bound) = one.label("le").and_then(parse_le) else { continue };
        spans.entry(one.target()).or_default().push(span(&one.samples)?);
        increases.push((bound, increase(&one.samples.values).0));
    }
    increases.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    increases.dedup_by(|(bound, count), (kept_bound, kept)| {
        let is_equal = bound == kept_bound;
        if is_equal {
            *kept += *count;
        }
        is_equal
    });
    let total = increases.last()?.1;
    let below = [0.0].into_iter().chain(increases.iter().map(|(_, count)| *count));
    let buckets = increases.iter().zip(below).map(|((bound, count), below)| (*bound, count - below)).collect();
    let reached = increases.iter().position(|(_, count)| *count >= q * total).filter(|_| total > 0.0);
    let around = reached.map_or(0..0, |at| at.saturating_sub(1)..at + 1);
    let slow = increases[around].iter().filter(|(bound, _)| bound.is_finite());
    let all = || spans.values().flatten();
    Some(Histogram {
        buckets,
        total,
        slow: slow.map(|(bound, count)| (*bound, total - count)).collect(),
        span: Span {
            samples: spans.values().filter_map(|spans| spans.iter().map(|span| span.samples).max()).sum(),
            first_ms: all().map(|span| span.first_ms).min()?,
            last_ms: all().map(|span| span.last_ms).max()?,
        },
        targets: spans.len(),
        is_uneven: spans.values().any(|spans| spans.iter().any(|span| span != &spans[0])),
    })
}

#[cfg(test)]
#[path = "counts_tests.rs"]
mod tests;
