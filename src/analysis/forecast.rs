//! Forecasts of metrics and of health, and how good they were on the past.
//!
//! Values come from the history as [`series::Series`]. Models ([`model::Model`]) give a center for each lead, the
//! residuals of earlier origins give the intervals (`conformal`), and a walk over the origins of the past (`walk`) shows how
//! good each model was, so that the best can be selected. Reading a history and writing outputs do not belong here.

pub mod assembled;
pub mod backtest;
pub mod breach;
pub mod breaks;
pub mod calibrate;
pub mod conformal;
pub mod courses;
pub mod disk_elections;
pub mod elections;
pub mod forecaster;
mod isotonic;
pub mod leads;
pub mod member_metric;
pub mod model;
pub mod models;
pub mod order;
pub mod panel;
pub mod quantiles;
pub mod quota;
pub mod random;
pub mod rates;
pub mod result;
pub mod select;
pub mod series;
pub mod trust;
pub mod walk;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod health_tests;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests;
