//! Works on several days in parallel, as many as fit into memory.

use rayon::prelude::*;

use crate::readings::{Lives, days_at_once};
use crate::time::{Grid, Step, UtcDay};

/// Length of a batch of days, as a multiple of the days worked on at once. The results of a batch are held until
/// all its days are done, to put them in order: a larger batch keeps all threads busy while one day is slow, and a
/// smaller one needs less memory for scores (2 bytes for each member and step).
const DAYS_PER_THREAD: usize = 4;

/// The number of days to work on at once.
///
/// Limits the memory for readings to 256 MiB, or to the readings of one day (members × steps × columns × 8 bytes)
/// if they take more. The limit depends neither on the length of the range nor on the number of threads.
pub(super) struct DaysAtOnce(usize);

impl DaysAtOnce {
    /// The number of days at once for `days` and the members in `lives`, if `columns` columns of each member are read.
    pub(super) fn of(days: &[UtcDay], lives: &Lives, step: Step, columns: usize) -> Self {
        let alive = |day: &UtcDay| {
            let range = day.range();
            let lives_then = |first_ms, last_ms| first_ms < range.end_ms && last_ms >= range.start_ms;
            lives.iter().filter(|(_, life)| lives_then(life.first_ms, life.last_ms)).count()
        };
        let members = days.iter().map(alive).max().unwrap_or(0);
        let steps = days.first().map_or(0, |day| Grid::within(day.range(), step).len());
        Self(days_at_once(members, steps, columns).min(rayon::current_num_threads()))
    }

    /// Number of days in a batch: their results stay in memory until the batch is complete and in order.
    pub(super) fn batch(&self) -> usize {
        DAYS_PER_THREAD * self.0
    }

    /// Calls `work` for each day in parallel; returns the results in the order of the days.
    pub(super) fn each<T: Send, E: Send>(
        &self,
        days: &[UtcDay],
        work: impl Fn(UtcDay) -> Result<T, E> + Sync,
    ) -> Result<Vec<T>, E> {
        // If memory suffices for one day on each thread, only the thread pool limits how many run at once.
        let group = if self.0 < rayon::current_num_threads() { self.0 } else { days.len().max(1) };
        let mut done = Vec::with_capacity(days.len());
        for group in days.chunks(group) {
            done.extend(group.par_iter().map(|&day| work(day)).collect::<Result<Vec<T>, E>>()?);
        }
        Ok(done)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::readings::{Life, Member};
    use crate::time::DAY_MS;

    fn lives(members: usize, first_ms: i64, last_ms: i64) -> Lives {
        let mut lives = Lives::default();
        for member in 0..members {
            lives.add(Member::new("c", &format!("{first_ms} {member}")), Life { first_ms, last_ms });
        }
        lives
    }

    /// The largest number of days that were worked on at the same moment.
    fn most_at_once(at_once: &DaysAtOnce, days: &[UtcDay]) -> usize {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = |day| {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(20));
            now.fetch_sub(1, Ordering::SeqCst);
            Ok::<_, ()>(day)
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap();
        assert_eq!(pool.install(|| at_once.each(days, work)).unwrap(), days);
        most.into_inner()
    }

    #[test]
    fn days_that_do_not_fit_into_memory_together_are_worked_on_one_after_the_other() {
        let minute = Step::from_millis(60_000).unwrap();
        let days: Vec<UtcDay> = (0..8).map(|day| UtcDay::of(day * DAY_MS)).collect();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap();
        let of = |lives: &Lives| pool.install(|| DaysAtOnce::of(&days, lives, minute, 9));
        // A day of 1,000 members takes 1,000 × 1440 × 9 × 8 = 103,680,000 bytes: two fit into 256 MiB.
        let large = lives(1_000, 0, 8 * DAY_MS);
        let (at_once, alone) = (of(&large), of(&lives(3_000, 0, 8 * DAY_MS)));
        assert_eq!((at_once.0, at_once.batch(), alone.0, alone.batch()), (2, 8, 1, 4));
        assert!(most_at_once(&at_once, &days) <= 2 && most_at_once(&alone, &days) == 1);
        // Count only the members of each day: 500 here, not 4,000 in total.
        let mut replaced = lives(500, 0, DAY_MS - 1);
        (1..8).for_each(|day| replaced.merge(&lives(500, day * DAY_MS, (day + 1) * DAY_MS - 1)));
        assert_eq!(of(&replaced).0, 4, "4 threads, 5 days of 500 members fit");
    }
}
