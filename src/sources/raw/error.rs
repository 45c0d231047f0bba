//! Errors of sources of raw samples.

use super::evaluate::EvaluationError;
use crate::spec::{Column, Companion, Metric};
use crate::time::TimeRange;

/// Why readings cannot be computed from a store of raw samples, whose own errors are `E`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RawError<E: std::error::Error> {
    /// The store cannot be read.
    #[error(transparent)]
    Store(E),
    /// A query cannot be evaluated.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError<E>),
    /// The query is not of a form that can be evaluated without a server.
    #[error(
        "the query of {column} cannot be computed from raw samples ({reason}): {promql}; leave out --queries, or use --url"
    )]
    Query {
        column: Column,
        promql: String,
        /// What is not supported, in a few words.
        reason: String,
    },
    /// The matchers of `--selector` cannot be used.
    #[error("--selector '{selector}' cannot be used for raw samples: {reason}")]
    Selector { selector: String, reason: String },
    /// None of the metrics has a series.
    #[error("{name} has none of etcd's six metrics{selector}: check --from and --selector")]
    NothingAtAll {
        /// The path of the source.
        name: String,
        /// ` with {…}` if there is a selector, otherwise empty.
        selector: String,
    },
    /// A series lacks a label that names its cluster or member.
    #[error("the series {series} of {column} has no label {label}: {remedy}")]
    NoLabel {
        column: Column,
        /// Labels of the series.
        series: String,
        label: String,
        remedy: &'static str,
    },
    /// None of the metrics has a series in the range.
    #[error("{name} has none of etcd's six metrics from {range}{selector}: check --start, --end and --selector")]
    Nothing {
        /// The path of the source.
        name: String,
        range: TimeRange,
        /// ` with {…}` if there is a selector, otherwise empty.
        selector: String,
    },
    /// A metric has no series in the range.
    #[error(
        "no series of {metric} from {range} in {name}: select its series with --selector, or leave it out with --without {metric}"
    )]
    NoSeries { metric: Metric, range: TimeRange, name: String },
    /// A metric has series, but never enough samples for a value.
    #[error("{metric} has no value: {advice}, or leave it out with --without {metric}")]
    TooFewSamples {
        metric: Metric,
        /// How often the metric is scraped, if known, and the remedy.
        advice: String,
    },
    /// All samples of the metric are in spans of which samples may be missing.
    #[error(
        "{name} has {metric} only in part, so all its readings are unknown: get a complete copy, or leave it out with --without {metric}"
    )]
    Incomplete { metric: Metric, name: String },
    /// Classic buckets are missing.
    #[error(
        "{metric} exists as native histograms only, which cannot be computed without a server: use --url, or --without {metric}"
    )]
    Native { metric: Metric },
    /// Every process has this metric, and no target with it also has a series of etcd.
    #[error(
        "{metric} exists only on targets without etcd's own series, such as etcd_server_has_leader: check --selector, or use --without {metric}"
    )]
    NotEtcd { metric: Metric },
    /// A limit that the profile uses has no series in the range.
    #[error(
        "no series of {limit} from {range}; the profile compares {metric} with it: use --without {metric} or --profile seed"
    )]
    NoLimit { limit: Companion, metric: Metric, range: TimeRange },
    /// The thread that computed a day has panicked.
    #[error("a day could not be computed: report this as a bug of etcd-heatmap")]
    Interrupted,
}

impl<E: std::error::Error> RawError<E> {
    /// Whether the error concerns only one metric or limit, so that the others can still be chosen.
    pub(super) fn is_about_a_column(&self) -> bool {
        matches!(
            self,
            Self::Query { .. }
                | Self::NoSeries { .. }
                | Self::TooFewSamples { .. }
                | Self::Native { .. }
                | Self::NotEtcd { .. }
                | Self::NoLimit { .. }
                | Self::Incomplete { .. }
        )
    }
}
