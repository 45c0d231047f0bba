//! `etcd-heatmap rules`: the score for Prometheus.

use super::CommandError;
use super::generated::{command_line, print};
use crate::cli::RulesArgs;
use crate::export::recording_rules;
use crate::prometheus::QuerySet;

/// Prints the rule file.
pub(super) fn run(args: &RulesArgs) -> Result<(), CommandError> {
    let (cluster, member) = (args.cluster_label.as_deref(), args.member_label.as_str());
    let queries = QuerySet::load(None, &args.selector, cluster, member)?;
    let rules = recording_rules(&args.profile.profile()?, &queries, cluster, member, &command_line())?;
    Ok(print(&rules)?)
}
