//! The folder of a history: paths of its days, listing, replacing and removing them.

use std::fs;
use std::path::{Path, PathBuf};

use super::HistoryError;
use super::day_meta::{DayMeta, read_meta};
use super::read_day::read_day;
use crate::files::{FileError, move_file};
use crate::readings::{Member, Source, Window};
use crate::spec::{Companion, Metric};
use crate::time::{Grid, UtcDay};

/// The name of each day's file.
pub const READINGS_FILE: &str = "readings.parquet";
/// The folder of the history within an output folder.
pub const HISTORY_FOLDER: &str = "history";

/// The folder within an output folder where a pull with `--overwrite` collects the new days until all are complete.
pub(crate) const REPLACEMENT_FOLDER: &str = "history.new";

/// The history of an output folder, in `history/` (or `history.new/` during a replacement).
#[derive(Clone, Debug)]
pub struct History {
    out: PathBuf,
    folder: PathBuf,
}

impl History {
    /// The history within an output folder. Does not access the disk.
    pub fn within(out: &Path) -> Self {
        Self { out: out.to_owned(), folder: out.join(HISTORY_FOLDER) }
    }

    /// The output folder that contains the history.
    pub fn out(&self) -> &Path {
        &self.out
    }

    /// The history in `history.new/` of the same output folder, where a pull with `--overwrite` collects the new days.
    /// When they are complete, [`History::move_into`] moves them into `history/`.
    pub(crate) fn replacement(&self) -> Self {
        Self { out: self.out.clone(), folder: self.out.join(REPLACEMENT_FOLDER) }
    }

    /// Removes all days that `kept` rejects, but no other files in the folder.
    pub(crate) fn remove_but(&self, kept: impl Fn(UtcDay) -> bool) -> Result<(), HistoryError> {
        for day in self.days()?.into_iter().filter(|day| !kept(*day)) {
            let file = self.file(day);
            fs::remove_file(&file).map_err(|e| FileError::new("remove", &file, e))?;
            // Fails, as intended, if the folder contains other files.
            let _ = file.parent().map(fs::remove_dir);
        }
        let _ = fs::remove_dir(&self.folder);
        Ok(())
    }

    /// Moves all days into another history, replacing days that exist there.
    pub(crate) fn move_into(&self, other: &Self) -> Result<(), HistoryError> {
        for day in self.days()? {
            let (from, to) = (self.file(day), other.file(day));
            move_file(&from, &to)?;
            let _ = from.parent().map(fs::remove_dir);
        }
        let _ = fs::remove_dir(&self.folder);
        Ok(())
    }

    /// The folder of the history.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file of one day.
    pub fn file(&self, day: UtcDay) -> PathBuf {
        self.folder.join(format!("date={day}")).join(READINGS_FILE)
    }

    /// The days on disk, in order; empty if the folder does not exist.
    pub fn days(&self) -> Result<Vec<UtcDay>, HistoryError> {
        let failed = |e| FileError::new("read", &self.folder, e);
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(failed(e).into()),
        };
        let mut days = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            let day = name.to_str().and_then(|n| n.strip_prefix("date=")).and_then(|d| d.parse().ok());
            days.extend(day.filter(|&d| self.file(d).is_file()));
        }
        days.sort_unstable();
        Ok(days)
    }

    /// Reads the metrics and `companions` of these members (sorted) at the steps of `grid`. If the day has no
    /// file, all readings are missing.
    pub fn read_window(
        &self,
        day: UtcDay,
        grid: Grid,
        members: Vec<Member>,
        companions: &[Companion],
    ) -> Result<Window, HistoryError> {
        let path = self.file(day);
        if path.is_file() {
            read_day(&path, grid, members, companions)
        } else {
            Ok(Window::unknown(grid, members, companions))
        }
    }

    /// The footers of all days that come from this source, in order. Days with unreadable files
    /// or other sources are skipped.
    pub(crate) fn metas_of(&self, source: &Source) -> Result<Vec<(UtcDay, DayMeta)>, HistoryError> {
        let of_source = |day| match read_meta(&self.file(day)) {
            Ok(meta) if source.difference(&meta.source).is_none() => Some(Ok((day, meta))),
            Err(error) if error.is_elsewhere() => Some(Err(error)),
            _ => None,
        };
        self.days()?.into_iter().filter_map(of_source).collect()
    }

    /// The footers of all days, in order. Unreadable files are collected in `broken`. Fails if two days have different
    /// sources, or a day has a later format.
    pub fn read_metas(&self) -> Result<DayMetas, HistoryError> {
        let mut metas = DayMetas::default();
        for day in self.days()? {
            let path = self.file(day);
            match read_meta(&path) {
                Ok(meta) => {
                    let first = metas.known.first().map(|(_, first)| &first.source);
                    if let Some(difference) = first.and_then(|first| first.difference(&meta.source)) {
                        return Err(HistoryError::OtherSource { path, difference });
                    }
                    metas.known.push((day, meta));
                }
                // A file in a later format must not count as broken, because a pull would then replace it.
                Err(error @ HistoryError::LaterFormat { .. }) => return Err(error),
                // A day that could not be fetched is not broken.
                Err(error) if error.is_elsewhere() => return Err(error),
                Err(error) => metas.broken.push((day, error)),
            }
        }
        Ok(metas)
    }
}

/// The days of a history, with the metadata in the footers of their Parquet files.
#[derive(Debug, Default)]
pub struct DayMetas {
    /// Readable days with the metadata in their files' footers, in order.
    pub known: Vec<(UtcDay, DayMeta)>,
    /// Days with unreadable files, with the error.
    pub broken: Vec<(UtcDay, HistoryError)>,
}

impl DayMetas {
    /// The metrics that are absent from some days, because the version that wrote those days did not have them.
    pub fn unknown_metrics(&self) -> Vec<Metric> {
        let is_unknown = |metric: &Metric| self.known.iter().any(|(_, meta)| !meta.knows(*metric));
        Metric::ALL.into_iter().filter(is_unknown).collect()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::history::day_file::tests::{sample_day, source};
    use crate::history::write_day;
    use crate::scratch::Scratch;

    #[test]
    fn days_are_listed_in_order() {
        let scratch = Scratch::new();
        let history = History::within(scratch.path());
        // Enough days that the file system does not list them in order by chance.
        let mut made: Vec<UtcDay> = (0..40).map(|number| UtcDay::from_days(20_000 + number * 17 % 40)).collect();
        for day in &made {
            let file = history.file(*day);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        // A day's folder without a readings file does not count as a day.
        fs::create_dir_all(history.file(UtcDay::from_days(0)).parent().unwrap()).unwrap();
        made.sort();
        assert_eq!(history.days().unwrap(), made);
    }

    /// Writes a day of readings and returns its footer.
    fn write(history: &History, day: UtcDay, source: &Source) -> DayMeta {
        let (window, range) = sample_day();
        write_day(&history.file(day), &window, range, source).unwrap().0
    }

    fn days(numbers: impl IntoIterator<Item = i32>) -> Vec<UtcDay> {
        numbers.into_iter().map(UtcDay::from_days).collect()
    }

    #[test]
    fn a_missing_history_folder_has_no_days_and_one_that_cannot_be_read_is_an_error() {
        let scratch = Scratch::new();
        let history = History::within(scratch.path());
        assert_eq!(history.days().unwrap(), []);
        fs::write(history.folder(), "a file, not a folder").unwrap();
        let error = history.days().unwrap_err().to_string();
        assert!(error.contains(&*history.folder().to_string_lossy()), "{error}");
    }

    #[test]
    fn days_that_are_not_kept_are_removed_and_foreign_files_beside_them_stay() {
        let scratch = Scratch::new();
        let history = History::within(scratch.path());
        for day in days(0..4) {
            write(&history, day, &source());
        }
        let foreign = history.file(UtcDay::from_days(1)).with_file_name("notes.txt");
        fs::write(&foreign, "").unwrap();
        history.remove_but(|day| day == UtcDay::from_days(2)).unwrap();
        assert_eq!(history.days().unwrap(), days([2]));
        assert!(foreign.exists());
        assert!(!history.file(UtcDay::from_days(0)).parent().unwrap().exists());
    }

    #[test]
    fn moved_days_replace_those_of_the_other_history_and_leave_its_other_days() {
        let scratch = Scratch::new();
        let history = History::within(scratch.path());
        let new = Source { member_label: "pod".to_owned(), ..source() };
        for day in days([0, 1]) {
            write(&history, day, &source());
        }
        for day in days([1, 2]) {
            write(&history.replacement(), day, &new);
        }
        history.replacement().move_into(&history).unwrap();
        assert!(!history.replacement().folder().exists());
        let labels = days(0..3).into_iter().map(|day| read_meta(&history.file(day)).unwrap().source.member_label);
        assert_eq!(labels.collect::<Vec<_>>(), ["instance", "pod", "pod"]);
    }

    #[test]
    fn days_of_another_source_and_broken_days_are_passed_over_by_a_pull() {
        let scratch = Scratch::new();
        let history = History::within(scratch.path());
        let other = Source { member_label: "pod".to_owned(), ..source() };
        let written = write(&history, UtcDay::from_days(0), &source());
        write(&history, UtcDay::from_days(1), &other);
        write(&history, UtcDay::from_days(2), &source());
        fs::write(history.file(UtcDay::from_days(2)), "broken").unwrap();
        assert_eq!(history.metas_of(&source()).unwrap(), [(UtcDay::from_days(0), written)]);
    }

    #[test]
    fn a_metric_is_unknown_if_the_version_that_wrote_one_of_the_days_did_not_have_it() {
        let scratch = Scratch::new();
        let history = History::within(scratch.path());
        let mut metas = DayMetas::default();
        for day in days(0..2) {
            metas.known.push((day, write(&history, day, &source())));
        }
        assert_eq!(metas.unknown_metrics(), []);
        metas.known[1].1.known.remove("db_size");
        assert_eq!(metas.unknown_metrics(), [Metric::DbSize]);
    }
}
