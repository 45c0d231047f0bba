//! Imports the OpenMetrics files of an output folder into Prometheus as TSDB blocks, using the user's own promtool.
//! For an import into VictoriaMetrics, `batch` splits the files into requests, which `commands` sends.
//!
//! ```text
//! plan ──▶ stage (promtool, in parallel) ──▶ verify (meta.json against the manifest) ──▶ place (rename)
//! ```
//!
//! The data directory is not changed before all blocks are complete and verified. A block's ULID is derived from
//! its file's hash, so a file is never imported twice, and no import log is needed. This module does not use the
//! network; `commands` does, through the client in `sources`.

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
