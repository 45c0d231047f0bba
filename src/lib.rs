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

mod analysis;
mod cli;
mod commands;
mod config;
mod files;
mod folder;
mod heatmap;
pub mod history;
mod import;
pub mod openmetrics;
mod outputs;
pub mod readings;
pub mod score;
#[cfg(test)]
mod scratch;
mod sources;
pub mod spec;
mod text;
pub mod time;

pub use cli::{Cli, one_sentence};
pub use commands::{Failure, USAGE, print_help, run};
pub use files::{FileError, FileStat};
pub use folder::{FolderError, ManifestBlock, Written};
pub use outputs::{Emission, ExtraLabels, Family, OutputError, Retention, write_window};
