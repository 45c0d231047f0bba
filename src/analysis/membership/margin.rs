//! What a missing member means for the quorum of its cluster.

use super::Staffing;
use crate::text::count;
use crate::time::{DAY_MS, HOUR_MS};

/// The number of members that must agree before etcd accepts a write.
pub(crate) const fn quorum(members: usize) -> usize {
    members / 2 + 1
}

/// How many members of a cluster of this size may fail before it loses its quorum.
pub(crate) const fn failures_tolerated(members: usize) -> usize {
    members.saturating_sub(1) / 2
}

impl Staffing {
    /// How many points below 10 an hour with so few members counts as, where problems are ranked by impact: as if the
    /// score were 0 without a quorum, 4 (worse than the yellow of the heat map) if one more failure stops writes, and 8
    /// if failures are still tolerated. Absent members cost no points, so without this they would rank last.
    pub(crate) fn severity(self) -> f64 {
        match self.left.checked_sub(quorum(self.expected)) {
            _ if self.left >= self.expected => 0.0,
            None => 10.0,
            Some(0) => 6.0,
            Some(_) => 2.0,
        }
    }

    /// What an absence of this length counts as where problems are ranked, in points × hours. It does not become worse after
    /// a week: a member that is away for longer was probably removed from etcd on purpose, which no metric shows.
    pub(crate) fn impact(self, absent_ms: i64) -> f64 {
        const COUNTED_MS: i64 = 7 * DAY_MS;
        self.severity() * (absent_ms.min(COUNTED_MS) as f64 / HOUR_MS as f64)
    }

    /// Whether members are missing, and one more failure stops writes or has stopped them already.
    pub(crate) fn tolerates_no_failure(self) -> bool {
        self.left < self.expected && self.left <= quorum(self.expected)
    }

    /// The fault tolerance while members are down: they are expected back, so the quorum is that of all members.
    pub(crate) fn margin_while_down(self) -> String {
        match self.left.checked_sub(quorum(self.expected)) {
            None => format!("quorum lost ({} needed)", quorum(self.expected)),
            Some(0) => "no fault tolerance".to_owned(),
            Some(more) => format!("{} tolerated", count(more, "more failure")),
        }
    }

    /// The remaining fault tolerance, worded as the end of a sentence. Metrics do not show whether the
    /// missing members were removed from etcd. A removal makes the quorum smaller, so the text mentions it
    /// where it would change the result.
    pub(crate) fn margin(self, missing: usize) -> String {
        let Self { left, expected } = self;
        let needed = quorum(expected);
        let claim = match left.checked_sub(needed) {
            None => format!("quorum lost ({needed} of {expected} needed)"),
            Some(_) => self.margin_while_down(),
        };
        let even = match expected % 2 == 0 && left <= needed {
            true => format!(" ({})", even_tolerance(expected)),
            false => String::new(),
        };
        let spare = left.checked_sub(needed);
        let removed = if missing == 1 { "it was" } else { "they were" };
        match (spare, left) {
            (_, 0) => "no member is left".to_owned(),
            (None, _) => format!("{claim} unless {removed} removed from etcd{even}"),
            (Some(spare), _) if spare < failures_tolerated(left) => {
                format!("{claim} unless {removed} removed from etcd{even}")
            }
            (Some(0), _) => format!("{claim}: one more failure stops writes{even}"),
            (Some(_), _) => claim + &even,
        }
    }
}

/// What an even number of members tolerates: `4 members tolerate 1 failure, like 3`.
pub(super) fn even_tolerance(members: usize) -> String {
    format!("{members} members tolerate {}, like {}", failures(members), members.saturating_sub(1))
}

fn failures(members: usize) -> String {
    match failures_tolerated(members) {
        0 => "no failure".to_owned(),
        tolerated => count(tolerated, "failure"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values from the table of cluster sizes in etcd's FAQ.
    #[test]
    fn quorum_and_tolerance_are_those_of_etcds_faq() {
        let table = [(1, 1, 0), (2, 2, 0), (3, 2, 1), (4, 3, 1), (5, 3, 2), (6, 4, 2), (7, 4, 3), (8, 5, 3), (9, 5, 4)];
        for (size, majority, tolerance) in table {
            assert_eq!((quorum(size), failures_tolerated(size)), (majority, tolerance), "{size}");
        }
    }

    #[test]
    fn an_absence_counts_by_what_is_left_and_for_a_week_at_most() {
        let impact = |left, hours| Staffing { left, expected: 5 }.impact(hours * HOUR_MS);
        assert_eq!([5, 4, 3, 2].map(|left| impact(left, 2)), [0.0, 4.0, 12.0, 20.0]);
        assert_eq!([167, 168, 169].map(|hours| impact(3, hours)), [1002.0, 1008.0, 1008.0]);
        let tolerates_none = |left| Staffing { left, expected: 5 }.tolerates_no_failure();
        assert_eq!([5, 4, 3, 2].map(tolerates_none), [false, false, true, true]);
        assert!(!Staffing { left: 1, expected: 1 }.tolerates_no_failure(), "nobody is missing");
    }

    #[test]
    fn the_margin_names_lost_quorum_lost_tolerance_and_even_sizes() {
        let margin = |left, expected| Staffing { left, expected }.margin(expected - left);
        assert_eq!(margin(2, 3), "no fault tolerance: one more failure stops writes");
        assert_eq!(margin(1, 3), "quorum lost (2 of 3 needed) unless they were removed from etcd");
        assert_eq!(
            margin(3, 4),
            "no fault tolerance unless it was removed from etcd (4 members tolerate 1 failure, like 3)"
        );
        assert!(margin(2, 4).starts_with("quorum lost (3 of 4 needed) unless they were removed"), "{}", margin(2, 4));
        assert_eq!(
            margin(1, 2),
            "quorum lost (2 of 2 needed) unless it was removed from etcd (2 members tolerate no failure, like 1)"
        );
        assert_eq!(margin(4, 5), "1 more failure tolerated");
        assert_eq!(margin(3, 5), "no fault tolerance unless they were removed from etcd");
        assert_eq!(margin(5, 7), "1 more failure tolerated unless they were removed from etcd");
        assert_eq!(margin(0, 1), "no member is left");
    }
}
