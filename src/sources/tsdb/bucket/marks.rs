//! Blocks that a compactor will delete. Most were compacted into others; readers of the bucket leave them out.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::sources::tsdb::block::{BlockFolder, Ulid};

/// Name of the mark in the folder of a block.
pub(super) const MARK: &str = "deletion-mark.json";

/// Content of the mark.
#[derive(Debug, Deserialize)]
struct Mark {
    /// When the block was marked, in seconds since 1970.
    deletion_time: i64,
}

/// When a block was marked, in seconds since 1970; `None` if the text is something else.
pub(super) fn marked_at(text: &[u8]) -> Option<i64> {
    serde_json::from_slice(text).ok().map(|mark: Mark| mark.deletion_time)
}

/// Whether other blocks have all that a marked block has: one that was made of it, or of the same blocks of a head.
pub(super) fn is_replaced(marked: &BlockFolder, others: &[BlockFolder]) -> bool {
    let sources: BTreeSet<&Ulid> = marked.meta.compaction.sources.iter().collect();
    others.iter().any(|other| {
        let other = &other.meta.compaction;
        let is_parent = other.parents.iter().any(|parent| parent.ulid == marked.meta.ulid);
        let has_all = || !sources.is_empty() && sources.is_subset(&other.sources.iter().collect());
        is_parent || has_all()
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    fn block(name: char, compaction: &str) -> BlockFolder {
        let ulid = |name: char| format!("01M8KTPEYFSWX588SHP6MTNRH{name}");
        let list = |key: &str, names: &str, one: &dyn Fn(char) -> String| {
            let names: Vec<String> = names.chars().map(one).collect();
            format!("\"{key}\":[{}]", names.join(","))
        };
        let (sources, parents) = compaction.split_once(' ').unwrap();
        let sources = list("sources", sources, &|name| format!("\"{}\"", ulid(name)));
        let parents = list("parents", parents, &|name| format!("{{\"ulid\":\"{}\"}}", ulid(name)));
        let text = format!(
            r#"{{"ulid":"{}","minTime":0,"maxTime":9,"version":1,"compaction":{{{sources},{parents}}}}}"#,
            ulid(name)
        );
        BlockFolder { dir: name.to_string().into(), meta: serde_json::from_str(&text).unwrap() }
    }

    #[test]
    fn a_marked_block_is_replaced_by_one_that_was_made_of_it_or_of_its_sources() {
        let others = [block('3', "12 12"), block('7', "456 X")];
        for (marked, expected) in
            [("1 ", true), ("2 ", true), ("12 ", true), ("46 ", true), ("41 ", false), ("8 ", false)]
        {
            assert_eq!(is_replaced(&block('9', marked), &others), expected, "{marked}");
        }
        assert!(is_replaced(&block('X', "8 "), &others));
        assert!(!is_replaced(&block('9', " "), &others));
    }

    #[test]
    fn a_mark_has_its_time() {
        let text = br#"{"id":"01M8KTPEYFSWX588SHP6MTNRH1","version":1,"details":"source of compacted block","deletion_time":1700}"#;
        assert_eq!(marked_at(text), Some(1700));
        assert_eq!(marked_at(b"{"), None);
    }
}
