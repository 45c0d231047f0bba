//! A source of readings over raw samples: evaluates the queries of the metrics itself, where there is no server to do so.
//!
//! A [`SampleStore`] hands out series and their samples: the blocks of a data directory, a dump, or the answers of a
//! remote read. A [`RawSource`] parses the same queries that a server would get, computes them with
//! [`promql`](super::promql), and fills windows that equal the server's to the last bit.

mod behind;
mod choose;
mod error;
mod evaluate;
mod identity;
mod matcher;
mod parse;
mod pinned;
mod queries;
mod query;
mod reach;
mod selector;
mod source;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use behind::{Behind, Computes, Sampled, has_series, samples_until};
pub(crate) use choose::{Choice, RawWanted, Seen, choose};
pub(crate) use error::RawError;
#[cfg(test)]
pub(crate) use evaluate::EvaluationError;
#[cfg(test)]
pub(crate) use matcher::Matcher;
pub(crate) use queries::{Queries, Selection};
pub(crate) use reach::{classic_names, extent, metric_names, require_selector, selectors};
pub(crate) use selector::Selector;
pub(crate) use source::{RawSource, Rules, on_threads};
pub(crate) use store::{Label, LostSpan, METRIC_NAME, SampleStore, Sighted, is_named, label_of};
