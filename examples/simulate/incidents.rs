//! The kinds of incidents, and rules for which fit a setting and each other.

use crate::timeline::{HOUR, Interval, MINUTE, SECOND};

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
    /// Whether the metrics that explain leader changes are written too.
    pub(crate) evidence: bool,
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
    /// The others cannot reach the leader, once or several times.
    Network {
        /// Number of elections.
        changes: usize,
    },
    /// The leader's process hangs and goes on afterwards.
    ProcessStopped,
    /// An operator moves the leadership to another member.
    PlannedMove,
    /// So many requests that the cluster elects another leader, once or several times.
    Overload {
        /// How many times the usual traffic.
        factor: u32,
        /// Number of elections.
        changes: usize,
    },
    /// The database grows until its quota, and etcd refuses writes.
    QuotaFull,
    /// The process of a member that does not lead is restarted.
    FollowerRestart,
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
            Kind::Network { .. } => "network",
            Kind::ProcessStopped => "process-stopped",
            Kind::PlannedMove => "planned-move",
            Kind::Overload { .. } => "overload",
            Kind::QuotaFull => "quota-full",
            Kind::FollowerRestart => "follower-restart",
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
            Kind::ElectionStorm { changes } => self.blurred(changes, 2, setting.scrape),
            Kind::FdLeak { peak } if !(1025..=60_000).contains(&peak) => {
                Some("its peak must be between 1025 and 60000".to_owned())
            }
            Kind::FdLeak { .. } => too_short(HOUR),
            Kind::MemberDown => too_short(10 * MINUTE),
            Kind::LeaderRestart
            | Kind::LeaderSlowDisk { .. }
            | Kind::LeaderChange
            | Kind::PlannedMove
            | Kind::Overload { .. }
                if setting.members < 2 =>
            {
                Some("a cluster of one member cannot elect another leader".to_owned())
            }
            Kind::Network { .. } | Kind::ProcessStopped if setting.members < 3 => {
                Some("without its leader, a cluster of fewer than three members has no majority".to_owned())
            }
            Kind::FollowerRestart if setting.members < 2 => Some("a cluster of one member has no follower".to_owned()),
            Kind::LeaderRestart | Kind::LeaderChange | Kind::PlannedMove | Kind::FollowerRestart => None,
            // The elections are in its last two thirds.
            Kind::LeaderSlowDisk { changes } => {
                too_short(HOUR / 2).or_else(|| self.blurred(changes, 3, setting.scrape))
            }
            Kind::Overload { factor, .. } if !(5..=20).contains(&factor) => {
                Some("its factor must be between 5 and 20".to_owned())
            }
            Kind::Overload { changes, .. } => {
                too_short(10 * MINUTE).or_else(|| self.blurred(changes, 3, setting.scrape))
            }
            // Each time, the leader is cut off for half of its share of the time.
            Kind::Network { changes } => {
                too_short(MINUTE).or_else(|| if changes == 1 { None } else { self.blurred(changes, 4, setting.scrape) })
            }
            Kind::ProcessStopped => (during.length() < 20 * SECOND).then(|| "it needs at least 20 seconds".to_owned()),
            Kind::QuotaFull => too_short(HOUR / 2),
            Kind::MemberReplaced if setting.members < 2 => Some("a cluster of one member cannot replace it".to_owned()),
            Kind::MemberReplaced => too_short(MINUTE),
            Kind::LateCluster => {
                too_short(MINUTE).or_else(|| (during.end >= range.end).then(|| "it would never join".to_owned()))
            }
        }
    }

    /// The reason why scrapes would not tell its elections apart if they had one part of `parts` of its time.
    fn blurred(&self, changes: usize, parts: i64, scrape: i64) -> Option<String> {
        (changes == 0 || self.during.length() / parts < changes as i64 * scrape)
            .then(|| format!("scrapes cannot tell {changes} changes apart in that time"))
    }

    /// Whether its kind concerns neither the presence of its member nor elections of the whole cluster.
    fn fits_any(&self) -> bool {
        matches!(
            self.kind,
            Kind::SlowDisk { .. }
                | Kind::LeaderSlowDisk { .. }
                | Kind::LeaderChange
                | Kind::PlannedMove
                | Kind::Overload { .. }
                | Kind::QuotaFull
        )
    }

    /// Whether the two incidents conflict: one would hide or move the other.
    pub(crate) fn excludes(&self, other: &Self, range: Interval) -> bool {
        let same_place = self.cluster == other.cluster
            && (self.member.is_none() || other.member.is_none() || self.member == other.member);
        let of_a_kind = match (self.kind, other.kind) {
            _ if self.fits_any() || other.fits_any() => false,
            // A member that leaks is there until the end of the leak.
            (Kind::Network { .. }, Kind::FdLeak { .. }) | (Kind::FdLeak { .. }, Kind::Network { .. }) => false,
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
