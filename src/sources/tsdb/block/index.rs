//! The index of a block: from the name of a metric to its series. Only format 2 is read, in which series refer to
//! symbols by number. Its label indices are obsolete and not read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::bytes::Cursor;
use super::error::BlockError;
use super::file::{BlockFile, BytesRead};
use super::header::Header;
use super::postings::{self, METRIC_NAME};
use super::series::{EntryReader, RawSeries, SeriesEntry, entry_range};
use super::storage::Storage;
use super::symbols;

/// Magic number and version, in bytes.
const HEADER_SIZE: u64 = 5;

const HEADER: Header = Header {
    magic: 0xBAAA_D700,
    version: 2,
    size: HEADER_SIZE,
    what: "the header of the index",
    kind: "block's index",
    format: "index",
};

/// Six offsets, in bytes; a CRC32C follows.
const TOC_SIZE: u64 = 48;

/// Size of the table of contents with its CRC32C, at the end of the file.
const TOC_AND_CRC_SIZE: u64 = TOC_SIZE + 4;

/// Bytes at both ends of an index that are read together where every read is a request.
const END_SIZE: u64 = 64 << 10;

/// Size of a postings list that is the last one of the metrics' names, with its length and CRC32C.
const USUAL_LIST: u64 = 16 << 10;

/// An open index, with what is needed to find the series of a metric.
#[derive(Debug)]
pub(super) struct Index {
    file: BlockFile,
    /// Offset of the symbol table, or 0 if there is none.
    symbols: u64,
    /// Offsets of the postings lists of metric names.
    names: BTreeMap<Box<str>, u64>,
}

impl Index {
    /// Opens `index` in the folder of a block, and reads the postings offset table.
    pub(super) fn open(storage: &dyn Storage, dir: &Path, read: &BytesRead) -> Result<Self, BlockError> {
        let file = BlockFile::open_in(storage, dir.join("index"), read)?;
        // The table of contents, before it the end of the postings offset table, which in a small block is all of it.
        file.fetch([0..END_SIZE, file.size().saturating_sub(END_SIZE)..file.size()].into_iter())?;
        HEADER.check(&file)?;
        let (symbols, postings) = read_toc(&file)?;
        // An offset of zero says that there is no such section.
        let names = if postings == 0 { BTreeMap::new() } else { postings::metric_names(&file, postings)? };
        Ok(Self { file, symbols, names })
    }

    /// The file, for errors.
    pub(super) fn file(&self) -> &BlockFile {
        &self.file
    }

    /// The names of all metrics, in ascending order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(AsRef::as_ref)
    }

    /// The series of metrics, in the order of the index. A metric without series is no error.
    pub(super) fn series_named(&self, names: &[&str]) -> Result<Vec<SeriesEntry>, BlockError> {
        let names: BTreeSet<&str> = names.iter().copied().collect();
        let mut series = Vec::new();
        let mut wanted = BTreeSet::new();
        for (name, references) in self.references(&names)? {
            let mut entries = EntryReader::new(&self.file);
            for at in 0..references.len() {
                let raw = entries.first_of(&references[at..])?;
                raw.add_symbols(&mut wanted);
                series.push((name, raw));
            }
        }
        let symbols = if wanted.is_empty() && self.symbols == 0 {
            BTreeMap::new()
        } else {
            symbols::read(&self.file, self.symbols, &wanted)?
        };
        let resolve = |(name, raw): (&str, RawSeries)| self.expect_name(name, raw.resolve(&symbols));
        let mut series = series.into_iter().map(resolve).collect::<Result<Vec<_>, _>>()?;
        series.sort_by_key(|series| series.reference);
        Ok(series)
    }

    /// Releases what is only needed to find series.
    pub(super) fn forget(&mut self) {
        self.names = BTreeMap::new();
        self.file.forget();
    }

    /// The references of the series of metrics. Their entries are fetched together.
    fn references<'n>(&self, names: &BTreeSet<&'n str>) -> Result<Vec<(&'n str, Vec<u32>)>, BlockError> {
        let lists: Vec<(&str, u64)> = names.iter().filter_map(|name| Some((*name, *self.names.get(*name)?))).collect();
        self.file.fetch(lists.iter().map(|(_, offset)| *offset..self.end_of_list(*offset)))?;
        let read = |(name, offset)| Ok((name, postings::list(&self.file, offset)?));
        let lists: Vec<(&str, Vec<u32>)> = lists.into_iter().map(read).collect::<Result<_, BlockError>>()?;
        self.file.fetch(lists.iter().flat_map(|(_, list)| list).map(|reference| entry_range(*reference)))?;
        Ok(lists)
    }

    /// Where the postings list of a metric's name ends at the latest: at the next one, which usually follows.
    fn end_of_list(&self, offset: u64) -> u64 {
        let later = self.names.values().filter(|other| **other > offset).min();
        later.copied().unwrap_or(offset.saturating_add(USUAL_LIST))
    }

    /// Checks that a series has the name in whose postings list it is. All parts have intact checksums, but they could
    /// be of different files.
    fn expect_name(&self, name: &str, series: SeriesEntry) -> Result<SeriesEntry, BlockError> {
        if series.label(METRIC_NAME) == Some(name) {
            return Ok(series);
        }
        Err(self.file.malformed(series.offset(), "a series is in the postings list of a name that it does not have"))
    }
}

/// Reads the table of contents: the offsets of the symbol table and of the postings offset table.
fn read_toc(file: &BlockFile) -> Result<(u64, u64), BlockError> {
    const WHAT: &str = "the table of contents";
    file.require(HEADER_SIZE, TOC_AND_CRC_SIZE, WHAT)?;
    let start = file.size() - TOC_AND_CRC_SIZE;
    let bytes = file.read_checked(start, TOC_SIZE, WHAT)?;
    let mut cursor = Cursor::new(&bytes, start, file);
    let symbols = cursor.be64()?;
    let [_series, _label_indices, _label_offsets, _postings] =
        [cursor.be64()?, cursor.be64()?, cursor.be64()?, cursor.be64()?];
    let postings_offsets = cursor.be64()?;
    for offset in [symbols, postings_offsets] {
        // Zero says that there is no such section.
        if offset > start || (1..HEADER_SIZE).contains(&offset) {
            return Err(file.malformed(start, "the table of contents refers to a place outside of the sections"));
        }
    }
    Ok((symbols, postings_offsets))
}
