//! The data directory of a Prometheus server: its blocks, the start of its head, and the lock of an import.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::block::BlockMeta;
use super::{ImportError, Ulid, owner};
use crate::time::HOUR_MS;

/// The longest time span of the head. Prometheus cuts the oldest two hours of the head into a block when the head
/// spans more than three hours. It checks every minute and writing takes time, so allow ten more minutes.
const HEAD_MS: i64 = 3 * HOUR_MS + HOUR_MS / 6;
/// Name of an unfinished block, used to test whether the directory is writable. The time in its ULID is 0 (1970),
/// so no real block has the same name.
const PROBE: &str = "00000000000000000000000000.tmp-for-creation";
/// Some file systems create this folder at their root, so a directory that contains nothing else counts as empty.
const LOST_AND_FOUND: &str = "lost+found";

/// A data directory, locked so that only one import at a time writes to it.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    meta: Metadata,
    /// An advisory lock on the folder; the kernel releases it when the process ends.
    _lock: File,
    blocks: Vec<BlockMeta>,
}

impl DataDir {
    /// Opens and locks the directory; an error if it is not a Prometheus data directory.
    pub(crate) fn open(path: &Path) -> Result<Self, ImportError> {
        let path = fs::canonicalize(path).map_err(|_| ImportError::NoDataDir(path.to_owned()))?;
        let lock = File::open(&path).map_err(ImportError::io("read", &path))?;
        let meta = lock.metadata().map_err(ImportError::io("read", &path))?;
        if !meta.is_dir() {
            return Err(ImportError::NoDataDir(path));
        }
        if matches!(lock.try_lock(), Err(fs::TryLockError::WouldBlock)) {
            return Err(ImportError::Busy(path));
        }
        check_is_tsdb(&path)?;
        let blocks = blocks_in(&path)?.into_iter().map(|(_, meta)| meta).collect();
        Ok(Self { path, meta, _lock: lock, blocks })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn meta(&self) -> &Metadata {
        &self.meta
    }

    /// Whether the directory has this block, or a block compacted from it.
    pub(crate) fn holds(&self, ulid: Ulid) -> bool {
        let ulid = ulid.to_string();
        self.blocks.iter().any(|block| block.holds(&ulid))
    }

    /// The blocks that overlap a time range. Reads the directory on every call, because a running
    /// server compacts and deletes blocks.
    pub(super) fn overlapping(&self, first_ms: i64, last_ms: i64) -> Result<Vec<(PathBuf, BlockMeta)>, ImportError> {
        let mut blocks = blocks_in(&self.path)?;
        blocks.retain(|(_, meta)| meta.overlaps(first_ms, last_ms));
        Ok(blocks)
    }

    /// The earliest instant that may be in the server's head, in milliseconds.
    ///
    /// At startup, Prometheus begins its head at the end of the newest block and ignores older samples in the WAL. An
    /// imported block that ends after the current start of the head would therefore hide samples.
    ///
    /// The head starts at the end of the newest block or `HEAD_MS` before the last sample, whichever is later. The time
    /// of the last sample is taken from the last write to the WAL, or is the current time if the WAL has no data.
    /// Without a WAL there is no head, and this returns the current time.
    pub(crate) fn head_begins_ms(&self, now_ms: i64) -> i64 {
        let persisted = self.blocks.iter().filter(|block| block.is_in_order()).map(|block| block.max_time).max();
        let begins = match self.written_ms() {
            Some(written_ms) => written_ms.min(now_ms) - HEAD_MS,
            None if self.path.join("wal").is_dir() => now_ms - HEAD_MS,
            None => now_ms,
        };
        persisted.map_or(begins, |persisted| begins.max(persisted.min(now_ms)))
    }

    /// Time of the last write to the WAL, in milliseconds.
    fn written_ms(&self) -> Option<i64> {
        let entries = fs::read_dir(self.path.join("wal")).ok()?;
        let written = entries.flatten().filter_map(|entry| {
            let meta = entry.metadata().ok()?;
            // A starting server creates an empty segment, whose time has nothing to do with the last sample.
            if meta.is_file() && meta.len() > 0 { meta.modified().ok() } else { None }
        });
        written.max().and_then(milliseconds)
    }

    /// Fails if the directory is not writable, before an import does any work.
    pub(crate) fn check_is_writable(&self) -> Result<(), ImportError> {
        let probe = self.sweep();
        fs::create_dir(&probe).and_then(|()| fs::remove_dir(&probe)).map_err(|source| ImportError::Unwritable {
            path: self.path.clone(),
            owner: owner::of(&self.meta),
            source,
        })
    }

    /// Removes the empty probe folder that an import left if it was killed during the check, and returns the folder's
    /// path. Prometheus ignores such a folder and removes it at startup.
    pub(super) fn sweep(&self) -> PathBuf {
        let probe = self.path.join(PROBE);
        let _ = fs::remove_dir(&probe);
        probe
    }
}

fn milliseconds(time: SystemTime) -> Option<i64> {
    i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
}

/// The blocks in a folder, except those that the server deletes during the scan.
fn blocks_in(path: &Path) -> Result<Vec<(PathBuf, BlockMeta)>, ImportError> {
    let mut blocks = Vec::new();
    for entry in fs::read_dir(path).map_err(ImportError::io("read", path))? {
        let entry = entry.map_err(ImportError::io("read", path))?;
        if entry.file_name().to_str().and_then(Ulid::parse).is_none() {
            continue;
        }
        match BlockMeta::read(&entry.path()) {
            Ok(meta) => blocks.push((entry.path(), meta)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(ImportError::io("read", &entry.path().join("meta.json"))(e)),
        }
    }
    Ok(blocks)
}

/// Accepts a folder with blocks or a WAL, or an empty one; anything else may be another program's data.
fn check_is_tsdb(path: &Path) -> Result<(), ImportError> {
    let entries: Vec<PathBuf> = fs::read_dir(path)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>())
        .map_err(ImportError::io("read", path))?;
    // Unfinished blocks are ignored, because a killed import may have left them in an empty directory.
    let is_nothing = |name: &str| name == LOST_AND_FOUND || name.ends_with(".tmp-for-creation");
    let is_empty = entries.iter().all(|entry| entry.file_name().and_then(|name| name.to_str()).is_some_and(is_nothing));
    if is_empty || is_tsdb(path) {
        return Ok(());
    }
    let within = entries.iter().find(|entry| is_tsdb(entry));
    let hint = match within {
        Some(within) => format!("did you mean {}?", within.display()),
        None => "use the folder set by Prometheus's --storage.tsdb.path".to_owned(),
    };
    Err(ImportError::NotADataDir { path: path.to_owned(), hint })
}

fn is_tsdb(path: &Path) -> bool {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| {
        let name = entry.file_name();
        let is_block = || name.to_str().and_then(Ulid::parse).is_some() && entry.path().join("meta.json").is_file();
        ((name == "wal" || name == "chunks_head") && entry.path().is_dir()) || is_block()
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    const NOW: i64 = 4_000_000_000_000;

    fn block(folder: &Path, ulid: &str, max_time: i64, hints: &str) {
        fs::create_dir_all(folder.join(ulid)).unwrap();
        let meta = format!(
            r#"{{"ulid":"{ulid}","minTime":0,"maxTime":{max_time},"compaction":{{"level":1,"sources":["{ulid}"],"hints":[{hints}]}}}}"#
        );
        fs::write(folder.join(ulid).join("meta.json"), meta).unwrap();
    }

    #[test]
    fn the_head_begins_where_a_server_would_drop_samples() {
        let scratch = Scratch::new();
        let begins = || DataDir::open(scratch.path()).unwrap().head_begins_ms(NOW);
        assert_eq!(begins(), NOW, "the directory is empty");
        block(scratch.path(), "01ARYZ6S41TSV4RRFFQ69G5FAV", NOW - HOUR_MS, "");
        assert_eq!(begins(), NOW);
        fs::create_dir(scratch.path().join("wal")).unwrap();
        assert_eq!(begins(), NOW - HOUR_MS, "the newest block ends there");
        block(scratch.path(), "01ARYZ6S41TSV4RRFFQ69G5FAV", 1000, "");
        assert_eq!(begins(), NOW - HEAD_MS, "nothing was ever scraped");
        fs::write(scratch.path().join("wal/00000000"), "x").unwrap();
        let written = fs::metadata(scratch.path().join("wal/00000000")).unwrap().modified().unwrap();
        assert_eq!(begins(), milliseconds(written).unwrap() - HEAD_MS, "the server stopped long ago");
        block(scratch.path(), "01ARYZ6S41TSV4RRFFQ69G5FAW", NOW - 1, r#""from-out-of-order""#);
        assert_eq!(begins(), milliseconds(written).unwrap() - HEAD_MS, "out-of-order blocks do not move the head");
    }

    #[test]
    fn a_folder_without_a_tsdb_is_refused_and_a_data_directory_inside_it_is_suggested() {
        let scratch = Scratch::new();
        let open = || DataDir::open(scratch.path()).map(|_| ()).map_err(|e| e.to_string());
        fs::create_dir(scratch.path().join(LOST_AND_FOUND)).unwrap();
        assert_eq!(open(), Ok(()), "an empty folder may become one");
        fs::create_dir(scratch.path().join(PROBE)).unwrap();
        assert_eq!(open(), Ok(()), "an import was killed there");
        fs::write(scratch.path().join("notes.txt"), "x").unwrap();
        assert!(open().unwrap_err().contains("--storage.tsdb.path"));
        fs::create_dir_all(scratch.path().join("metrics2/wal")).unwrap();
        assert!(open().unwrap_err().contains("metrics2?"));
        fs::create_dir(scratch.path().join("chunks_head")).unwrap();
        assert_eq!(open(), Ok(()));
        assert!(DataDir::open(&scratch.path().join("none")).unwrap_err().to_string().contains("is not a folder"));
    }

    #[test]
    fn a_second_import_into_the_same_directory_is_refused() {
        let scratch = Scratch::new();
        let first = DataDir::open(scratch.path()).unwrap();
        assert!(matches!(DataDir::open(scratch.path()), Err(ImportError::Busy(_))));
        drop(first);
        assert!(DataDir::open(scratch.path()).is_ok());
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_new_segment_of_the_wal_without_a_record_does_not_move_the_head() {
        let scratch = Scratch::new();
        fs::create_dir_all(scratch.path().join("wal/checkpoint.00000001")).unwrap();
        for (segment, content, written_s) in [("00000000", "x", 1_000_000_000), ("00000001", "", 2_000_000_000)] {
            let path = scratch.path().join("wal").join(segment);
            fs::write(&path, content).unwrap();
            let written = UNIX_EPOCH + std::time::Duration::from_secs(written_s);
            File::options().append(true).open(&path).unwrap().set_modified(written).unwrap();
        }
        let begins = DataDir::open(scratch.path()).unwrap().head_begins_ms(NOW);
        // 2001-09-09 01:46:40 minus 3 h 10 min.
        assert_eq!(begins, 999_988_600_000);
    }

    #[test]
    fn a_block_is_held_until_its_folder_has_no_meta_json() {
        let scratch = Scratch::new();
        let (name, other) = ("01ARYZ6S41TSV4RRFFQ69G5FAV", "01ARYZ6S41TSV4RRFFQ69G5FAW");
        fs::create_dir(scratch.path().join("wal")).unwrap();
        block(scratch.path(), name, 1000, "");
        let holds = |name: &str| DataDir::open(scratch.path()).map(|data| data.holds(Ulid::parse(name).unwrap()));
        assert!(holds(name).unwrap() && !holds(other).unwrap());
        // Simulates a server that is deleting the block.
        fs::remove_file(scratch.path().join(name).join("meta.json")).unwrap();
        assert!(!holds(name).unwrap());
        fs::create_dir(scratch.path().join(name).join("meta.json")).unwrap();
        assert!(holds(name).is_err(), "it cannot be read");
    }

    #[test]
    fn a_folder_with_the_name_of_a_block_and_no_meta_json_is_not_a_data_directory() {
        let scratch = Scratch::new();
        block(scratch.path(), "01ARYZ6S41TSV4RRFFQ69G5FAV", 1000, "");
        assert!(is_tsdb(scratch.path()));
        fs::remove_file(scratch.path().join("01ARYZ6S41TSV4RRFFQ69G5FAV/meta.json")).unwrap();
        assert!(!is_tsdb(scratch.path()));
        fs::write(scratch.path().join("wal"), "a file, not a folder").unwrap();
        assert!(!is_tsdb(scratch.path()));
    }

    #[test]
    fn the_check_whether_a_data_directory_is_writable_leaves_nothing_in_it() {
        let scratch = Scratch::new();
        let data = DataDir::open(scratch.path()).unwrap();
        // Simulates an import that was killed during the check.
        fs::create_dir(scratch.path().join(PROBE)).unwrap();
        data.check_is_writable().unwrap();
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0);
    }
}
