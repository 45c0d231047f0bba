//! Links some blocks of a data directory into a separate folder, where promtool can read them safely.
//!
//! Run on the data directory itself, older promtools replay the WAL of the running server and repair what
//! they take for corruption (prometheus/prometheus#13218).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::block::BlockMeta;
use super::{DataDir, ImportError};

/// Attempts before giving up, because the server may compact and delete blocks while they are linked.
const TRIES: u32 = 5;

/// Links the blocks that overlap a time range into `folder/data`. Returns the end of the newest of them, or
/// `None` if there are none.
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

/// Recreates a folder with hard links to its files, so that they stay readable if the server deletes the originals.
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
            // A hard link fails across file systems, and may fail for files of another user: use a symbolic link, or a copy
            // on systems other than Unix.
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn all_blocks_that_overlap_the_range_are_linked() {
        let (data, folder) = (Scratch::new(), Scratch::new());
        // Three blocks; the first two overlap the range, and their names are not in the order of their end times.
        let blocks = [
            ("01ARYZ6S41TSV4RRFFQ69G5FAV", 2000, 3000),
            ("01ARYZ6S41TSV4RRFFQ69G5FAW", 1000, 2000),
            ("01ARYZ6S41TSV4RRFFQ69G5FAX", 3001, 4000),
        ];
        for (ulid, min, max) in blocks {
            fs::create_dir_all(data.path().join(ulid).join("chunks")).unwrap();
            let meta = format!(
                r#"{{"ulid":"{ulid}","minTime":{min},"maxTime":{max},"compaction":{{"level":1,"sources":["{ulid}"]}}}}"#
            );
            fs::write(data.path().join(ulid).join("meta.json"), meta).unwrap();
        }
        let data = DataDir::open(data.path()).unwrap();
        assert_eq!(fill(&data, 1500, 3000, folder.path()).unwrap(), Some(3000));
        let mut linked: Vec<_> =
            fs::read_dir(folder.path().join("data")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        linked.sort();
        assert_eq!(linked, ["01ARYZ6S41TSV4RRFFQ69G5FAV", "01ARYZ6S41TSV4RRFFQ69G5FAW"]);
        let other = Scratch::new();
        assert_eq!(fill(&data, 0, 1999, other.path()).unwrap(), Some(2000));
        assert_eq!(fill(&data, 4000, 5000, &other.path().join("none")).unwrap(), None);
    }
}
