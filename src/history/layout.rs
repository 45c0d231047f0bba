//! Where the days of a history lie.

use std::fs;
use std::path::{Path, PathBuf};

use super::day_file::read_day;
use super::day_meta::{DayMeta, read_meta};
use super::{FileError, HistoryError};
use crate::readings::{Member, Window};
use crate::spec::Companion;
use crate::time::{Grid, UtcDay};

/// The name of a day's file.
pub const READINGS_FILE: &str = "readings.parquet";
/// The folder in an output folder that holds the days.
pub const HISTORY_FOLDER: &str = "history";

/// The folder `history/` of an output folder.
#[derive(Clone, Debug)]
pub struct History {
    out: PathBuf,
    folder: PathBuf,
}

impl History {
    /// The history within an output folder; nothing is touched.
    pub fn within(out: &Path) -> Self {
        Self { out: out.to_owned(), folder: out.join(HISTORY_FOLDER) }
    }

    /// The output folder that it lies in.
    pub fn out(&self) -> &Path {
        &self.out
    }

    /// Removes all its days, and nothing that somebody else has put beside them.
    pub fn remove(&self) -> Result<(), HistoryError> {
        for day in self.days()? {
            let file = self.file(day);
            fs::remove_file(&file).map_err(|e| FileError::new("remove", &file, e))?;
        }
        Ok(())
    }

    /// The folder itself.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file of one day.
    pub fn file(&self, day: UtcDay) -> PathBuf {
        self.folder.join(format!("date={day}")).join(READINGS_FILE)
    }

    /// The days that are on disk, in order; none where there is no folder.
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

    /// The readings of these members (sorted), with these companions, on the steps of a day; unknown
    /// where it has no file.
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

    /// What the footers of all days say, in order; an error unless they have one source. Days whose
    /// file cannot be read stand apart.
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
                Err(error) => metas.broken.push((day, error)),
            }
        }
        Ok(metas)
    }
}

/// The days of a history.
#[derive(Debug, Default)]
pub struct DayMetas {
    /// Days with what their footers say, in order.
    pub known: Vec<(UtcDay, DayMeta)>,
    /// Days whose file cannot be read, with why.
    pub broken: Vec<(UtcDay, HistoryError)>,
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn days_come_in_order_in_whatever_order_they_were_made() {
        let scratch = Scratch::new();
        let history = History::within(scratch.path());
        // Enough that no order of a file system is the right one by chance.
        let mut made: Vec<UtcDay> = (0..40).map(|number| UtcDay::from_days(20_000 + number * 17 % 40)).collect();
        for day in &made {
            let file = history.file(*day);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        // A folder without a file is no day.
        fs::create_dir_all(history.file(UtcDay::from_days(0)).parent().unwrap()).unwrap();
        made.sort();
        assert_eq!(history.days().unwrap(), made);
    }
}
