//! The kinds of incidents, and rules for which fit a setting and each other.

use crate::timeline::{HOUR, Interval, MINUTE};

/// The simulated clusters and range, without incidents.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    /// Number of clusters.
    pub(crate) clusters: usize,
    /// Number of members per cluster.
    pub(crate) members: usize,
    /// The simulated range, a whole number of scrape intervals long.
    pub(crate) range: Interval,
    /// Milliseconds between two scrapes of a target.
    pub(crate) scrape: i64,
    /// The seed of all random numbers.
    pub(crate) seed: u64,
}

/// The kinds of incidents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One member's disk is slow between two times of every UTC day.
    SlowDisk {
        /// Milliseconds since midnight.
        hours: Interval,
    },
    /// The cluster elects new leaders again and again.
    ElectionStorm {
        /// Number of elections.
        changes: usize,
    },
    /// A member's open descriptors rise until it is restarted.
    FdLeak {
        /// Open descriptors just before the restart.
        peak: u64,
    },
    /// A member has no samples.
    MemberDown,
    /// A cluster has no samples before it joins.
    LateCluster,
    /// A member disappears and another instance replaces it.
    MemberReplaced,
    /// The leader's process is restarted, and the others elect a new leader.
    LeaderRestart,
    /// A leader's disk is so slow that the cluster elects another leader, once or several times.
    LeaderSlowDisk {
        /// Number of elections.
        changes: usize,
    },
    /// One election without a visible cause.
    LeaderChange,
}

/// An incident that fits the setting.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Incident {
    /// The kind, with its parameters.
    pub(crate) kind: Kind,
    /// Counted from 0.
    pub(crate) cluster: usize,
    /// Counted from 0; `None` if it concerns the whole cluster.
    pub(crate) member: Option<usize>,
    /// From its first cause to its end.
    pub(crate) during: Interval,
}

impl Incident {
    /// The kind's name.
    pub(crate) fn name(&self) -> &'static str {
        match self.kind {
            Kind::SlowDisk { .. } => "slow-disk",
            Kind::ElectionStorm { .. } => "election-storm",
            Kind::FdLeak { .. } => "fd-leak",
            Kind::MemberDown => "member-down",
            Kind::LateCluster => "late-cluster",
            Kind::MemberReplaced => "member-replaced",
            Kind::LeaderRestart => "leader-restart",
            Kind::LeaderSlowDisk { .. } => "leader-slow-disk",
            Kind::LeaderChange => "leader-change",
        }
    }

    /// When a slow disk is slow: its hours of each day.
    pub(crate) fn slow_hours(&self) -> Vec<Interval> {
        if let Kind::LeaderSlowDisk { .. } = self.kind {
            return vec![self.during];
        }
        let Kind::SlowDisk { hours } = self.kind else {
            return Vec::new();
        };
        let slow = self.during.days().map(|day| Interval { start: day + hours.start, end: day + hours.end });
        slow.map(|slow| slow.meet(self.during)).filter(|slow| slow.length() > 0).collect()
    }

    /// The reason why the incident does not fit, if any.
    pub(crate) fn misfit(&self, setting: &Setting) -> Option<String> {
        let (during, range) = (self.during, setting.range);
        if during.start < range.start || during.end > range.end {
            return Some("it is not inside the range".to_owned());
        }
        let too_short =
            |least: i64| (during.length() < least).then(|| format!("it needs at least {} minutes", least / MINUTE));
        match self.kind {
            Kind::SlowDisk { .. } => (!self.slow_hours().iter().any(|s| s.length() >= HOUR / 2))
                .then(|| "less than half an hour of it is inside the range".to_owned()),
            Kind::ElectionStorm { .. } if setting.members < 2 => {
                Some("a cluster of one member cannot elect another leader".to_owned())
            }
            // Two elections between two scrapes would be seen as one.
            Kind::ElectionStorm { changes } => (changes == 0 || during.length() / 2 < changes as i64 * setting.scrape)
                .then(|| format!("scrapes cannot tell {changes} changes apart in that time")),
            Kind::FdLeak { peak } if !(1025..=60_000).contains(&peak) => {
                Some("its peak must be between 1025 and 60000".to_owned())
            }
            Kind::FdLeak { .. } => too_short(HOUR),
            Kind::MemberDown => too_short(10 * MINUTE),
            Kind::LeaderRestart | Kind::LeaderSlowDisk { .. } | Kind::LeaderChange if setting.members < 2 => {
                Some("a cluster of one member cannot elect another leader".to_owned())
            }
            Kind::LeaderRestart | Kind::LeaderChange => None,
            Kind::LeaderSlowDisk { changes } => too_short(HOUR / 2).or_else(|| {
                // The elections are in its last two thirds.
                (changes == 0 || during.length() / 3 < changes as i64 * setting.scrape)
                    .then(|| format!("scrapes cannot tell {changes} changes apart in that time"))
            }),
            Kind::MemberReplaced if setting.members < 2 => Some("a cluster of one member cannot replace it".to_owned()),
            Kind::MemberReplaced => too_short(MINUTE),
            Kind::LateCluster => {
                too_short(MINUTE).or_else(|| (during.end >= range.end).then(|| "it would never join".to_owned()))
            }
        }
    }

    /// Whether the two incidents conflict: one would hide or move the other.
    pub(crate) fn excludes(&self, other: &Self, range: Interval) -> bool {
        let same_place = self.cluster == other.cluster
            && (self.member.is_none() || other.member.is_none() || self.member == other.member);
        let of_a_kind = match (self.kind, other.kind) {
            (Kind::SlowDisk { .. } | Kind::LeaderSlowDisk { .. } | Kind::LeaderChange, _)
            | (_, Kind::SlowDisk { .. } | Kind::LeaderSlowDisk { .. } | Kind::LeaderChange) => false,
            (Kind::ElectionStorm { .. }, kind) | (kind, Kind::ElectionStorm { .. }) => kind == Kind::LateCluster,
            _ => true,
        };
        same_place && of_a_kind && self.presence(range).overlaps(other.presence(range))
    }

    /// The time in which it controls whether its member is present: a replaced one is absent until the end.
    fn presence(&self, range: Interval) -> Interval {
        let mut presence = self.during;
        // The restart that ends a leak takes time as well.
        presence.end += MINUTE;
        if self.kind == Kind::MemberReplaced {
            presence.end = range.end;
        }
        presence
    }
}
