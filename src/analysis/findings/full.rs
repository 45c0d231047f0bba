//! Databases at their quota: how full they were, and what makes room again.

use super::databases::{Full, Usage};
use super::tracks::{ClusterTrack, MemberTrack};
use super::{Collector, Evidence, Finding, told};
use crate::analysis::membership::Staffing;
use crate::spec::{Companion, Metric};
use crate::time::TimeRange;

/// How full the databases of some members were in a stretch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fullness {
    /// The highest share of the quota.
    share: f64,
    /// Size and size in use of all that are known: when they became full, or at the end if they still are.
    usage: Option<Usage>,
    /// Whether they are full at the end of the history.
    is_open: bool,
}

impl Fullness {
    /// `None` if no database of these members was full.
    fn of<'a>(
        of: &Collector<'_>,
        members: impl Iterator<Item = &'a MemberTrack> + Clone,
        range: TimeRange,
    ) -> Option<Self> {
        let is_open = is_open(of, range);
        let share = members.clone().flat_map(|member| within(member, range)).map(|full| full.share).reduce(f64::max)?;
        let usage = Usage::sum(members.filter_map(|member| usage(member, range, is_open)));
        Some(Self { share, usage, is_open })
    }

    /// That of the members of a cluster in a problem's last stretch.
    pub(super) fn of_problem(of: &Collector<'_>, cluster: &ClusterTrack, range: TimeRange) -> Option<Self> {
        Self::of(of, cluster.members.iter().filter(|member| within(member, range).next().is_some()), range)
    }

    /// `reached 99.1 % of its quota; a defragmentation would free 40 % of its size (820.00 MiB)`
    pub(super) fn says(self) -> String {
        let action = self.action().map_or_else(String::new, |action| format!("; {action}"));
        format!("reached {} of its quota{action}", told::share(self.share))
    }

    fn action(self) -> Option<String> {
        Some(self.usage?.action(if self.is_open { "would free" } else { "would have freed" }))
    }
}

/// Whether a stretch lasts until the end of the history. A single missing scrape does not end it.
fn is_open(of: &Collector<'_>, range: TimeRange) -> bool {
    of.range.end_ms - range.end_ms <= of.step.millis()
}

fn within(member: &MemberTrack, range: TimeRange) -> impl Iterator<Item = &Full> {
    member.database.full.iter().filter(move |full| (range.start_ms..range.end_ms).contains(&full.start_ms))
}

fn usage(member: &MemberTrack, range: TimeRange, is_open: bool) -> Option<Usage> {
    let first = within(member, range).find_map(|full| full.usage);
    if is_open { first.and(member.database.usage) } else { first }
}

/// Fills in an incident of full databases. It counts like a score of 0.
pub(super) fn tell(of: &Collector<'_>, members: &[&MemberTrack], range: TimeRange, low_ms: i64, finding: &mut Finding) {
    let fullness = Fullness::of(of, members.iter().copied(), range);
    let share = fullness.map_or_else(String::new, |full| format!(", up to {}", told::share(full.share)));
    let action = fullness.and_then(Fullness::action).map_or_else(String::new, |action| format!("; {action}"));
    finding.metric = Some(Metric::DbSize);
    finding.says = format!(
        "the database of {} of {} was within 2 % of its quota{share}, for {}: etcd refuses writes there, or soon will{action}",
        finding.members.join(", "),
        finding.cluster,
        told::seconds(low_ms),
    );
    finding.impact = Staffing { left: 0, expected: 1 }.impact(low_ms);
    for member in members {
        let name = member.name();
        let quota = member.database.quota.map_or_else(|| "unknown".into(), Evidence::Bytes);
        finding.tell(format!("{name}_{}", Companion::Quota), quota);
        if let Some(usage) = usage(member, range, is_open(of, range)) {
            finding.tell(format!("{name}_size"), Evidence::Bytes(usage.size));
            finding.tell(format!("{name}_size_in_use"), Evidence::Bytes(usage.in_use));
        }
    }
    if fullness.is_none_or(|full| full.usage.is_none()) {
        finding.tell("size_in_use", "not in the history");
    }
}
