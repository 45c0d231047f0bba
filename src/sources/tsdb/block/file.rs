//! Positioned reads of one file of a block: no memory map, no shared position, and no allocation that a damaged length
//! could make larger than the file.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::{BlockError, Place};
use super::storage::{Positions, Storage};

/// Size of a CRC32C in bytes. It follows the bytes that it covers, most significant byte first.
pub(super) const CRC_SIZE: u64 = 4;

/// How many bytes were read from the files of a block.
#[derive(Clone, Debug, Default)]
pub(in crate::sources::tsdb) struct BytesRead(Arc<AtomicU64>);

impl BytesRead {
    /// Bytes since the block was opened.
    pub(in crate::sources::tsdb) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts bytes.
    pub(in crate::sources::tsdb) fn add(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// An open file, its path for error messages, and its size when it was opened.
#[derive(Debug)]
pub(super) struct BlockFile {
    file: Box<dyn Positions>,
    path: PathBuf,
    size: u64,
}

impl BlockFile {
    /// Opens a file on disk for reading.
    #[cfg(test)]
    pub(super) fn open(path: PathBuf, read: &BytesRead) -> Result<Self, BlockError> {
        Self::open_in(&super::storage::Disk, path, read)
    }

    /// Opens a file for reading.
    pub(super) fn open_in(storage: &dyn Storage, path: PathBuf, read: &BytesRead) -> Result<Self, BlockError> {
        let file = storage.open(&path, read)?;
        Ok(Self { size: file.size(), file, path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Size in bytes.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Reads `length` bytes of `what` from `offset` on.
    pub(super) fn read(&self, offset: u64, length: u64, what: &'static str) -> Result<Vec<u8>, BlockError> {
        self.require(offset, length, what)?;
        let length = usize::try_from(length).map_err(|_| self.truncated(offset, length, what))?;
        let mut bytes = vec![0; length];
        self.read_into(offset, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads exactly as many bytes as the buffer has.
    pub(super) fn read_into(&self, offset: u64, buffer: &mut [u8]) -> Result<(), BlockError> {
        self.file.read_exact_at(buffer, offset)
    }

    /// How many bytes of a long section to read at once.
    pub(super) fn piece(&self) -> u64 {
        self.file.piece()
    }

    /// Fetches ranges together that are read next, where that is faster than one by one. They may reach beyond the end.
    pub(super) fn fetch(&self, ranges: impl Iterator<Item = Range<u64>>) -> Result<(), BlockError> {
        let size = self.size;
        let mut inside =
            ranges.map(|range| range.start.min(size)..range.end.min(size)).filter(|range| !range.is_empty());
        self.file.fetch(&mut inside)
    }

    /// Releases what was fetched.
    pub(super) fn forget(&self) {
        self.file.forget();
    }

    /// Reads `length` bytes and the CRC32C after them, and compares.
    pub(super) fn read_checked(&self, offset: u64, length: u64, what: &'static str) -> Result<Vec<u8>, BlockError> {
        let mut bytes = self.read(offset, length.saturating_add(CRC_SIZE), what)?;
        let content = bytes.len() - CRC_SIZE as usize;
        self.check(offset, &bytes[..content], &bytes[content..], what)?;
        bytes.truncate(content);
        Ok(bytes)
    }

    /// Compares the CRC32C of bytes from `offset` on with the one that is stored after them.
    pub(super) fn check(&self, offset: u64, bytes: &[u8], stored: &[u8], what: &'static str) -> Result<(), BlockError> {
        self.compare(offset, crc32c::crc32c(bytes), stored, what)
    }

    /// Compares a computed CRC32C with a stored one.
    pub(super) fn compare(
        &self,
        offset: u64,
        computed: u32,
        stored: &[u8],
        what: &'static str,
    ) -> Result<(), BlockError> {
        let stored = stored.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
        if stored == computed {
            return Ok(());
        }
        Err(BlockError::Checksum { place: self.place(offset), what, stored, computed })
    }

    /// Fails if fewer than `length` bytes follow `offset`.
    pub(super) fn require(&self, offset: u64, length: u64, what: &'static str) -> Result<(), BlockError> {
        match offset.checked_add(length) {
            Some(end) if end <= self.size => Ok(()),
            _ => Err(self.truncated(offset, length, what)),
        }
    }

    pub(super) fn place(&self, offset: u64) -> Place {
        Place { file: self.path.clone(), offset }
    }

    /// The error for bytes that no writer writes.
    pub(super) fn malformed(&self, offset: u64, problem: &'static str) -> BlockError {
        BlockError::Malformed { place: self.place(offset), problem }
    }

    fn truncated(&self, offset: u64, wanted: u64, what: &'static str) -> BlockError {
        BlockError::Truncated { place: self.place(offset), what, wanted, size: self.size }
    }
}

/// Reads at positions with the system call for it, from several threads at once.
#[cfg(unix)]
pub(in crate::sources::tsdb) type Positioned = Direct;

/// Reads at positions on systems without a portable call for it.
#[cfg(not(unix))]
pub(in crate::sources::tsdb) type Positioned = Seeking;

#[cfg(unix)]
#[derive(Debug)]
pub(in crate::sources::tsdb) struct Direct(File);

#[cfg(unix)]
impl Direct {
    pub(in crate::sources::tsdb) fn new(file: File) -> Self {
        Self(file)
    }

    pub(in crate::sources::tsdb) fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.0, buffer, offset)
    }

    pub(in crate::sources::tsdb) fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(&self.0, bytes, offset)
    }
}

/// A file whose position only one thread moves at a time.
#[cfg(any(test, not(unix)))]
#[derive(Debug)]
pub(in crate::sources::tsdb) struct Seeking(std::sync::Mutex<File>);

#[cfg(any(test, not(unix)))]
impl Seeking {
    pub(in crate::sources::tsdb) fn new(file: File) -> Self {
        Self(std::sync::Mutex::new(file))
    }

    pub(in crate::sources::tsdb) fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        std::io::Read::read_exact(&mut *self.at(offset)?, buffer)
    }

    pub(in crate::sources::tsdb) fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        std::io::Write::write_all(&mut *self.at(offset)?, bytes)
    }

    fn at(&self, offset: u64) -> io::Result<std::sync::MutexGuard<'_, File>> {
        use std::io::{Seek as _, SeekFrom};
        // A panic of another thread leaves no state behind: every access seeks first.
        let mut file = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        file.seek(SeekFrom::Start(offset))?;
        Ok(file)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn both_ways_read_the_same_bytes() {
        let scratch = Scratch::new();
        let path = scratch.write("bytes", &(0..=255).collect::<Vec<u8>>());
        let (direct, seeking) = (Direct::new(File::open(&path).unwrap()), Seeking::new(File::open(&path).unwrap()));
        for (offset, length) in [(0, 256), (200, 3), (5, 0), (255, 1), (1, 100)] {
            let (mut one, mut other) = (vec![0; length], vec![0; length]);
            direct.read_exact_at(&mut one, offset).unwrap();
            seeking.read_exact_at(&mut other, offset).unwrap();
            assert_eq!(one, other);
            assert_eq!(one, (0..=255).skip(offset as usize).take(length).collect::<Vec<u8>>());
        }
        assert!(direct.read_exact_at(&mut [0; 2], 255).is_err());
        assert!(seeking.read_exact_at(&mut [0; 2], 255).is_err());
        let writable = || Seeking::new(File::options().write(true).read(true).open(&path).unwrap());
        writable().write_all_at(&[9, 8], 3).unwrap();
        Direct::new(File::options().write(true).open(&path).unwrap()).write_all_at(&[7], 4).unwrap();
        let mut read = [0; 4];
        direct.read_exact_at(&mut read, 2).unwrap();
        assert_eq!(read, [2, 9, 7, 5]);
    }

    #[test]
    fn a_length_beyond_the_file_is_refused_before_it_is_allocated() {
        let scratch = Scratch::new();
        let path = scratch.write("ten", &[7; 10]);
        let read = BytesRead::default();
        let file = BlockFile::open(path, &read).unwrap();
        for (offset, length) in [(0, 11), (10, 1), (3, u64::MAX), (u64::MAX, 1), (11, 0)] {
            let error = file.read(offset, length, "anything").unwrap_err();
            assert!(matches!(error, BlockError::Truncated { size: 10, .. }), "{error}");
        }
        assert!(file.read_checked(0, u64::MAX - 2, "anything").is_err());
        assert_eq!(read.get(), 0);
        assert_eq!(file.read(3, 7, "anything").unwrap(), [7; 7]);
        assert_eq!(read.get(), 7);
    }

    #[test]
    fn a_checksum_is_that_of_rfc_3720() {
        // RFC 3720 B.4: 32 bytes of zeroes have the CRC32C 8a9136aa (there in the other byte order).
        let scratch = Scratch::new();
        let mut bytes = vec![0; 32];
        bytes.extend([0x8a, 0x91, 0x36, 0xaa]);
        let path = scratch.write("zeroes", &bytes);
        let file = BlockFile::open(path, &BytesRead::default()).unwrap();
        assert_eq!(file.read_checked(0, 32, "zeroes").unwrap(), [0; 32]);
        let text = file.read_checked(0, 31, "zeroes").unwrap_err().to_string();
        assert!(text.contains("zeroes at byte 0: the checksum of zeroes is 008a9136"), "{text}");
    }
}
