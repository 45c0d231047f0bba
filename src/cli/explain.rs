//! The arguments of `explain`.

use std::path::PathBuf;

use clap::Args;

use super::{Flags, HISTORY_FOLDER, OfExplain, instant};
use crate::config::Heading;

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    #[arg(value_name = "DIR", help = HISTORY_FOLDER)]
    pub(crate) folder: Option<PathBuf>,

    /// Cluster of the cell to explain
    #[arg(long, value_name = "NAME", help_heading = Heading::Selection.title())]
    pub(crate) cluster: String,

    /// Instant in the cell, such as 2026-10-07T14
    #[arg(
        long, value_name = "TIME", allow_hyphen_values = true, value_parser = instant,
        help_heading = Heading::Selection.title(),
        long_help = "Instant in the cell: 2026-10-07T14 in the zone of --time-zone, RFC 3339, a date, or seconds \
                     since 1970"
    )]
    pub(crate) at: String,

    /// Only this member
    #[arg(long, value_name = "NAME", help_heading = Heading::Selection.title())]
    pub(crate) member: Option<String>,

    /// Explain the step at --at, with who led; --url or --from adds raw counts
    #[arg(
        long, help_heading = Heading::Selection.title(),
        long_help = "Explain the step at --at instead of the cell: score, readings and points of each member, who led, and \
                     the lowest and highest readings from 5 minutes before to 5 minutes after. With --url or --from, \
                     also the raw counts behind the readings, such as the fsyncs of each bucket: they are read there with \
                     the selector and the labels of the history"
    )]
    pub(crate) instant: bool,

    #[command(flatten)]
    pub(crate) flags: Flags<OfExplain>,
}
