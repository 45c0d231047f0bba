//! What somebody types who wants to know what to look at.

use std::path::PathBuf;

use clap::Args;

use super::{Flags, OfExplain};
use crate::analysis::findings::Kind;

/// Arguments of `findings`.
#[derive(Debug, Args)]
pub(crate) struct FindingsArgs {
    /// Folder that holds history/, as pull wrote it [default: the one that the environment or the file names].
    #[arg(value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,

    /// Only findings of this kind: incident, leader_change, recurrence, defragmentation, growth or maintenance_window.
    #[arg(long)]
    pub(crate) kind: Option<Kind>,

    /// Only findings of this cluster.
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: Option<String>,

    /// Print them as CSV.
    #[arg(long)]
    pub(crate) csv: bool,

    /// How to score.
    #[command(flatten)]
    pub(crate) flags: Flags<OfExplain>,
}
