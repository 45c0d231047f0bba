//! External labels: Thanos and Mimir keep them in `meta.json`, and their queries return them with every series.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use super::DirectoryError;
use crate::sources::raw::{Label, Selector};
use crate::sources::tsdb::block::BlockFolder;

/// Labels that usually tell replicas of one Prometheus apart.
const OF_REPLICAS: [&str; 5] = ["prometheus_replica", "replica", "__replica__", "rule_replica", "thanos_replica"];

/// Which blocks to read of those that are there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Which {
    /// Of several replicas of one Prometheus, the one to read.
    pub(crate) replica: Option<Replica>,
    /// What selects the wanted series. Without any, all may be wanted.
    pub(crate) selectors: Vec<Selector>,
}

impl Which {
    /// Whether a block with these external labels may have wanted series. Labels that it lacks may be labels of its series.
    pub(super) fn may_select(&self, external: &BTreeMap<String, String>) -> bool {
        // A label of replicas is removed from the series, so its value decides nothing.
        let is_removed = |name: &str| self.replica.as_ref().is_some_and(|replica| replica.label == name);
        let given = |name: &str| {
            let (name, value) = external.get_key_value(name)?;
            (is_shown(name, value) && !is_removed(name)).then_some(value.as_str())
        };
        self.selectors.is_empty() || self.selectors.iter().any(|selector| selector.may_match(given))
    }
}

/// Whether an external label becomes a label of the series. Labels such as `__compactor_shard_id__` only say how a block was
/// made.
fn is_shown(name: &str, value: &str) -> bool {
    !name.starts_with("__") && !value.is_empty()
}

/// The labels of a series together with the external labels of its block, sorted by name. An external label replaces one
/// of the series.
pub(super) fn with_external(labels: &[Label], external: &BTreeMap<String, String>) -> Vec<Label> {
    let shown = external.iter().filter(|(name, value)| is_shown(name, value));
    let external: Vec<Label> = shown.map(|(name, value)| (name.as_str().into(), value.as_str().into())).collect();
    if external.is_empty() {
        return labels.to_vec();
    }
    let own = labels.iter().filter(|(name, _)| !external.iter().any(|(other, _)| other == name)).cloned();
    let mut all: Vec<(Arc<str>, Arc<str>)> = own.chain(external.iter().cloned()).collect();
    all.sort();
    all
}

/// Which replica of a Prometheus to read: the one whose blocks have this external label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Replica {
    label: String,
    value: String,
}

/// A text that names no replica.
#[derive(Debug, thiserror::Error)]
#[error("'{0}' is not an external label and its value, such as prometheus_replica=prometheus-k8s-0")]
pub(crate) struct NoReplica(String);

impl FromStr for Replica {
    type Err = NoReplica;

    fn from_str(text: &str) -> Result<Self, NoReplica> {
        let (label, value) = text.split_once('=').ok_or_else(|| NoReplica(text.to_owned()))?;
        let (label, value) = (label.trim(), value.trim().trim_matches('"'));
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if label.is_empty() || !label.chars().all(is_name) || value.is_empty() {
            return Err(NoReplica(text.to_owned()));
        }
        Ok(Self { label: label.to_owned(), value: value.to_owned() })
    }
}

impl fmt::Display for Replica {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}={}", self.label, self.value)
    }
}

impl Replica {
    /// Keeps the blocks of this replica, and those without the label: Thanos removes it from blocks that it makes of both
    /// replicas. The series then do not have the label. Fails if no block has the label with this value.
    pub(super) fn choose(&self, dir: &Path, mut folders: Vec<BlockFolder>) -> Result<Vec<BlockFolder>, DirectoryError> {
        let values = folders.iter().filter_map(|folder| folder.meta.thanos.labels.get(&self.label));
        let values: BTreeSet<String> = values.cloned().collect();
        if !values.contains(&self.value) {
            let (dir, label, value) = (dir.to_owned(), self.label.clone(), self.value.clone());
            return Err(match values.into_iter().collect::<Vec<_>>() {
                none if none.is_empty() => DirectoryError::NoSuchLabel { dir, label },
                values => DirectoryError::NoSuchReplica { dir, label, value, values: values.join(", ") },
            });
        }
        folders.retain(|folder| folder.meta.thanos.labels.get(&self.label).is_none_or(|value| *value == self.value));
        refuse_overlap(&folders, &|name| name == self.label)?;
        folders.iter_mut().for_each(|folder| drop(folder.meta.thanos.labels.remove(&self.label)));
        Ok(folders)
    }
}

/// Fails if blocks of replicas overlap: the readings of each member would be counted twice.
pub(super) fn refuse_replicas(folders: &[BlockFolder]) -> Result<(), DirectoryError> {
    refuse_overlap(folders, &|name| OF_REPLICAS.contains(&name))
}

/// Fails if blocks overlap that differ only in labels of replicas.
fn refuse_overlap(folders: &[BlockFolder], is_of_replicas: &dyn Fn(&str) -> bool) -> Result<(), DirectoryError> {
    for (at, one) in folders.iter().enumerate() {
        let overlapping = folders[at + 1..].iter().take_while(|other| other.meta.min_time < one.meta.max_time);
        for other in overlapping {
            let (left, right) = (&one.meta.thanos.labels, &other.meta.thanos.labels);
            let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
            let differing: Vec<&str> =
                names.into_iter().filter(|name| left.get(*name) != right.get(*name)).map(String::as_str).collect();
            let shown: Vec<&str> = differing.into_iter().filter(|name| *name != "__compactor_shard_id__").collect();
            if !shown.is_empty() && shown.iter().all(|name| is_of_replicas(name)) {
                let (one, other, label) = (one.dir.clone(), other.dir.clone(), shown[0].to_owned());
                return Err(match (left.get(&label).cloned(), right.get(&label).cloned()) {
                    (Some(first), Some(second)) => {
                        DirectoryError::Replicas { one, other, label, values: [first, second] }
                    }
                    _ => DirectoryError::HalfReplicas { one, other, label },
                });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::sources::tsdb::block::BlockMeta;

    fn pairs(text: &str) -> Vec<Label> {
        let pair = |word: &str| word.split_once('=').map(|(name, value)| (name.into(), value.into()));
        text.split(' ').filter_map(pair).collect()
    }

    fn external(text: &str) -> BTreeMap<String, String> {
        pairs(text).iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    #[test]
    fn external_labels_join_those_of_a_series_in_order() {
        let own = pairs("__name__=up instance=a job=etcd");
        assert_eq!(with_external(&own, &BTreeMap::new()), own);
        let joined = with_external(&own, &external("cluster=c __compactor_shard_id__=1_of_4 job=thanos region="));
        assert_eq!(joined, pairs("__name__=up cluster=c instance=a job=thanos"));
        assert_eq!(with_external(&own, &external("__org_id__=t")), own);
    }

    fn folder(name: &str, from_to: [i64; 2], labels: &str) -> BlockFolder {
        let [min, max] = from_to;
        let thanos = serde_json::json!({ "labels": external(labels) });
        let ulid = "01M8KTPEYFSWX588SHP6MTNRHV";
        let meta = serde_json::json!({
            "ulid": ulid, "minTime": min, "maxTime": max, "version": 1, "compaction": {}, "thanos": thanos
        });
        let meta: BlockMeta = serde_json::from_value(meta).unwrap();
        BlockFolder { dir: name.into(), meta }
    }

    #[test]
    fn blocks_of_replicas_are_refused_only_where_they_overlap() {
        let check = |second: [i64; 2], labels: &str| {
            let first = folder("one", [0, 10], "cluster=c prometheus_replica=0 __compactor_shard_id__=1_of_2");
            refuse_replicas(&[first, folder("two", second, labels)]).map_err(|error| error.to_string())
        };
        let error = check([5, 15], "cluster=c prometheus_replica=1").unwrap_err();
        let words = "one and two are blocks of replicas: choose one with --replica prometheus_replica=0 or \
                     --replica prometheus_replica=1";
        assert!(error.contains(words), "{error}");
        // One after the other, two clusters, and two shards of one block.
        assert_eq!(check([10, 20], "cluster=c prometheus_replica=1"), Ok(()));
        assert_eq!(check([5, 15], "cluster=d prometheus_replica=1"), Ok(()));
        assert_eq!(check([0, 10], "cluster=c prometheus_replica=0 __compactor_shard_id__=2_of_2"), Ok(()));
    }

    #[test]
    fn blocks_without_the_label_must_not_overlap_those_of_the_replica() {
        let folders = || vec![folder("one", [0, 10], "replica=a"), folder("two", [5, 15], "")];
        for error in [
            refuse_replicas(&folders()).unwrap_err(),
            "replica=a".parse::<Replica>().unwrap().choose(Path::new("data"), folders()).unwrap_err(),
        ] {
            let error = error.to_string();
            assert!(
                error.contains("one and two overlap, but only one of them has the external label replica"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_replica_is_read_with_what_belongs_to_all_of_them() {
        let folders = || {
            vec![
                folder("one", [0, 10], "cluster=c replica=a"),
                folder("two", [0, 10], "cluster=c replica=b"),
                folder("both", [10, 20], "cluster=c"),
            ]
        };
        let choose = |text: &str| text.parse::<Replica>().unwrap().choose(Path::new("data"), folders());
        let chosen = choose("replica=b").unwrap();
        let names: Vec<_> = chosen.iter().map(|folder| folder.dir.to_str().unwrap()).collect();
        assert_eq!(names, ["two", "both"]);
        assert!(chosen.iter().all(|folder| folder.meta.thanos.labels == external("cluster=c")));
        assert!(refuse_replicas(&chosen).is_ok());
        let message = |text: &str| choose(text).unwrap_err().to_string();
        assert!(message("replica=c").contains("replica=c: choose one of a, b"), "{}", message("replica=c"));
        assert!(message("ha=c").contains("no block in data has the external label ha"), "{}", message("ha=c"));
    }

    #[test]
    fn a_replica_is_a_label_and_a_value() {
        for text in ["replica=a", "replica=\"a\"", " replica = a "] {
            assert_eq!(text.parse::<Replica>().unwrap().to_string(), "replica=a");
        }
        for text in ["", "a", "replica=", "=a", "re plica=a", "replica~=a"] {
            assert!(text.parse::<Replica>().is_err(), "{text}");
        }
    }
}
