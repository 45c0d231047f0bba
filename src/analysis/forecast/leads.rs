//! How far ahead a forecast looks: its leads, and the buckets in which they are judged.

use crate::time::HOUR_MS;

/// The longest horizon, 24 hours.
pub const HORIZON_MS: i64 = 24 * HOUR_MS;

/// The ends of the buckets in which forecasts are judged, in hours: 0 to 1, 1 to 6, 6 to 24.
pub const BUCKET_HOURS: [i64; 3] = [1, 6, 24];

/// The ends of the finer buckets that share their residuals, in minutes.
const RESIDUAL_MINUTES: [i64; 10] = [10, 20, 40, 60, 120, 180, 360, 540, 900, 1440];
/// How many buckets share residuals.
pub const RESIDUAL_BUCKETS: usize = RESIDUAL_MINUTES.len();

/// The leads of a forecast: distances from its origin, ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leads {
    step_ms: i64,
    steps: Vec<usize>,
}

impl Leads {
    /// The leads up to a horizon for values of this distance: each value in the first hour, every quarter of an hour
    /// up to 6 h, and every hour after that. A forecast in between is interpolated.
    pub fn up_to(horizon_ms: i64, step_ms: i64) -> Self {
        let quarter = (HOUR_MS / 4 / step_ms).max(1);
        let hour = (HOUR_MS / step_ms).max(1);
        let wanted = |step: &i64| match step * step_ms {
            ms if ms <= HOUR_MS => true,
            ms if ms <= 6 * HOUR_MS => step % quarter == 0,
            _ => step % hour == 0,
        };
        let last = (horizon_ms / step_ms).max(1);
        Self { step_ms, steps: (1..=last).filter(wanted).map(|step| step as usize).collect() }
    }

    /// The leads in steps.
    pub fn steps(&self) -> &[usize] {
        &self.steps
    }

    /// The number of leads.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Always false: there is at least one lead.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The longest lead, in steps.
    pub fn longest(&self) -> usize {
        self.steps.last().copied().unwrap_or(1)
    }

    /// A lead in milliseconds.
    pub fn ms(&self, lead: usize) -> i64 {
        self.steps[lead] as i64 * self.step_ms
    }

    /// The index in [`BUCKET_HOURS`] of the bucket of a lead.
    pub fn bucket(&self, lead: usize) -> usize {
        BUCKET_HOURS.iter().position(|hours| self.ms(lead) <= hours * HOUR_MS).unwrap_or(BUCKET_HOURS.len() - 1)
    }

    /// The bucket of a lead whose residuals it shares, below [`RESIDUAL_BUCKETS`].
    pub fn residual_bucket(&self, lead: usize) -> usize {
        let minutes = self.ms(lead) / 60_000;
        RESIDUAL_MINUTES.iter().position(|end| minutes <= *end).unwrap_or(RESIDUAL_BUCKETS - 1)
    }
}
