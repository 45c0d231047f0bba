//! How good such forecasts were on the past, in words.

use crate::analysis::forecast::leads::BUCKET_HOURS;
use crate::analysis::forecast::result::{HORIZON_HOURS, Skill, Trust};
use crate::text::count;

/// The horizon by which the probabilities are judged in a sentence: 6 hours.
const JUDGED_BY: usize = 1;

/// One sentence that says whether the probabilities deserve trust.
pub(in crate::outputs) fn judgment(trust: &Trust) -> String {
    let hours = HORIZON_HOURS[JUDGED_BY];
    let over = format!(
        "in {} over {}",
        count(trust.origins, "earlier forecast"),
        count(trust.days.max(1.0).round() as u64, "day")
    );
    match trust.breach[JUDGED_BY] {
        _ if trust.origins == 0 => "No earlier forecast could be judged: do not rely on these probabilities".to_owned(),
        None => format!("Too few red hours to judge the probabilities, {over}"),
        Some(skill) if skill.low > 0.0 => {
            format!("Within {hours} h, the probabilities were better than the usual rate by {}, {over}", range(skill))
        }
        Some(skill) if skill.high < 0.0 => {
            format!(
                "Within {hours} h, the probabilities were worse than the usual rate: do not rely on them ({}, {over})",
                range(skill)
            )
        }
        Some(skill) => {
            format!(
                "Within {hours} h, the probabilities were not clearly better than the usual rate ({}, {over})",
                range(skill)
            )
        }
    }
}

/// `14 of 17 warnings (from 30 %) came true; 2 times a cluster became red without one`.
pub(in crate::outputs) fn warnings(trust: &Trust) -> String {
    let from = super::chance(trust.warns_from);
    let missed = match trust.missed {
        0 => "no cluster became red without one".to_owned(),
        missed => format!("{} a cluster became red without one", count(missed, "time")),
    };
    match trust.warnings_in_all {
        0 => format!("There was no warning (a probability from {from} within 6 h); {missed}"),
        all => {
            format!("{} of {} (from {from} within 6 h) came true; {missed}", trust.warnings_true, count(all, "warning"))
        }
    }
}

/// For each bucket of leads, its name and how much smaller the error was than that of the best one-liner.
pub(in crate::outputs) fn crps(trust: &Trust) -> Vec<(String, String)> {
    let from = [0, BUCKET_HOURS[0], BUCKET_HOURS[1]];
    let names = from.iter().zip(BUCKET_HOURS).map(|(from, to)| format!("{from} to {to} h"));
    names.zip(&trust.skill).map(|(name, skill)| (name, skill.map_or_else(unjudged, range))).collect()
}

/// For each bucket of leads, the shares of outcomes within the 80 % and the 95 % interval.
pub(in crate::outputs) fn coverage(trust: &Trust) -> Vec<[String; 2]> {
    let shown = |shares: [f64; 2]| shares.map(|share| format!("{:.0} %", share * 100.0));
    trust.coverage.iter().map(|of| of.map_or_else(|| [unjudged(), unjudged()], shown)).collect()
}

/// For each horizon, its name and the Brier skill.
pub(in crate::outputs) fn brier(trust: &Trust) -> Vec<(String, String)> {
    let names = HORIZON_HOURS.iter().map(|hours| format!("within {hours} h"));
    names.zip(&trust.breach).map(|(name, skill)| (name, skill.map_or_else(unjudged, range))).collect()
}

fn unjudged() -> String {
    "too few to judge".to_owned()
}

/// `22 % (12 to 31 %)`.
fn range(skill: Skill) -> String {
    let percent = |share: f64| {
        let rounded = (share * 100.0).round();
        // Never `-0`.
        if rounded == 0.0 { "0".to_owned() } else { format!("{rounded}").replace('-', "−") }
    };
    format!("{} % ({} to {} %)", percent(skill.value), percent(skill.low), percent(skill.high))
}
