//! Where the days of a history lie.

use std::fs;
use std::path::{Path, PathBuf};

use super::day_meta::{DayMeta, read_meta};
use super::read_day::read_day;
use super::{FileError, HistoryError};
use crate::readings::{Member, Window};
use crate::spec::{Companion, Metric};
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

    /// What the footers of all days say, in order; an error unless they have one source and a format that this version reads. Days whose
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
                // Not broken: a pull would replace what a later version can read.
                Err(error @ HistoryError::LaterFormat { .. }) => return Err(error),
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

impl DayMetas {
    /// The metrics that a version of the program did not have when it wrote some of the days.
    pub fn unknown_metrics(&self) -> Vec<Metric> {
        let is_unknown = |metric: &Metric| self.known.iter().any(|(_, meta)| !meta.knows(*metric));
        Metric::ALL.into_iter().filter(is_unknown).collect()
    }
}
