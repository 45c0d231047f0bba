//! The symbol table: every label name and value of a block once. Series refer to them by their number.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::bytes::Cursor;
use super::error::BlockError;
use super::file::BlockFile;
use super::table::Table;

/// What the table is called in errors.
const WHAT: &str = "the symbol table";

/// Reads the symbols with the given numbers from the table at `offset`. The others are passed over, because a server
/// has far more symbols than the series of a few metrics.
pub(super) fn read(
    file: &BlockFile,
    offset: u64,
    wanted: &BTreeSet<u32>,
) -> Result<BTreeMap<u32, Arc<str>>, BlockError> {
    let mut table = Table::open(file, offset, WHAT)?;
    let count = table.entry(|cursor| cursor.be32())?;
    let mut symbols = BTreeMap::new();
    let mut number = 0;
    for wanted in wanted {
        if *wanted >= count {
            // The series entry was intact, so the tables do not belong together, unless this one is damaged.
            table.finish()?;
            return Err(file.malformed(offset, "a series refers to a symbol after the last one of the symbol table"));
        }
        while number < *wanted {
            table.entry(|cursor| cursor.string().map(|_| ()))?;
            number += 1;
        }
        symbols.insert(number, table.entry(symbol)?);
        number += 1;
    }
    table.finish()?;
    Ok(symbols)
}

/// A symbol that a series uses. Prometheus stores UTF-8 only.
fn symbol(cursor: &mut Cursor<'_>) -> Result<Arc<str>, BlockError> {
    let offset = cursor.offset();
    let text = str::from_utf8(cursor.string()?);
    text.map(Arc::from).map_err(|_| cursor.file().malformed(offset, "a label name or value is not UTF-8"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::super::file::BytesRead;
    use super::*;
    use crate::scratch::Scratch;

    /// The symbols "", "a" and a value that is not UTF-8.
    fn open(scratch: &Scratch) -> BlockFile {
        let content = [0, 0, 0, 3, 0, 1, b'a', 1, 0xff];
        let mut bytes = vec![0, 0, 0, 9];
        bytes.extend(content);
        bytes.extend(crc32c::crc32c(&content).to_be_bytes());
        BlockFile::open(scratch.write("index", &bytes), &BytesRead::default()).unwrap()
    }

    #[test]
    fn only_symbols_that_are_used_must_be_readable() {
        let scratch = Scratch::new();
        let file = open(&scratch);
        let read = |wanted: &[u32]| read(&file, 0, &wanted.iter().copied().collect());
        assert_eq!(read(&[]).unwrap(), BTreeMap::new());
        assert_eq!(read(&[1]).unwrap()[&1].as_ref(), "a");
        assert_eq!(read(&[0, 1]).unwrap()[&0].as_ref(), "");
        let text = read(&[1, 2]).unwrap_err().to_string();
        assert!(text.contains("index at byte 11: a label name or value is not UTF-8"), "{text}");
        assert!(read(&[3]).unwrap_err().to_string().contains("after the last one of the symbol table"));
    }
}
