//! Blocks of a Prometheus made of an output folder's OpenMetrics files, by the user's own promtool.
//!
//! ```text
//! plan ──▶ stage (promtool, in parallel) ──▶ verify (meta.json against the manifest) ──▶ place (rename)
//! ```
//!
//! Nothing is written into the data directory before all blocks are whole and right. A block's ULID is made
//! of its file's hash, so that the same file is never imported twice and no record of our own is needed.

mod batch;
mod block;
mod data_dir;
mod error;
mod exported;
mod lines;
mod own_lines;
mod owner;
mod place;
mod plan;
mod promtool;
mod sandbox;
mod stage;
mod ulid;
mod values;

pub(crate) use batch::{Batch, Missing, batches};
pub(crate) use data_dir::DataDir;
pub(crate) use error::ImportError;
pub(crate) use exported::{Exported, ExportedFile};
pub(crate) use lines::Labels;
pub(crate) use place::place;
pub(crate) use plan::{Fate, Plan, PlannedFile};
pub(crate) use promtool::Promtool;
pub(crate) use stage::{Making, Stage, StagedBlock};
pub(crate) use ulid::Ulid;
