//! The last value, for every lead.

use super::super::leads::Leads;
use super::super::model::{Fitted, Model, Refit, Shape, Unfit};
use super::super::series::Past;
use crate::time::DAY_MS;

/// The last value, no more than a day ago.
#[derive(Clone, Copy, Debug)]
pub struct LastValue;

impl Model for LastValue {
    fn name(&self) -> &'static str {
        "last-value"
    }

    fn refit(&self) -> Refit {
        Refit::Never
    }

    fn fit(&self, _panel: &[Past<'_>]) -> Result<Box<dyn Fitted>, Unfit> {
        Ok(Box::new(Self))
    }
}

impl Fitted for LastValue {
    fn forecast(&self, past: Past<'_>, leads: &Leads) -> Option<Shape> {
        let last = past.last(past.steps_in(DAY_MS)).iter().rev().copied().find(|value| !value.is_nan())?;
        Some(Shape { center: vec![last; leads.len()], spread: None })
    }
}
