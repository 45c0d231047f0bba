//! The name of one of several sources: the first part of the names of its clusters, and of its folder.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest name.
const LONGEST: usize = 64;

/// The name of one of several sources, such as `eu-1`: a plain word, so that it can name a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SourceName(String);

impl SourceName {
    /// The name of a source whose own is hidden, made of letters, digits and `-`.
    pub(super) fn pseudonym(text: String) -> Self {
        debug_assert!(text.parse::<Self>().is_ok());
        Self(text)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of one of its clusters in a history of several sources, such as `eu-1/etcd`.
    pub fn cluster(&self, cluster: &str) -> String {
        format!("{}/{cluster}", self.0)
    }

    /// Whether a cluster of a history of several sources is one of its clusters.
    pub(crate) fn has(&self, cluster: &str) -> bool {
        cluster.split_once('/').is_some_and(|(first, _)| first == self.0)
    }

    /// Whether a file system that ignores case would take one name for the other.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl FromStr for SourceName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        match begins && text.len() <= LONGEST && text.chars().all(is_plain) {
            true => Ok(Self(text.to_owned())),
            false => Err(format!(
                "'{}' cannot be the name of a source: use up to {LONGEST} letters, digits, '-', '_' or '.', such as eu-1",
                text.escape_debug()
            )),
        }
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_be_that_of_a_folder_everywhere() {
        for good in ["eu-1", "a", "team_a", "v2.1", "2026"] {
            assert_eq!(good.parse::<SourceName>().map(|name| name.to_string()).as_deref(), Ok(good));
        }
        for bad in ["", ".", "..", ".a", "a/b", "a b", "-a", "é", "a|b", "a\u{1b}", &"a".repeat(65)] {
            assert!(bad.parse::<SourceName>().is_err_and(|error| error.contains("such as eu-1")), "{bad}");
        }
    }
}
