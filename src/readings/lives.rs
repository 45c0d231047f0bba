//! Members, and when they were first and last seen.

use std::collections::BTreeMap;
use std::sync::Arc;

/// One member of one etcd cluster. Members are sorted by cluster, then by member, in byte order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Member {
    /// The name of the cluster: the value of the cluster label.
    pub cluster: Arc<str>,
    /// The name of the member: the value of the member label.
    pub member: Arc<str>,
}

impl Member {
    /// The member `member` of the cluster `cluster`.
    pub fn new(cluster: &str, member: &str) -> Self {
        Self { cluster: cluster.into(), member: member.into() }
    }
}

/// When a member was first and last seen: its first and last step with a value of any metric except `leader_changes`.
///
/// The query of `leader_changes` looks back one day, so it still returns a value for a day after the last scrape. An idle
/// reading does not count either: a histogram has a rate, of zero, for minutes after the last scrape. Every requested
/// step from the first to the last is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// The step at which the member was first seen.
    pub first_ms: i64,
    /// The step at which the member was last seen.
    pub last_ms: i64,
}

/// When each member of a window, a day or a whole history was first and last seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lives(BTreeMap<Member, Life>);

impl Lives {
    /// Merges in the members of another day. A member seen on both days keeps the earlier of its first steps and the
    /// later of its last steps.
    pub fn merge(&mut self, other: &Self) {
        for (member, life) in &other.0 {
            self.add(member.clone(), *life);
        }
    }

    /// Adds a member. For a member that is already present, extends its first and last seen to cover `life`.
    pub fn add(&mut self, member: Member, life: Life) {
        self.0
            .entry(member)
            .and_modify(|known| {
                known.first_ms = known.first_ms.min(life.first_ms);
                known.last_ms = known.last_ms.max(life.last_ms);
            })
            .or_insert(life);
    }

    /// The same times, of members with other names.
    #[must_use]
    pub(crate) fn renamed(&self, name: impl Fn(&Member) -> Member) -> Self {
        Self(self.0.iter().map(|(member, life)| (name(member), *life)).collect())
    }

    /// The members with their first and last seen, sorted by cluster and member.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Member, &Life)> {
        self.0.iter()
    }

    /// Whether no member was seen.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
