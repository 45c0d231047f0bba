//! Owners and permissions of files and folders.

use std::fs;
use std::io;
use std::path::Path;

#[cfg(unix)]
mod system {
    use std::fs::{self, Metadata, Permissions};
    use std::io;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    use std::path::Path;

    pub(crate) fn of(meta: &Metadata) -> String {
        let uid = meta.uid();
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let is_it = |line: &&str| line.split(':').nth(2) == Some(&uid.to_string());
        let name = users.lines().find(is_it).and_then(|line| line.split(':').next());
        name.map_or(format!("user {uid}"), |name| format!("{name} (user {uid})"))
    }

    pub(crate) fn give(path: &Path, like: &Metadata) -> io::Result<()> {
        let meta = fs::metadata(path)?;
        // `like` is a folder; files do not need its execute bits.
        let mode = if meta.is_dir() { like.mode() & 0o2777 } else { like.mode() & 0o666 };
        fs::set_permissions(path, Permissions::from_mode(mode))?;
        if (meta.uid(), meta.gid()) == (like.uid(), like.gid()) {
            return Ok(());
        }
        chown(path, Some(like.uid()), Some(like.gid()))
    }

    pub(crate) fn is_on_same_file_system(a: &Metadata, b: &Metadata) -> bool {
        a.dev() == b.dev()
    }
}

#[cfg(not(unix))]
mod system {
    use std::fs::Metadata;
    use std::io;
    use std::path::Path;

    pub(crate) fn of(_: &Metadata) -> String {
        "another user".to_owned()
    }

    pub(crate) fn give(_: &Path, _: &Metadata) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn is_on_same_file_system(_: &Metadata, _: &Metadata) -> bool {
        true
    }
}

pub(super) use system::{give, is_on_same_file_system, of};

/// Gives a folder and everything in it the owner and permissions of `like`.
pub(super) fn give_all(folder: &Path, like: &fs::Metadata) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { give_all(&path, like)? } else { give(&path, like)? }
    }
    give(folder, like)
}
