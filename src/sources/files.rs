//! Recognizes what a path or an address leads to, and opens it as one store of raw samples.

mod dumps;

use std::ops::Range;
use std::path::{Path, PathBuf};

use indicatif::BinaryBytes;

use super::archive::{ArchiveError, ArchivedData, Found, Recognized, Unpacked, recognize};
use super::dump::DumpError;
use super::raw::{Label, LostSpan, SampleStore, Sighted};
use super::spool::SpoolError;
use super::tsdb::block::Samples;
use super::tsdb::bucket::Bucket;
use super::tsdb::directory::{DataDirectory, DirectoryError, DirectorySeries, Replica, Which};
use crate::places::{Address, Place, PlaceError, address_of};
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
    /// An address that names no bucket.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The output would be in the data directory.
    #[error("--out {} is in the data directory of --from, to which nothing is written: choose another folder", .out.display())]
    OutInside { out: PathBuf },
    /// Dumps have no external labels.
    #[error("--replica {replica} chooses blocks, but --from {} is a dump: leave out --replica", .path.display())]
    ReplicaOfDump { path: PathBuf, replica: Replica },
    /// A data directory in an archive is damaged.
    #[error("{cause}")]
    Inside {
        /// The error of the data directory, with the path in the archive.
        cause: String,
    },
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
    Directory(DataDirectory, Option<Inside>),
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
    /// The metrics to read, such as [`metric_names`](super::raw::metric_names) of queries.
    pub(crate) names: &'a [String],
    /// Which blocks to read of those that are there.
    pub(crate) which: &'a Which,
    /// The times whose samples may be needed, in milliseconds: a half-open range. Blocks of a bucket without any of them are
    /// not looked into.
    pub(crate) range_ms: Range<i64>,
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
    /// Dumps that end early, each with the place.
    pub(crate) cuts: Vec<String>,
}

/// A data directory that was unpacked from an archive.
#[derive(Debug)]
pub(crate) struct Inside {
    unpacked: Unpacked,
    /// The archive, and the path in it.
    place: String,
}

impl Inside {
    /// The error with the path in the archive instead of that of the temporary folder.
    fn named(&self, error: &DirectoryError) -> FilesError {
        FilesError::Inside { cause: self.shown(&error.to_string()) }
    }

    fn shown(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.unpacked.path().display()), &self.place)
            .replace(&self.unpacked.path().display().to_string(), self.place.trim_end_matches('/'))
    }
}

fn place_of(data: &ArchivedData) -> String {
    let root = if data.root().is_empty() { String::new() } else { format!("{}/", data.root()) };
    format!("{}: {root}", data.archive().display())
}

impl Files {
    /// Finds out what the path leads to, and opens it to read what the queries need. Dumps are read as a whole.
    pub(crate) fn open(path: &Path, opening: &Opening<'_>) -> Result<Self, FilesError> {
        match Place::of(path)? {
            Place::Folder(path) => Self::on_disk(&path, opening),
            Place::Bucket(address) => Self::in_bucket(&address, opening),
        }
    }

    fn in_bucket(address: &Address, opening: &Opening<'_>) -> Result<Self, FilesError> {
        let bucket = Bucket::open(address, opening.range_ms.clone()).map_err(DirectoryError::from)?;
        let name = bucket.address().to_owned();
        let (directory, notes) = DataDirectory::in_bucket(bucket, opening.names, opening.which)?;
        Ok(Self::of_directory(directory, None, name, notes))
    }

    fn on_disk(path: &Path, opening: &Opening<'_>) -> Result<Self, FilesError> {
        let unreadable = |source| FilesError::Unreadable { path: path.to_owned(), source };
        let kind = path.metadata().map_err(unreadable)?;
        // A pipe has no canonical path.
        let is_on_disk = kind.is_dir() || kind.is_file();
        let absolute = if is_on_disk { path.canonicalize() } else { std::path::absolute(path) }.map_err(unreadable)?;
        let name = absolute.display().to_string();
        let open = |dir: &Path| DataDirectory::open(dir, opening.names, opening.which);
        // What is a data directory or a block itself needs no search of the folders in it.
        if DataDirectory::is_at(&absolute)? {
            let (directory, notes) = open(&absolute)?;
            return match directory.is_empty() && notes.is_empty() {
                true => Err(FilesError::Empty { path: path.to_owned() }),
                false => Ok(Self::of_directory(directory, None, name, notes)),
            };
        }
        let Recognized { found, mut notes } = recognize(&absolute)?;
        match found {
            Found::DataDirectory(dir) => {
                let (directory, left_out) = open(&dir)?;
                if directory.is_empty() && left_out.is_empty() {
                    return Err(FilesError::Empty { path: path.to_owned() });
                }
                notes.extend(left_out);
                Ok(Self::of_directory(directory, None, dir.display().to_string(), notes))
            }
            Found::ArchivedData(data) => {
                let (bytes, folder) = (BinaryBytes(data.bytes()), std::env::temp_dir());
                (opening.tell)(&format!("unpacking {bytes} of {name} to a folder in {}", folder.display()));
                let inside = Inside { unpacked: data.unpack_unless(opening.is_stopped, None)?, place: place_of(&data) };
                let (directory, left_out) = open(inside.unpacked.path()).map_err(|error| inside.named(&error))?;
                notes.extend(left_out);
                let name = if data.root().is_empty() { name } else { format!("{name}: {}", data.root()) };
                Ok(Self::of_directory(directory, Some(inside), name, notes))
            }
            Found::Dumps(found) => {
                if let Some(replica) = opening.which.replica.clone() {
                    return Err(FilesError::ReplicaOfDump { path: path.to_owned(), replica });
                }
                let has_few_metrics = found.files().iter().all(|dump| dump.path.iter().any(|part| part == "etcd_info"));
                let description = dumps::description(&found);
                let store = DumpStore::read(&found, opening)?;
                let cuts = store.cuts().to_vec();
                let store = FileStore::Dumps(store);
                Ok(Self { store, kind: "dump", name, description, has_few_metrics, notes, cuts })
            }
        }
    }

    /// Announces that days are read in order up to this time, in milliseconds.
    pub(crate) fn will_read_until(&self, end_ms: i64) {
        if let FileStore::Directory(directory, _) = &self.store {
            directory.will_read_until(end_ms);
        }
    }

    /// Fails if a folder is in the data directory.
    pub(crate) fn refuse_inside(&self, out: &Path) -> Result<(), FilesError> {
        let absolute = match address_of(out) {
            Some(address) => PathBuf::from(address),
            None => std::path::absolute(out).unwrap_or_else(|_| out.to_owned()),
        };
        match &self.store {
            FileStore::Directory(_, None) if absolute.starts_with(&self.name) => {
                Err(FilesError::OutInside { out: out.to_owned() })
            }
            _ => Ok(()),
        }
    }

    /// Whether the samples of the files are read one by one. A dump is read as a whole.
    pub(crate) fn is_read_in_parts(&self) -> bool {
        matches!(self.store, FileStore::Directory(..))
    }

    fn of_directory(directory: DataDirectory, inside: Option<Inside>, name: String, notes: Vec<String>) -> Self {
        let description = directory.description();
        let store = FileStore::Directory(directory, inside);
        Self { store, kind: "tsdb", name, description, has_few_metrics: false, notes, cuts: Vec::new() }
    }
}

fn named(inside: &Option<Inside>, error: DirectoryError) -> FilesError {
    match inside {
        Some(inside) => inside.named(&error),
        None => error.into(),
    }
}

impl SampleStore for FileStore {
    type Error = FilesError;
    type Series = FileSeries;

    fn series(&self, names: &[&str], range_ms: &Range<i64>) -> Result<Vec<FileSeries>, FilesError> {
        match self {
            Self::Directory(store, inside) => {
                let series = store.series(names, range_ms).map_err(|error| named(inside, error))?;
                Ok(series.into_iter().map(FileSeries::Directory).collect())
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
            (Self::Directory(store, inside), FileSeries::Directory(series)) => {
                store.samples(series, range_ms).map_err(|error| named(inside, error))
            }
            (Self::Dumps(store), FileSeries::Dumps(series)) => Ok(store.samples(series, range_ms)?),
            _ => Ok(Samples::default()),
        }
    }

    fn fetch<'a>(&'a self, wanted: &dyn Fn() -> Vec<(&'a FileSeries, Range<i64>)>) -> Result<(), FilesError> {
        let Self::Directory(store, inside) = self else { return Ok(()) };
        let of_directory = || {
            let all = wanted().into_iter().filter_map(|(series, range_ms)| match series {
                FileSeries::Directory(series) => Some((series, range_ms)),
                FileSeries::Dumps(_) => None,
            });
            all.collect()
        };
        store.fetch(&of_directory).map_err(|error| named(inside, error))
    }

    fn has_changed(&self) -> bool {
        match self {
            Self::Directory(store, _) => store.has_changed(),
            Self::Dumps(_) => false,
        }
    }

    fn survey(&self, names: &[&str], range_ms: &Range<i64>) -> Result<Vec<Sighted>, FilesError> {
        match self {
            Self::Directory(store, inside) => store.survey(names, range_ms).map_err(|error| named(inside, error)),
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
            Self::Directory(store, None) => store.notes(),
            Self::Directory(store, Some(inside)) => store.notes().iter().map(|note| inside.shown(note)).collect(),
            Self::Dumps(store) => store.notes(),
        }
    }
}
