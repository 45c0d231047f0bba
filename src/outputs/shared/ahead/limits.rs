//! When members reach their quota or limit of open files, in words.

use super::date;
use crate::analysis::findings::reading;
use crate::analysis::forecast::quota::{HORIZON_DAYS, When};
use crate::analysis::forecast::result::{Forecast, Limit, LimitForecast};
use crate::spec::Metric;
use crate::text::count;
use crate::time::Zone;

/// A limit that is reached, or has a date.
#[derive(Debug)]
pub(in crate::outputs) struct LimitLine<'a> {
    pub(in crate::outputs) of: &'a LimitForecast,
    /// The sentence after the member's name.
    pub(in crate::outputs) says: String,
    /// What sorts the lines: the median date, else the earliest.
    by_ms: i64,
}

/// How many limits there are without a date, by reason; each limit of a forecast is either a [`LimitLine`] or counted here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::outputs) struct LimitCounts {
    not_within: usize,
    not_near: usize,
    unlimited: usize,
    unknown: usize,
}

/// The limits that are reached or have a date, the most urgent first, and how many have none.
pub(in crate::outputs) fn limits(forecast: &Forecast, zone: Zone) -> (Vec<LimitLine<'_>>, LimitCounts) {
    let (mut lines, mut counts) = (Vec::new(), LimitCounts::default());
    for of in &forecast.limits {
        match of.when {
            When::Reached => lines.push(LimitLine { of, says: reached(of), by_ms: i64::MIN }),
            When::Dates { earliest, median, latest } => {
                let says = dates(of, [Some(earliest), median, latest], zone);
                lines.push(LimitLine { of, says, by_ms: median.unwrap_or(earliest) });
            }
            When::NotWithin => counts.not_within += 1,
            When::NotNear => counts.not_near += 1,
            When::Unlimited => counts.unlimited += 1,
            When::NoReadings | When::NoLimit | When::TooShort => counts.unknown += 1,
        }
    }
    lines.sort_by_key(|line| line.by_ms);
    (lines, counts)
}

impl LimitCounts {
    /// `not within 90 days: 3; less than half used: 12; unknown: 1`, or `None` if there are none.
    pub(in crate::outputs) fn sentence(self) -> Option<String> {
        let parts = [
            (self.not_within, format!("not within {}", count(HORIZON_DAYS as u64, "day"))),
            (self.not_near, "less than half of it used".to_owned()),
            (self.unlimited, "no limit set".to_owned()),
            (self.unknown, "unknown, for lack of readings".to_owned()),
        ];
        let told: Vec<String> = parts
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, why)| format!("{why}: {number}"))
            .collect();
        (!told.is_empty()).then(|| told.join("; "))
    }

    pub(in crate::outputs) fn total(self) -> usize {
        self.not_within + self.not_near + self.unlimited + self.unknown
    }
}

/// `database` and `quota`, or `open files` and `limit`.
fn words(limit: Limit) -> [&'static str; 2] {
    match limit {
        Limit::Quota => ["the database", "its quota"],
        Limit::MaxFds => ["open file descriptors", "their limit"],
    }
}

fn verb(limit: Limit) -> &'static str {
    if limit == Limit::Quota { "reaches" } else { "reach" }
}

fn reached(of: &LimitForecast) -> String {
    let [what, limit] = words(of.limit);
    let verb = if of.limit == Limit::Quota { "has" } else { "have" };
    format!("{what} {verb} reached {limit}{}", used(of))
}

fn dates(of: &LimitForecast, [earliest, median, latest]: [Option<i64>; 3], zone: Zone) -> String {
    let [what, limit] = words(of.limit);
    let verb = verb(of.limit);
    let horizon = count(HORIZON_DAYS as u64, "day");
    let on = |ms: i64| date(zone, ms);
    let first = earliest.map(&on).unwrap_or_default();
    let when = match (median, latest) {
        (Some(median), Some(latest)) => format!("on {} ({first} to {})", on(median), on(latest)),
        (Some(median), None) => format!("on {} ({first} at the earliest, perhaps not within {horizon})", on(median)),
        (None, _) => format!("on {first} at the earliest, probably not within {horizon}"),
    };
    format!("{what} {verb} {limit} {when}{}", used(of))
}

/// `, now 1.61 GiB of 2.00 GiB`.
fn used(of: &LimitForecast) -> String {
    let metric = metric(of.limit);
    match (of.now, of.of) {
        (Some(now), Some(limit)) => format!(", now {} of {}", reading(metric, now), reading(metric, limit)),
        _ => String::new(),
    }
}

fn metric(limit: Limit) -> Metric {
    match limit {
        Limit::Quota => Metric::DbSize,
        Limit::MaxFds => Metric::OpenFds,
    }
}
