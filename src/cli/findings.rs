//! Arguments of `findings`, which lists incidents and other findings.

use std::path::PathBuf;

use clap::Args;

use super::{Flags, HISTORY_FOLDER, OfExplain};
use crate::analysis::findings::Kind;
use crate::config::Heading;

#[derive(Debug, Args)]
pub(crate) struct FindingsArgs {
    #[arg(value_name = "DIR", help = HISTORY_FOLDER)]
    pub(crate) folder: Option<PathBuf>,

    /// Only findings of this kind, such as incident
    #[arg(
        long, help_heading = Heading::Selection.title(),
        long_help = "Only findings of this kind: incident (a score below the usual), leader_change (with its cause), \
                     recurrence (every day or week), defragmentation, growth (of the database), or maintenance_window \
                     (a quiet hour)"
    )]
    pub(crate) kind: Option<Kind>,

    /// Only findings of this cluster
    #[arg(long, value_name = "NAME", help_heading = Heading::Selection.title())]
    pub(crate) cluster: Option<String>,

    #[command(flatten)]
    pub(crate) flags: Flags<OfExplain>,

    /// Print CSV, one row per finding
    #[arg(long, help_heading = Heading::Output.title())]
    pub(crate) csv: bool,
}
