//! etcd-heatmap finds out from Prometheus history when an etcd cluster was unhealthy, and why.
//!
//! ```text
//! Prometheus ──pull──▶ readings ──write──▶ history/ (Parquet on disk)
//!                                             │ one UTC day at a time, in parallel
//!                                             ▼
//!                     spec ─────────────▶   score ──▶ heatmap ──▶ findings
//!                                             │           │           │
//!                                             ▼           ▼           ▼
//!                                           export: parquet csv openmetrics xlsx html image terminal
//! ```
//!
//! Data flows one way, `time, spec ← openmetrics, readings ← prometheus, history ← score ← heatmap ← comparison, diff,
//! explain, fail_below, findings ← export ← import ← config ← cli ← commands`: no module uses one to its right. The
//! network is in [`prometheus`] only, and nothing below [`commands`] prints or exits.

pub mod analysis;
pub mod cli;
pub mod commands;
pub mod config;
pub mod files;
pub mod folder;
pub mod heatmap;
pub mod history;
pub mod import;
pub mod openmetrics;
pub mod outputs;
pub mod readings;
pub mod score;
#[cfg(test)]
mod scratch;
pub mod sources;
pub mod spec;
pub mod text;
pub mod time;
