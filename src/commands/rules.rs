//! `etcd-heatmap rules`: prints recording or alerting rules for Prometheus.

use super::CommandError;
use super::generated::command_line;
use super::stdout::print;
use crate::cli::RulesArgs;
use crate::config::Settings;
use crate::outputs::{alerting_rules, recording_rules};

/// Prints the recording rules, or the alerting rules with `--alerts`.
pub(super) fn run(args: &RulesArgs, settings: &Settings) -> Result<(), CommandError> {
    if args.alerts {
        return Ok(print(&alerting_rules(&settings.how.profile, &command_line()))?);
    }
    settings.only_one("rules")?;
    let asked = &settings.source;
    let (cluster, member) = (asked.cluster_label.as_deref(), asked.member_label.as_str());
    let queries = asked.query_set()?;
    Ok(print(&recording_rules(&settings.how.profile, &queries, cluster, member, &command_line())?)?)
}
