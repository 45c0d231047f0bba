//! The causes of problems: which metrics they are about, and what to do.

use crate::spec::Metric;
use crate::text::named::named;

named! {
    /// What a problem is about. Each metric belongs to one cause, so that no loss is counted twice.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub(crate) enum ProblemCause {
        /// WAL fsync or backend commit takes too long.
        SlowDisk = "slow_disk",
        /// The leader changed too often within a day.
        LeaderInstability = "leader_instability",
        /// The process has too many open file descriptors.
        FileDescriptors = "file_descriptors",
        /// The database is too large.
        DatabaseSize = "database_size",
        /// Clients send too much.
        ClientTraffic = "client_traffic",
        /// A member sends no metrics, for a while or for good.
        MemberWithoutData = "member_without_data",
        /// A member went, and another one took its place after a gap.
        MemberReplaced = "member_replaced",
        /// A process was started again, with or without a visible gap in its samples.
        Restart = "restart",
        /// Members that were scraped knew no leader.
        NoLeader = "no_leader",
        /// The database is at its quota, so that etcd refuses writes.
        DatabaseFull = "database_full",
        /// One of several sources has no data, so that nothing is known of its clusters.
        SourceWithoutData = "source_without_data",
    }
    parsed "unknown cause"
}

/// What to do about a cause: a sentence, and a page of etcd's documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Advice {
    pub(crate) sentence: &'static str,
    /// The title of a page on etcd.io/docs; empty if the advice is not about etcd.
    pub(crate) page: &'static str,
}

impl ProblemCause {
    /// The metrics whose losses belong to this cause; none for absent members, which cost no points.
    pub(crate) const fn metrics(self) -> &'static [Metric] {
        match self {
            Self::SlowDisk => &[Metric::WalFsync, Metric::BackendCommit],
            Self::LeaderInstability => &[Metric::LeaderChanges],
            Self::FileDescriptors => &[Metric::OpenFds],
            Self::DatabaseSize => &[Metric::DbSize],
            Self::ClientTraffic => &[Metric::ClientTrafficIn],
            Self::MemberWithoutData
            | Self::MemberReplaced
            | Self::Restart
            | Self::NoLeader
            | Self::DatabaseFull
            | Self::SourceWithoutData => &[],
        }
    }

    /// The name in sentences and headings.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::SlowDisk => "slow disk",
            Self::LeaderInstability => "frequent leader changes",
            Self::FileDescriptors => "too many open files",
            Self::DatabaseSize => "large database",
            Self::ClientTraffic => "heavy client traffic",
            Self::MemberWithoutData => "member without data",
            Self::MemberReplaced => "member replaced",
            Self::Restart => "restart",
            Self::NoLeader => "no leader",
            Self::DatabaseFull => "database at its quota",
            Self::SourceWithoutData => "source without data",
        }
    }

    /// What stands between [`Self::title`] and names of members.
    pub(crate) const fn joins_members(self) -> &'static str {
        match self {
            Self::MemberWithoutData | Self::MemberReplaced | Self::SourceWithoutData => ": ",
            Self::Restart => " of ",
            Self::NoLeader => " for ",
            _ => " on ",
        }
    }

    pub(crate) const fn advice(self) -> Advice {
        let (sentence, page) = match self {
            Self::SlowDisk => (
                "Check what else uses the disk at that time (backups, snapshots, neighbors), and give etcd an SSD of its own.",
                "Hardware recommendations",
            ),
            Self::LeaderInstability => (
                "Compare the times with restarts, slow disks and the network between members; raise the heartbeat interval \
                 and election timeout if round trips are long.",
                "Tuning",
            ),
            Self::FileDescriptors => (
                "Look for clients that open connections or watches and do not close them, then raise the limit of open files.",
                "Metrics",
            ),
            Self::DatabaseSize => (
                "Compact old revisions, defragment one member after the other, and check which client writes so much.",
                "Maintenance",
            ),
            Self::ClientTraffic => {
                ("Find the client that sends most, and spread its requests or make them smaller.", "Performance")
            }
            Self::MemberWithoutData => (
                "Check that the process runs and is scraped; if the member is lost, remove it and add a new one.",
                "Disaster recovery",
            ),
            Self::MemberReplaced => (
                "Check that the replacement was planned, and that the old member was removed.",
                "Runtime reconfiguration",
            ),
            Self::Restart => (
                "Look at the logs of the process and of what supervises it: was the restart planned, did it crash, or did \
                 it run out of memory?",
                "Failure modes",
            ),
            Self::NoLeader => {
                ("Check that a majority of the members runs, and the network between them.", "Failure modes")
            }
            Self::DatabaseFull => (
                "Compact old revisions, defragment one member after the other, then disarm the alarm; raise the quota if \
                 the data needs it.",
                "Maintenance",
            ),
            Self::SourceWithoutData => (
                "Run the same pull again, which adds what is missing; if that fails, check that the server of this source \
                 answers and keeps samples for that long.",
                "",
            ),
        };
        Advice { sentence, page }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_belongs_to_exactly_one_cause() {
        for metric in Metric::ALL {
            let causes = ProblemCause::ALL.into_iter().filter(|cause| cause.metrics().contains(&metric));
            assert_eq!(causes.count(), 1, "{metric}");
        }
    }
}
