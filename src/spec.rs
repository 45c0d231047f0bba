//! The specification of the score, as data: six metrics, their bands and their weights.
//!
//! Everything that is added up is an integer, so that a score is the decimal's nearest `f64`
//! (6, never 6.000000000000001) and sums do not depend on the order in which days finish.

mod metric;
mod profile;
mod rule;
mod table;

pub use metric::{COLUMNS, Column};
pub use profile::{PROFILES, Profile, ProfileError};
pub use rule::{
    Band, Bands, FULL_POINTS, LOOK_BACK_SECONDS, POINT, Rule, RuleError, WEIGHT_ONE, parse_weight, percent,
};
pub use table::{COMPANIONS, Companion, METRICS, Metric, Unit};
