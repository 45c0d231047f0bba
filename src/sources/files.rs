//! Recognizes what files a path leads to, and opens them as one store of raw samples.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::prometheus::QuerySet;
use super::raw::{Label, LostSpan, SampleStore, Sighted, metric_names};
use super::tsdb::block::Samples;
use super::tsdb::directory::{DataDirectory, DirectoryError, DirectorySeries};

/// Why files cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FilesError {
    #[error("cannot read --from {}: {source}; name an existing file or folder", .path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    /// The path leads to nothing that holds samples.
    #[error("--from {} holds no samples ({found}): name a data directory of Prometheus, a snapshot of one, or a block", .path.display())]
    Unknown {
        path: PathBuf,
        /// What is there instead.
        found: String,
    },
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}

/// Raw samples in files.
#[derive(Debug)]
pub(crate) enum FileStore {
    Directory(DataDirectory),
}

/// A series in files.
#[derive(Debug)]
pub(crate) enum FileSeries {
    Directory(DirectorySeries),
}

/// Opened files.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) store: FileStore,
    /// The kind of source, as the history stores it.
    pub(crate) kind: &'static str,
    /// The absolute path.
    pub(crate) name: String,
    /// What the files are, for people.
    pub(crate) description: String,
}

impl Files {
    /// Opens the files at a path to read what the queries need.
    pub(crate) fn open(path: &Path, queries: &QuerySet) -> Result<Self, FilesError> {
        let unreadable = |source| FilesError::Unreadable { path: path.to_owned(), source };
        let absolute = path.canonicalize().map_err(unreadable)?;
        if !absolute.is_dir() {
            return Err(FilesError::Unknown { path: path.to_owned(), found: "it is a file".to_owned() });
        }
        let directory = DataDirectory::open(&absolute, &metric_names(queries))?;
        if directory.is_empty() {
            return Err(FilesError::Unknown {
                path: path.to_owned(),
                found: "no blocks and no write-ahead log are inside".to_owned(),
            });
        }
        let description = directory.description();
        let (kind, name) = ("tsdb", absolute.display().to_string());
        Ok(Self { store: FileStore::Directory(directory), kind, name, description })
    }
}

impl SampleStore for FileStore {
    type Error = FilesError;
    type Series = FileSeries;

    fn series(&self, names: &[&str], range_ms: &Range<i64>) -> Result<Vec<FileSeries>, FilesError> {
        match self {
            Self::Directory(store) => {
                Ok(store.series(names, range_ms)?.into_iter().map(FileSeries::Directory).collect())
            }
        }
    }

    fn labels<'a>(&'a self, series: &'a FileSeries) -> &'a [Label] {
        match (self, series) {
            (Self::Directory(store), FileSeries::Directory(series)) => store.labels(series),
        }
    }

    fn samples(&self, series: &FileSeries, range_ms: &Range<i64>) -> Result<Samples, FilesError> {
        match (self, series) {
            (Self::Directory(store), FileSeries::Directory(series)) => Ok(store.samples(series, range_ms)?),
        }
    }

    fn survey(&self, names: &[&str], range_ms: &Range<i64>) -> Result<Vec<Sighted>, FilesError> {
        match self {
            Self::Directory(store) => Ok(store.survey(names, range_ms)?),
        }
    }

    fn lost(&self) -> &[LostSpan] {
        match self {
            Self::Directory(store) => store.lost(),
        }
    }

    fn bytes_read(&self) -> u64 {
        match self {
            Self::Directory(store) => store.bytes_read(),
        }
    }

    fn notes(&self) -> Vec<String> {
        match self {
            Self::Directory(store) => store.notes(),
        }
    }

    fn has_changed(&self) -> bool {
        match self {
            Self::Directory(store) => store.has_changed(),
        }
    }
}
