//! The size of a member's database over time.

use crate::member::Member;
use crate::random::Random;
use crate::schedule::Step;
use crate::timeline::{DAY, MINUTE};

/// The size of a page of etcd's database file.
const PAGE: f64 = 4096.0;
const MEGABYTE: f64 = 1e6;

/// A database at a scrape, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Database {
    /// The size of the file.
    pub(crate) total: u64,
    /// Without free pages.
    pub(crate) in_use: u64,
    /// The size that a defragmentation since the last scrape began with.
    pub(crate) defragmented: Option<f64>,
}

impl Member<'_> {
    /// The size of the database file.
    pub(crate) fn db_size_bytes(&self) -> Vec<u64> {
        self.databases().iter().map(|database| database.total).collect()
    }

    /// The database, which grows with the traffic and shrinks at a defragmentation.
    pub(crate) fn databases(&self) -> Vec<Database> {
        let traffic = self.traffic();
        let mut cluster = Random::keyed(self.setting.seed, &[self.cluster.number, 104]);
        let data = cluster.between(150.0, 600.0) * MEGABYTE;
        let daily = cluster.between(30.0, 120.0) * MEGABYTE;
        let every = cluster.between(2.0, 5.0) * DAY as f64;
        let elapsed = cluster.unit() * every;
        let mut random = self.random(6);
        // Members are defragmented one after the other.
        let wait = every - elapsed + (self.instance.key[1] as i64 * 15 * MINUTE) as f64;
        let mut defragmented = self.setting.range.start + wait as i64;
        let compact = |random: &mut Random| data * (1.0 + 0.02 * random.gauss());
        let fresh = self.instance.present.start > self.setting.range.start;
        let grown = if fresh { 0.0 } else { 0.75 * daily * elapsed / DAY as f64 };
        let mut compacted = compact(&mut random);
        let mut size = compacted + grown;
        let mut before = self.instance.present.start;
        let mut filled = 0.0;
        let databases = self.schedule.at.iter().map(|&at| {
            let step = Step { at, since: at - before, first: false };
            before = at;
            let growth = daily * traffic(Step { since: 0, ..step }) * step.since as f64 / DAY as f64;
            size += growth * random.between(0.0, 2.0);
            let mut shrunk = None;
            while defragmented <= at {
                shrunk = Some(size);
                compacted = compact(&mut random);
                size = compacted;
                defragmented += every as i64;
            }
            let mut fill = self.cluster.strain.filled(at);
            if fill < filled {
                // The operator deletes, compacts and defragments.
                shrunk = Some(self.quota_bytes() as f64);
            }
            filled = fill;
            if shrunk.is_some() {
                fill = 0.0;
            }
            self.database(size, compacted, fill, shrunk)
        });
        databases.collect()
    }

    /// The database at a scrape, on its way to the quota if it fills.
    fn database(&self, size: f64, compacted: f64, filled: f64, defragmented: Option<f64>) -> Database {
        // The write that finds the quota reached is the last one: in the lab, a quota of 134.2 MB ends at 132.8 to
        // 134.7 MB, 132.1 to 132.7 MB of them in use.
        let quota = self.quota_bytes() as f64;
        let pages = |bytes: f64| ((bytes / PAGE) as u64) * PAGE as u64;
        let total = size + (1.002 * quota - size) * filled;
        // Compaction every few minutes frees most of what was written since the last defragmentation.
        let kept = compacted + 0.3 * (size - compacted).max(0.0);
        let in_use = kept + (0.985 * quota - kept) * filled;
        Database { total: pages(total), in_use: pages(in_use.min(total)), defragmented }
    }
}

#[cfg(test)]
mod tests {
    use crate::member::tests::each_member;

    #[test]
    fn a_database_grows_and_shrinks_within_its_quota() {
        let mut shrank = 0;
        each_member(&[], |_, member| {
            let sizes = member.db_size_bytes();
            assert!(sizes.iter().all(|s| s % 4096 == 0 && *s > 100 << 20 && *s < member.quota_bytes()));
            shrank += sizes.windows(2).filter(|two| two[1] < two[0]).count();
        });
        assert!((20..100).contains(&shrank), "{shrank}");
    }
}
