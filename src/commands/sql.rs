//! `etcd-heatmap sql`: prints a DuckDB script that computes scores and cells from a history.

use super::CommandError;
use super::generated::command_line;
use super::stdout::print;
use crate::config::Settings;
use crate::outputs::score_sql;

/// Prints the script for the profile of the settings.
pub(super) fn run(settings: &Settings) -> Result<(), CommandError> {
    Ok(print(&score_sql(&settings.how.profile, settings.how.min_coverage, &command_line()))?)
}
