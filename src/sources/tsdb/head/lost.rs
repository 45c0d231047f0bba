//! What damage makes unreadable, and the time in which samples may be missing because of it.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::text::count;
use crate::time::format_instant;

/// A damaged part of a file, and the time in which samples of wanted series may be missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The file, or the missing file.
    pub file: PathBuf,
    /// Where the damage begins, in bytes from the start of the file.
    pub offset: u64,
    /// Bytes that were not used. 0 if the file is missing.
    pub bytes: u64,
    /// What is wrong, as a main clause.
    pub problem: &'static str,
    /// Samples that were read, but belong to series whose labels are unknown. Their labels may be in the lost bytes.
    pub orphans: u64,
    /// First millisecond in which samples may be missing: the start of what was asked for if nothing before the damage
    /// limits it.
    pub first_ms: i64,
    /// Last such millisecond, inclusive: `i64::MAX` if nothing after the damage limits it.
    pub last_ms: i64,
}

impl fmt::Display for Lost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { offset, first_ms, last_ms, problem, .. } = self;
        let (file, bytes) = (self.file.display(), count(self.bytes, "byte"));
        write!(formatter, "{file} at byte {offset}: {problem}; {bytes} lost, samples may be missing ")?;
        let instant = |ms: &i64| format_instant(*ms);
        match (*first_ms, *last_ms) {
            (i64::MIN, i64::MAX) => formatter.write_str("at any time"),
            (i64::MIN, _) => write!(formatter, "until {}", instant(last_ms)),
            (_, i64::MAX) => write!(formatter, "from {} on", instant(first_ms)),
            _ => write!(formatter, "from {} to {}", instant(first_ms), instant(last_ms)),
        }
    }
}

/// Unusable bytes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Damage {
    pub(super) offset: u64,
    pub(super) bytes: u64,
    pub(super) problem: &'static str,
}

/// The logs, each with its own course of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Log {
    /// `wal/`: all samples.
    Wal,
    /// `wbl/`: those out of order, again.
    Wbl,
}

/// Times of the samples that were read from a log so far.
#[derive(Clone, Copy, Debug, Default)]
struct Course {
    least_ms: Option<i64>,
    most_ms: Option<i64>,
    /// The largest distance of a sample behind one that was logged before it.
    lag_ms: i64,
}

#[derive(Debug)]
struct Open {
    file: PathBuf,
    damage: Damage,
    log: Log,
    /// Latest sample before, and earliest of the next record after the damage.
    before_ms: Option<i64>,
    after_ms: Option<i64>,
    orphans: u64,
    orphans_ms: Option<(i64, i64)>,
}

/// Collects damage in the order of the logs.
#[derive(Debug, Default)]
pub(super) struct Losses {
    courses: [Course; 2],
    open: Vec<Open>,
    closed: Vec<Lost>,
}

impl Losses {
    /// Notes damage between two records of a log.
    pub(super) fn add(&mut self, log: Log, file: &Path, damage: Damage) {
        let before_ms = self.courses[log as usize].most_ms;
        let file = file.to_owned();
        self.open.push(Open { file, damage, log, before_ms, after_ms: None, orphans: 0, orphans_ms: None });
    }

    /// Notes damage whose time is known.
    pub(super) fn add_span(&mut self, file: &Path, damage: &Damage, (first_ms, last_ms): (i64, i64)) {
        let Damage { offset, bytes, problem } = *damage;
        self.closed.push(Lost { file: file.to_owned(), offset, bytes, problem, orphans: 0, first_ms, last_ms });
    }

    /// Notes the times of a record that was read.
    pub(super) fn advance(&mut self, log: Log, (least_ms, most_ms): (i64, i64)) {
        let course = &mut self.courses[log as usize];
        course.lag_ms = course.lag_ms.max(course.most_ms.map_or(0, |most| most.saturating_sub(least_ms)));
        course.least_ms = Some(course.least_ms.map_or(least_ms, |least| least.min(least_ms)));
        course.most_ms = Some(course.most_ms.map_or(most_ms, |most| most.max(most_ms)));
        for open in self.open.iter_mut().rev().take_while(|open| open.log != log || open.after_ms.is_none()) {
            if open.log == log {
                open.after_ms = Some(least_ms);
            }
        }
    }

    /// Notes samples of a series without labels. Without damage before, the server has dropped the series.
    pub(super) fn orphans(&mut self, samples: u64, (least_ms, most_ms): (i64, i64)) {
        let Some(open) = self.open.last_mut() else { return };
        open.orphans += samples;
        let (least, most) = open.orphans_ms.unwrap_or((least_ms, most_ms));
        open.orphans_ms = Some((least.min(least_ms), most.max(most_ms)));
    }

    /// The losses that may concern samples from `from_ms` on, or in-order ones from `in_order_ms` on.
    pub(super) fn finish(self, from_ms: i64, in_order_ms: i64) -> Vec<Lost> {
        let [wal, wbl] = self.courses;
        let latest = wal.most_ms.max(wbl.most_ms);
        let wal_is_intact = self.open.iter().all(|open| open.log == Log::Wbl);
        let earliest =
            wal.least_ms.filter(|_| wal_is_intact).map(|least| wbl.least_ms.map_or(least, |late| late.min(least)));
        let mut lost = self.closed;
        for open in self.open {
            let (mut first_ms, mut last_ms) = match open.log {
                Log::Wal => {
                    let first = open.before_ms.map_or(i64::MIN, |time| time.saturating_sub(wal.lag_ms));
                    let last = open.after_ms.map_or(i64::MAX, |time| time.saturating_add(wal.lag_ms));
                    (first.max(in_order_ms), last)
                }
                // Neighbors do not limit samples out of order, but `wal/` has each of them too.
                Log::Wbl => (earliest.unwrap_or(i64::MIN), open.after_ms.and(latest).unwrap_or(i64::MAX)),
            };
            if let Some((least, most)) = open.orphans_ms {
                let empty = first_ms > last_ms;
                first_ms = if empty { least } else { first_ms.min(least) };
                last_ms = if empty { most } else { last_ms.max(most) };
            }
            let (file, orphans, Damage { offset, bytes, problem }) = (open.file, open.orphans, open.damage);
            lost.push(Lost { file, offset, bytes, problem, orphans, first_ms: first_ms.max(from_ms), last_ms });
        }
        lost.retain(|lost| lost.first_ms <= lost.last_ms);
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAMAGE: Damage = Damage { offset: 5, bytes: 7, problem: "a record is damaged" };

    #[test]
    fn a_loss_lasts_from_the_sample_before_to_the_one_after() {
        let mut losses = Losses::default();
        losses.advance(Log::Wal, (100, 110));
        losses.add(Log::Wal, Path::new("wal/1"), DAMAGE);
        losses.advance(Log::Wal, (130, 140));
        losses.advance(Log::Wal, (150, 160));
        losses.add(Log::Wal, Path::new("wal/2"), DAMAGE);
        let lost = losses.finish(0, 105);
        assert_eq!(
            lost.iter().map(|lost| (lost.first_ms, lost.last_ms)).collect::<Vec<_>>(),
            [(110, 130), (160, i64::MAX)]
        );
        let text = "wal/1 at byte 5: a record is damaged; 7 bytes lost, samples may be missing from 1970-01-01T00:00:00.110Z to 1970-01-01T00:00:00.130Z";
        assert_eq!(lost[0].to_string(), text);
        assert!(lost[1].to_string().ends_with("from 1970-01-01T00:00:00.160Z on"));
    }

    #[test]
    fn late_samples_and_orphans_widen_a_loss() {
        let mut losses = Losses::default();
        losses.orphans(3, (1, 2));
        losses.advance(Log::Wal, (100, 110));
        losses.add(Log::Wal, Path::new("wal/1"), DAMAGE);
        losses.advance(Log::Wal, (105, 140));
        losses.orphans(2, (500, 600));
        let lost = losses.finish(0, 0);
        assert_eq!((lost[0].first_ms, lost[0].last_ms, lost[0].orphans), (105, 600, 2));
    }

    #[test]
    fn a_loss_before_what_is_asked_for_is_left_out() {
        let mut losses = Losses::default();
        losses.add(Log::Wal, Path::new("wal/1"), DAMAGE);
        losses.advance(Log::Wal, (100, 110));
        assert_eq!(losses.finish(0, 101), []);
    }

    #[test]
    fn late_samples_may_be_as_old_as_any_in_the_log_of_all_samples() {
        for is_intact in [true, false] {
            let mut losses = Losses::default();
            if !is_intact {
                losses.add(Log::Wal, Path::new("wal/1"), DAMAGE);
            }
            losses.advance(Log::Wal, (100, 200));
            losses.advance(Log::Wal, (40, 40));
            losses.add(Log::Wbl, Path::new("wbl/1"), DAMAGE);
            losses.advance(Log::Wbl, (50, 60));
            let lost = losses.finish(7, 1000);
            let spans: Vec<_> = lost.iter().map(|lost| (lost.first_ms, lost.last_ms)).collect();
            assert_eq!(spans, [(if is_intact { 40 } else { 7 }, 200)]);
        }
    }
}
