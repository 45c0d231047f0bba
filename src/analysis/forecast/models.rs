//! The models: one file each.

mod arima;
mod day_hours;
mod last_hour;
mod last_value;
#[cfg(feature = "lstm")]
mod lstm;
mod rhythm;
mod seasonal_naive;
mod trailing;
mod trend;

pub use arima::Arima;
pub use last_hour::LastHour;
pub use last_value::LastValue;
#[cfg(feature = "lstm")]
pub use lstm::{LoadError, Lstm, Trained as Network};
pub use rhythm::Rhythm;
pub use seasonal_naive::SeasonalNaive;
pub use trailing::{HourOfWeek, TrailingDay};
pub use trend::{Trend, continued};

use super::model::Model;
use crate::text::nearest::did_you_mean;

/// The name of the LSTM.
pub const LSTM: &str = "lstm";

/// The one-liners, of which the best on past origins is the yardstick for every other model.
pub fn one_liners() -> Vec<Box<dyn Model>> {
    vec![
        Box::new(LastHour),
        Box::new(LastValue),
        Box::new(SeasonalNaive::DAY),
        Box::new(SeasonalNaive::WEEK),
        Box::new(TrailingDay),
        Box::new(HourOfWeek),
    ]
}

/// Models that are cheap enough to run beside the one-liners at every origin.
pub fn light_models() -> Vec<Box<dyn Model>> {
    vec![Box::new(Rhythm), Box::new(Trend)]
}

/// Which model forecasts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ModelChoice {
    /// The blend that was best on earlier origins.
    #[default]
    Auto,
    /// The one-liner that was best on earlier origins.
    BestNaive,
    /// The model with this name.
    Named(String),
}

impl std::fmt::Display for ModelChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Auto => "auto",
            Self::BestNaive => "best-naive",
            Self::Named(name) => name,
        })
    }
}

/// Parses the name of a choice or model.
pub fn named(name: &str) -> Result<ModelChoice, String> {
    match name {
        "auto" => return Ok(ModelChoice::Auto),
        "best-naive" => return Ok(ModelChoice::BestNaive),
        _ => {}
    }
    if names().any(|known| known == name) {
        return Ok(ModelChoice::Named(name.to_owned()));
    }
    let all: Vec<&str> = ["auto", "best-naive"].into_iter().chain(names()).collect();
    Err(format!("unknown model '{name}'{}: use one of {}", did_you_mean(name, all.iter().copied()), all.join(", ")))
}

/// The names of all models.
pub fn names() -> impl Iterator<Item = &'static str> {
    let cheap: Vec<&'static str> = one_liners().iter().chain(&light_models()).map(|model| model.name()).collect();
    cheap.into_iter().chain([Arima.name()]).chain(cfg!(feature = "lstm").then_some(LSTM))
}
