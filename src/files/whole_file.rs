//! A file that appears under its final name only when it is complete and synced.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use parquet::errors::ParquetError;
use sha2::{Digest, Sha256};
use tracing::debug;

use super::committed::committed;
use super::elsewhere::stat_elsewhere;
use super::folder::{folder_of, make_folder, sync_folder};

/// A file operation that failed, with the path, the cause and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The disk or the operating system refused it.
    #[error("cannot {action} {}: {}", .path.display(), explain(.action, .source))]
    OnDisk {
        /// The verb, such as `read`.
        action: &'static str,
        /// The file or folder that was to be read, written or removed.
        path: PathBuf,
        /// What the operating system reports.
        source: io::Error,
    },
    /// The content of the file is in an object store and cannot be read there.
    #[error(transparent)]
    Elsewhere(Box<dyn std::error::Error + Send + Sync>),
}

impl FileError {
    /// `action` is the verb in the message "cannot … PATH", for example `read`.
    pub(crate) fn new(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::OnDisk { action, path: path.to_owned(), source }
    }

    /// The content of a file could not be brought here; the cause names the file.
    pub(crate) fn elsewhere(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Elsewhere(Box::new(cause))
    }

    /// Whether the content of the file could not be brought here. The file itself may be whole.
    pub(crate) const fn is_elsewhere(&self) -> bool {
        matches!(self, Self::Elsewhere(_))
    }

    /// Converts a failed Parquet write. An I/O error inside it becomes the source, so that the message for a
    /// full disk names the remedy.
    pub(crate) fn from_parquet(path: &Path, error: ParquetError) -> Self {
        let source = match error {
            ParquetError::External(cause) => match cause.downcast::<io::Error>() {
                Ok(io) => *io,
                Err(other) => io::Error::other(other),
            },
            other => io::Error::other(other),
        };
        Self::new("write", path, source)
    }
}

fn explain(action: &str, source: &io::Error) -> String {
    match source.kind() {
        io::ErrorKind::PermissionDenied if action == "read" => {
            "permission denied: run as a user with permission to read it".to_owned()
        }
        _ if action == "read" => source.to_string(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "the disk is full: free some space or choose another --out".to_owned()
        }
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only: choose another --out".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied: choose another --out or change its owner".to_owned(),
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "a file exists where a folder is needed: choose another --out".to_owned()
        }
        _ => source.to_string(),
    }
}

/// Size and hash of a complete file.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FileStat {
    /// The size of the file in bytes.
    pub bytes: u64,
    /// SHA-256 of the content, in hexadecimal.
    pub sha256: String,
}

impl FileStat {
    /// The size and hash of a content.
    pub(crate) fn of(content: &[u8]) -> Self {
        Self { bytes: content.len() as u64, sha256: hexadecimal(Sha256::new_with_prefix(content)) }
    }

    /// The size and hash of an existing file: computed, or recorded if the content is elsewhere.
    pub(crate) fn read(path: &Path) -> Result<Self, FileError> {
        if let Some(recorded) = stat_elsewhere(path) {
            return Ok(recorded);
        }
        let mut file = File::open(path).map_err(|e| FileError::new("read", path, e))?;
        Self::of_open(&mut file, path)
    }

    /// The size and hash of the rest of an open file; `path` names it in errors.
    pub(crate) fn of_open(file: &mut File, path: &Path) -> Result<Self, FileError> {
        let failed = |e| FileError::new("read", path, e);
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 1 << 18];
        let mut bytes = 0;
        loop {
            match file.read(&mut buffer).map_err(failed)? {
                0 => return Ok(Self { bytes, sha256: hexadecimal(hash) }),
                read => {
                    hash.update(&buffer[..read]);
                    bytes += read as u64;
                }
            }
        }
    }
}

fn hexadecimal(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A file is called `.NAME.partial` until it is complete.
const PARTIAL_PREFIX: &str = ".";
const PARTIAL_SUFFIX: &str = ".partial";

/// Removes the temporary files that a killed run left, if `is_ours` accepts their final names. The caller must hold
/// the lock of the folder.
pub(crate) fn remove_partial_files(folder: &Path, is_ours: impl Fn(&str) -> bool) -> Result<(), FileError> {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let whole = name.to_str().and_then(|n| n.strip_prefix(PARTIAL_PREFIX)?.strip_suffix(PARTIAL_SUFFIX));
        if whole.is_some_and(&is_ours) {
            fs::remove_file(entry.path()).map_err(|e| FileError::new("remove", &entry.path(), e))?;
        }
    }
    Ok(())
}

/// A file under construction: writes go to a temporary file beside the final one, until [`WholeFile::commit`] syncs
/// and renames it. Dropping a `WholeFile` without a commit removes the temporary file.
#[derive(Debug)]
pub(crate) struct WholeFile {
    path: PathBuf,
    partial: PathBuf,
    out: Option<BufWriter<File>>,
    hash: Sha256,
    bytes: u64,
}

impl WholeFile {
    /// Creates the temporary file and any missing parent folders.
    pub(crate) fn create(path: &Path) -> Result<Self, FileError> {
        make_folder(folder_of(path))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let partial = path.with_file_name(format!("{PARTIAL_PREFIX}{name}{PARTIAL_SUFFIX}"));
        let file = File::create(&partial).map_err(|e| FileError::new("write", path, e))?;
        let out = Some(BufWriter::with_capacity(1 << 18, file));
        Ok(Self { path: path.to_owned(), partial, out, hash: Sha256::new(), bytes: 0 })
    }

    /// The path of the file after the commit.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Syncs the file and renames it to its final name.
    pub(crate) fn commit(mut self) -> Result<FileStat, FileError> {
        let failed = |e| FileError::new("write", &self.path, e);
        if let Some(out) = self.out.take() {
            let file = out.into_inner().map_err(|e| failed(e.into_error()))?;
            file.sync_all().map_err(failed)?;
        }
        fs::rename(&self.partial, &self.path).and_then(|()| sync_folder(folder_of(&self.path))).map_err(failed)?;
        debug!(file = %self.path.display(), bytes = self.bytes, "in place");
        committed(&self.path);
        let sha256 = hexadecimal(std::mem::take(&mut self.hash));
        Ok(FileStat { bytes: self.bytes, sha256 })
    }

    /// Writes and commits a file with this content.
    pub(crate) fn write(path: &Path, content: &[u8]) -> Result<FileStat, FileError> {
        let mut file = Self::create(path)?;
        file.write_all(content).map_err(|e| FileError::new("write", path, e))?;
        file.commit()
    }

    /// Writes a complete file that all users can read, regardless of the umask.
    pub(crate) fn write_for_all(path: &Path, content: &[u8]) -> Result<FileStat, FileError> {
        let failed = |e| FileError::new("write", path, e);
        let mut file = Self::create(path)?;
        file.write_all(content).map_err(failed)?;
        #[cfg(unix)]
        if let Some(out) = &file.out {
            use std::os::unix::fs::PermissionsExt;
            out.get_ref().set_permissions(fs::Permissions::from_mode(0o644)).map_err(failed)?;
        }
        file.commit()
    }
}

impl Write for WholeFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let out = self.out.as_mut().ok_or_else(|| io::Error::other("already committed"))?;
        out.write_all(buffer)?;
        self.hash.update(buffer);
        self.bytes += buffer.len() as u64;
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        // After a commit the temporary file is gone, so the removal fails, and the error is ignored.
        let _ = fs::remove_file(&self.partial);
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn a_file_appears_only_when_it_is_committed() {
        let folder = Scratch::new();
        let path = folder.path().join("a/b.txt");
        let mut file = WholeFile::create(&path).unwrap();
        file.write_all(b"abc").unwrap();
        assert!(!path.exists());
        let stat = file.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"abc");
        // The output of `printf abc | sha256sum`.
        assert_eq!(stat.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(stat.bytes, 3);
    }

    #[test]
    fn dropping_an_uncommitted_file_leaves_nothing() {
        let folder = Scratch::new();
        let mut file = WholeFile::create(&folder.path().join("b.txt")).unwrap();
        file.write_all(b"abc").unwrap();
        drop(file);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_where_a_folder_is_needed_is_reported() {
        let folder = Scratch::new();
        let path = folder.path().join("file");
        fs::write(&path, "x").unwrap();
        let error = WholeFile::create(&path.join("x.txt")).unwrap_err().to_string();
        assert!(error.contains("a file exists where a folder is needed"), "{error}");
    }
}
