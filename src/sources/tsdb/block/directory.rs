//! The blocks of a data directory of Prometheus, without those that others replace.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::BlockError;
use super::meta::{BlockMeta, Ulid};

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
    pub fn read(data: &Path) -> Result<Self, BlockError> {
        let mut blocks = Vec::new();
        for dir in named(data)? {
            match BlockMeta::read(&dir) {
                Ok(meta) => blocks.push(BlockFolder { dir, meta }),
                // Prometheus removed the block since the folder was listed.
                Err(_) if !dir.is_dir() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self::of(blocks))
    }

    /// Whether a folder has any that is named like a block.
    pub(in crate::sources) fn is_any_in(data: &Path) -> Result<bool, BlockError> {
        Ok(!named(data)?.is_empty())
    }

    /// Separates the blocks that are a parent of another one, or that have no samples left.
    pub fn of(blocks: Vec<BlockFolder>) -> Self {
        // A downsampled block of Thanos copies the parents of the raw block, but does not replace them.
        let raw = blocks.iter().filter(|block| block.meta.thanos.downsample.resolution == 0);
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

/// The folders in a data directory that are named like blocks.
fn named(data: &Path) -> Result<Vec<PathBuf>, BlockError> {
    let io = |source: io::Error| BlockError::Io { file: data.to_owned(), source };
    let paths = fs::read_dir(data).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    let mut paths: Vec<PathBuf> = paths.map_err(io)?;
    paths.retain(|dir| dir.file_name().and_then(|name| Ulid::parse(name.to_str()?)).is_some() && dir.is_dir());
    Ok(paths)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
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
    fn a_block_without_description_is_an_error() {
        let scratch = Scratch::new();
        scratch.write(&format!("{}/index", ulid('1')), b"");
        let text = BlockFolders::read(scratch.path()).unwrap_err().to_string();
        assert!(text.contains(&ulid('1')) && text.contains("meta.json"), "{text}");
        assert!(BlockFolders::read(&scratch.path().join("absent")).is_err());
    }
}
