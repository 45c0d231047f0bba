//! Free space of file systems.

use std::path::Path;

/// Free bytes of the file system that has a folder, if the operating system reports them.
#[cfg(unix)]
pub(crate) fn free_space(dir: &Path) -> Option<u64> {
    let status = rustix::fs::statvfs(dir).ok()?;
    Some(status.f_bavail.saturating_mul(status.f_frsize))
}

/// Not known: unpacking is limited by the sizes in the archive alone.
#[cfg(not(unix))]
pub(crate) fn free_space(_dir: &Path) -> Option<u64> {
    None
}
