//! Forecasts of metrics and of health, and how good they were on the past.
//!
//! Values come from the history as [`series::Series`]. Models ([`model::Model`]) give a center for each lead, the
//! residuals of earlier origins give the intervals (`conformal`), and a walk over the origins of the past (`walk`) shows how
//! good each model was, so that the best can be selected. Reading a history and writing outputs do not belong here.

pub mod breaks;
pub mod conformal;
pub mod leads;
pub mod model;
pub mod models;
pub mod order;
pub mod quantiles;
pub mod quota;
pub mod result;
pub mod select;
pub mod series;
pub mod walk;
