//! Names of labels: lists of several, and their spelling in queries and paths.
//!
//! Classic names consist of letters, digits and underscores. Prometheus 3 also accepts any other UTF-8
//! text, such as `k8s.cluster.name`, in quotes. Classic names are never quoted, so queries with only
//! classic names work on older servers.

use std::borrow::Cow;

use super::{Client, PromError};
pub(crate) use crate::readings::label_names;

/// Whether the name needs no quotes in a query.
pub(crate) fn is_classic(name: &str) -> bool {
    let mut chars = name.chars();
    let starts = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    starts && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The name as it stands in a query, in matchers and in `by (…)`.
pub(crate) fn in_promql(name: &str) -> Cow<'_, str> {
    if is_classic(name) { Cow::Borrowed(name) } else { Cow::Owned(quoted(name)) }
}

/// A PromQL string.
pub(crate) fn quoted(text: &str) -> String {
    // The escapes of JSON are also those of PromQL.
    serde_json::Value::from(text).to_string()
}

/// The name in a path of the API. Prometheus 3 decodes names that start with `U__`: an underscore is doubled, and any
/// other character that is not a letter, a digit or a colon is its code point in hexadecimal between underscores.
pub(super) fn in_path(name: &str) -> Cow<'_, str> {
    if is_classic(name) {
        return Cow::Borrowed(name);
    }
    let mut escaped = String::from("U__");
    for c in name.chars() {
        match c {
            '_' => escaped.push_str("__"),
            ':' => escaped.push(c),
            c if c.is_ascii_alphanumeric() => escaped.push(c),
            c => escaped.push_str(&format!("_{:x}_", u32::from(c))),
        }
    }
    Cow::Owned(escaped)
}

impl Client {
    /// The error for a query that the server cannot parse or evaluate. With quoted label names in the query, the
    /// likely cause is a server that does not know them.
    pub(super) fn bad_query(&self, url: String, message: String) -> PromError {
        let quoted = self.naming().all().find(|name| !is_classic(name));
        match quoted {
            Some(label) => PromError::QuotedLabel { url, label: label.to_owned(), message },
            None => PromError::BadQuery { url, message },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_are_not_classic_are_quoted() {
        for (name, promql, path) in [
            ("env", "env", "env"),
            ("_a1", "_a1", "_a1"),
            ("k8s.cluster.name", r#""k8s.cluster.name""#, "U__k8s_2e_cluster_2e_name"),
            ("service-name", r#""service-name""#, "U__service_2d_name"),
            ("1a_b", r#""1a_b""#, "U__1a__b"),
            ("größe/m", r#""größe/m""#, "U__gr_f6__df_e_2f_m"),
        ] {
            assert_eq!((&*in_promql(name), &*in_path(name)), (promql, path), "{name}");
        }
    }

    #[test]
    fn a_list_of_names_is_split_at_commas() {
        assert_eq!(label_names("env, region").collect::<Vec<_>>(), ["env", "region"]);
        assert_eq!(label_names("instance").collect::<Vec<_>>(), ["instance"]);
        assert_eq!(label_names("").count(), 0);
    }
}
