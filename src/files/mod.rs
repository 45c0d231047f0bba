//! Writes files: a file gets its final name only when it is complete, folders are synced, and a lock
//! keeps a second run out.
//!
//! The module `folder` decides which files belong in an output folder.

mod below;
mod committed;
mod elsewhere;
mod folder;
mod lock;
mod moved;
mod space;
mod temporary;
mod whole_file;

pub(crate) use committed::OnCommit;
pub(crate) use elsewhere::{Contents, Elsewhere, End, bring_here, end_elsewhere, stat_elsewhere};
pub(crate) use folder::{SyncAtEnd, make_folder, sync_folder};
pub(crate) use lock::{Lock, NoLock};
pub(crate) use moved::move_file;
pub(crate) use space::free_space;
pub(crate) use temporary::{TemporaryFolder, remove_abandoned};
pub use whole_file::{FileError, FileStat};
pub(crate) use whole_file::{WholeFile, remove_partial_files};
