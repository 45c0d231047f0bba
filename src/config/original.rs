//! The keys of INI files written for `heat.py`, the original script: weights, and the width of a cell.

use super::keys::Key;
use super::lookup::find;
use crate::spec::Metric;
use crate::text::nearest::did_you_mean;

/// The key of the cell width in the original script, and in our files.
const DURATION: (&str, &str) = ("time.duration", "score.cell");

/// All pairs of an original key, such as `weights.wt_etcd_wal_fsync`, and our key.
fn keys() -> Vec<(String, &'static str)> {
    let weights = Metric::ALL.into_iter().map(|m| (format!("weights.{}", m.seed_key()), m.weight_key()));
    weights.chain([(DURATION.0.to_owned(), DURATION.1)]).collect()
}

/// The setting for a key of an INI file; the error is the end of a message about an unknown key. Keys are not
/// case-sensitive, as in the original script.
pub(super) fn key_of(written: &str) -> Result<&'static Key, String> {
    let lower = written.to_lowercase();
    let keys = keys();
    if let Some(key) = keys.iter().find(|(theirs, _)| *theirs == lower).and_then(|(_, ours)| find(ours)) {
        return Ok(key);
    }
    if find(&lower).is_some() {
        return Err(": it belongs in a TOML file, so name the file *.toml".to_owned());
    }
    let nearest = did_you_mean(&lower, keys.iter().map(|(theirs, _)| theirs.as_str()));
    if !nearest.is_empty() {
        return Err(nearest);
    }
    Err(": an INI file has only wt_etcd_… under [weights] and duration under [time]; other settings need a .toml file"
        .to_owned())
}

/// A value without the brackets of a PromQL range such as `[1h]`.
pub(super) fn text_of(value: &str) -> String {
    let value = value.trim();
    value.strip_prefix('[').and_then(|v| v.strip_suffix(']')).unwrap_or(value).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_the_original_maps_to_a_setting() {
        for (theirs, ours) in keys() {
            assert_eq!(key_of(&theirs).map(|key| key.name), Ok(ours));
        }
        // Keys as the original script spells them.
        let ours = |theirs| key_of(theirs).map(|key| key.name);
        assert_eq!(ours("weights.wt_etcd_db_fsync"), Ok("weights.backend_commit"));
        assert_eq!(ours("weights.wt_etcd_database_size"), Ok("weights.db_size"));
        assert_eq!(ours("time.duration"), Ok("score.cell"));
        assert_eq!(key_of("weights.WT_etcd_wal_fsync").map(|key| key.name), Ok("weights.wal_fsync"));
        assert_eq!(["[1h]", "2h", " [ 30m ] "].map(text_of), ["1h", "2h", "30m"]);
    }

    #[test]
    fn an_unknown_key_suggests_the_nearest_or_lists_what_an_ini_has() {
        let refused = |key| key_of(key).map(|key| key.name).err().unwrap_or_default();
        assert_eq!(refused("weights.wt_etcd_wal_fsnyc"), " (did you mean 'weights.wt_etcd_wal_fsync'?)");
        assert_eq!(refused("time.durations"), " (did you mean 'time.duration'?)");
        assert!(refused("source.step").contains(".toml"));
        assert!(refused("xyzzy").contains("[weights]"));
    }
}
