//! What a person types to compare two times.

use std::path::PathBuf;

use clap::Args;

use super::{Flags, OfDiff, instant};

/// Arguments of `diff`.
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// Folder that score or backfill wrote to.
    #[arg(value_name = "BEFORE")]
    pub(crate) before: PathBuf,

    /// The same of another time (or of other machines).
    #[arg(value_name = "AFTER", required_unless_present = "at", conflicts_with = "at")]
    pub(crate) after: Option<PathBuf>,

    /// Compare what lies before and after this instant in BEFORE: a date or a time by the clocks of its cells
    /// (2026-10-07, 2026-10-07T14), RFC 3339, seconds since 1970.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = instant)]
    pub(crate) at: Option<String>,

    /// Print CSV instead of the table: a row for the score and for each metric, of clusters and members.
    #[arg(long)]
    pub(crate) csv: bool,

    /// Write that CSV to diff.csv in this folder as well.
    #[arg(long, short, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,

    /// What --fail-below demands, of AFTER.
    #[command(flatten)]
    pub(crate) flags: Flags<OfDiff>,
}
