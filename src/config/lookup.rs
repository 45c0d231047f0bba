//! Finds settings by the names of their keys in a file, and suggests a key for an unknown one.

use super::keys::{Key, keys};
use crate::text::nearest::{did_you_mean, is_near};

/// The setting with this key, such as `source.step`.
pub(super) fn find(name: &str) -> Option<&'static Key> {
    keys().find(|key| key.is_in_files() && key.name == name)
}

/// The settings in one table of a file, such as `source`.
pub(super) fn of_table(table: &str) -> impl Iterator<Item = &'static Key> {
    keys().filter(move |key| key.is_in_files() && key.parts().0 == table)
}

/// The names of all tables that a file can have, in the order of `config show`.
pub(super) fn tables() -> Vec<&'static str> {
    let mut tables: Vec<&str> = keys().filter(|key| key.is_in_files()).map(|key| key.parts().0).collect();
    tables.dedup();
    tables
}

/// The end of an error about an unknown key: the key that the user probably meant; if none is near, all keys of the
/// table; if the table is unknown too, all tables.
pub(super) fn instead_of(typed: &str) -> String {
    let last = typed.rsplit('.').next().unwrap_or(typed).replace('-', "_");
    // The user may have typed a key of another table, or the name of a flag.
    let is_meant =
        |key: &&Key| key.parts().1 == last || key.flag.as_ref().is_some_and(|f| f.name.replace('-', "_") == last);
    let meant: Vec<&Key> = keys().filter(|key| key.is_in_files()).filter(is_meant).collect();
    if let [only] = meant[..] {
        return format!(" (did you mean '{}'?)", only.name);
    }
    let singular = |word: &str| word.trim_end_matches('s').to_owned();
    if let Some(table) = tables().into_iter().find(|table| singular(table) == singular(&last)) {
        return format!(": [{table}] is a table with the keys {}", keys_of(table));
    }
    // Two keys of one table have half of their letters in common, so compare the names without the table first.
    let near = keys().filter(|key| key.is_in_files() && is_near(&last, key.parts().1));
    let nearest = did_you_mean(typed, near.map(|key| key.name));
    if !nearest.is_empty() {
        return nearest;
    }
    match typed.split('.').next() {
        Some(table) if tables().contains(&table) => format!(": [{table}] has the keys {}", keys_of(table)),
        _ => format!(": the tables are {}", tables().join(", ")),
    }
}

fn keys_of(table: &str) -> String {
    of_table(table).map(|key| key.parts().1).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Metric;

    #[test]
    fn every_default_is_valid_and_every_metric_has_a_weight_bands_and_caps() {
        for key in keys().filter(|key| key.flag.is_some()) {
            if !key.default().is_empty() {
                assert_eq!(key.check(&key.default()), Ok(()), "{}", key.name);
            }
        }
        for metric in Metric::ALL {
            for table in ["weights", "bands", "caps"] {
                assert!(find(&format!("{table}.{metric}")).is_some(), "{table}.{metric}");
            }
        }
        assert_eq!(tables(), ["source", "labels", "score", "weights", "bands", "caps", "output", "textfile"]);
    }

    #[test]
    fn an_unknown_key_suggests_the_nearest_key_or_lists_all() {
        for (typed, meant) in [
            ("source.stpe", "source.step"),
            ("score.step", "source.step"),
            ("sorce.url", "source.url"),
            ("time_zone", "score.time_zone"),
            ("labels.cluster-label", "labels.cluster"),
            ("output.out", "output.dir"),
            ("weight.wal_fsync", "weights.wal_fsync"),
            ("bands.walfsync", "bands.wal_fsync"),
            ("score.mincoverage", "score.min_coverage"),
        ] {
            assert_eq!(instead_of(typed), format!(" (did you mean '{meant}'?)"), "{typed}");
        }
        assert_eq!(
            instead_of("sources"),
            ": [source] is a table with the keys url, from, read, promql, replica, http_config_file, headers, tenant, server, http_method, start, end, \
             step, preset, selector, series, queries, evidence, rate_window, concurrency, max_qps, retries, timeout, for_profiles, merge_members"
        );
        assert!(instead_of("score.band").starts_with(": [bands] is a table with the keys wal_fsync, "));
        assert_eq!(instead_of("labels.xyzzy"), ": [labels] has the keys cluster, member");
        for typed in ["source.foo", "source.xyzzy", "score.xyz", "output.color"] {
            let table = typed.split('.').next().unwrap_or_default();
            assert!(instead_of(typed).starts_with(&format!(": [{table}] has the keys ")), "{typed}");
        }
        assert!(instead_of("sorce.foo").starts_with(": the tables are "));
        assert_eq!(
            instead_of("xyzzy"),
            ": the tables are source, labels, score, weights, bands, caps, output, textfile"
        );
    }

    #[test]
    fn variables_are_named_after_flags() {
        let variable = |name| find(name).and_then(Key::variable);
        assert_eq!(variable("score.time_zone").as_deref(), Some("ETCD_HEATMAP_TIME_ZONE"));
        assert_eq!(variable("source.http_config_file").as_deref(), Some("ETCD_HEATMAP_HTTP_CONFIG_FILE"));
        assert_eq!(variable("output.dir").as_deref(), Some("ETCD_HEATMAP_OUT"));
        assert_eq!(variable("weights.db_size"), None);
    }
}
