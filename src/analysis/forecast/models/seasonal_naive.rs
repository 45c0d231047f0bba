//! The value at the same local time a day or a week ago.

use super::super::leads::Leads;
use super::super::model::{Fitted, Model, Refit, Shape, Unfit};
use super::super::series::Past;
use super::last_hour::level;
use crate::time::{DAY_MS, HOUR_MS};

/// The value one period before each lead, in local civil time: clocks that change do not shift it.
#[derive(Clone, Copy, Debug)]
pub struct SeasonalNaive {
    name: &'static str,
    period_ms: i64,
}

impl SeasonalNaive {
    /// The same time yesterday.
    pub const DAY: Self = Self { name: "same-time-yesterday", period_ms: DAY_MS };
    /// The same time a week ago.
    pub const WEEK: Self = Self { name: "same-time-last-week", period_ms: 7 * DAY_MS };

    /// The value one period before an instant, or the nearest one within half an hour; NaN without one.
    fn before(self, past: Past<'_>, at_ms: i64) -> f64 {
        let zone = past.zone();
        let then = at_ms - self.period_ms;
        let then = then + zone.offset_ms(at_ms) - zone.offset_ms(then);
        let back = (past.origin_ms() - then).div_euclid(past.step_ms()) + 1;
        let reach = (HOUR_MS / 2 / past.step_ms()).max(0);
        let near = (0..=reach).flat_map(|off| [back + off, back - off]);
        near.map(|back| usize::try_from(back).map_or(f64::NAN, |back| past.back(back)))
            .find(|value| !value.is_nan())
            .unwrap_or(f64::NAN)
    }
}

impl Model for SeasonalNaive {
    fn name(&self) -> &'static str {
        self.name
    }

    fn refit(&self) -> Refit {
        Refit::Never
    }

    fn fit(&self, _panel: &[Past<'_>]) -> Result<Box<dyn Fitted>, Unfit> {
        Ok(Box::new(*self))
    }
}

impl Fitted for SeasonalNaive {
    /// `None` if fewer than half of the leads have a value one period before. The others get the present level.
    fn forecast(&self, past: Past<'_>, leads: &Leads) -> Option<Shape> {
        let level = level(past)?;
        let before = (0..leads.len()).map(|lead| self.before(past, past.origin_ms() + leads.ms(lead)));
        let before: Vec<f64> = before.collect();
        let known = before.iter().filter(|value| !value.is_nan()).count();
        let center = before.into_iter().map(|value| if value.is_nan() { level } else { value }).collect();
        (2 * known >= leads.len()).then_some(Shape { center, spread: None })
    }
}
