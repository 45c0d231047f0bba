//! Selectors that are narrowed to some series, and written as PromQL.

use std::fmt;

use super::matcher::Matcher;
use super::selector::Selector;
use crate::readings::Pin;
use crate::sources::prometheus::{in_promql, quoted};

impl Selector {
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
