//! `etcd-heatmap config show`: what is in force, and where it came from.

use chrono::Utc;

use super::CommandError;
use super::stdout::print;
use crate::config::Config;

/// Prints the settings, if a run would take them.
pub(super) fn show(config: &Config) -> Result<(), CommandError> {
    let source = &config.settings.source;
    source.range(Utc::now().timestamp_millis())?;
    source.query_set()?;
    source.http_config()?;
    Ok(print(&config.show()?)?)
}
