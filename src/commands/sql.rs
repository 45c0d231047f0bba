//! `etcd-heatmap sql`: the score for DuckDB.

use super::CommandError;
use super::generated::{command_line, print};
use crate::cli::SqlArgs;
use crate::export::score_sql;

/// Prints the script.
pub(super) fn run(args: &SqlArgs) -> Result<(), CommandError> {
    Ok(print(&score_sql(&args.profile.profile()?, args.min_coverage, &command_line()))?)
}
