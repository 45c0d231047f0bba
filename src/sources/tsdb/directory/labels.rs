//! External labels: Thanos and Mimir keep them in `meta.json`, and their queries return them with every series.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::DirectoryError;
use crate::sources::raw::Label;
use crate::sources::tsdb::block::BlockFolder;

/// Labels that usually tell replicas of one Prometheus apart.
const OF_REPLICAS: [&str; 5] = ["prometheus_replica", "replica", "__replica__", "rule_replica", "thanos_replica"];

/// The labels of a series together with the external labels of its block, sorted by name. An external label replaces one
/// of the series. Labels such as `__compactor_shard_id__` only say how a block was made, and are left out.
pub(super) fn with_external(labels: &[Label], external: &BTreeMap<String, String>) -> Vec<Label> {
    let shown = external.iter().filter(|(name, value)| !name.starts_with("__") && !value.is_empty());
    let external: Vec<Label> = shown.map(|(name, value)| (name.as_str().into(), value.as_str().into())).collect();
    if external.is_empty() {
        return labels.to_vec();
    }
    let own = labels.iter().filter(|(name, _)| !external.iter().any(|(other, _)| other == name)).cloned();
    let mut all: Vec<(Arc<str>, Arc<str>)> = own.chain(external.iter().cloned()).collect();
    all.sort();
    all
}

/// Fails if blocks of replicas overlap: the readings of each member would be counted twice.
pub(super) fn refuse_replicas(folders: &[BlockFolder]) -> Result<(), DirectoryError> {
    for (at, one) in folders.iter().enumerate() {
        let overlapping = folders[at + 1..].iter().take_while(|other| other.meta.min_time < one.meta.max_time);
        for other in overlapping {
            let (left, right) = (&one.meta.thanos.labels, &other.meta.thanos.labels);
            let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
            let differing: Vec<&str> =
                names.into_iter().filter(|name| left.get(*name) != right.get(*name)).map(String::as_str).collect();
            let shown: Vec<&str> = differing.into_iter().filter(|name| *name != "__compactor_shard_id__").collect();
            if !shown.is_empty() && shown.iter().all(|name| OF_REPLICAS.contains(name)) {
                return Err(DirectoryError::Replicas {
                    one: one.dir.clone(),
                    other: other.dir.clone(),
                    label: shown[0].to_owned(),
                });
            }
        }
    }
    Ok(())
}
