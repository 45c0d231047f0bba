//! How many elections there are while a disk is slow. A leader writes its WAL before it answers, so a disk that is slower than
//! etcd's heartbeat interval (100 ms, `--heartbeat-interval`) delays heartbeats, and after an election timeout without one (1 s,
//! `--election-timeout`) the others elect: etcd's tuning guide names slow disks as a cause of leader loss for this reason.

use super::elections::Elections;
use crate::time::HOUR_MS;

/// The number of levels of WAL fsync p99. They begin at the heartbeat interval, doubled up to the election timeout.
pub const LEVELS: usize = 5;
/// Their upper bounds in seconds; the last has none.
const BOUNDS: [f64; LEVELS - 1] = [0.1, 0.2, 0.4, 0.8];
/// Elections an hour at each level before any were seen: guesses, which weigh as much as a few hours of readings.
const GUESSES: [f64; LEVELS] = [0.0, 0.25, 0.5, 1.0, 2.0];
const GUESSED_HOURS: f64 = 4.0;

/// The level of a WAL fsync p99 in seconds; NaN is at none.
pub fn level(seconds: f64) -> Option<usize> {
    (!seconds.is_nan()).then(|| BOUNDS.iter().take_while(|bound| seconds > **bound).count())
}

/// The hours at each level and the elections in them, of all clusters together, up to each origin.
#[derive(Clone, Debug)]
pub struct DiskElections {
    /// For each origin and level: hours, elections.
    known: Vec<[[f64; 2]; LEVELS]>,
    slot_ms: i64,
}

impl DiskElections {
    /// Counts the elections of clusters, each with its slowest WAL fsync p99 in each slot (seconds, NaN is missing), before
    /// each of the `origins`, which are ascending numbers of known slots.
    pub fn of(clusters: &[(&Elections, Vec<f64>)], origins: &[usize], slot_ms: i64) -> Self {
        let hours = slot_ms as f64 / HOUR_MS as f64;
        let (mut sums, mut from) = ([[0.0; 2]; LEVELS], 0);
        let until = |end: &usize| {
            for slot in from..*end {
                for (elections, slowest) in clusters {
                    // The count may rise in the slot after that of the slow disk.
                    let now = [slot.checked_sub(1), Some(slot)].into_iter().flatten();
                    let seconds = now.filter_map(|slot| slowest.get(slot)).copied().fold(f64::NAN, f64::max);
                    if let Some(level) = level(seconds) {
                        sums[level][0] += hours;
                        sums[level][1] += elections.new_in(slot);
                    }
                }
            }
            from = from.max(*end);
            sums
        };
        Self { known: origins.iter().map(until).collect(), slot_ms }
    }

    /// The expected elections in one slot at each level, from what was known at an origin. A slower disk never has fewer; below
    /// the heartbeat interval the disk causes none.
    pub fn rates(&self, origin: usize) -> [f64; LEVELS] {
        let hours = self.slot_ms as f64 / HOUR_MS as f64;
        let mut least = 0.0;
        std::array::from_fn(|level| {
            let [known, elections] = self.known[origin][level];
            if level > 0 {
                least = ((elections + GUESSES[level] * GUESSED_HOURS) / (known + GUESSED_HOURS)).max(least);
            }
            least * hours
        })
    }
}
