//! Selectors of series: a metric's name, and matchers of labels.

use super::matcher::Matcher;
use super::store::{Label, METRIC_NAME, label_of};

/// `name{label="value", …}`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Selector {
    pub(crate) name: String,
    pub(crate) matchers: Vec<Matcher>,
}

impl Selector {
    /// Whether a series with these labels, among them its name, is selected.
    pub(super) fn matches(&self, labels: &[Label]) -> bool {
        label_of(labels, METRIC_NAME) == Some(&*self.name)
            && self.matchers.iter().all(|matcher| matcher.matches(label_of(labels, matcher.name()).unwrap_or_default()))
    }

    /// Whether a series may be selected of which only some labels are given; a label without a value here may have any.
    pub(crate) fn may_match<'a>(&self, given: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.matchers.iter().all(|matcher| given(matcher.name()).is_none_or(|value| matcher.matches(value)))
    }

    /// The same selector for the metric with another name.
    pub(super) fn renamed(&self, name: &str) -> Self {
        Self { name: name.to_owned(), matchers: self.matchers.clone() }
    }
}
