//! Writes a history from the days of other histories: joined, or under other names.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::days::DaysAtOnce;
use super::evidence::Gathered;
use super::pull::{self, Share};
use super::{CommandError, Writing};
use crate::folder::{Manifest, Written};
use crate::history::{DayMeta, History, HistoryError, write_day_with};
use crate::readings::{Lives, Source, Window};
use crate::spec::METRICS;
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
    /// When the members were seen, or are expected.
    pub(super) lives: Lives,
}

/// The days that were written.
pub(super) type Days = BTreeMap<UtcDay, (DayMeta, Written)>;

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
            let Day { window, range, lives } = read(day)?;
            let path = self.history.file(day);
            let (meta, stat) = write_day_with(&path, &window, range, lives, self.source)?;
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
        share: &Share,
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
        pull::write_manifest(self.history, self.source, gathered, files, share, earlier)
    }
}
