//! Arguments of `textfile`, which writes the current score for node_exporter's textfile collector.

use std::path::PathBuf;

use clap::Args;

use super::{Flags, OfTextfile, OnlySource};
use crate::config::Heading;

#[derive(Debug, Args)]
pub(crate) struct TextfileArgs {
    #[command(flatten)]
    pub(crate) flags: Flags<OfTextfile>,

    #[command(flatten)]
    pub(crate) only: OnlySource,

    /// File to write, named *.prom [default: standard output, once]
    #[arg(
        long, short, value_name = "FILE", display_order = 0, help_heading = Heading::Output.title(),
        long_help = "File to write, named *.prom, in the directory of node_exporter's textfile collector [default: \
                     standard output, once]"
    )]
    pub(crate) out: Option<PathBuf>,

    /// Only check that the file is fresh: exit with 0 or 1
    #[arg(
        long, requires = "out", help_heading = Heading::Schedule.title(),
        long_help = "Send no query: exit with 0 if the last successful evaluation in the file is no older than \
                     --max-age, else with 1"
    )]
    pub(crate) check_health: bool,

    /// Accept partial responses; members they lack have no score
    #[arg(long, help_heading = Heading::Source.title(), hide_short_help = true,
        long_help = "Accept partial responses (a Thanos store is down); members they lack have no score"
    )]
    pub(crate) allow_partial: bool,
}
