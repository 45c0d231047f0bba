//! The rules of findings by a short name, so that tables repeat no text.

use super::{
    Finding, Kind, anomalies, away, cluster_size, critical, defragmentation, fragmentation, gone, growth, incidents,
    lacking, leader_changes, leaders, maintenance, mixed_versions, recurrence, storms,
};

/// A rule by which findings are made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    /// Unique, and the same in every run.
    pub(crate) id: &'static str,
    pub(crate) kind: Kind,
    /// The rule in one sentence, with its thresholds.
    pub(crate) text: &'static str,
}

/// All rules, by kind.
pub(crate) const RULES: [Rule; 22] = [
    Rule { id: "low_score", kind: Kind::Incident, text: incidents::RULE },
    Rule { id: "leader_changes", kind: Kind::Incident, text: storms::RULE },
    Rule { id: "without_data", kind: Kind::Incident, text: away::DOWN },
    Rule { id: "restarted", kind: Kind::Incident, text: away::RESTARTED },
    Rule { id: "no_leader", kind: Kind::Incident, text: critical::NO_LEADER },
    Rule { id: "database_full", kind: Kind::Incident, text: critical::DATABASE_FULL },
    Rule { id: "last_descriptors", kind: Kind::Incident, text: critical::DESCRIPTORS },
    Rule { id: "gone", kind: Kind::Incident, text: gone::GONE },
    Rule { id: "replaced", kind: Kind::Incident, text: gone::REPLACED },
    Rule { id: "all_gone", kind: Kind::Incident, text: gone::ENDED },
    Rule { id: "too_few", kind: Kind::Incident, text: gone::FEWER },
    Rule { id: "source_without_data", kind: Kind::Incident, text: lacking::RULE },
    Rule { id: "leader_change", kind: Kind::LeaderChange, text: leader_changes::RULE },
    Rule { id: "recurrence", kind: Kind::Recurrence, text: recurrence::RULE },
    Rule { id: "defragmentation", kind: Kind::Defragmentation, text: defragmentation::RULE },
    Rule { id: "growth", kind: Kind::Growth, text: growth::RULE },
    Rule { id: "fragmentation", kind: Kind::Fragmentation, text: fragmentation::RULE },
    Rule { id: "cluster_size", kind: Kind::ClusterSize, text: cluster_size::RULE },
    Rule { id: "mixed_versions", kind: Kind::MixedVersions, text: mixed_versions::RULE },
    Rule { id: "two_leaders", kind: Kind::TwoLeaders, text: leaders::RULE },
    Rule { id: "maintenance_window", kind: Kind::MaintenanceWindow, text: maintenance::RULE },
    Rule { id: "anomaly", kind: Kind::Anomaly, text: anomalies::RULE },
];

impl Finding {
    /// The id of the finding's rule in [`RULES`].
    pub(crate) fn rule_id(&self) -> &'static str {
        RULES.iter().find(|rule| rule.text == self.rule).map_or("", |rule| rule.id)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn rules_have_names_and_texts_of_their_own() {
        for of in [|rule: &Rule| rule.id, |rule: &Rule| rule.text] {
            assert_eq!(RULES.iter().map(of).collect::<BTreeSet<_>>().len(), RULES.len());
        }
    }
}
