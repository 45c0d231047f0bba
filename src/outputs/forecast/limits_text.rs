//! When members reach their quota or their limit of open files, as lines of text.

use crate::analysis::findings::reading;
use crate::analysis::forecast::quota::{HORIZON_DAYS, When};
use crate::analysis::forecast::result::{Forecast, Limit, LimitForecast};
use crate::outputs::shared::ahead::{Clock, and, counted};
use crate::spec::Metric;
use crate::text::terminal::terminal_label;

/// A line for each member that reaches a limit, the earliest first; one for all that do not, one for those that are unknown.
pub(super) fn lines(forecast: &Forecast, clock: Clock) -> Vec<String> {
    let mut near: Vec<(i64, String)> = forecast.limits.iter().filter_map(|of| sentence(of, clock)).collect();
    // A stable sort: equal ones stay in the order of the forecast.
    near.sort_by_key(|(first, _)| *first);
    let mut lines: Vec<String> = near.into_iter().map(|(_, line)| line).collect();
    let is_far = |when| matches!(when, When::Unlimited | When::NotNear | When::NotWithin);
    if let Some(far) = members(forecast, is_far) {
        lines.push(format!("not within {HORIZON_DAYS} days, less than half used, or no limit: {far}"));
    }
    let reasons = [
        (When::NoReadings, "no readings in the last day"),
        (When::NoLimit, "no readings of the limit"),
        (When::TooShort, "less than three days of history"),
    ];
    for (when, reason) in reasons {
        if let Some(unknown) = members(forecast, |of| of == when) {
            lines.push(format!("unknown, {reason}: {unknown}"));
        }
    }
    lines
}

/// The databases and the limits of open files of this kind, counted; `None` if there are none.
fn members(forecast: &Forecast, is: impl Fn(When) -> bool) -> Option<String> {
    let of = |limit| forecast.limits.iter().filter(|of| of.limit == limit && is(of.when)).count();
    let parts = [(Limit::Quota, "database"), (Limit::MaxFds, "limit")];
    let parts: Vec<String> = parts
        .into_iter()
        .filter_map(|(limit, noun)| {
            let counted = counted(of(limit), noun)?;
            Some(if limit == Limit::MaxFds { format!("{counted} of open files") } else { counted })
        })
        .collect();
    (!parts.is_empty()).then(|| and(&parts))
}

/// The sentence for a limit that is or may be reached, with the instant of the earliest date.
fn sentence(of: &LimitForecast, clock: Clock) -> Option<(i64, String)> {
    let (cluster, member) = (terminal_label(&of.cluster), terminal_label(&of.member));
    let (metric, subject, verb, has, limit) = match of.limit {
        Limit::Quota => (Metric::DbSize, "database", "reaches", "has", "quota"),
        Limit::MaxFds => (Metric::OpenFds, "open files", "reach", "have", "limit"),
    };
    let amount = of.of.map(|of| format!(" ({})", reading(metric, of))).unwrap_or_default();
    let whose = format!("{cluster}: {member}'s {subject}");
    let what = format!("{whose} {verb} the {limit}{amount}");
    match of.when {
        When::Reached => Some((i64::MIN, format!("{whose} {has} reached the {limit}{amount}"))),
        When::Dates { earliest, median, latest } => {
            let [first, median, last] = [Some(earliest), median, latest].map(|at| at.map(|at| clock.date(at)));
            let first = first.unwrap_or_default();
            let line = match (median, last) {
                (Some(median), Some(last)) => format!("{what} between {first} and {last} (median {median})"),
                (Some(median), None) => {
                    format!(
                        "{what} on {first} at the earliest, more likely on {median}, or not within {HORIZON_DAYS} days"
                    )
                }
                (None, _) => {
                    format!("{what} on {first} at the earliest, more likely not within {HORIZON_DAYS} days")
                }
            };
            Some((earliest, line))
        }
        _ => None,
    }
}
