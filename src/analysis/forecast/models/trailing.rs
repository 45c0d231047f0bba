//! Quantiles of the past: of the last day, or of the same hour of the week.

use super::super::leads::Leads;
use super::super::model::{Fitted, Model, Refit, Shape, Unfit};
use super::super::order::{quantile, sorted};
use super::super::series::Past;
use crate::time::{DAY_MS, HOUR_MS};

/// A median, and the distances to the 10 % and 90 % quantiles.
type Spread = (f64, [f64; 2]);

/// Fewest values of which quantiles are taken.
const FEWEST: usize = 6;

/// Quantiles of the last 24 hours, for every lead.
#[derive(Clone, Copy, Debug)]
pub struct TrailingDay;

impl Model for TrailingDay {
    fn name(&self) -> &'static str {
        "last-day"
    }

    fn refit(&self) -> Refit {
        Refit::Never
    }

    fn fit(&self, _panel: &[Past<'_>]) -> Result<Box<dyn Fitted>, Unfit> {
        Ok(Box::new(Self))
    }
}

impl Fitted for TrailingDay {
    fn forecast(&self, past: Past<'_>, leads: &Leads) -> Option<Shape> {
        let (center, spread) = of_values(past.last(past.steps_in(DAY_MS)).iter().copied())?;
        Some(Shape { center: vec![center; leads.len()], spread: Some(vec![spread; leads.len()]) })
    }
}

/// Quantiles of all earlier values in the same hour of the week; of the same hour of the day in the first two weeks.
#[derive(Clone, Copy, Debug)]
pub struct HourOfWeek;

impl Model for HourOfWeek {
    fn name(&self) -> &'static str {
        "hour-of-week"
    }

    fn refit(&self) -> Refit {
        Refit::Never
    }

    fn fit(&self, _panel: &[Past<'_>]) -> Result<Box<dyn Fitted>, Unfit> {
        Ok(Box::new(Self))
    }
}

impl Fitted for HourOfWeek {
    fn forecast(&self, past: Past<'_>, leads: &Leads) -> Option<Shape> {
        let days = (past.values().len() as i64 * past.step_ms()) / DAY_MS;
        let period = if days >= 14 { 7 * DAY_MS } else { DAY_MS };
        let mut of_hours: Vec<(i64, Option<Spread>)> = Vec::new();
        let (mut center, mut spread) = (Vec::with_capacity(leads.len()), Vec::with_capacity(leads.len()));
        for lead in 0..leads.len() {
            let hour = local_hour(past, past.origin_ms() + leads.ms(lead));
            let found = match of_hours.iter().find(|(known, _)| *known == hour) {
                Some((_, found)) => *found,
                None => {
                    let found = of_values(earlier(past, hour, period));
                    of_hours.push((hour, found));
                    found
                }
            };
            let (median, distances) = found?;
            center.push(median);
            spread.push(distances);
        }
        Some(Shape { center, spread: Some(spread) })
    }
}

/// The local hour of an instant, counted from a Thursday.
fn local_hour(past: Past<'_>, at_ms: i64) -> i64 {
    (at_ms + past.zone().offset_ms(at_ms)).div_euclid(HOUR_MS)
}

/// The values in the hours that lie a multiple of the period before a local hour.
fn earlier(past: Past<'_>, hour: i64, period_ms: i64) -> Vec<f64> {
    let (zone, step) = (past.zone(), past.step_ms());
    let first_ms = past.origin_ms() - (past.values().len() as i64 - 1) * step;
    let mut values = Vec::new();
    for back in 1.. {
        let local = hour * HOUR_MS - back * period_ms;
        let start_ms = local - zone.offset_ms(local);
        if start_ms + HOUR_MS <= first_ms {
            break;
        }
        let last = (past.origin_ms() - start_ms).div_euclid(step) + 1;
        let first = last - past.steps_in(HOUR_MS) as i64;
        values.extend((first + 1..=last).filter_map(|back| Some(past.back(usize::try_from(back).ok()?))));
    }
    values
}

/// The median, and the distances to the 10 % and 90 % quantiles; `None` for too few values.
fn of_values(values: impl IntoIterator<Item = f64>) -> Option<Spread> {
    let present = sorted(values);
    if present.len() < FEWEST {
        return None;
    }
    let [low, center, high] = [0.1, 0.5, 0.9].map(|level| quantile(&present, level));
    Some((center, [center - low, high - center]))
}
