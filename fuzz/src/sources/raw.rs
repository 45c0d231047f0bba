//! The parser of `src/sources/raw`, and a writer of what it parses.

#[path = "../../../src/sources/raw/matcher.rs"]
mod matcher;
#[path = "../../../src/sources/raw/parse.rs"]
mod parse;
#[path = "../../../src/sources/raw/query.rs"]
mod query;
#[path = "../../../src/sources/raw/selector.rs"]
mod selector;
#[path = "../../../src/sources/raw/store.rs"]
mod store;

use std::sync::Arc;

use matcher::Matcher;
use query::Query;
use selector::Selector;
use store::Label;

/// A query that can be computed without a server.
#[derive(Debug, PartialEq)]
pub struct Parsed(Query);

/// Parses a query, or gives the reason why it is not supported.
pub fn parse(text: &str) -> Result<Parsed, String> {
    parse::parse(text).map(Parsed)
}

impl Parsed {
    /// The query in PromQL notation, with all parentheses.
    pub fn written(&self) -> String {
        written(&self.0)
    }

    /// How many selectors the query has, and for how many of them the labels are known that they select.
    pub fn selects_itself(&self) -> (usize, usize) {
        let selectors = self.0.selectors();
        let known = selectors.iter().filter_map(|selector| Some((*selector, labels(selector)?)));
        let count = known.map(|(selector, labels)| assert!(selector.matches(&labels), "{selector:?}: {labels:?}"));
        (selectors.len(), count.count())
    }
}

/// Labels that a selector must select; `None` if its patterns have special characters, or two matchers are about the same
/// label.
fn labels(selector: &Selector) -> Option<Vec<Label>> {
    let mut labels: Vec<Label> = vec![(Arc::from(store::METRIC_NAME), Arc::from(selector.name.as_str()))];
    for matcher in &selector.matchers {
        let plain = matcher.value().chars().all(|character| character.is_alphanumeric() || character == ' ');
        let value = match matcher.operator() {
            "=" => matcher.value().to_owned(),
            "!=" => format!("{}x", matcher.value()),
            "=~" if plain => matcher.value().to_owned(),
            "!~" if plain => format!("{}x", matcher.value()),
            _ => return None,
        };
        if labels.iter().any(|(name, _)| name.as_ref() == matcher.name()) {
            return None;
        }
        // A label with an empty value does not exist.
        if !value.is_empty() {
            labels.push((Arc::from(matcher.name()), Arc::from(value)));
        }
    }
    Some(labels)
}

fn written(query: &Query) -> String {
    match query {
        Query::Select(selector) => series(selector),
        Query::Rate(selector, window_ms) => format!("rate({}[{window_ms}ms])", series(selector)),
        Query::Changes(selector, window_ms) => format!("changes({}[{window_ms}ms])", series(selector)),
        Query::Last(selector, window_ms) => format!("last_over_time({}[{window_ms}ms])", series(selector)),
        Query::Quantile { q, by, buckets, window_ms } => {
            let by: String = by.iter().map(|name| format!("{}, ", quoted(name))).collect();
            // A number that is too large is infinite.
            let q = if q.is_finite() { q.to_string() } else { "9".repeat(400) };
            format!("histogram_quantile({q}, sum by ({by}le) (rate({}[{window_ms}ms])))", series(buckets))
        }
        Query::Sum { by, selector, window_ms } => {
            let by: Vec<String> = by.iter().map(|name| quoted(name)).collect();
            format!("sum by ({}) (rate({}[{window_ms}ms]))", by.join(", "), series(selector))
        }
        Query::Or(left, right) => format!("({}) or ({})", written(left), written(right)),
        Query::AndOn(left, names, right) => {
            let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
            format!("({}) and on ({}) ({})", written(left), names.join(", "), written(right))
        }
    }
}

fn series(selector: &Selector) -> String {
    let matcher = |matcher: &Matcher| {
        let (name, operator, value) = (matcher.name(), matcher.operator(), matcher.value());
        format!("{}{operator}{}", quoted(name), quoted(value))
    };
    let matchers: Vec<String> = selector.matchers.iter().map(matcher).collect();
    format!("{}{{{}}}", selector.name, matchers.join(", "))
}

/// A string in double quotes, with every third character as its number.
fn quoted(text: &str) -> String {
    let character = |(index, character): (usize, char)| match character {
        '"' | '\\' => format!("\\{character}"),
        '\n' => "\\n".to_owned(),
        other if index % 3 == 2 => format!("\\U{:08x}", u32::from(other)),
        other => other.to_string(),
    };
    format!("\"{}\"", text.chars().enumerate().map(character).collect::<String>())
}
