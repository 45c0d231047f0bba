//! The expressions that can be evaluated without a server: those of the embedded queries, and any others of the same
//! form.

use super::selector::Selector;
use super::store::LostSpan;

/// A PromQL expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Query {
    /// `name{…}`
    Select(Selector),
    /// `rate(name{…}[window])`
    Rate(Selector, i64),
    /// `changes(name{…}[window])`
    Changes(Selector, i64),
    /// `last_over_time(name{…}[window])`
    Last(Selector, i64),
    /// `histogram_quantile(q, sum by (…, le) (rate(name{…}[window])))`
    Quantile {
        q: f64,
        /// The labels of `by (…)` without `le`.
        by: Vec<String>,
        buckets: Selector,
        window_ms: i64,
    },
    /// `sum by (…) (rate(name{…}[window]))`
    Sum { by: Vec<String>, selector: Selector, window_ms: i64 },
    /// `left or right`
    Or(Box<Query>, Box<Query>),
    /// `left and on (…) right`
    AndOn(Box<Query>, Vec<String>, Box<Query>),
}

impl Query {
    /// All selectors in the expression, from left to right.
    pub(super) fn selectors(&self) -> Vec<&Selector> {
        match self {
            Self::Select(selector)
            | Self::Rate(selector, _)
            | Self::Changes(selector, _)
            | Self::Last(selector, _)
            | Self::Sum { selector, .. }
            | Self::Quantile { buckets: selector, .. } => vec![selector],
            Self::Or(left, right) | Self::AndOn(left, _, right) => [left.selectors(), right.selectors()].concat(),
        }
    }

    /// The selectors of the series whose values the expression returns. Those to the right of `and` only filter.
    pub(super) fn read(&self) -> Vec<&Selector> {
        match self {
            Self::Or(left, right) => [left.read(), right.read()].concat(),
            Self::AndOn(left, _, _) => left.read(),
            other => other.selectors(),
        }
    }

    /// Whether samples of the expression may be missing in a span.
    pub(super) fn lacks(&self, lost: &LostSpan) -> bool {
        self.selectors().iter().any(|selector| selector.name >= lost.from_metric)
    }

    /// How far before an evaluation the expression reads samples, in milliseconds.
    pub(super) fn reach_ms(&self, lookback_ms: i64) -> i64 {
        match self {
            Self::Select(_) => lookback_ms,
            Self::Rate(_, window_ms)
            | Self::Changes(_, window_ms)
            | Self::Last(_, window_ms)
            | Self::Sum { window_ms, .. }
            | Self::Quantile { window_ms, .. } => *window_ms,
            Self::Or(left, right) | Self::AndOn(left, _, right) => {
                left.reach_ms(lookback_ms).max(right.reach_ms(lookback_ms))
            }
        }
    }

    /// Whether the expression needs two samples in a window.
    pub(super) fn is_rate(&self) -> bool {
        matches!(self, Self::Rate(..) | Self::Sum { .. } | Self::Quantile { .. })
    }
}
