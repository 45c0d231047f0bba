//! `etcd-heatmap sql`: the score for DuckDB.

use super::CommandError;
use super::generated::command_line;
use super::stdout::print;
use crate::config::Settings;
use crate::outputs::score_sql;

/// Prints the script.
pub(super) fn run(settings: &Settings) -> Result<(), CommandError> {
    Ok(print(&score_sql(&settings.how.profile, settings.how.min_coverage, &command_line()))?)
}
