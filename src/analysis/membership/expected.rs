//! The number of members that each cluster must have, from `--expect-members`.

use std::collections::BTreeMap;

/// Largest number of members that can be expected; etcd's documentation recommends at most seven.
const MOST: usize = 1000;

/// How many members a cluster must have: one number for every cluster, and exceptions by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ExpectedMembers {
    every: Option<usize>,
    named: BTreeMap<String, usize>,
}

impl ExpectedMembers {
    /// Parses values such as `3` (every cluster) and `edge=1` (one cluster). The error text completes a
    /// message that the caller begins.
    pub(crate) fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let mut expected = Self::default();
        for text in texts {
            // A name may contain `=`, a number cannot.
            let (name, number) = text.rsplit_once('=').map_or((None, text), |(name, n)| (Some(name.trim()), n));
            let members = number.trim().parse().ok().filter(|n| *n <= MOST).ok_or_else(|| {
                format!("'{text}' is not a number of members: use 3 for every cluster, or NAME=3 for one cluster")
            })?;
            let twice = match name {
                None => expected.every.replace(members).map(|_| "every cluster".to_owned()),
                Some("") => {
                    return Err(format!("'{text}' names no cluster: use 3 for every cluster, or NAME=3 for one"));
                }
                Some(name) => expected.named.insert(name.to_owned(), members).map(|_| format!("the cluster '{name}'")),
            };
            if let Some(whose) = twice {
                return Err(format!("two numbers for {whose}: give one"));
            }
        }
        Ok(expected)
    }

    /// The number of members that this cluster must have; `None` if nothing is expected of it.
    pub(crate) fn of(&self, cluster: &str) -> Option<usize> {
        self.named.get(cluster).copied().or(self.every)
    }

    /// The clusters that are expected by name, each with its number of members.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&str, usize)> {
        self.named.iter().map(|(name, members)| (name.as_str(), *members))
    }

    /// Whether nothing is expected of any cluster.
    pub(crate) fn is_empty(&self) -> bool {
        self.every.is_none() && self.named.is_empty()
    }

    /// The texts that [`Self::parse`] reads back.
    pub(crate) fn texts(&self) -> Vec<String> {
        let named = self.named.iter().map(|(name, members)| format!("{name}={members}"));
        self.every.iter().map(usize::to_string).chain(named).collect()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    #[test]
    fn a_number_for_every_cluster_has_exceptions_by_name() {
        let expected = ExpectedMembers::parse(["3", "edge = 1", "a=b=5", "lab=0"]).unwrap();
        assert_eq!(["c", "edge", "a=b", "lab"].map(|name| expected.of(name)), [Some(3), Some(1), Some(5), Some(0)]);
        let texts = expected.texts();
        assert_eq!(ExpectedMembers::parse(texts.iter().map(String::as_str)), Ok(expected));
        let only_one = ExpectedMembers::parse(["edge=1"]).unwrap();
        assert_eq!([only_one.of("edge"), only_one.of("c")], [Some(1), None]);
        assert!(ExpectedMembers::parse([]).unwrap().is_empty() && !only_one.is_empty());
    }

    #[test]
    fn texts_that_are_not_numbers_of_members_are_errors() {
        for wrong in ["three", "-1", "2.5", "1001", "edge=", "edge", "=3", ""] {
            assert!(ExpectedMembers::parse([wrong]).is_err(), "{wrong}");
        }
        for twice in [["3", "5"], ["edge=3", "edge=5"]] {
            assert!(ExpectedMembers::parse(twice).unwrap_err().starts_with("two numbers for"), "{twice:?}");
        }
    }
}
