//! `etcd-heatmap sql`: prints a script for DuckDB or Spark that computes scores and cells from a history.

use super::CommandError;
use super::generated::command_line;
use super::stdout::print;
use crate::config::Settings;
use crate::outputs::{Dialect, score_sql};

/// Prints the script for the profile and the cells of the settings.
pub(super) fn run(settings: &Settings, dialect: Dialect) -> Result<(), CommandError> {
    let how = &settings.how;
    Ok(print(&score_sql(dialect, &how.profile, how.folding, how.min_coverage, &command_line()))?)
}
