//! A query that can be split by cluster and member if it has too many series for the server.

use tracing::field::Empty;
use tracing::{Span, warn_span};

use crate::spec::Column;

use super::QuerySet;

/// A query, and how to narrow it to a slice of its series.
pub(super) struct Question<'a> {
    /// The query for all series.
    pub(super) promql: String,
    /// Labels by which the series can be split, the cluster label before the member label. A query from `--queries` is
    /// split by cluster at most, and not at all without `$selector`.
    pub(super) labels: Vec<&'a str>,
    /// Selector of etcd's series, without braces.
    pub(super) selector: &'a str,
    column: Column,
    form: &'a str,
    /// Whether the query may be split down to single members.
    is_of_members: bool,
    narrow: Box<dyn Fn(&str) -> String + 'a>,
}

impl<'a> Question<'a> {
    /// The query of a column in its raw, recorded or direct form.
    pub(super) fn of(queries: &'a QuerySet, column: Column, form: &'a str) -> Self {
        Self::about(queries, column, form, move |matchers| queries.text(column, form, matchers))
    }

    /// A different query over the series of this column, such as a count, which can be split in the same way.
    /// `narrow` returns the query's text with additional matchers.
    pub(super) fn about(
        queries: &'a QuerySet,
        column: Column,
        form: &'a str,
        narrow: impl Fn(&str) -> String + 'a,
    ) -> Self {
        let (labels, selector) = (queries.labels_to_split_by(column, form), queries.selector());
        let is_of_members = queries.is_embedded(column);
        Self { promql: narrow(""), labels, selector, column, form, is_of_members, narrow: Box::new(narrow) }
    }

    /// Log context of the query; `matchers` are those of the slice.
    pub(super) fn span(&self, matchers: &str) -> Span {
        // A span at warning level, the highest in use, is shown with log lines of every level.
        let span = warn_span!("query", metric = %self.column, form = self.form, slice = Empty);
        if !matchers.is_empty() {
            span.record("slice", matchers);
        }
        span
    }

    /// Why the query cannot be split down to single members; `None` if it can.
    pub(super) fn why_whole(&self) -> Option<String> {
        match self.labels.len() {
            0 => Some("a query from --queries without $selector cannot be split".to_owned()),
            _ if self.is_of_members => None,
            _ => Some("a query from --queries is split by cluster only".to_owned()),
        }
    }

    /// The query narrowed by additional matchers.
    pub(super) fn narrowed(&self, matchers: &str) -> String {
        (self.narrow)(matchers)
    }
}
