//! The pair of types that every model has: one that can be fitted, and what is fitted, which can forecast.

use super::leads::Leads;
use super::series::Past;

/// A model that has not learned anything yet.
pub trait Model: Send + Sync {
    /// The name, as in `--model` and in outputs.
    fn name(&self) -> &'static str;

    /// How often the model must be fitted again.
    fn refit(&self) -> Refit;

    /// Learns from the past of one series, or of all members if [`Refit::Never`]. Fails with the reason if there is too
    /// little to learn from.
    fn fit(&self, panel: &[Past<'_>]) -> Result<Box<dyn Fitted>, Unfit>;
}

/// How often a model is fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refit {
    /// At each origin, from the past of one series.
    EachOrigin,
    /// Once, from the training part of all members; the fitted model then forecasts from later origins.
    Never,
}

/// Why a model cannot be fitted, as the end of a sentence such as "lstm: 3 d of history; it needs 7 d".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(pub String);

/// A model that has learned.
pub trait Fitted: Send + Sync {
    /// The forecast from the end of `past`; `None` if it has no usable value there, such as all gaps.
    fn forecast(&self, past: Past<'_>, leads: &Leads) -> Option<Shape>;
}

/// What a model expects before its intervals are conformal: a center for each lead, and the model's own idea of the
/// spread around it.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// The median for each lead. Always finite.
    pub center: Vec<f64>,
    /// Distances from the center to the 10 % and 90 % quantiles for each lead, both positive; `None` for a model that
    /// only gives points. Residuals are divided by them before their quantiles are taken.
    pub spread: Option<Vec<[f64; 2]>>,
}
