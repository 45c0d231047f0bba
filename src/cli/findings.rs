//! What somebody types who wants to know what to look at.

use std::path::PathBuf;

use clap::Args;

use super::{Flags, OfExplain};
use crate::analysis::findings::Kind;

/// Arguments of `findings`.
#[derive(Debug, Args)]
pub struct FindingsArgs {
    /// Folder that holds history/, as pull wrote it [default: the one that the environment or the file names].
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,

    /// Only findings of this kind: incident, leader_change, recurrence, defragmentation, growth or maintenance_window.
    #[arg(long)]
    pub kind: Option<Kind>,

    /// Only findings of this cluster.
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,

    /// Print them as CSV.
    #[arg(long)]
    pub csv: bool,

    /// How to score.
    #[command(flatten)]
    pub flags: Flags<OfExplain>,
}
