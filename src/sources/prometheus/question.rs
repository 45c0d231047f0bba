//! A query that can be asked of a part of the series where all of them are too many at once.

use tracing::field::Empty;
use tracing::{Span, warn_span};

use crate::spec::Column;

use super::QuerySet;

/// A query, and how it is narrowed.
pub(super) struct Question<'a> {
    /// As it is sent where the server takes it whole.
    pub(super) promql: String,
    /// The labels by whose values its series may be told apart, those of clusters before those of
    /// members; none where a part of the series would give another answer.
    pub(super) labels: Vec<&'a str>,
    /// What finds etcd's series, without braces.
    pub(super) selector: &'a str,
    column: Column,
    form: &'a str,
    narrow: Box<dyn Fn(&str) -> String + 'a>,
}

impl<'a> Question<'a> {
    /// The query of a column in one of its forms.
    pub(super) fn of(queries: &'a QuerySet, column: Column, form: &'a str) -> Self {
        Self::about(queries, column, form, move |matchers| queries.text(column, form, matchers))
    }

    /// A query about that of a column, which can be narrowed in the same way.
    pub(super) fn about(
        queries: &'a QuerySet,
        column: Column,
        form: &'a str,
        narrow: impl Fn(&str) -> String + 'a,
    ) -> Self {
        let (labels, selector) = (queries.labels_to_split_by(column, form), queries.selector());
        Self { promql: narrow(""), labels, selector, column, form, narrow: Box::new(narrow) }
    }

    /// What the log says of a query before each of its lines; `matchers` narrow it.
    pub(super) fn span(&self, matchers: &str) -> Span {
        // Of the highest level in use, so that a line of any level has its context.
        let span = warn_span!("query", metric = %self.column, form = self.form, slice = Empty);
        if !matchers.is_empty() {
            span.record("slice", matchers);
        }
        span
    }

    /// Why it cannot be narrowed to a single member; `None` where it can.
    pub(super) fn why_whole(&self) -> Option<String> {
        match self.labels.len() {
            0 => Some("one of --queries without $selector is asked whole".to_owned()),
            1 => Some("one of --queries is split by cluster only".to_owned()),
            _ => None,
        }
    }

    /// The query of the series that these matchers find as well.
    pub(super) fn narrowed(&self, matchers: &str) -> String {
        (self.narrow)(matchers)
    }
}
