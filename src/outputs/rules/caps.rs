//! The rules of a profile with caps: for each metric, the lowest cap that applies; and the score that caps limit.

use super::super::shared::figures::number;
use super::{limits, reading, share_series};
use crate::spec::{Cap, Companion, Condition, Metric, Profile};

/// Series that records the score before caps.
pub(super) const UNCAPPED: &str = "etcd_score_uncapped";
/// Series that records the lowest cap of a metric that applies to a member.
pub(super) const CAP: &str = "etcd_cap";

/// The limits that the profile uses for bands or caps, including those of metrics left out of the score, because these
/// metrics still have points.
pub(super) fn all_limits(profile: &Profile) -> Vec<Companion> {
    let mut all: Vec<Companion> = limits(profile).chain(profile.cap_limits().map(|(_, limit)| limit)).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// What caps look at besides metrics and limits: whether a member leads or has a leader.
pub(super) fn flags(profile: &Profile) -> Vec<Companion> {
    let columns = profile.caps().into_iter().flat_map(|(metric, cap)| cap.columns(metric));
    let mut flags: Vec<Companion> = columns.filter(|column| column.is_evidence()).collect();
    flags.sort_unstable();
    flags.dedup();
    flags
}

/// The metrics with bands or caps that are shares of a limit.
pub(super) fn shares(profile: &Profile) -> Vec<(Metric, Companion)> {
    let of_bands = Metric::ALL.into_iter().filter_map(|metric| Some((metric, profile.limit(metric)?)));
    let mut shares: Vec<_> = of_bands.chain(profile.cap_limits()).collect();
    shares.sort_unstable();
    shares.dedup();
    shares
}

/// For each metric with caps, the expression for the lowest one that applies.
pub(super) fn caps(profile: &Profile) -> Vec<(Metric, String)> {
    let all = profile.caps();
    let of_metric = |metric: Metric| {
        let own: Vec<String> = all.iter().filter(|(m, _)| *m == metric).map(|(_, cap)| applies(metric, cap)).collect();
        // `or` keeps the first of equal label sets, which is the lowest; the minimum is over those of other labels.
        (metric, format!("min by (cluster, member) (\n  {}\n)", own.join("\n  or\n  ")))
    };
    Metric::ALL.into_iter().filter(|metric| all.iter().any(|(m, _)| m == metric)).map(of_metric).collect()
}

/// Expression that is the cap where its condition holds, and absent elsewhere.
fn applies(metric: Metric, cap: &Cap) -> String {
    let most = number(cap.score());
    match cap.condition {
        Condition::NoLeader => format!("{most} + ({} == 0)", reading(Companion::HasLeader.name())),
        Condition::Above { threshold, of_limit, on_leader } => {
            let value = if of_limit { share_series(metric) } else { reading(metric.name()) };
            // `> bool +Inf` makes 0 of what is above the threshold; multiplying by 0 would yield NaN for Inf.
            let above = format!("{most} + ({value} > {} > bool +Inf)", number(threshold));
            let leads = format!("\n    and ignoring (metric) {} == 1", reading(Companion::IsLeader.name()));
            if on_leader { format!("({above}{leads})") } else { format!("({above})") }
        }
    }
}

/// Expression for the score: the lower one of the weighted sum and the caps. A cap of 0 is the score even while the sum
/// is absent, because no score is lower.
pub(super) fn capped() -> String {
    format!(
        "min by (cluster, member) (\n  {UNCAPPED}\n  or\n  {CAP} and on (cluster, member) {UNCAPPED}\n  or\n  {CAP} == 0\n)"
    )
}

/// Expression for the score of a cluster in a profile with a cap of 0: as without one, but a member with a score of 0
/// makes it 0 even while another one has no score.
pub(super) fn worst_with_zero(worst: &str) -> String {
    let zero =
        "min by (cluster) (etcd_score unless on (cluster, member) etcd_reading{metric=\"is_learner\"} == 1) == 0";
    format!("{worst}\nor\n{zero}")
}
