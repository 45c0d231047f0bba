//! How far a forecast can be trusted, as lines of text.

use std::collections::BTreeMap;

use crate::analysis::forecast::leads::BUCKET_HOURS;
use crate::analysis::forecast::result::{Forecast, HORIZON_HOURS, Skill, Trust};
use crate::outputs::shared::ahead::percent;
use crate::text::count;
use crate::text::terminal::terminal_line;

/// Models, skills, coverages and warnings of earlier forecasts.
pub(super) fn lines(forecast: &Forecast) -> Vec<String> {
    let trust = &forecast.trust;
    if trust.origins == 0 {
        return vec!["how far to trust it: no earlier forecast could be judged, do not rely on it".to_owned()];
    }
    let mut lines = vec![format!(
        "how far to trust it, judged by {} over {}:",
        count(trust.origins, "earlier forecast"),
        count(trust.days.max(1.0).round() as u64, "day")
    )];
    for (hours, skill) in HORIZON_HOURS.into_iter().zip(trust.breach) {
        lines.push(format!("  red within {hours} h: {}", breach(skill)));
    }
    lines.extend(warnings(trust));
    for bucket in 0..BUCKET_HOURS.len() {
        lines.extend(metrics(forecast, bucket));
    }
    lines
}

/// Whether the probabilities of a horizon are better than the usual rate.
fn breach(skill: Option<Skill>) -> String {
    match skill {
        None => "cannot be judged, too few red hours: do not rely on it".to_owned(),
        Some(skill) if skill.low > 0.0 => {
            format!("better than the usual rate: Brier skill {}", interval(skill))
        }
        Some(skill) => {
            format!("no better than the usual rate: do not rely on it (Brier skill {})", interval(skill))
        }
    }
}

/// `0.22 (0.08 to 0.34)`.
fn interval(Skill { value, low, high }: Skill) -> String {
    format!("{value:.2} ({low:.2} to {high:.2})")
}

/// What came of the last warnings, and what came without one.
fn warnings(trust: &Trust) -> Vec<String> {
    let missed = match trust.missed {
        0 => "no cluster became red without a warning".to_owned(),
        times => format!("{} a cluster became red without a warning", count(times, "time")),
    };
    let last = trust.warnings.len();
    let kept = trust.warnings.iter().filter(|warning| warning.red_ms.is_some()).count();
    let warned = match (last, trust.warnings_in_all) {
        (0, _) => format!("no warning, which is {} or more within 6 h", percent(trust.warns_from)),
        (last, all) => {
            let of_all = if all > last { format!(" ({} of all {all})", trust.warnings_true) } else { String::new() };
            let warnings = if last == 1 { "the only warning".to_owned() } else { format!("the last {last} warnings") };
            format!("of {warnings} ({} or more within 6 h) {kept} came true{of_all}", percent(trust.warns_from))
        }
    };
    vec![format!("  {warned}; {missed}")]
}

/// The models of a bucket of leads, their skill above the best one-liner, and how many readings their intervals held.
fn metrics(forecast: &Forecast, bucket: usize) -> Option<String> {
    let skill = match forecast.trust.skill[bucket] {
        None => "cannot be judged".to_owned(),
        Some(skill) if skill.low > 0.0 => format!("better than the best one-liner: skill {}", interval(skill)),
        Some(skill) => format!("no better than the best one-liner: skill {}", interval(skill)),
    };
    let coverage = forecast.trust.coverage[bucket].map(|[within_80, within_95]| {
        format!("; the 80 % interval held {} of readings, the 95 % interval {}", percent(within_80), percent(within_95))
    });
    let from = if bucket == 0 { 0 } else { BUCKET_HOURS[bucket - 1] };
    let leads = format!("{from} to {} h ahead", BUCKET_HOURS[bucket]);
    let models = models(forecast, bucket).map(|models| format!("; mostly {models}")).unwrap_or_default();
    Some(format!("  metrics {leads}: {skill}{}{models}", coverage.unwrap_or_default()))
}

/// The two models that lead most forecasts of a bucket of leads: `arima (52 of 90), last-hour (30)`.
fn models(forecast: &Forecast, bucket: usize) -> Option<String> {
    let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
    let first = forecast.metrics.iter().filter_map(|of| of.models[bucket].first());
    first.for_each(|(name, _)| *uses.entry(name).or_default() += 1);
    let all: usize = uses.values().sum();
    let mut uses: Vec<(&str, usize)> = uses.into_iter().collect();
    uses.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    let named = |(name, times): &(&str, usize)| format!("{} ({times} of {all})", terminal_line(name));
    let named: Vec<String> = uses.iter().take(2).map(named).collect();
    (!named.is_empty()).then(|| named.join(", "))
}
