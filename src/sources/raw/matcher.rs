//! Matchers of labels, as PromQL has them.

use regex::Regex;

/// A condition on the value of a label. A label that a series lacks has the empty value.
#[derive(Clone, Debug)]
pub(crate) struct Matcher {
    name: String,
    operator: &'static str,
    /// As written: for a regular expression, without anchors.
    value: String,
    condition: Condition,
}

#[derive(Clone, Debug)]
enum Condition {
    Equal(String),
    NotEqual(String),
    Like(Regex),
    Unlike(Regex),
}

impl Matcher {
    /// A matcher with one of the operators `=`, `!=`, `=~` and `!~`. Fails with the reason if the value is not a regular
    /// expression. Expressions must match the whole value.
    pub(super) fn new(name: &str, operator: &str, value: &str) -> Result<Self, String> {
        let pattern = || Regex::new(&format!("^(?s:{value})$")).map_err(|error| last_line(&error.to_string()));
        let (operator, condition) = match operator {
            "=" => ("=", Condition::Equal(value.to_owned())),
            "!=" => ("!=", Condition::NotEqual(value.to_owned())),
            "=~" => ("=~", Condition::Like(pattern()?)),
            "!~" => ("!~", Condition::Unlike(pattern()?)),
            _ => return Err(format!("'{operator}' is not an operator of matchers")),
        };
        Ok(Self { name: name.to_owned(), operator, value: value.to_owned(), condition })
    }

    /// A matcher of one value.
    pub(crate) fn equal(name: &str, value: &str) -> Self {
        let condition = Condition::Equal(value.to_owned());
        Self { name: name.to_owned(), operator: "=", value: value.to_owned(), condition }
    }

    /// The name of the label.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// `=`, `!=`, `=~` or `!~`.
    pub(crate) fn operator(&self) -> &'static str {
        self.operator
    }

    /// The value as written: for a regular expression, without anchors.
    pub(crate) fn value(&self) -> &str {
        &self.value
    }

    pub(super) fn matches(&self, value: &str) -> bool {
        match &self.condition {
            Condition::Equal(wanted) => value == wanted,
            Condition::NotEqual(unwanted) => value != unwanted,
            Condition::Like(pattern) => pattern.is_match(value),
            Condition::Unlike(pattern) => !pattern.is_match(value),
        }
    }
}

/// The reason in an error of `regex`, which shows the pattern on the lines before it.
fn last_line(error: &str) -> String {
    let line = error.lines().last().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.operator, &self.value) == (&other.name, other.operator, &other.value)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    #[test]
    fn expressions_match_the_whole_value() {
        for (operator, wanted, value, expected) in [
            ("=", "etcd", "etcd", true),
            ("=", "", "", true),
            ("=", "etcd", "etcd2", false),
            ("!=", "etcd", "", true),
            ("=~", "etcd|kube", "etcd", true),
            ("=~", "etcd|kube", "etcd2", false),
            ("=~", ".*", "", true),
            ("=~", ".+", "", false),
            ("=~", "a.b", "a\nb", true),
            ("!~", "e.*", "etcd", false),
            ("!~", "e.*", "x", true),
        ] {
            let matcher = Matcher::new("job", operator, wanted).unwrap();
            assert_eq!(matcher.matches(value), expected, "{value:?} {operator} {wanted:?}");
        }
    }

    #[test]
    fn an_invalid_expression_is_an_error_with_the_reason() {
        let error = Matcher::new("job", "=~", "(etcd").unwrap_err();
        assert_eq!(error, "unclosed group");
    }
}
