//! The median of the last hour, for every lead.

use super::super::leads::Leads;
use super::super::model::{Fitted, Model, Refit, Shape, Unfit};
use super::super::order::median;
use super::super::series::Past;
use crate::time::HOUR_MS;

/// How far back a value may lie to count as the present level: a day.
const LOOK_BACK_HOURS: i64 = 24;

/// The median of the last hour with values.
#[derive(Clone, Copy, Debug)]
pub struct LastHour;

impl Model for LastHour {
    fn name(&self) -> &'static str {
        "last-hour"
    }

    fn refit(&self) -> Refit {
        Refit::Never
    }

    fn fit(&self, _panel: &[Past<'_>]) -> Result<Box<dyn Fitted>, Unfit> {
        Ok(Box::new(Self))
    }
}

impl Fitted for LastHour {
    fn forecast(&self, past: Past<'_>, leads: &Leads) -> Option<Shape> {
        let level = level(past)?;
        Some(Shape { center: vec![level; leads.len()], spread: None })
    }
}

/// The median of the last hour that has values, no more than a day ago; `None` without one.
pub(super) fn level(past: Past<'_>) -> Option<f64> {
    let hour = past.steps_in(HOUR_MS);
    (0..LOOK_BACK_HOURS as usize).find_map(|back| median(past.without_last(back * hour).last(hour).iter().copied()))
}
