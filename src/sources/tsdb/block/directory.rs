//! The blocks of a data directory of Prometheus, without those that others replace.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::BlockError;
use super::meta::{BlockMeta, Ulid};

/// How often blocks are listed at most while a server replaces them: each compaction takes it far longer than a listing.
const ATTEMPTS: usize = 50;

/// The folder of a block and its `meta.json`.
#[derive(Clone, Debug)]
pub struct BlockFolder {
    /// The folder.
    pub dir: PathBuf,
    /// Its description.
    pub meta: BlockMeta,
}

/// The blocks of a data directory.
#[derive(Clone, Debug, Default)]
pub struct BlockFolders {
    /// Blocks to read, by their first millisecond. They may overlap.
    pub current: Vec<BlockFolder>,
    /// Blocks that a compaction or deletion replaced, and that Prometheus has not removed yet.
    pub superseded: Vec<BlockFolder>,
}

impl BlockFolders {
    /// Reads all `meta.json` of a data directory. What is not named like a block is ignored: the write-ahead log,
    /// `chunks_head`, snapshots, `lost+found`, and blocks that Prometheus is writing or removing, which have names with
    /// `.tmp-for-creation` and `.tmp-for-deletion`.
    ///
    /// Reads again until nothing changes meanwhile: a listing may have neither a block that a running server has just
    /// written nor those that it replaces and has removed.
    pub fn read(data: &Path) -> Result<Self, BlockError> {
        for _ in 0..ATTEMPTS {
            let before = named(data)?;
            if let Some(blocks) = described(&before)?
                && named(data)? == before
            {
                return Ok(Self::of(blocks));
            }
        }
        Err(BlockError::Changing { dir: data.to_owned(), attempts: ATTEMPTS })
    }

    /// Whether a folder has any that is named like a block.
    pub(in crate::sources) fn is_any_in(data: &Path) -> Result<bool, BlockError> {
        Ok(named(data)?.iter().any(|dir| dir.is_dir()))
    }

    /// Separates the blocks that are a parent of another one, or that have no samples left.
    pub fn of(blocks: Vec<BlockFolder>) -> Self {
        // A downsampled block of Thanos copies the parents of the raw block, but does not replace them.
        let replacing = |block: &&BlockFolder| block.meta.thanos.downsample.resolution == 0 && is_whole(block, &blocks);
        let raw = blocks.iter().filter(replacing);
        let parents = raw.flat_map(|block| {
            let parents = block.meta.compaction.parents.iter().map(|parent| &parent.ulid);
            // Cleaned tombstones make a new block of one parent; no block replaces itself.
            parents.filter(|parent| **parent != block.meta.ulid)
        });
        let parents: BTreeSet<Ulid> = parents.cloned().collect();
        let is_superseded = |block: &BlockFolder| block.meta.compaction.deletable || parents.contains(&block.meta.ulid);
        let (superseded, mut current): (Vec<_>, Vec<_>) = blocks.into_iter().partition(is_superseded);
        current.sort_by(|one, other| (one.meta.min_time, &one.meta.ulid).cmp(&(other.meta.min_time, &other.meta.ulid)));
        Self { current, superseded }
    }
}

/// Whether the shards into which Mimir splits the series of blocks are all there; `true` for a block that is no shard. The
/// parents have the series of a shard that is missing, or that is empty and therefore was never written.
fn is_whole(block: &BlockFolder, blocks: &[BlockFolder]) -> bool {
    let shard = |block: &BlockFolder| {
        let (number, of) = block.meta.thanos.labels.get("__compactor_shard_id__")?.split_once("_of_")?;
        Some((number.parse::<u32>().ok()?, of.parse::<u32>().ok()?))
    };
    let parents = |block: &BlockFolder| -> BTreeSet<Ulid> {
        block.meta.compaction.parents.iter().map(|parent| parent.ulid.clone()).collect()
    };
    let Some((_, of)) = shard(block) else { return true };
    let own = parents(block);
    let same = blocks.iter().filter(|other| parents(other) == own).filter_map(shard).filter(|(_, all)| *all == of);
    same.map(|(number, _)| number).collect::<BTreeSet<u32>>().len() as u64 == u64::from(of)
}

/// The blocks in the folders. `None` if one of them is gone.
fn described(dirs: &[PathBuf]) -> Result<Option<Vec<BlockFolder>>, BlockError> {
    let mut blocks = Vec::new();
    for dir in dirs {
        match BlockMeta::read(dir) {
            Ok(meta) => blocks.push(BlockFolder { dir: dir.clone(), meta }),
            Err(error) => match fs::metadata(dir) {
                // Not a block, whatever its name is.
                Ok(other) if !other.is_dir() => {}
                Ok(_) => return Err(error),
                Err(_) => return Ok(None),
            },
        }
    }
    Ok(Some(blocks))
}

/// What is named like a block in a data directory, in ascending order.
fn named(data: &Path) -> Result<Vec<PathBuf>, BlockError> {
    let io = |source: io::Error| BlockError::Io { file: data.to_owned(), source };
    let paths = fs::read_dir(data).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    let mut paths: Vec<PathBuf> = paths.map_err(io)?;
    paths.retain(|dir| dir.file_name().and_then(|name| Ulid::parse(name.to_str()?)).is_some());
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::scratch::Scratch;

    fn ulid(last: char) -> String {
        format!("01M8KTPEYFSWX588SHP6MTNRH{last}")
    }

    fn write(scratch: &Scratch, name: char, min: i64, compaction: &str, more: &str) {
        let name = ulid(name);
        let text = format!(
            r#"{{"ulid":"{name}","minTime":{min},"maxTime":{},"compaction":{{{compaction}}},"version":1{more}}}"#,
            min + 10
        );
        scratch.write(&format!("{name}/meta.json"), text.as_bytes());
    }

    fn parents(names: &str) -> String {
        let list: Vec<String> = names.chars().map(|name| format!(r#"{{"ulid":"{}"}}"#, ulid(name))).collect();
        format!(r#""parents":[{}]"#, list.join(","))
    }

    fn names(blocks: &[BlockFolder]) -> String {
        blocks.iter().map(|block| block.meta.ulid.as_str().chars().last().unwrap()).collect()
    }

    #[test]
    fn parents_are_superseded_and_other_folders_ignored() {
        let scratch = Scratch::new();
        write(&scratch, '1', 20, "", "");
        write(&scratch, '2', 10, "", "");
        write(&scratch, '3', 10, &parents("2"), "");
        write(&scratch, '4', 0, &parents("3Z"), "");
        write(&scratch, '5', 5, r#""deletable":true"#, "");
        write(&scratch, '6', 20, &parents("1"), r#","thanos":{"downsample":{"resolution":300000}}"#);
        for folder in ["wal", "chunks_head", "lost+found", &format!("{}.tmp-for-creation", ulid('7'))] {
            scratch.write(&format!("{folder}/00000001"), b"");
        }
        scratch.write(&ulid('8'), b"a file with the name of a block");
        let folders = BlockFolders::read(scratch.path()).unwrap();
        assert_eq!(names(&folders.current), "416");
        let mut superseded: Vec<char> = names(&folders.superseded).chars().collect();
        superseded.sort();
        assert_eq!(superseded, ['2', '3', '5']);
    }

    #[test]
    fn shards_replace_their_parents_together() {
        let scratch = Scratch::new();
        let labels = |shard: &str| format!(r#","thanos":{{"labels":{{"__compactor_shard_id__":"{shard}"}}}}"#);
        write(&scratch, '1', 10, "", "");
        write(&scratch, '2', 10, &parents("1"), &labels("1_of_2"));
        assert_eq!(names(&BlockFolders::read(scratch.path()).unwrap().current), "12");
        write(&scratch, '3', 10, &parents("1"), &labels("2_of_2"));
        assert_eq!(names(&BlockFolders::read(scratch.path()).unwrap().current), "23");
    }

    #[test]
    fn blocks_are_found_while_a_server_replaces_them() {
        // Each block replaces the one before, in the order of Prometheus: written under another name and renamed, then
        // the parent is renamed and removed.
        let (scratch, is_done) = (Scratch::new(), AtomicBool::new(false));
        let ulid = |number: usize| format!("01M8KTPEYFSWX588SHP6M{number:05}");
        let path = |name: String| scratch.path().join(name);
        let describe = |number: usize, parents: &str| {
            let name = ulid(number);
            let text = format!(
                r#"{{"ulid":"{name}","minTime":0,"maxTime":10,"compaction":{{"level":2{parents}}},"version":1}}"#
            );
            scratch.write(&format!("{name}.tmp-for-creation/meta.json"), text.as_bytes());
            fs::rename(path(format!("{name}.tmp-for-creation")), path(name)).unwrap();
        };
        describe(0, "");
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for number in 1..2_000 {
                    let parent = ulid(number - 1);
                    describe(number, &format!(r#","parents":[{{"ulid":"{parent}"}}]"#));
                    fs::rename(path(parent.clone()), path(format!("{parent}.tmp-for-deletion"))).unwrap();
                    fs::remove_dir_all(path(format!("{parent}.tmp-for-deletion"))).unwrap();
                    // A server is far slower.
                    std::thread::sleep(std::time::Duration::from_micros(200));
                }
                is_done.store(true, Ordering::Relaxed);
            });
            while !is_done.load(Ordering::Relaxed) {
                assert_eq!(BlockFolders::read(scratch.path()).unwrap().current.len(), 1);
            }
        });
    }

    #[test]
    fn a_block_without_description_is_an_error() {
        let scratch = Scratch::new();
        scratch.write(&format!("{}/index", ulid('1')), b"");
        let text = BlockFolders::read(scratch.path()).unwrap_err().to_string();
        assert!(text.contains(&ulid('1')) && text.contains("meta.json"), "{text}");
        assert!(BlockFolders::read(&scratch.path().join("absent")).is_err());
    }
}
