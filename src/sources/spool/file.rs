//! The temporary file: appended to by one thread, then read at positions by several.

use std::fs::File;
use std::io;
use std::path::Path;

use super::error::SpoolError;

/// Bytes that are written at once.
const BLOCK: usize = 1 << 20;

/// A file without a name. The operating system removes it when it is closed, even if the process is killed.
#[derive(Debug)]
pub(super) struct SpoolFile {
    file: Positioned,
    /// Bytes in the file.
    written: u64,
    /// Bytes that are not in the file yet.
    pending: Vec<u8>,
}

impl SpoolFile {
    /// Creates the file in a folder, or in the folder for temporary files.
    pub(super) fn create(dir: Option<&Path>) -> Result<Self, SpoolError> {
        let created = dir.map_or_else(tempfile::tempfile, tempfile::tempfile_in);
        let file = created.map_err(|source| {
            let dir = dir.map_or_else(std::env::temp_dir, Path::to_owned).display().to_string();
            SpoolError::Create { dir, source }
        })?;
        Ok(Self { file: Positioned::new(file), written: 0, pending: Vec::with_capacity(BLOCK + (1 << 14)) })
    }

    /// Size in bytes, with those that are not written yet.
    pub(super) fn size(&self) -> u64 {
        self.written + self.pending.len() as u64
    }

    /// Where to append. Call [`Self::appended`] afterwards.
    pub(super) fn end(&mut self) -> &mut Vec<u8> {
        &mut self.pending
    }

    /// Writes what was appended if there is enough of it.
    pub(super) fn appended(&mut self) -> Result<(), SpoolError> {
        if self.pending.len() < BLOCK { Ok(()) } else { self.flush() }
    }

    /// Writes all that was appended.
    pub(super) fn flush(&mut self) -> Result<(), SpoolError> {
        let result = self.file.write_all_at(&self.pending, self.written);
        result.map_err(|source| SpoolError::Write { written: self.written, source })?;
        self.written += self.pending.len() as u64;
        self.pending.clear();
        Ok(())
    }

    /// Reads exactly as many bytes as the buffer has. They must have been flushed.
    pub(super) fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SpoolError> {
        self.file.read_exact_at(buffer, offset).map_err(|source| SpoolError::Read { offset, source })
    }
}

/// Reads and writes at positions with the system calls for it, from several threads at once.
#[cfg(unix)]
#[derive(Debug)]
struct Positioned(File);

#[cfg(unix)]
impl Positioned {
    fn new(file: File) -> Self {
        Self(file)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.0, buffer, offset)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(&self.0, bytes, offset)
    }
}

/// A file whose position only one thread moves at a time.
#[cfg(not(unix))]
#[derive(Debug)]
struct Positioned(std::sync::Mutex<File>);

#[cfg(not(unix))]
impl Positioned {
    fn new(file: File) -> Self {
        Self(std::sync::Mutex::new(file))
    }

    fn at(&self, offset: u64) -> io::Result<std::sync::MutexGuard<'_, File>> {
        use std::io::{Seek as _, SeekFrom};
        // A panic of another thread leaves no state behind: every access seeks first.
        let mut file = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        file.seek(SeekFrom::Start(offset))?;
        Ok(file)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        std::io::Read::read_exact(&mut *self.at(offset)?, buffer)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        std::io::Write::write_all(&mut *self.at(offset)?, bytes)
    }
}
