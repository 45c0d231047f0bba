//! Files that appear whole or not at all, and the lock that one run holds.

mod lock;
mod moved;
mod whole_file;

pub(crate) use lock::{Lock, NoLock};
pub(crate) use moved::move_file;
pub use whole_file::{FileError, FileStat};
pub(crate) use whole_file::{WholeFile, remove_partial_files};
