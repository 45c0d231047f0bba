//! Arguments of `import`, which adds the scores of a folder to Prometheus or VictoriaMetrics.

use std::path::PathBuf;

use clap::Args;

use super::{Flags, OfImport, SCORED_FOLDER};
use crate::config::Heading;
use crate::outputs::Retention;

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    #[arg(value_name = "DIR", help = SCORED_FOLDER)]
    pub(crate) folder: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) into: ImportInto,

    /// promtool to use [default: from PATH]
    #[arg(long, value_name = "FILE", help_heading = Heading::Target.title())]
    pub(crate) promtool: Option<PathBuf>,

    /// Folder to build blocks in [default: beside the data directory]
    #[arg(
        long, value_name = "DIR", help_heading = Heading::Target.title(),
        long_help = "Folder to build blocks in [default: beside the data directory, else the import folder]"
    )]
    pub(crate) staging: Option<PathBuf>,

    /// Retention of the server; older samples cause a warning
    #[arg(
        long, value_name = "DURATION", help_heading = Heading::Target.title(),
        long_help = "Retention of the server: warn of samples that are older [default: the retention that the files \
                     were written for]"
    )]
    pub(crate) retention: Option<Retention>,

    /// promtool processes at a time [default: one per core]
    #[arg(long, value_name = "NUMBER", value_parser = processes, help_heading = Heading::Target.title())]
    pub(crate) jobs: Option<usize>,

    /// Show what would be done with each file, and write nothing
    #[arg(long, help_heading = Heading::Target.title())]
    pub(crate) dry_run: bool,

    #[command(flatten)]
    pub(crate) flags: Flags<OfImport>,
}

fn processes(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|jobs| *jobs > 0)
        .ok_or_else(|| format!("'{text}' is not a number of processes: use 1 or more"))
}

/// The target of an import: Prometheus by its data directory, or VictoriaMetrics by its URL.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct ImportInto {
    /// Data directory of Prometheus; the server may be running
    #[arg(
        long, value_name = "DIR", help_heading = Heading::Target.title(),
        long_help = "Data directory of Prometheus (storage.tsdb.path); the server may be running"
    )]
    pub(crate) data_dir: Option<PathBuf>,

    /// Single-node VictoriaMetrics, such as http://127.0.0.1:8428
    #[arg(
        long, value_name = "URL", conflicts_with_all = ["promtool", "staging", "retention", "jobs"],
        help_heading = Heading::Target.title(),
        long_help = "Single-node VictoriaMetrics, such as http://127.0.0.1:8428; uses its import API"
    )]
    pub(crate) victoria_metrics: Option<String>,
}
