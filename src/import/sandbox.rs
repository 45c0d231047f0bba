//! Some blocks of a data directory in a folder of their own, where promtool may read them.
//!
//! On a data directory itself older promtools replay the WAL of the server that runs there and repair what they
//! take for corrupt (prometheus/prometheus#13218).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::block::BlockMeta;
use super::{DataDir, ImportError};

/// How often the server may compact and delete blocks while we look at them.
const TRIES: u32 = 5;

/// Puts what a data directory has of a time into `folder/data`, as links. Gives the end of the newest of these
/// blocks; `None` where there is none.
pub(super) fn fill(data: &DataDir, first_ms: i64, last_ms: i64, folder: &Path) -> Result<Option<i64>, ImportError> {
    let into = folder.join("data");
    let mut tries = 0;
    loop {
        let blocks = data.overlapping(first_ms, last_ms)?;
        if blocks.is_empty() {
            return Ok(None);
        }
        tries += 1;
        match link_all(&blocks, &into) {
            Ok(()) => return Ok(blocks.iter().map(|(_, meta)| meta.max_time).max()),
            Err(e) if e.kind() == io::ErrorKind::NotFound && tries < TRIES => {
                fs::remove_dir_all(&into).map_err(ImportError::io("remove", &into))?;
            }
            Err(e) => return Err(ImportError::io("read the blocks of", data.path())(e)),
        }
    }
}

fn link_all(blocks: &[(PathBuf, BlockMeta)], into: &Path) -> io::Result<()> {
    for (path, _) in blocks {
        link_tree(path, &into.join(path.file_name().unwrap_or_default()))?;
    }
    Ok(())
}

/// Folders anew, files as links: what the server deletes stays readable.
fn link_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            link_tree(&from, &to)?;
        } else if let Err(e) = fs::hard_link(&from, &to) {
            if e.kind() == io::ErrorKind::NotFound {
                return Err(e);
            }
            // Another file system, or somebody else's files.
            link_by_name(&from, &to)?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn link_by_name(from: &Path, to: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(from, to)
}

#[cfg(not(unix))]
fn link_by_name(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to).map(|_| ())
}
