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

pub mod cli;
pub mod commands;
pub mod comparison;
pub mod config;
pub mod diff;
pub mod explain;
pub mod export;
pub mod fail_below;
pub mod findings;
pub mod heatmap;
pub mod history;
pub mod import;
pub mod key_file;
pub mod nearest;
pub mod openmetrics;
pub mod prometheus;
pub mod readings;
pub mod said;
pub mod score;
#[cfg(test)]
mod scratch;
pub mod spec;
pub mod time;
