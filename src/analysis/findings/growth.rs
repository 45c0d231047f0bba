//! Databases that grow toward their quota, with a forecast of the day on which they reach it.

use super::defragmentation::LEAST_SHARE;
use super::statistics::{Slope, theil_sen};
use super::tracks::{ClusterTrack, MemberTrack};
use super::{Evidence, Finding, Kind, told};
use crate::spec::Metric;
use crate::time::{DAY_MS, UtcDay};

/// Minimum number of days for a slope, so that it covers every weekday once.
const LEAST_DAYS: usize = 7;
/// Growth that reaches the quota later than this is not reported: a slope of a few weeks does not predict further.
const WITHIN_DAYS: f64 = 365.0;
/// The latest date on which the quota may be reached is printed only if it is at most this far away. With a slope
/// near 0, it could be centuries away.
const HORIZON_DAYS: f64 = 5.0 * 365.0;
/// [`HORIZON_DAYS`] in words, for the text of the finding.
const HORIZON: &str = "5 years";
/// etcd's default of `--quota-backend-bytes`: 2 GiB, in bytes.
const DEFAULT_QUOTA: f64 = 2_147_483_648.0;

pub(super) const RULE: &str = "the daily medians of a member's database size since the day after its last defragmentation, at \
    least 7, have a Theil-Sen slope whose 95 % interval (Sen) lies above 0, and with it reach the quota within 365 \
    days; the member that is there first is told";

/// Growth of one member's database, and the time until it reaches the quota.
struct Growth<'a> {
    member: &'a MemberTrack,
    days: &'a [(UtcDay, f64)],
    slope: Slope,
    quota: f64,
    /// Days from the last daily median until the quota is reached.
    left: f64,
}

/// The growth of the cluster's member that will reach its quota first.
pub(super) fn find(cluster: &ClusterTrack) -> Option<Finding> {
    let growing = cluster.members.iter().filter_map(growth);
    growing.min_by(|a, b| a.left.total_cmp(&b.left)).map(|growth| tell(cluster, &growth))
}

fn growth(member: &MemberTrack) -> Option<Growth<'_>> {
    // The slope starts after the last large drop, whether a defragmentation or a replaced file.
    let drops = member.database.drops.iter().filter(|drop| drop.after <= drop.before * (1.0 - LEAST_SHARE));
    let last = drops.map(|drop| UtcDay::of(drop.at_ms)).max();
    let from = last.map_or(0, |last| member.database.median_sizes.partition_point(|(day, _)| *day <= last));
    let days = &member.database.median_sizes[from..];
    // etcd reports a negative quota if the quota is disabled. Without any reading, assume etcd's default.
    let quota = member.database.quota.unwrap_or(DEFAULT_QUOTA);
    let (first, last) = (days.first()?, days.last()?);
    if days.len() < LEAST_DAYS || quota <= 0.0 || quota.is_infinite() || last.1 >= quota {
        return None;
    }
    let at = |day: UtcDay| (day.start_ms() - first.0.start_ms()) as f64 / DAY_MS as f64;
    let slope = theil_sen(&days.iter().map(|(day, size)| (at(*day), *size)).collect::<Vec<_>>())?;
    let left = (quota - last.1) / slope.estimate;
    (slope.low > 0.0 && left <= WITHIN_DAYS).then_some(Growth { member, days, slope, quota, left })
}

fn tell(cluster: &ClusterTrack, growth: &Growth<'_>) -> Finding {
    let Growth { member, days, slope, quota, left } = growth;
    let usage = member.database.usage;
    let (first, (last, size)) = (days[0].0, days[days.len() - 1]);
    let mut finding = Finding::new(Kind::Growth, &cluster.cluster, first.start_ms(), last.start_ms() + DAY_MS, RULE);
    finding.metric = Some(Metric::DbSize);
    finding.members = vec![member.name()];
    // A daily median stands for the middle of its day.
    let after = |days: f64| UtcDay::of(last.start_ms() + DAY_MS / 2 + (days * DAY_MS as f64) as i64);
    let days_with = |slope: f64| (quota - size) / slope;
    let (date, soonest) = (after(*left), after(days_with(slope.high)));
    let between = match Some(days_with(slope.low)).filter(|days| *days <= HORIZON_DAYS) {
        Some(latest) => format!("between {soonest} and {}", after(latest)),
        None => format!("{soonest} at the earliest, perhaps not within {HORIZON}"),
    };
    finding.says = format!(
        "the database of {} of {}, at {} of its quota of {}, grows by {} a day and reaches it on {date} ({between}){}",
        member.name(),
        finding.cluster,
        told::share(size / quota),
        told::bytes(*quota),
        told::bytes(slope.estimate),
        usage.map_or_else(String::new, |usage| format!("; {}", usage.action("would free"))),
    );
    finding.confidence = Some(0.95);
    finding.tell("quota", Evidence::Bytes(*quota));
    let of = if member.database.quota.is_some() { "the history" } else { "etcd's default: the history holds no quota" };
    finding.tell("quota_is_from", of);
    finding.tell("last_daily_median", Evidence::Bytes(size));
    match usage {
        Some(usage) => {
            finding.tell("last_size", Evidence::Bytes(usage.size));
            finding.tell("size_in_use", Evidence::Bytes(usage.in_use));
        }
        None => finding.tell("size_in_use", "not in the history"),
    }
    finding.tell("days", days.len());
    finding.tell("slope", Evidence::BytesPer(slope.estimate, "day"));
    finding.tell("slope_at_least", Evidence::BytesPer(slope.low, "day"));
    finding.tell("slope_at_most", Evidence::BytesPer(slope.high, "day"));
    finding.tell("days_left", left.round() as u64);
    finding.tell("reached", date.to_string());
    finding.tell("reached_interval", between);
    finding
}
