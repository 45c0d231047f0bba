//! The part of a past that an equation is fitted to: evenly spaced, recent, and without gaps.

use super::super::super::order::median;
use super::profile::Profile;

/// Values at even distances, all finite.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Window {
    /// The values, oldest first.
    pub(super) values: Vec<f64>,
    /// The instant of the last value, milliseconds since 1970.
    pub(super) last_ms: i64,
    /// The distance of two values in milliseconds.
    pub(super) step_ms: i64,
}

impl Window {
    /// The window without the usual value of each time of day.
    pub(super) fn less(mut self, profile: Option<&Profile>) -> Self {
        if let Some(profile) = profile {
            for (back, value) in self.values.iter_mut().rev().enumerate() {
                *value -= profile.at(self.last_ms - back as i64 * self.step_ms);
            }
        }
        self
    }
}

/// The values after the last gap of more than `gap` values. Shorter gaps are interpolated, missing values at the end are
/// left out; `None` if more than `gap` are missing there.
pub(super) fn recent(values: &[f64], last_ms: i64, step_ms: i64, gap: usize) -> Option<Window> {
    let end = values.iter().rposition(|value| value.is_finite())?;
    let late = values.len() - 1 - end;
    if late > gap {
        return None;
    }
    // Newest first, until the gap is too long.
    let mut known = vec![values[end]];
    let mut missing = 0;
    for value in values[..end].iter().rev() {
        if !value.is_finite() {
            missing += 1;
            if missing > gap {
                break;
            }
            continue;
        }
        let later = known[known.len() - 1];
        for step in 1..=missing {
            known.push(later + (value - later) * step as f64 / (missing + 1) as f64);
        }
        known.push(*value);
        missing = 0;
    }
    known.reverse();
    Some(Window { values: known, last_ms: last_ms - late as i64 * step_ms, step_ms })
}

/// The medians of each `per` values, the last of which ends with the values; NaN where fewer than half are present.
pub(super) fn folded(values: &[f64], per: usize) -> Vec<f64> {
    let of = |part: &[f64]| {
        let present = part.iter().filter(|value| value.is_finite()).count();
        if 2 * present >= per { median(part.iter().copied()).unwrap_or(f64::NAN) } else { f64::NAN }
    };
    let mut medians: Vec<f64> = values.rchunks_exact(per.max(1)).map(of).collect();
    medians.reverse();
    medians
}
