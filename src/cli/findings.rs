//! Arguments of `findings`, which lists problems and the findings behind them.

use std::path::PathBuf;

use clap::Args;

use super::{Flags, HISTORY_FOLDER, OfFindings};
use crate::analysis::findings::Kind;
use crate::config::Heading;

#[derive(Debug, Args)]
pub(crate) struct FindingsArgs {
    #[arg(value_name = "DIR", help = HISTORY_FOLDER)]
    pub(crate) folder: Option<PathBuf>,

    /// Only findings of this kind, such as incident; implies --evidence
    #[arg(
        long, help_heading = Heading::Selection.title(),
        long_help = "Only findings of this kind, with their evidence: incident (a score below the usual, or an absent \
                     member), leader_change (with its cause), recurrence (every day or week), defragmentation, growth (of \
                     the database), fragmentation (free pages of the database), cluster_size (an even number of members), mixed_versions (members on different versions of etcd), \
                     two_leaders (in one cluster at the same time), maintenance_window (a quiet hour), or anomaly (a reading that no \
                     forecast expected)"
    )]
    pub(crate) kind: Option<Kind>,

    /// Only problems and findings of this cluster
    #[arg(long, value_name = "NAME", help_heading = Heading::Selection.title())]
    pub(crate) cluster: Option<String>,

    /// List all problems, and short dips too
    #[arg(long, help_heading = Heading::Selection.title(), conflicts_with_all = ["evidence", "kind", "csv"])]
    pub(crate) all: bool,

    #[command(flatten)]
    pub(crate) flags: Flags<OfFindings>,

    /// List the findings behind the problems, with their evidence and rules
    #[arg(long, help_heading = Heading::Output.title(), conflicts_with = "csv")]
    pub(crate) evidence: bool,

    /// Print CSV, one row per finding
    #[arg(long, help_heading = Heading::Output.title())]
    pub(crate) csv: bool,
}
