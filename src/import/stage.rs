//! Builds blocks in a staging folder and verifies them before they are moved into the data directory.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::block::{self, BlockMeta};
use super::{DataDir, ImportError, PlannedFile, Promtool, Ulid, owner, values};

/// Maximum attempts to remove a folder, because the promtool of a killed import may still be writing to it.
const TRIES: u32 = 5;

/// A folder for unfinished blocks, removed on drop.
#[derive(Debug)]
pub(crate) struct Stage {
    /// The staging folder for this data directory. Its name is the same for every import.
    top: PathBuf,
    /// The subfolder of this import. It is separate because the promtool of a killed import may go
    /// on writing for a moment.
    own: PathBuf,
}

/// A complete, verified block in the staging folder.
#[derive(Debug)]
pub(crate) struct StagedBlock {
    pub(crate) path: PathBuf,
    pub(crate) ulid: Ulid,
}

impl Stage {
    /// Creates a staging folder: in `given` if set, else beside the data directory, else in the output folder.
    pub(crate) fn open(data: &DataDir, given: Option<&Path>, out: &Path) -> Result<Self, ImportError> {
        let places = match given {
            Some(given) => vec![given.to_owned()],
            None => places(data, out),
        };
        let mut failed = ImportError::Stopped;
        for place in places {
            // promtool runs in another folder and needs an absolute path.
            let top = std::path::absolute(&place).unwrap_or_else(|_| place.clone()).join(name(data));
            let own = top.join(std::process::id().to_string());
            match fs::create_dir_all(&own) {
                Ok(()) => return Ok(Self { top, own }),
                Err(source) => failed = ImportError::NoStaging { path: place, source },
            }
        }
        Err(failed)
    }

    /// Removes the leftovers of a killed import from all possible staging folders.
    pub(crate) fn sweep(data: &DataDir, given: Option<&Path>, out: &Path) {
        data.sweep();
        for place in places(data, out).into_iter().chain(given.map(Path::to_owned)) {
            sweep(&place.join(name(data)));
        }
    }

    /// Makes a block from each file, `how.jobs` at a time. After each block, calls `how.done` with the number of
    /// samples in all blocks finished so far.
    pub(crate) fn make(
        &self,
        promtool: &Promtool,
        data: &DataDir,
        files: &[&PlannedFile],
        how: &Making<'_>,
    ) -> Result<Vec<StagedBlock>, ImportError> {
        let (failed, done) = (AtomicBool::new(false), AtomicU64::new(0));
        let stop = || failed.load(Ordering::Relaxed) || (how.stop)();
        let make = |(n, file): (usize, &&PlannedFile)| {
            let made = self.make_one(promtool, data, file, how.block_hours, &self.own.join(n.to_string()), &stop);
            match &made {
                Ok(_) => {
                    let samples = file.block.samples;
                    (how.done)(done.fetch_add(samples, Ordering::Relaxed) + samples);
                }
                Err(_) => failed.store(true, Ordering::Relaxed),
            }
            made
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(how.jobs).build();
        let pool = pool.map_err(|e| ImportError::Threads(e.to_string()))?;
        let mut made: Vec<_> = pool.install(|| files.par_iter().enumerate().map(make).collect());
        // Report the failure itself rather than the interrupts that it caused.
        let why = made.iter().position(|made| matches!(made, Err(error) if !matches!(error, ImportError::Stopped)));
        match why {
            Some(why) => made.swap_remove(why).map(|block| vec![block]),
            None => made.into_iter().collect(),
        }
    }

    fn make_one(
        &self,
        promtool: &Promtool,
        data: &DataDir,
        file: &PlannedFile,
        block_hours: i64,
        folder: &Path,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<StagedBlock, ImportError> {
        if stop() {
            return Err(ImportError::Stopped);
        }
        values::check(promtool, data, file, &folder.join("held"), stop)?;
        let (blocks, scratch) = (folder.join("blocks"), folder.join("scratch"));
        for folder in [&blocks, &scratch] {
            fs::create_dir_all(folder).map_err(ImportError::io("create the folder", folder))?;
        }
        let path = std::path::absolute(&file.path).map_err(ImportError::io("find", &file.path))?;
        promtool.create_blocks(&path, block_hours, (&blocks, &scratch), stop)?;
        let path = only_entry(&blocks).map_err(ImportError::io("read", &blocks))?;
        let path = path.map_err(|found| ImportError::Blocks { file: file.path.clone(), found })?;
        let meta = BlockMeta::read(&path).map_err(ImportError::io("read the meta.json of", &path))?;
        meta.verify(&file.block, &file.path)?;
        Ok(StagedBlock { path: block::rename(&path, file.ulid)?, ulid: file.ulid })
    }
}

/// Parameters for making the blocks of all files.
pub(crate) struct Making<'a> {
    /// Maximum length of a block, for promtool's `--max-block-duration`.
    pub(crate) block_hours: i64,
    /// Number of promtool processes at a time.
    pub(crate) jobs: usize,
    /// Polled while promtool runs; `true` stops the import.
    pub(crate) stop: &'a (dyn Fn() -> bool + Sync),
    /// Called after each finished block with the number of samples in all blocks finished so far.
    pub(crate) done: &'a (dyn Fn(u64) + Sync),
}

impl Drop for Stage {
    fn drop(&mut self) {
        sweep(&self.top);
    }
}

/// The name of the staging folder. It depends on the data directory, because imports into several data directories
/// may stage in the same place.
fn name(data: &DataDir) -> String {
    let hash = Sha256::digest(data.path().to_string_lossy().as_bytes());
    let hash: String = hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!(".etcd-heatmap-import-{hash}")
}

/// The default places for the staging folder, best first: beside the data directory, if that is on the same file
/// system (so that blocks can be renamed into the data directory), then the output folder.
fn places(data: &DataDir, out: &Path) -> Vec<PathBuf> {
    let is_beside =
        |parent: &&Path| fs::metadata(parent).is_ok_and(|parent| owner::is_on_same_file_system(&parent, data.meta()));
    let parent = data.path().parent().filter(is_beside);
    parent.into_iter().chain([out]).map(Path::to_owned).collect()
}

/// Removes a folder to which another process may still be writing.
fn sweep(folder: &Path) {
    for _ in 0..TRIES {
        match fs::remove_dir_all(folder) {
            Err(e) if e.kind() == io::ErrorKind::DirectoryNotEmpty => {}
            _ => return,
        }
    }
}

/// The only entry of a folder, or else the number of entries.
fn only_entry(folder: &Path) -> io::Result<Result<PathBuf, usize>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    Ok(match paths.pop() {
        Some(path) if paths.is_empty() => Ok(path),
        last => Err(paths.len() + usize::from(last.is_some())),
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    /// Creates an empty data directory in a scratch folder. Returns the path of the scratch folder, with symbolic links
    /// resolved, and the data directory.
    fn data(scratch: &Scratch) -> (PathBuf, DataDir) {
        let folder = fs::canonicalize(scratch.path()).unwrap();
        fs::create_dir(folder.join("data")).unwrap();
        let data = DataDir::open(&folder.join("data")).unwrap();
        (folder, data)
    }

    #[test]
    fn a_stage_lies_beside_the_data_directory_or_where_the_user_wants_it_and_is_removed_when_dropped() {
        let scratch = Scratch::new();
        let (folder, data) = data(&scratch);
        let (out, given) = (folder.join("out"), folder.join("given"));
        for (wanted, expected) in [(None, &folder), (Some(given.as_path()), &given)] {
            let stage = Stage::open(&data, wanted, &out).unwrap();
            let (top, own) = (stage.top.clone(), stage.own.clone());
            assert!(own.is_dir() && own.starts_with(&top));
            assert_eq!(top.parent(), Some(expected.as_path()));
            drop(stage);
            assert!(!top.exists());
        }
        fs::write(folder.join("file"), "").unwrap();
        let error = Stage::open(&data, Some(&folder.join("file")), &out).unwrap_err();
        assert!(matches!(error, ImportError::NoStaging { .. }), "{error}");
    }

    #[test]
    fn imports_into_two_data_directories_do_not_share_a_stage() {
        let (one, other) = (Scratch::new(), Scratch::new());
        let (one, other) = (data(&one).1, data(&other).1);
        assert_ne!(name(&one), name(&other));
        assert!(name(&one).starts_with(".etcd-heatmap-import-"));
    }

    #[test]
    fn what_a_killed_import_left_is_swept_from_every_place_and_other_files_stay() {
        let scratch = Scratch::new();
        let (folder, data) = data(&scratch);
        let (out, given) = (folder.join("out"), folder.join("given"));
        let left = [&folder, &out, &given].map(|place| place.join(name(&data)));
        for left in &left {
            fs::create_dir_all(left.join("1234/0/blocks")).unwrap();
        }
        fs::write(given.join("notes.txt"), "").unwrap();
        Stage::sweep(&data, Some(&given), &out);
        assert_eq!(left.map(|left| left.exists()), [false; 3]);
        assert!(given.join("notes.txt").exists());
    }

    #[test]
    fn the_only_entry_of_a_folder_is_found_and_others_are_counted() {
        let scratch = Scratch::new();
        let entry = || only_entry(scratch.path()).unwrap();
        assert_eq!(entry(), Err(0));
        fs::create_dir(scratch.path().join("a")).unwrap();
        assert_eq!(entry(), Ok(scratch.path().join("a")));
        fs::create_dir(scratch.path().join("b")).unwrap();
        assert_eq!(entry(), Err(2));
        fs::create_dir(scratch.path().join("c")).unwrap();
        assert_eq!(entry(), Err(3));
    }
}
