//! `etcd-heatmap rules`: the score for Prometheus.

use super::CommandError;
use super::generated::{command_line, print};
use crate::config::Settings;
use crate::export::recording_rules;

/// Prints the rule file.
pub(super) fn run(settings: &Settings) -> Result<(), CommandError> {
    let asked = &settings.source;
    let (cluster, member) = (asked.cluster_label.as_deref(), asked.member_label.as_str());
    let queries = asked.query_set()?;
    Ok(print(&recording_rules(&settings.how.profile, &queries, cluster, member, &command_line())?)?)
}
