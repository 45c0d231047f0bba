//! Files that appear whole or not at all, and the lock that one run holds.

mod lock;
mod whole_file;

pub use lock::{Lock, NoLock};
pub use whole_file::{FileError, FileStat, WholeFile, remove_partial_files};
