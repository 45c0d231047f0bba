//! The first bytes of each file of a block but `meta.json`: a magic number, and the version of the format.

use super::bytes::Cursor;
use super::error::BlockError;
use super::file::BlockFile;

/// How the files of one kind begin.
pub(super) struct Header {
    /// The first four bytes.
    pub(super) magic: u32,
    /// The version that is read, in the byte after them.
    pub(super) version: u8,
    /// Both, and the padding after them, in bytes.
    pub(super) size: u64,
    /// The header in an error, such as `the header of the index`.
    pub(super) what: &'static str,
    /// A file of this kind, in an error.
    pub(super) kind: &'static str,
    /// The kind beside the word format, in an error.
    pub(super) format: &'static str,
}

impl Header {
    /// Fails for a file of another kind or version.
    pub(super) fn check(&self, file: &BlockFile) -> Result<(), BlockError> {
        let header = file.read(0, self.size, self.what)?;
        let mut cursor = Cursor::new(&header, 0, file);
        let (found, version) = (cursor.be32()?, cursor.byte()?);
        let path = file.path().to_owned();
        if found != self.magic {
            return Err(BlockError::Magic { file: path, kind: self.kind, found, expected: self.magic });
        }
        if version != self.version {
            let (found, supported) = (u64::from(version), u64::from(self.version));
            return Err(BlockError::Version { file: path, kind: self.format, found, supported });
        }
        Ok(())
    }
}
