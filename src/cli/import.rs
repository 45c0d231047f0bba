//! What somebody types who puts scores into a server.

use std::path::PathBuf;

use clap::Args;

use super::{Flags, OfImport};
use crate::outputs::Retention;

/// Arguments of `import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Folder that backfill or score wrote to [default: the one that the environment or the file names].
    #[arg(value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,

    /// Where to.
    #[command(flatten)]
    pub(crate) into: ImportInto,

    /// The promtool to use [default: that of the PATH].
    #[arg(long, value_name = "FILE")]
    pub(crate) promtool: Option<PathBuf>,

    /// Folder in which blocks are made [default: beside the data directory, else the output folder].
    #[arg(long, value_name = "DIR")]
    pub(crate) staging: Option<PathBuf>,

    /// How long the server keeps samples: warns of those that are older [default: what the files were cut for].
    #[arg(long, value_name = "DURATION")]
    pub(crate) retention: Option<Retention>,

    /// Processes of promtool at a time [default: one a core].
    #[arg(long, value_name = "NUMBER", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
    pub(crate) jobs: Option<usize>,

    /// Say what would be done with each file, and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// How to reach a VictoriaMetrics.
    #[command(flatten)]
    pub(crate) flags: Flags<OfImport>,
}

/// A Prometheus by its data directory, or a VictoriaMetrics by its URL.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct ImportInto {
    /// Data directory of the Prometheus, its --storage.tsdb.path; the server may run.
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// URL of a single-node VictoriaMetrics, such as http://127.0.0.1:8428: sent by its import API.
    #[arg(long, value_name = "URL", conflicts_with_all = ["promtool", "staging", "retention", "jobs"])]
    pub(crate) victoria_metrics: Option<String>,
}
