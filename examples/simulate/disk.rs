//! The two disk latency histograms of a member over time.

use crate::latency::{BUCKETS, FIRST_MEAN, Latency, cumulate, sum_micros};
use crate::member::Member;
use crate::peers::Histogram;
use crate::random::{Random, Wander};
use crate::schedule::Step;
use crate::timeline::{DAY, Interval, SECOND};

/// The kind of a disk histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disk {
    /// Appending to the write-ahead log.
    WalFsync,
    /// Committing a batch to the database.
    BackendCommit,
}

/// A moment in which the disk hangs.
struct Blip {
    during: Interval,
    /// How much slower the disk is, as a logarithm of base 2.
    slower: f64,
}

impl Member<'_> {
    /// A disk histogram.
    pub(crate) fn latencies(&self, disk: Disk) -> Histogram<BUCKETS> {
        let (load, traffic) = (self.load(), self.traffic());
        let full = self.cluster.strain.full();
        let mut random = self.random(disk as u64 + 1);
        let usual = disk.usual(&mut random);
        let per_second = random.between(18.0, 42.0);
        let mut noise = Wander::new(self.random(disk as u64 + 8));
        let blips = self.blips();
        let mut totals = [0; BUCKETS];
        let mut sum = 0;
        let mut histogram = Histogram {
            cumulative: Vec::with_capacity(self.schedule.at.len()),
            sum_micros: Vec::with_capacity(self.schedule.at.len()),
        };
        for step in self.schedule.steps() {
            if step.first {
                (totals, sum) = ([0; BUCKETS], 0);
            }
            let load = load(step);
            let wander = 0.2 * (load - 0.75) + 0.06 * noise.step();
            let mut latency =
                Latency { median: self.slow_median(disk, step.at).unwrap_or(usual.median) + wander, ..usual };
            let mut expected = disk.per_second(traffic(step), per_second) * step.since as f64 / SECOND as f64;
            if disk == Disk::BackendCommit {
                // A database at its quota commits nothing; the log still gets the refused proposals (lab).
                expected *= 1.0 - step.milliseconds(&full) / step.since.max(1) as f64;
            }
            let mut buckets = [0; BUCKETS];
            let (hung, slower) = blip_share(&blips, step);
            latency.observe(expected * (1.0 - hung), &mut random, &mut buckets);
            latency.median += slower;
            latency.observe(expected * hung, &mut random, &mut buckets);
            sum += sum_micros(&buckets, FIRST_MEAN, random.gauss());
            totals.iter_mut().zip(buckets).for_each(|(total, new)| *total += new);
            histogram.cumulative.push(cumulate(&totals));
            histogram.sum_micros.push(sum);
        }
        histogram
    }

    /// The median while the disk is slow. In the first and last third, commits lose half their points; the middle third
    /// is worse.
    fn slow_median(&self, disk: Disk, at: i64) -> Option<f64> {
        let slow = self.instance.slow.iter().find(|slow| slow.contains(at))?;
        let third = (at - slow.start) * 3 / slow.length();
        Some(match (disk, third) {
            // A p99 near 22 ms; log2(22) - 2.326 * 0.75.
            (Disk::WalFsync, _) => 2.71,
            // Near 52 ms in the middle, near 26 ms around it.
            (Disk::BackendCommit, 1) => 4.19,
            (Disk::BackendCommit, _) => 3.19,
        })
    }

    /// Rare moments in which the disk hangs for both the log and the database.
    fn blips(&self) -> Vec<Blip> {
        let mut random = self.random(3);
        let mut blips = Vec::new();
        for day in self.setting.range.days() {
            let start = day + random.below(DAY as usize) as i64;
            let end = start + (random.between(20.0, 70.0) * SECOND as f64) as i64;
            let slower = random.between(0.5, 3.0);
            if random.chance(0.1) {
                let during = Interval { start, end };
                blips.push(Blip { during, slower });
            }
        }
        blips
    }
}

impl Disk {
    /// The distribution of a healthy disk: a p99 below 6 ms for the log and below 12 ms for commits.
    fn usual(self, random: &mut Random) -> Latency {
        let (low, high, deviation) = match self {
            Self::WalFsync => (-0.4, 0.3, 0.75),
            Self::BackendCommit => (1.2, 1.75, 0.65),
        };
        Latency { median: random.between(low, high), deviation }
    }

    /// Observations per second. The log is written for each batch of proposals; a commit happens at the end of each
    /// batch interval of 100 ms with pending writes.
    fn per_second(self, load: f64, usual: f64) -> f64 {
        match self {
            Self::WalFsync => usual * load,
            Self::BackendCommit => 9.5 * load / (load + 0.35),
        }
    }
}

/// The share of the time since the last scrape in which the disk hung, and how much slower it was.
fn blip_share(blips: &[Blip], step: Step) -> (f64, f64) {
    let passed = Interval { start: step.at - step.since, end: step.at };
    let blip = blips.iter().find(|blip| blip.during.overlaps(passed));
    blip.map_or((0.0, 0.0), |blip| {
        let hung = blip.during.meet(passed).length() as f64;
        (hung / step.since as f64, blip.slower)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::member::tests::{DOWN, each_member};
    use crate::timeline::HOUR;

    /// Prometheus's histogram_quantile(0.99) in seconds over the last five scrapes before `end`.
    fn p99(histogram: &Histogram<BUCKETS>, end: usize) -> f64 {
        let (from, to) = (&histogram.cumulative[end - 5], &histogram.cumulative[end]);
        let counts: Vec<f64> = from.iter().zip(to).map(|(from, to)| (to - from) as f64).collect();
        let rank = 0.99 * counts[BUCKETS - 1];
        let bucket = counts.iter().position(|count| *count >= rank).expect("observations");
        let (low, below) = match bucket {
            0 => (0.0, 0.0),
            n => (f64::from(1 << (n - 1)), counts[n - 1]),
        };
        let high = f64::from(1 << bucket);
        (low + (high - low) * (rank - below) / (counts[bucket] - below)) / 1e3
    }

    #[test]
    fn buckets_are_cumulative_and_counters_never_fall() {
        each_member(&[DOWN], |_, member| {
            let restarts: Vec<usize> = member.schedule.runs.iter().map(|r| r.steps.start).collect();
            let histogram = member.latencies(Disk::WalFsync);
            assert!(histogram.cumulative.iter().all(|buckets| buckets.is_sorted()));
            let counters = (0..BUCKETS).map(|bucket| histogram.cumulative.iter().map(|b| b[bucket]).collect()).chain([
                histogram.sum_micros.clone(),
                member.received_bytes(),
                member.leader_changes(),
            ]);
            for counter in counters {
                let counter: Vec<u64> = counter;
                assert_eq!(counter.len(), member.schedule.at.len());
                for n in 1..counter.len() {
                    let fell = counter[n] < counter[n - 1];
                    assert!(!fell || restarts.contains(&n), "falls at {n}");
                }
            }
        });
    }

    #[test]
    fn a_healthy_member_is_below_all_thresholds_nearly_always() {
        let (mut steps, mut bad) = (0, 0);
        each_member(&[], |_, member| {
            let (wal, commit) = (member.latencies(Disk::WalFsync), member.latencies(Disk::BackendCommit));
            for end in 5..member.schedule.at.len() {
                steps += 1;
                bad += u32::from(p99(&wal, end) > 0.008 || p99(&commit, end) > 0.016);
            }
            assert!(member.open_fds().iter().all(|fds| (100..500).contains(fds)));
            let leader_changes = member.leader_changes();
            assert!(leader_changes[leader_changes.len() - 1] - leader_changes[0] <= 3);
        });
        assert!(f64::from(bad) < 0.002 * f64::from(steps), "{bad} of {steps}");
    }

    #[test]
    fn a_slow_disk_crosses_the_thresholds_in_its_hours() {
        each_member(&["slow-disk=member=1"], |number, member| {
            let (wal, commit) = (member.latencies(Disk::WalFsync), member.latencies(Disk::BackendCommit));
            for end in 6..member.schedule.at.len() {
                let time = (member.schedule.at[end] % DAY) as f64 / HOUR as f64;
                // rate(…[5m]) mixes the first five minutes of each third with the one before.
                let inside = |from: f64, to: f64| (from + 0.11..to).contains(&time) && number == 0;
                let commit = p99(&commit, end);
                assert!(!inside(14.0, 17.0) || p99(&wal, end) > 0.01, "{time}");
                assert!(!inside(14.0, 15.0) || (0.025..0.04).contains(&commit), "{time} {commit}");
                assert!(!inside(15.0, 16.0) || commit > 0.04, "{time} {commit}");
                assert!(!inside(16.0, 17.0) || (0.025..0.04).contains(&commit), "{time} {commit}");
            }
        });
    }
}
