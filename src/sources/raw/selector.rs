//! Selectors of series: a metric's name, and matchers of labels.

use super::matcher::Matcher;
use super::store::{Label, METRIC_NAME, label_of};
use crate::sources::prometheus::{in_promql, quoted};

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

    /// The selector with one more matcher, as it stands in a query.
    pub(crate) fn in_promql(&self, more: &str) -> String {
        let own = self
            .matchers
            .iter()
            .map(|matcher| format!("{}{}{}", in_promql(matcher.name()), matcher.operator(), quoted(matcher.value())));
        let matchers: Vec<String> = own.chain(Some(more.to_owned()).filter(|more| !more.is_empty())).collect();
        format!("{}{{{}}}", self.name, matchers.join(","))
    }

    /// The same selector for the metric with another name.
    pub(super) fn renamed(&self, name: &str) -> Self {
        Self { name: name.to_owned(), matchers: self.matchers.clone() }
    }
}
