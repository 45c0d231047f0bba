//! Which files of an output folder belong to etcd-heatmap, so that a run replaces and cleans up only those.

use std::fs;
use std::path::{Path, PathBuf};

use crate::files::{FileError, remove_partial_files};
use crate::history::{HISTORY_FOLDER, READINGS_FILE, REPLACEMENT_FOLDER};
use crate::time::UtcDay;

/// A kind of file that etcd-heatmap writes to an output folder, identified by its folder and file name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owned {
    /// A file in the output folder itself.
    Single(&'static str),
    /// One file per UTC day: `folder/date=2026-10-01/file`.
    Daily {
        /// The folder that contains a folder per day.
        folder: &'static str,
        /// The name of the file of each day.
        file: &'static str,
    },
    /// Any number of files: `folder/prefix*suffix`.
    Many {
        /// The folder that contains the files.
        folder: &'static str,
        /// The start of each file's name.
        prefix: &'static str,
        /// The end of each file's name.
        suffix: &'static str,
    },
}

/// The daily files of the history, in `history/`.
pub(crate) const HISTORY: Owned = Owned::Daily { folder: HISTORY_FOLDER, file: READINGS_FILE };

/// The daily files of a new history, in `history.new/` until it replaces the old one.
pub(crate) const REPLACEMENT: Owned = Owned::Daily { folder: REPLACEMENT_FOLDER, file: READINGS_FILE };

impl Owned {
    /// Whether a file is of this kind. `path` is relative to the output folder, with `/` as separator.
    pub(crate) fn has(&self, path: &str) -> bool {
        match *self {
            Self::Single(name) => path == name,
            Self::Daily { folder, file } => {
                let parts: Vec<&str> = path.split('/').collect();
                matches!(parts[..], [f, day, name] if f == folder && name == file && is_day(day))
            }
            Self::Many { folder, prefix, suffix } => {
                path.split_once('/').is_some_and(|(f, name)| f == folder && is_between(name, prefix, suffix))
            }
        }
    }

    /// A pattern that matches these files, for messages, such as `scores/*/scores.parquet`.
    pub(crate) fn pattern(&self) -> String {
        match self {
            Self::Single(name) => (*name).to_owned(),
            Self::Daily { folder, file } => format!("{folder}/*/{file}"),
            Self::Many { folder, suffix, .. } => format!("{folder}/*{suffix}"),
        }
    }

    /// Removes all files of this kind from an output folder, and removes folders that become empty.
    pub(crate) fn remove(&self, out: &Path) -> Result<(), FileError> {
        match *self {
            Self::Single(name) => remove(&out.join(name)),
            Self::Daily { folder, file } => {
                let folder = out.join(folder);
                for day in entries(&folder, is_day)? {
                    remove(&day.join(file))?;
                    let _ = fs::remove_dir(day);
                }
                let _ = fs::remove_dir(folder);
                Ok(())
            }
            Self::Many { folder, prefix, suffix } => {
                let folder = out.join(folder);
                for file in entries(&folder, |name| is_between(name, prefix, suffix))? {
                    remove(&file)?;
                }
                let _ = fs::remove_dir(folder);
                Ok(())
            }
        }
    }

    /// Removes the temporary files of this kind that a killed run left behind, and no other files.
    pub(crate) fn remove_partial(&self, out: &Path) -> Result<(), FileError> {
        match *self {
            Self::Single(only) => remove_partial_files(out, |name| name == only),
            Self::Daily { folder, file } => {
                let days = entries(&out.join(folder), is_day)?;
                days.iter().try_for_each(|day| remove_partial_files(day, |name| name == file))
            }
            Self::Many { folder, prefix, suffix } => {
                remove_partial_files(&out.join(folder), |name| is_between(name, prefix, suffix))
            }
        }
    }
}

fn is_day(name: &str) -> bool {
    name.strip_prefix("date=").is_some_and(|date| date.parse::<UtcDay>().is_ok())
}

fn is_between(name: &str, prefix: &str, suffix: &str) -> bool {
    name.strip_prefix(prefix).is_some_and(|rest| rest.ends_with(suffix)) && !name.contains('/')
}

/// The entries of a folder whose names `has_name` accepts; empty if the folder does not exist.
fn entries(folder: &Path, has_name: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, FileError> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let failed = |e| FileError::new("read", folder, e);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_name().to_str().is_some_and(&has_name) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn remove(file: &Path) -> Result<(), FileError> {
    match fs::remove_file(file) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(FileError::new("replace", file, e)),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    const KINDS: [Owned; 3] = [
        Owned::Single("heatmap.csv"),
        Owned::Daily { folder: "scores", file: "scores.parquet" },
        Owned::Many { folder: "openmetrics", prefix: "etcd_score-", suffix: ".om" },
    ];

    const OURS: [&str; 3] = ["heatmap.csv", "scores/date=2026-10-01/scores.parquet", "openmetrics/etcd_score-1-2.om"];
    const OTHERS: [&str; 7] = [
        "other.csv",
        "scores/date=2026-10-01/mine.parquet",
        "scores/date=yesterday/scores.parquet",
        "scores/scores.parquet",
        "openmetrics/mine.om",
        "openmetrics/etcd_score-1-2.om.bak",
        "sub/heatmap.csv",
    ];

    #[test]
    fn each_kind_matches_only_its_own_files() {
        for (kind, ours) in KINDS.iter().zip(OURS) {
            for path in OURS.iter().chain(&OTHERS) {
                assert_eq!(kind.has(path), *path == ours, "{kind:?} {path}");
            }
        }
    }

    #[test]
    fn only_our_files_are_removed_complete_or_temporary() {
        let temporary = |path: &str| match path.rsplit_once('/') {
            Some((folder, name)) => format!("{folder}/.{name}.partial"),
            None => format!(".{path}.partial"),
        };
        let all: Vec<String> =
            OURS.iter().chain(&OTHERS).flat_map(|path| [(*path).to_owned(), temporary(path)]).collect();
        for is_partial in [false, true] {
            let scratch = Scratch::new();
            for path in &all {
                let path = scratch.path().join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, "x").unwrap();
            }
            for kind in KINDS {
                if is_partial { kind.remove_partial(scratch.path()) } else { kind.remove(scratch.path()) }.unwrap();
            }
            let gone: Vec<&String> = all.iter().filter(|path| !scratch.path().join(path).exists()).collect();
            let expected: Vec<String> =
                OURS.iter().map(|path| if is_partial { temporary(path) } else { (*path).to_owned() }).collect();
            assert_eq!(gone, expected.iter().collect::<Vec<_>>());
        }
    }
}
