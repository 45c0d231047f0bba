//! ARIMA on the values and on their hourly medians, with orders that `AutoARIMA` selects.

use super::super::leads::Leads;
use super::super::model::{Fitted, Model, Refit, Shape, Unfit};
use super::super::series::Past;
use crate::time::{DAY_MS, HOUR_MS};

mod equation;
mod profile;
mod window;

use equation::Pair;
use profile::Profile;
use window::{Window, folded, recent};

/// Up to this lead, the forecast comes from the values themselves, and beyond from hourly medians. Beyond, the errors of
/// a recursion over hundreds of steps add up, and the hours of a longer past say more.
const NEAR_MS: i64 = 6 * HOUR_MS;
/// The span of values that the near equation is fitted to. On eleven real series, two or three days are slower to fit and
/// up to 2 % worse within an hour, because levels move.
const NEAR_WINDOW_MS: i64 = DAY_MS;
/// The span of hourly medians that the far equation is fitted to. One week and three weeks gave the same errors.
const FAR_WINDOW_MS: i64 = 14 * DAY_MS;
/// The fewest values in either window, where steps are long.
const FEWEST: usize = 48;
/// The most values in either window, where steps are short: the time of a fit grows with them.
const MOST: usize = 600;

/// ARIMA without seasons of its own: at the step of the series for leads up to 6 h, and on hourly medians without
/// their rhythm of a day for longer ones.
#[derive(Clone, Copy, Debug)]
pub struct Arima;

/// The selected equations. They forecast from the origin at which they were fitted and from later ones.
#[derive(Clone, Debug)]
struct FittedArima {
    profile: Option<Profile>,
    near: Pair,
    far: Pair,
}

impl Model for Arima {
    fn name(&self) -> &'static str {
        "arima"
    }

    fn refit(&self) -> Refit {
        Refit::EachOrigin
    }

    fn fit(&self, panel: &[Past<'_>]) -> Result<Box<dyn Fitted>, Unfit> {
        let past = *panel.first().ok_or_else(|| Unfit("no history".to_owned()))?;
        let profile = Profile::of(past);
        let fitted = |window: Option<Window>| {
            let window = window.filter(|window| window.values.len() >= FEWEST);
            window.map(|window| Pair::of(&window.values)).unwrap_or_default()
        };
        let near = fitted(near_window(past, profile.as_ref()));
        let far = fitted(far_window(past, profile.as_ref()));
        if near.is_empty() && far.is_empty() {
            let values = past.values().iter().filter(|value| value.is_finite()).count();
            return Err(Unfit(format!("{values} values; it needs {FEWEST} in a row without a gap of more than 1 h")));
        }
        Ok(Box::new(FittedArima { profile, near, far }))
    }
}

impl Fitted for FittedArima {
    fn forecast(&self, past: Past<'_>, leads: &Leads) -> Option<Shape> {
        let longest = leads.ms(leads.len().checked_sub(1)?);
        let profile = self.profile.as_ref();
        let path =
            |pair: &Pair, window: Option<Window>, until_ms: i64| Path::of(pair, &window?, until_ms, profile, past);
        let far = path(&self.far, far_window(past, profile), longest);
        let until = if far.is_some() { NEAR_MS.min(longest) } else { longest };
        let near = path(&self.near, near_window(past, profile), until);
        let bounds = Bounds::of(past)?;
        let center = (0..leads.len()).map(|lead| {
            let ahead = leads.ms(lead);
            let of = |path: &Option<Path<'_>>| path.as_ref().and_then(|path| path.at(ahead));
            let first = if ahead <= NEAR_MS { of(&near).or_else(|| of(&far)) } else { of(&far).or_else(|| of(&near)) };
            bounds.clamp(first?)
        });
        Some(Shape { center: center.collect::<Option<Vec<f64>>>()?, spread: None })
    }
}

/// The latest values without a longer gap, less their profile.
fn near_window(past: Past<'_>, profile: Option<&Profile>) -> Option<Window> {
    let wanted = past.steps_in(NEAR_WINDOW_MS).clamp(4 * FEWEST, MOST);
    let gap = past.steps_in(HOUR_MS);
    recent(past.last(wanted), past.origin_ms(), past.step_ms(), gap).map(|window| window.less(profile))
}

/// The latest hourly medians without a longer gap, less their profile. A step of an hour or more is its own median.
fn far_window(past: Past<'_>, profile: Option<&Profile>) -> Option<Window> {
    let per = past.steps_in(HOUR_MS);
    let step_ms = per as i64 * past.step_ms();
    let wanted = ((FAR_WINDOW_MS / step_ms) as usize).clamp(4 * FEWEST, MOST);
    let medians = folded(past.last(wanted * per), per);
    // The middle of the last hour.
    let last_ms = past.origin_ms() - (per as i64 - 1) * past.step_ms() / 2;
    // Three hours: a longer gap is a quarter of a day's rhythm or more, which a straight line does not resemble.
    let gap = ((3 * HOUR_MS / step_ms) as usize).max(1);
    recent(&medians, last_ms, step_ms, gap).map(|window| window.less(profile))
}

/// The values ahead of an origin at even distances.
struct Path<'a> {
    /// From the last value of the window to the origin.
    late_ms: i64,
    step_ms: i64,
    /// The last value of the window, and the forecasts after it.
    values: Vec<f64>,
    profile: Option<&'a Profile>,
    origin_ms: i64,
}

impl<'a> Path<'a> {
    fn of(pair: &Pair, window: &Window, until_ms: i64, profile: Option<&'a Profile>, past: Past<'_>) -> Option<Self> {
        let late_ms = past.origin_ms() - window.last_ms;
        let steps = (late_ms + until_ms) / window.step_ms + 1;
        let mut values = vec![*window.values.last()?];
        values.extend(pair.ahead(&window.values, steps as usize)?);
        Some(Self { late_ms, step_ms: window.step_ms, values, profile, origin_ms: past.origin_ms() })
    }

    /// The value at a lead, interpolated; `None` beyond the end.
    fn at(&self, ahead_ms: i64) -> Option<f64> {
        let place = (self.late_ms + ahead_ms) as f64 / self.step_ms as f64;
        let (below, share) = (place.floor() as usize, place.fract());
        let low = *self.values.get(below)?;
        let value = if share > 0.0 { low + (*self.values.get(below + 1)? - low) * share } else { low };
        Some(value + self.profile.map_or(0.0, |profile| profile.at(self.origin_ms + ahead_ms)))
    }
}

/// What a forecast may not leave: the range of the last two weeks, widened by its own width to both sides. An equation
/// with a slope or a root near 1 can leave it only by extrapolating further than all that has been seen.
struct Bounds {
    low: f64,
    high: f64,
}

impl Bounds {
    fn of(past: Past<'_>) -> Option<Self> {
        let finite = || past.last(past.steps_in(FAR_WINDOW_MS)).iter().copied().filter(|value| value.is_finite());
        let low = finite().reduce(f64::min)?;
        let high = finite().reduce(f64::max)?;
        Some(Self { low: low - (high - low), high: high + (high - low) })
    }

    /// The value within the bounds; `None` unless it is finite.
    fn clamp(&self, value: f64) -> Option<f64> {
        let value = value.max(self.low).min(self.high);
        value.is_finite().then_some(value)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests;
