//! Where the files of blocks are: on disk, or in a bucket.

use std::fmt;
use std::fs;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::error::BlockError;
use super::file::{BytesRead, Positioned};

/// A place with the files of blocks.
pub(in crate::sources::tsdb) trait Storage: fmt::Debug + Send + Sync {
    /// Opens a file, and counts the bytes that are read of it.
    fn open(&self, path: &Path, read: &BytesRead) -> Result<Box<dyn Positions>, BlockError>;

    /// The names of the files directly in a folder, in any order.
    fn names(&self, folder: &Path) -> Result<Vec<String>, BlockError>;
}

/// An open file, which several threads can read at once.
pub(in crate::sources::tsdb) trait Positions: fmt::Debug + Send + Sync {
    /// Size in bytes.
    fn size(&self) -> u64;

    /// Reads exactly as many bytes as the buffer has, which are in the file.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), BlockError>;

    /// How many bytes of a long section are read at once.
    fn piece(&self) -> u64 {
        256 << 10
    }

    /// Fetches ranges that are then read one by one, where each read would be a request of its own.
    fn fetch(&self, _ranges: &mut dyn Iterator<Item = Range<u64>>) -> Result<(), BlockError> {
        Ok(())
    }

    /// Releases what was fetched.
    fn forget(&self) {}
}

/// The file systems of this machine.
#[derive(Debug)]
pub(in crate::sources::tsdb) struct Disk;

impl Storage for Disk {
    fn open(&self, path: &Path, read: &BytesRead) -> Result<Box<dyn Positions>, BlockError> {
        let opened = File::open(path).and_then(|file| file.metadata().map(|metadata| (file, metadata.len())));
        let (file, size) = opened.map_err(|source| BlockError::Io { file: path.to_owned(), source })?;
        Ok(Box::new(OnDisk { file: Positioned::new(file), path: path.to_owned(), size, read: read.clone() }))
    }

    fn names(&self, folder: &Path) -> Result<Vec<String>, BlockError> {
        let io = |source: io::Error| BlockError::Io { file: folder.to_owned(), source };
        let entries = fs::read_dir(folder).map_err(io)?;
        let names = entries.map(|entry| entry.map(|entry| entry.file_name().into_string().ok()).map_err(io));
        names.filter_map(Result::transpose).collect()
    }
}

/// An open file of this machine, and its size when it was opened.
#[derive(Debug)]
struct OnDisk {
    file: Positioned,
    path: PathBuf,
    size: u64,
    read: BytesRead,
}

impl Positions for OnDisk {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), BlockError> {
        let result = self.file.read_exact_at(buffer, offset);
        result.map_err(|source| BlockError::Io { file: self.path.clone(), source })?;
        self.read.add(buffer.len() as u64);
        Ok(())
    }
}
