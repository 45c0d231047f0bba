//! Recognizes what files a path leads to, and opens them as one store of raw samples.

mod dumps;

use std::ops::Range;
use std::path::{Path, PathBuf};

use indicatif::BinaryBytes;

use super::archive::{ArchiveError, Found, Recognized, Unpacked, recognize};
use super::dump::DumpError;
use super::prometheus::QuerySet;
use super::raw::{Label, LostSpan, SampleStore, Sighted, metric_names};
use super::spool::SpoolError;
use super::tsdb::block::Samples;
use super::tsdb::directory::{DataDirectory, DirectoryError, DirectorySeries};
use dumps::DumpStore;

/// Why files cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FilesError {
    #[error("cannot read --from {}: {source}; name an existing file or folder", .path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    /// The data directory holds no samples.
    #[error("--from {} holds no samples: it has neither blocks nor a write-ahead log", .path.display())]
    Empty { path: PathBuf },
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Dump(#[from] DumpError),
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

/// Raw samples in files.
#[derive(Debug)]
pub(crate) enum FileStore {
    /// A data directory, and the temporary folder that holds it if it was in an archive.
    Directory(
        DataDirectory,
        #[expect(dead_code, reason = "the folder is removed when this is dropped")] Option<Unpacked>,
    ),
    Dumps(DumpStore),
}

/// A series in files.
#[derive(Debug)]
pub(crate) enum FileSeries {
    Directory(DirectorySeries),
    /// The place in the dumps.
    Dumps(usize),
}

/// How to open files.
pub(crate) struct Opening<'a> {
    pub(crate) queries: &'a QuerySet,
    /// Whether to accept dumps that end early.
    pub(crate) allow_partial: bool,
    /// Takes notes for the user before work that may take long.
    pub(crate) tell: &'a dyn Fn(&str),
    /// Whether to stop reading.
    pub(crate) is_stopped: &'a dyn Fn() -> bool,
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
    /// Whether they are known to have only some of the metrics, so that the others are left out.
    pub(crate) has_few_metrics: bool,
    /// What else was found.
    pub(crate) notes: Vec<String>,
}

impl Files {
    /// Finds out what the path leads to, and opens it to read what the queries need. Dumps are read as a whole.
    pub(crate) fn open(path: &Path, opening: &Opening<'_>) -> Result<Self, FilesError> {
        let unreadable = |source| FilesError::Unreadable { path: path.to_owned(), source };
        let absolute = path.canonicalize().map_err(unreadable)?;
        let name = absolute.display().to_string();
        // What is a data directory or a block itself needs no search of the folders in it.
        if DataDirectory::is_at(&absolute)? {
            let directory = DataDirectory::open(&absolute, &metric_names(opening.queries))?;
            return Ok(Self::of_directory(directory, None, name, Vec::new()));
        }
        let Recognized { found, notes } = recognize(&absolute)?;
        match found {
            Found::DataDirectory(dir) => {
                let directory = DataDirectory::open(&dir, &metric_names(opening.queries))?;
                if directory.is_empty() {
                    return Err(FilesError::Empty { path: path.to_owned() });
                }
                Ok(Self::of_directory(directory, None, name, notes))
            }
            Found::ArchivedData(data) => {
                let (bytes, folder) = (BinaryBytes(data.bytes()), std::env::temp_dir());
                (opening.tell)(&format!("unpacking {bytes} of {name} to a folder in {}", folder.display()));
                let unpacked = data.unpack(None)?;
                let directory = DataDirectory::open(unpacked.path(), &metric_names(opening.queries))?;
                Ok(Self::of_directory(directory, Some(unpacked), name, notes))
            }
            Found::Dumps(found) => {
                let has_few_metrics = found.files().iter().all(|dump| dump.path.iter().any(|part| part == "etcd_info"));
                let description = dumps::description(&found);
                let store = DumpStore::read(&found, opening)?;
                let store = FileStore::Dumps(store);
                Ok(Self { store, kind: "dump", name, description, has_few_metrics, notes })
            }
        }
    }

    fn of_directory(directory: DataDirectory, unpacked: Option<Unpacked>, name: String, notes: Vec<String>) -> Self {
        let description = directory.description();
        let store = FileStore::Directory(directory, unpacked);
        Self { store, kind: "tsdb", name, description, has_few_metrics: false, notes }
    }
}

impl SampleStore for FileStore {
    type Error = FilesError;
    type Series = FileSeries;

    fn series(&self, names: &[&str], range_ms: &Range<i64>) -> Result<Vec<FileSeries>, FilesError> {
        match self {
            Self::Directory(store, _) => {
                Ok(store.series(names, range_ms)?.into_iter().map(FileSeries::Directory).collect())
            }
            Self::Dumps(store) => Ok(store.series(names, range_ms)?.into_iter().map(FileSeries::Dumps).collect()),
        }
    }

    fn labels<'a>(&'a self, series: &'a FileSeries) -> &'a [Label] {
        match (self, series) {
            (Self::Directory(store, _), FileSeries::Directory(series)) => store.labels(series),
            (Self::Dumps(store), FileSeries::Dumps(series)) => store.labels(series),
            // A series of another store has no labels here.
            _ => &[],
        }
    }

    fn samples(&self, series: &FileSeries, range_ms: &Range<i64>) -> Result<Samples, FilesError> {
        match (self, series) {
            (Self::Directory(store, _), FileSeries::Directory(series)) => Ok(store.samples(series, range_ms)?),
            (Self::Dumps(store), FileSeries::Dumps(series)) => Ok(store.samples(series, range_ms)?),
            _ => Ok(Samples::default()),
        }
    }

    fn survey(&self, names: &[&str], range_ms: &Range<i64>) -> Result<Vec<Sighted>, FilesError> {
        match self {
            Self::Directory(store, _) => Ok(store.survey(names, range_ms)?),
            Self::Dumps(store) => Ok(store.survey(names, range_ms)?),
        }
    }

    fn lost(&self) -> &[LostSpan] {
        match self {
            Self::Directory(store, _) => store.lost(),
            Self::Dumps(store) => store.lost(),
        }
    }

    fn bytes_read(&self) -> u64 {
        match self {
            Self::Directory(store, _) => store.bytes_read(),
            Self::Dumps(store) => store.bytes_read(),
        }
    }

    fn notes(&self) -> Vec<String> {
        match self {
            Self::Directory(store, _) => store.notes(),
            Self::Dumps(store) => store.notes(),
        }
    }

    fn has_changed(&self) -> bool {
        match self {
            Self::Directory(store, _) => store.has_changed(),
            Self::Dumps(_) => false,
        }
    }
}
