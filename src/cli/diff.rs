//! Arguments of `diff`, which compares two folders, or one folder before and after an instant.

use std::path::PathBuf;

use clap::Args;

use super::{Flags, OfDiff, instant};
use crate::config::Heading;

#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// Folder that score or backfill wrote to
    #[arg(value_name = "BEFORE")]
    pub(crate) before: PathBuf,

    /// Folder with the scores of another period, or of other machines
    #[arg(value_name = "AFTER", required_unless_present = "at", conflicts_with = "at")]
    pub(crate) after: Option<PathBuf>,

    /// Compare one folder before and after this instant
    #[arg(
        long, value_name = "TIME", allow_hyphen_values = true, value_parser = instant,
        help_heading = Heading::Selection.title(),
        long_help = "Compare two parts of one folder: the time until this instant and the time after it. A date or a time \
                     in the folder's time zone (2026-10-07, 2026-10-07T14), RFC 3339, or seconds since 1970"
    )]
    pub(crate) at: Option<String>,

    #[command(flatten)]
    pub(crate) flags: Flags<OfDiff>,

    /// Print CSV instead of the table
    #[arg(
        long, help_heading = Heading::Output.title(),
        long_help = "Print CSV instead of the table: one row for the score and for each metric, per cluster and \
         member"
    )]
    pub(crate) csv: bool,

    /// Also write the CSV to diff.csv in this folder
    #[arg(long, short, value_name = "DIR", help_heading = Heading::Output.title())]
    pub(crate) out: Option<PathBuf>,
}
