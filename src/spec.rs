//! The specification of the score, as data: the metrics, and profiles with their bands, weights and caps.
//!
//! Weights and points are integers, so that a score is the `f64` nearest to the exact decimal (6, never
//! 6.000000000000001) and sums do not depend on the order in which days finish. Scoring itself is in `score`.

mod cap;
mod metric;
mod profile;
mod rule;
mod table;
mod version;

pub use cap::{Cap, Caps, Condition};
pub use metric::{COLUMNS, Column};
pub use profile::{PROFILES, Profile, ProfileError};
pub use rule::{
    Band, Bands, FULL_POINTS, LOOK_BACK_SECONDS, POINT, Rule, RuleError, WEIGHT_ONE, parse_weight, percent,
};
pub use table::{COMPANIONS, Companion, METRICS, Metric, Unit};
pub(crate) use version::{version_number, version_text};
