//! Integers and strings in records. The checksum of a record covers all of them, so that errors need no position.

use super::super::block::bytes::{uvarint, varint};

/// The bytes of a record that were not read yet.
#[derive(Clone, Copy)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|byte| byte[0])
    }

    pub(super) fn be64(&mut self) -> Option<u64> {
        let (bytes, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(u64::from_be_bytes(*bytes))
    }

    pub(super) fn uvarint(&mut self) -> Option<u64> {
        let (value, length) = uvarint(self.0)?;
        self.0 = &self.0[length..];
        Some(value)
    }

    pub(super) fn varint(&mut self) -> Option<i64> {
        let (value, length) = varint(self.0)?;
        self.0 = &self.0[length..];
        Some(value)
    }

    /// Bytes after their number.
    pub(super) fn string(&mut self) -> Option<&'a [u8]> {
        let length = self.uvarint()?;
        self.take(length)
    }
}
