//! Which blocks of a bucket are read, and which are left out.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use super::layout::{Layout, Seen, is_block, some_of};
use super::marks::{MARK, is_replaced, marked_at};
use super::mimir::{BucketIndex, INDEX};
use super::{Bucket, BucketError, Contents, Files};
use crate::places::{PlaceError, each_at_once};
use crate::sources::tsdb::block::{BlockFolder, BlockFolders, BlockMeta, META_FILE};
use crate::text::count;
use crate::time::format_instant;

/// How often blocks are listed at most while a compactor replaces them.
const ATTEMPTS: usize = 3;

/// Requests for small objects and listings that run at once.
const AT_ONCE: usize = 16;

/// How much the clock of a compactor may be behind ours, in seconds.
const CLOCKS_S: i64 = 60;

/// The names of blocks before anything of them was read.
#[derive(Debug, Default)]
struct Names {
    /// Empty for the address itself.
    blocks: Vec<String>,
    /// Blocks that Mimir's list has as marked, and when they were marked in seconds since 1970.
    marked: BTreeMap<String, i64>,
    /// The times of the blocks of that list, also of those that are not in `blocks`.
    span_ms: Option<(i64, i64)>,
}

/// A block that will be deleted, and when it was marked in seconds since 1970, if its mark tells.
type Marked = (BlockFolder, Option<i64>);

/// Whether blocks with these external labels may have wanted series.
type MaySelect<'a> = &'a dyn Fn(&BTreeMap<String, String>) -> bool;

/// Blocks and why they are not read.
#[derive(Debug, Default)]
struct LeftOut {
    /// Without description: they are being uploaded or deleted.
    partial: Vec<String>,
    /// Their external labels show that they have no wanted series.
    unselected: Vec<BlockFolder>,
    downsampled: Vec<BlockFolder>,
    /// Marked for deletion although no other block has their samples.
    marked: Vec<BlockFolder>,
}

impl Bucket {
    /// Lists the blocks, and the files of those with samples in the range whose external labels `may_select` accepts.
    pub(in crate::sources::tsdb) fn list(&self, may_select: MaySelect<'_>) -> Result<Contents, BucketError> {
        for _ in 0..ATTEMPTS {
            if let Some(contents) = self.list_once(may_select)? {
                return Ok(contents);
            }
        }
        Err(BucketError::Changing { address: self.address.clone(), attempts: ATTEMPTS })
    }

    /// `None` if a block was marked meanwhile: the one that replaces it may be missing in the listing.
    fn list_once(&self, may_select: MaySelect<'_>) -> Result<Option<Contents>, BucketError> {
        let begun_s = now_s();
        let (mut notes, mut left_out) = (Vec::new(), LeftOut::default());
        let names = self.names(&mut notes)?;
        let all = self.described(&names.blocks, &mut left_out)?;
        let (within, outside): (Vec<_>, Vec<_>) = all.into_iter().partition(|block| self.is_wanted(&block.meta));
        let outside = span(&outside).into_iter().chain(names.span_ms);
        let outside = outside.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)));
        if let Some((first_ms, last_ms)) = outside.filter(|_| within.is_empty() && left_out.partial.is_empty()) {
            let (address, wanted) = (self.address.clone(), in_words(&self.range_ms));
            return Err(BucketError::OutOfRange { address, wanted, first_ms, last_ms });
        }
        let (within, unselected) = within.into_iter().partition(|block| may_select(&block.meta.thanos.labels));
        left_out.unselected = unselected;
        let (raw, downsampled) = Vec::into_iter(within).partition(|block| block.meta.thanos.downsample.resolution == 0);
        left_out.downsampled = downsampled;
        let (raw, marked) = self.without_marked(raw, &names, &mut left_out)?;
        let (_, unreplaced): (Vec<_>, Vec<_>) = marked.into_iter().partition(|(block, _)| is_replaced(block, &raw));
        if unreplaced.iter().any(|(_, at_s)| at_s.is_some_and(|at_s| at_s >= begun_s - CLOCKS_S)) {
            return Ok(None);
        }
        left_out.marked = unreplaced.into_iter().map(|(block, _)| block).collect();
        notes.extend(left_out.notes());
        let blocks = BlockFolders::of(raw).current;
        match (blocks.is_empty(), notes.is_empty()) {
            (false, _) => Ok(Some(Contents { blocks, notes })),
            (true, true) => Err(BucketError::NoBlocks { address: self.address.clone() }),
            (true, false) => Err(BucketError::NothingLeft { address: self.address.clone(), notes: notes.join("; ") }),
        }
    }

    fn is_wanted(&self, meta: &BlockMeta) -> bool {
        meta.min_time < self.range_ms.end && meta.max_time > self.range_ms.start
    }

    /// The names of the blocks: of Mimir's list if it is there and up to date, otherwise those of the folders.
    fn names(&self, notes: &mut Vec<String>) -> Result<Names, BucketError> {
        let Layout::Folder { root, has_index, seen } = &self.layout else {
            return Ok(Names { blocks: vec![String::new()], ..Names::default() });
        };
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (index, folders) = match seen {
            Some(Seen::Index(bytes)) => (Some(bytes), None),
            Some(Seen::Folders(folders)) => (None, Some(folders)),
            None => (None, None),
        };
        let index = match index {
            None if *has_index => match self.store.read(&self.layout.path_of(INDEX)) {
                Err(PlaceError::NotFound(_)) => None,
                read => Some(read?),
            },
            known => known,
        };
        if let Some(names) = index.and_then(|bytes| self.of_index(&bytes, notes)) {
            return Ok(names);
        }
        let folders = match folders {
            Some(folders) => folders,
            None => self.store.folders(root)?.0,
        };
        Ok(Names { blocks: folders.into_iter().filter(|name| is_block(name)).collect(), ..Names::default() })
    }

    /// The blocks of Mimir's list; `None` with a note if it cannot be used.
    fn of_index(&self, bytes: &[u8], notes: &mut Vec<String>) -> Option<Names> {
        let file = format!("{}/{INDEX}", self.address);
        let index = match BucketIndex::parse(bytes) {
            Ok(index) if !index.is_stale(now_s()) => index,
            Ok(old) => {
                let at = format_instant(old.updated_ms());
                notes.push(format!("{file} is not up to date (last written {at}): the blocks were listed instead"));
                return None;
            }
            Err(problem) => {
                notes.push(format!("{file} is no list of blocks ({problem}): the blocks were listed instead"));
                return None;
            }
        };
        let wanted = |range: (i64, i64)| range.0 < self.range_ms.end && range.1 > self.range_ms.start;
        let inside = index.blocks().iter().filter(|block| wanted((block.min_time, block.max_time)));
        let blocks = inside.map(|block| block.block_id.to_string()).collect();
        let marked = index.marks().iter().map(|mark| (mark.block_id.to_string(), mark.deletion_time)).collect();
        let first = index.blocks().iter().map(|block| block.min_time).min();
        let last = index.blocks().iter().map(|block| block.max_time).max();
        Some(Names { blocks, marked, span_ms: first.zip(last) })
    }

    /// The blocks with their descriptions, each of which is read once.
    fn described(&self, names: &[String], left_out: &mut LeftOut) -> Result<Vec<BlockFolder>, BucketError> {
        let known = self.metas.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let read = each_at_once(names, AT_ONCE, |name| match known.get(name) {
            Some(meta) => Ok(Some(meta.clone())),
            None => self.describe(name),
        })?;
        let mut metas = self.metas.lock().unwrap_or_else(PoisonError::into_inner);
        let mut blocks = Vec::new();
        for (name, meta) in names.iter().zip(read) {
            match meta {
                Some(meta) => {
                    metas.insert(name.clone(), meta.clone());
                    blocks.push(BlockFolder { dir: self.dir_of(name), meta });
                }
                None => left_out.partial.push(name.clone()),
            }
        }
        Ok(blocks)
    }

    fn describe(&self, name: &str) -> Result<Option<BlockMeta>, BucketError> {
        let file = match name {
            "" => META_FILE.to_owned(),
            name => format!("{name}/{META_FILE}"),
        };
        match self.store.read(&self.layout.path_of(&file)) {
            Ok(text) => Ok(Some(BlockMeta::parse(&self.dir_of(name), &text)?)),
            Err(PlaceError::NotFound(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Lists the files of the blocks, and separates those that are marked for deletion, each with the second at which it was
    /// marked.
    fn without_marked(
        &self,
        raw: Vec<BlockFolder>,
        names: &Names,
        left_out: &mut LeftOut,
    ) -> Result<(Vec<BlockFolder>, Vec<Marked>), BucketError> {
        let is_block = matches!(self.layout, Layout::Block);
        let listed = each_at_once(&raw, AT_ONCE, |block| {
            let name = self.name_of(&block.dir);
            let marked = names.marked.get(&name).copied();
            let files = if marked.is_none() { self.files_of(&name)? } else { Files::new() };
            let marked = match marked {
                None if !is_block && files.contains_key(MARK) => Some(self.marked_at(&name)?),
                known => known.map(Some),
            };
            Ok::<_, BucketError>((files, marked))
        })?;
        let (mut current, mut marks, mut known) = (Vec::new(), Vec::new(), BTreeMap::new());
        for (block, (files, marked)) in raw.into_iter().zip(listed) {
            match marked {
                Some(at_s) => marks.push((block, at_s)),
                None if !files.contains_key(META_FILE) || !files.contains_key("index") => {
                    left_out.partial.push(self.name_of(&block.dir));
                }
                None => {
                    known.insert(block.dir.clone(), Arc::new(files));
                    current.push(block);
                }
            }
        }
        *self.files.lock().unwrap_or_else(PoisonError::into_inner) = known;
        Ok((current, marks))
    }

    fn files_of(&self, name: &str) -> Result<Files, BucketError> {
        let path = self.layout.path_of(name);
        let inside = |found: &str| match path.as_str() {
            "" => Some(found.to_owned()),
            path => Some(found.strip_prefix(path)?.strip_prefix('/')?.to_owned()),
        };
        let found = self.store.list(&path)?;
        Ok(found.into_iter().filter_map(|found| Some((inside(&found.path)?, found.bytes))).collect())
    }

    fn marked_at(&self, name: &str) -> Result<Option<i64>, BucketError> {
        match self.store.read(&self.layout.path_of(&format!("{name}/{MARK}"))) {
            Ok(text) => Ok(marked_at(&text)),
            Err(PlaceError::NotFound(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl LeftOut {
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.partial.is_empty() {
            let names: Vec<&str> = self.partial.iter().map(String::as_str).collect();
            let blocks = count(names.len(), "incomplete block");
            notes.push(format!("left out {blocks}, being uploaded or deleted: {}", some_of(&names)));
        }
        notes.extend(unselected_note(&self.unselected));
        if !self.downsampled.is_empty() {
            let blocks = count(self.downsampled.len(), "downsampled block");
            notes
                .push(format!("left out {blocks} of Thanos, which have no raw samples, {}", listed(&self.downsampled)));
        }
        if !self.marked.is_empty() {
            let blocks = count(self.marked.len(), "block");
            let which = "marked for deletion that no other block replaces";
            notes.push(format!("left out {blocks} {which}, {}", listed(&self.marked)));
        }
        notes
    }
}

/// The note about blocks that are left out because their external labels show that they have no wanted series.
pub(in crate::sources::tsdb) fn unselected_note(blocks: &[BlockFolder]) -> Option<String> {
    let which = "whose external labels contradict the matchers of the queries (--selector, --queries)";
    (!blocks.is_empty()).then(|| format!("left out {} {which}, {}", count(blocks.len(), "block"), listed(blocks)))
}

/// The times and names of blocks.
fn listed(blocks: &[BlockFolder]) -> String {
    let names: Vec<&str> = blocks.iter().map(|block| block.meta.ulid.as_str()).collect();
    let (first_ms, last_ms) = span(blocks).unwrap_or_default();
    format!("from {} to {}: {}", format_instant(first_ms), format_instant(last_ms), some_of(&names))
}

/// A range of which an end may be open.
fn in_words(range_ms: &Range<i64>) -> String {
    match (range_ms.start, range_ms.end) {
        (i64::MIN, end_ms) => format!("before {}", format_instant(end_ms)),
        (start_ms, i64::MAX) => format!("after {}", format_instant(start_ms)),
        (start_ms, end_ms) => format!("from {} to {}", format_instant(start_ms), format_instant(end_ms)),
    }
}

/// The times of blocks, in milliseconds.
fn span(blocks: &[BlockFolder]) -> Option<(i64, i64)> {
    let first = blocks.iter().map(|block| block.meta.min_time).min();
    first.zip(blocks.iter().map(|block| block.meta.max_time).max())
}

/// Seconds since 1970.
fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
