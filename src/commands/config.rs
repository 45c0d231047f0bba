//! `etcd-heatmap config show`: prints every setting with its value and its origin.

use chrono::Utc;

use super::stdout::print;
use super::{CommandError, several};
use crate::config::Config;

/// Prints the settings. Fails if a run would refuse one of them.
pub(super) fn show(config: &Config) -> Result<(), CommandError> {
    let source = &config.settings.source;
    source.range(Utc::now().timestamp_millis())?;
    config.settings.several.iter().try_for_each(several::check)?;
    source.query_set()?;
    source.http_config()?;
    Ok(print(&config.show()?)?)
}
