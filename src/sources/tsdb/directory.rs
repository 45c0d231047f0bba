//! A data directory of Prometheus, or a copy of one, as a store of samples: its blocks and its head together.

mod error;
mod labels;
mod opened;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

pub(crate) use error::DirectoryError;

use super::block::{BlockFolder, BlockFolders, BlockMeta, Samples, merge};
use crate::sources::raw::{Label, LostSpan, SampleStore, Sighted};
use crate::text::count;
use opened::{BlockSlot, Opened};

/// The blocks and the head of a data directory, of which the series of some metrics are read.
#[derive(Debug)]
pub(crate) struct DataDirectory {
    dir: PathBuf,
    /// The metrics whose series are read.
    names: Vec<String>,
    blocks: RwLock<Vec<Arc<BlockSlot>>>,
    lost: Vec<LostSpan>,
    /// Bytes of blocks that were closed since.
    read: Arc<opened::BytesRead>,
}

/// A series of a data directory, and where its samples are.
#[derive(Debug)]
pub(crate) struct DirectorySeries {
    labels: Vec<Label>,
    /// Open blocks by time, with the place of the series in each.
    parts: Vec<(Arc<Opened>, usize)>,
}

impl DataDirectory {
    /// Opens the directory to read the series of these metrics. A single block is a directory too.
    pub(crate) fn open(dir: &Path, names: &[String]) -> Result<Self, DirectoryError> {
        let read = Arc::<opened::BytesRead>::default();
        let blocks = list(dir)?.into_iter().map(|folder| Arc::new(BlockSlot::new(folder, Arc::clone(&read)))).collect();
        let (dir, names) = (dir.to_owned(), names.to_vec());
        Ok(Self { dir, names, blocks: RwLock::new(blocks), lost: Vec::new(), read })
    }

    /// The number of blocks.
    pub(crate) fn block_count(&self) -> usize {
        self.slots().len()
    }

    /// What the directory is, in words.
    pub(crate) fn description(&self) -> String {
        count(self.block_count(), "block")
    }

    fn slots(&self) -> Vec<Arc<BlockSlot>> {
        self.blocks.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The blocks that may have samples in the range, opened. Closes those that are earlier by more than a day, because
    /// days are read in order.
    fn open_within(&self, range_ms: &Range<i64>) -> Result<Vec<Arc<Opened>>, DirectoryError> {
        let mut opened = Vec::new();
        for slot in self.slots() {
            let block_ms = slot.range_ms();
            if block_ms.start < range_ms.end && block_ms.end > range_ms.start {
                opened.push(slot.open(&self.names)?);
            } else if block_ms.end < range_ms.start.saturating_sub(opened::KEPT_OPEN_MS) {
                slot.close();
            }
        }
        Ok(opened)
    }

    /// Lists the blocks again, because a running Prometheus has replaced some. Returns whether there is a difference.
    fn list_again(&self) -> Result<bool, DirectoryError> {
        let folders = list(&self.dir)?;
        let mut blocks = self.blocks.write().unwrap_or_else(PoisonError::into_inner);
        let is_known = |folder: &BlockFolder| blocks.iter().any(|slot| slot.dir() == folder.dir);
        if folders.len() == blocks.len() && folders.iter().all(is_known) {
            return Ok(false);
        }
        let slot = |folder: BlockFolder| {
            let known = blocks.iter().find(|slot| slot.dir() == folder.dir).cloned();
            known.unwrap_or_else(|| Arc::new(BlockSlot::new(folder, Arc::clone(&self.read))))
        };
        *blocks = folders.into_iter().map(slot).collect();
        Ok(true)
    }
}

/// The blocks to read. If the directory is itself a block, that one.
fn list(dir: &Path) -> Result<Vec<BlockFolder>, DirectoryError> {
    if dir.join("meta.json").is_file() && dir.join("index").is_file() {
        let meta = BlockMeta::read(dir)?;
        return Ok(BlockFolders::of(vec![BlockFolder { dir: dir.to_owned(), meta }]).current);
    }
    let folders = BlockFolders::read(dir)?.current;
    labels::refuse_replicas(&folders)?;
    Ok(folders)
}

impl SampleStore for DataDirectory {
    type Error = DirectoryError;
    type Series = DirectorySeries;

    fn series(&self, names: &[&str], range_ms: &Range<i64>) -> Result<Vec<DirectorySeries>, DirectoryError> {
        let mut found: BTreeMap<&[Label], Vec<(Arc<Opened>, usize)>> = BTreeMap::new();
        let blocks = self.open_within(range_ms)?;
        for block in &blocks {
            for (at, labels) in block.named(names) {
                found.entry(labels).or_default().push((Arc::clone(block), at));
            }
        }
        let series = found.into_iter().map(|(labels, parts)| DirectorySeries { labels: labels.to_vec(), parts });
        Ok(series.collect())
    }

    fn labels<'a>(&'a self, series: &'a DirectorySeries) -> &'a [Label] {
        &series.labels
    }

    fn samples(&self, series: &DirectorySeries, range_ms: &Range<i64>) -> Result<Samples, DirectoryError> {
        let parts = series.parts.iter().map(|(block, at)| block.samples(*at, range_ms));
        let mut parts: Vec<Samples> = parts.collect::<Result<_, _>>()?;
        if parts.len() == 1 {
            return Ok(parts.remove(0));
        }
        let merged = merge(parts);
        match merged.example {
            None => Ok(merged.samples),
            Some(conflict) => Err(DirectoryError::two_values(&self.dir, &series.labels, merged.conflicts, conflict)),
        }
    }

    fn survey(&self, names: &[&str], range_ms: &Range<i64>) -> Result<Vec<Sighted>, DirectoryError> {
        let mut found: BTreeMap<Vec<Label>, Sighted> = BTreeMap::new();
        for slot in self.slots() {
            let block_ms = slot.range_ms();
            if block_ms.start >= range_ms.end || block_ms.end <= range_ms.start {
                continue;
            }
            let was_open = slot.is_open();
            for one in slot.open(&self.names)?.survey(names, range_ms) {
                match found.get_mut(&one.labels) {
                    Some(known) => {
                        known.first_ms = known.first_ms.min(one.first_ms);
                        known.last_ms = known.last_ms.max(one.last_ms);
                        known.bytes += one.bytes;
                    }
                    None => drop(found.insert(one.labels.clone(), one)),
                }
            }
            if !was_open {
                slot.close();
            }
        }
        Ok(found.into_values().collect())
    }

    fn lost(&self) -> &[LostSpan] {
        &self.lost
    }

    fn bytes_read(&self) -> u64 {
        self.read.get() + self.slots().iter().map(|slot| slot.bytes_read()).sum::<u64>()
    }

    fn notes(&self) -> Vec<String> {
        Vec::new()
    }

    /// Fails if the new list cannot be read; the first error is then the better one.
    fn has_changed(&self) -> bool {
        self.list_again().unwrap_or(false)
    }
}
