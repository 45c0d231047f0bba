//! Selectors of series: a metric's name, and matchers of labels.

use std::fmt;

use super::matcher::Matcher;
use super::store::{Label, METRIC_NAME, label_of};
use crate::readings::Pin;
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

    /// The same selector for the metric with another name.
    pub(super) fn renamed(&self, name: &str) -> Self {
        Self { name: name.to_owned(), matchers: self.matchers.clone() }
    }

    /// The same selector for the series with these values of labels only.
    pub(super) fn pinned<'a>(&self, pins: impl Iterator<Item = &'a Pin>) -> Self {
        let pins = pins.map(|(label, value)| Matcher::equal(label, value));
        Self { name: self.name.clone(), matchers: self.matchers.iter().cloned().chain(pins).collect() }
    }

    /// The matchers without braces.
    pub(crate) fn matchers_in_promql(&self) -> String {
        let one = |one: &Matcher| format!("{}{}{}", in_promql(one.name()), one.operator(), quoted(one.value()));
        self.matchers.iter().map(one).collect::<Vec<_>>().join(",")
    }
}

/// The selector in PromQL.
impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{{{}}}", self.name, self.matchers_in_promql())
    }
}
