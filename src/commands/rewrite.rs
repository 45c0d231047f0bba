//! Writes a history from the days of other histories: joined, or under other names.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Instant;

use super::days::DaysAtOnce;
use super::evidence::Gathered;
use super::pull;
use super::{CommandError, Writing};
use crate::folder::{Manifest, Written};
use crate::history::{DayMeta, Footnotes, History, HistoryError, write_day_with};
use crate::readings::{Lives, Source, Window};
use crate::spec::METRICS;
use crate::text::count;
use crate::time::{Step, TimeRange, UtcDay};

/// The history to write.
pub(super) struct Rewrite<'a> {
    pub(super) history: &'a History,
    /// The source of all its days.
    pub(super) source: &'a Source,
    pub(super) step: Step,
    /// When the members of all days were seen.
    pub(super) lives: &'a Lives,
    pub(super) run: &'a Writing,
}

/// What to write of a day.
pub(super) struct Day {
    pub(super) window: Window,
    /// The range that the readings cover.
    pub(super) range: TimeRange,
    pub(super) footnotes: Footnotes,
}

/// The days that were written.
pub(super) type Days = BTreeMap<UtcDay, (DayMeta, Written)>;

/// The days of several histories, each with the range that they cover together.
pub(super) fn ranges<'a>(
    histories: impl IntoIterator<Item = &'a BTreeMap<UtcDay, DayMeta>>,
) -> BTreeMap<UtcDay, TimeRange> {
    let mut ranges: BTreeMap<UtcDay, TimeRange> = BTreeMap::new();
    for (day, meta) in histories.into_iter().flatten() {
        ranges.entry(*day).and_modify(|range| *range = range.hull(meta.range)).or_insert(meta.range);
    }
    ranges
}

/// The note about `parts`, such as `2 sources`, that were joined.
pub(super) fn joined_note(parts: &str, lives: &Lives, days: usize, started: Instant) -> String {
    let (members, days) = (count(lives.iter().len(), "member"), count(days, "day"));
    format!("joined {parts} of {members}, {days} in {:.1} s", started.elapsed().as_secs_f64())
}

impl Rewrite<'_> {
    /// A day of the history that has another source, with the difference.
    pub(super) fn of_another_source(&self) -> Result<Option<(UtcDay, String)>, CommandError> {
        let metas = self.history.read_metas()?.known;
        Ok(metas.iter().find_map(|(day, meta)| Some((*day, self.source.difference(&meta.source)?))))
    }

    /// Writes days, several at once, with a progress bar. `read` gives what to write of a day, and `verb` says what is done.
    pub(super) fn days(
        &self,
        verb: &'static str,
        days: &[UtcDay],
        read: impl Fn(UtcDay) -> Result<Day, HistoryError> + Sync,
    ) -> Result<Days, CommandError> {
        let write = |day| -> Result<_, CommandError> {
            let Day { window, range, footnotes } = read(day)?;
            let path = self.history.file(day);
            let (meta, stat) = write_day_with(&path, &window, range, footnotes, self.source)?;
            let written = Written::new(self.history.out(), &path, meta.rows, stat);
            Ok((day, (meta, written)))
        };
        let progress = self.run.reporter.start(verb, "days", days.len() as u64);
        let at_once = DaysAtOnce::of(days, self.lives, self.step, METRICS + self.source.companions().len());
        let mut written = BTreeMap::new();
        for chunk in days.chunks(at_once.batch()) {
            written.extend(at_once.each(chunk, write)?);
            progress.set(written.len() as u64, "");
            if let Some(signal) = self.run.interrupt.signal() {
                return Err(CommandError::StoppedEarly(signal));
            }
        }
        progress.clear();
        Ok(written)
    }

    /// Writes the manifest, as a pull of the `asked` ranges would. Days that an earlier run left in the history stay.
    pub(super) fn manifest(
        &self,
        asked: &[TimeRange],
        mut written: Days,
        earlier: Option<&Manifest>,
    ) -> Result<(), CommandError> {
        let mut gathered = Gathered::default();
        gathered.ask(asked.iter().copied());
        for (day, meta) in self.history.read_metas()?.known {
            if let Entry::Vacant(free) = written.entry(day) {
                let file = Written::read(self.history.out(), &self.history.file(day), meta.rows)?;
                free.insert((meta, file));
            }
        }
        written.iter().for_each(|(day, (meta, _))| gathered.add(*day, meta));
        let files = written.into_values().map(|(_, file)| file).collect();
        pull::write_manifest(self.history, self.source, gathered, files, None, earlier)
    }
}
