//! The level now, and the slope of the last hours if it is beyond doubt.

use super::super::leads::Leads;
use super::super::model::{Fitted, Model, Refit, Shape, Unfit};
use super::super::order::median;
use super::super::series::Past;
use super::last_hour::level;
use crate::time::HOUR_MS;

/// The hours over which slopes are taken.
const HOURS: [i64; 3] = [2, 4, 8];
/// The values of which a slope is taken: the medians of so many equal parts of the hours.
const PARTS: usize = 12;
/// The smallest share of concordant minus discordant pairs (Kendall's tau) that counts as a trend. Twelve independent
/// values reach 0.7 by chance once in 1,000 times.
const SURE: f64 = 0.7;
/// The time in which the slope is halved.
const HALVED_AFTER_HOURS: f64 = 6.0;

/// The median of the last hour, and the Theil–Sen slope of the longest span with a clear trend, damped.
#[derive(Clone, Copy, Debug)]
pub struct Trend;

impl Model for Trend {
    fn name(&self) -> &'static str {
        "trend"
    }

    fn refit(&self) -> Refit {
        Refit::Never
    }

    fn fit(&self, _panel: &[Past<'_>]) -> Result<Box<dyn Fitted>, Unfit> {
        Ok(Box::new(Self))
    }
}

impl Fitted for Trend {
    fn forecast(&self, past: Past<'_>, leads: &Leads) -> Option<Shape> {
        let now = level(past)?;
        Some(Shape { center: continued(past, leads).unwrap_or_else(|| vec![now; leads.len()]), spread: None })
    }
}

/// The value at each lead if the slope of the last hours goes on, damped; `None` without a clear trend.
pub fn continued(past: Past<'_>, leads: &Leads) -> Option<Vec<f64>> {
    let (end, slope) = HOURS.iter().rev().find_map(|hours| line(past, *hours))?;
    Some((0..leads.len()).map(|lead| end + slope * damped(leads.ms(lead) as f64 / HOUR_MS as f64)).collect())
}

/// The hours of full slope that damping leaves of so many hours.
fn damped(hours: f64) -> f64 {
    let rate = std::f64::consts::LN_2 / HALVED_AFTER_HOURS;
    (1.0 - (-rate * hours).exp()) / rate
}

/// The value at the origin and the slope per hour of a clear trend over so many hours; `None` without one.
fn line(past: Past<'_>, hours: i64) -> Option<(f64, f64)> {
    let steps = past.steps_in(hours * HOUR_MS);
    let (values, part) = (past.last(steps), steps / PARTS);
    if values.len() < steps || part == 0 {
        return None;
    }
    let length = part as f64 * past.step_ms() as f64 / HOUR_MS as f64;
    // Hours before the origin, and the median there.
    let points: Vec<(f64, f64)> = values
        .rchunks_exact(part)
        .enumerate()
        .filter_map(|(back, values)| Some((-(back as f64 + 0.5) * length, median(values.iter().copied())?)))
        .collect();
    if points.len() < PARTS * 3 / 4 {
        return None;
    }
    let mut slopes = Vec::with_capacity(PARTS * PARTS / 2);
    for (i, a) in points.iter().enumerate() {
        slopes.extend(points[i + 1..].iter().map(|b| (a.1 - b.1) / (a.0 - b.0)));
    }
    let signs: f64 = slopes.iter().map(|slope| if *slope == 0.0 { 0.0 } else { slope.signum() }).sum();
    if (signs / slopes.len() as f64).abs() < SURE {
        return None;
    }
    let slope = median(slopes)?;
    let end = median(points.iter().map(|(at, value)| value - slope * at))?;
    Some((end, slope))
}
