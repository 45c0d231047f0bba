//! Postings: for each label pair the list of the series that have it.

use std::collections::BTreeMap;

use super::bytes::Cursor;
use super::error::BlockError;
use super::file::BlockFile;
use super::table::Table;

/// Label that holds the name of a metric.
pub(crate) const METRIC_NAME: &str = "__name__";

/// What the postings offset table is called in errors.
const OFFSETS: &str = "the postings offset table";

/// What a list is called in errors.
const LIST: &str = "a postings list";

/// Number of strings before the offset of an entry: a label name and a value.
const KEYS: u8 = 2;

/// Reads from the postings offset table at `offset` where the list of each metric name is. Lists of other labels are
/// passed over.
pub(super) fn metric_names(file: &BlockFile, offset: u64) -> Result<BTreeMap<Box<str>, u64>, BlockError> {
    let mut table = Table::open(file, offset, OFFSETS)?;
    let count = table.entry(|cursor| cursor.be32())?;
    let mut names = BTreeMap::new();
    for _ in 0..count {
        let entry = table.entry(|cursor| {
            if cursor.byte()? != KEYS {
                return Err(
                    cursor.malformed("an entry of the postings offset table is not of a label name and a value")
                );
            }
            let (name, value, offset) = (cursor.string()?, cursor.string()?, cursor.uvarint()?);
            // A name that is not UTF-8 cannot be asked for.
            let value = (name == METRIC_NAME.as_bytes()).then(|| str::from_utf8(value).ok()).flatten();
            Ok(value.map(|value| (Box::from(value), offset)))
        })?;
        names.extend(entry);
    }
    let left = table.left();
    table.finish()?;
    if left > 0 {
        return Err(file.malformed(offset, "the postings offset table is longer than its entries"));
    }
    Ok(names)
}

/// Reads the references of the series in the list at `offset`, in ascending order.
pub(super) fn list(file: &BlockFile, offset: u64) -> Result<Vec<u32>, BlockError> {
    let header = file.read(offset, 4, LIST)?;
    let length = Cursor::new(&header, offset, file).be32()?;
    let start = offset + header.len() as u64;
    let bytes = file.read_checked(start, u64::from(length), LIST)?;
    let mut cursor = Cursor::new(&bytes, start, file);
    let count = cursor.be32()?;
    if cursor.left() as u64 != u64::from(count) * 4 {
        return Err(file.malformed(start, "the length of a postings list does not match the number of its entries"));
    }
    let mut list: Vec<u32> = Vec::with_capacity(cursor.left() / 4);
    for _ in 0..count {
        let offset = cursor.offset();
        let reference = cursor.be32()?;
        if list.last().is_some_and(|last| *last >= reference) {
            return Err(file.malformed(offset, "a postings list is not in ascending order"));
        }
        list.push(reference);
    }
    Ok(list)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::super::file::BytesRead;
    use super::*;
    use crate::scratch::Scratch;

    fn open(scratch: &Scratch, content: &[u8]) -> BlockFile {
        let mut bytes = (content.len() as u32).to_be_bytes().to_vec();
        bytes.extend(content);
        bytes.extend(crc32c::crc32c(content).to_be_bytes());
        BlockFile::open(scratch.write("index", &bytes), &BytesRead::default()).unwrap()
    }

    #[test]
    fn a_list_is_ascending_and_as_long_as_it_says() {
        let scratch = Scratch::new();
        let read = |content: &[u8]| list(&open(&scratch, content), 0);
        assert_eq!(read(&[0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 1, 0]).unwrap(), [3, 256]);
        assert_eq!(read(&[0, 0, 0, 0]).unwrap(), [0; 0]);
        for (content, problem) in [
            (&[0, 0, 0, 2, 0, 0, 0, 3][..], "does not match the number"),
            (&[0, 0, 0, 1, 0, 0, 0, 3, 0], "does not match the number"),
            (&[255, 255, 255, 255, 0, 0, 0, 3], "does not match the number"),
            (&[0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 3], "byte 12: a postings list is not in ascending order"),
            (&[0, 0, 0], "longer than the section"),
        ] {
            let text = read(content).unwrap_err().to_string();
            assert!(text.contains(problem), "{text}");
        }
    }

    #[test]
    fn offsets_of_other_labels_are_passed_over() {
        let scratch = Scratch::new();
        let mut content = vec![0, 0, 0, 3, 2, 0, 0, 9];
        content.extend(b"\x02\x08__name__\x01a\x80\x01\x02\x01l\x01x\x07");
        assert_eq!(metric_names(&open(&scratch, &content), 0).unwrap(), BTreeMap::from([(Box::from("a"), 128)]));
        content.push(0);
        assert!(
            metric_names(&open(&scratch, &content), 0).unwrap_err().to_string().contains("longer than its entries")
        );
        content[3] = 4;
        assert!(metric_names(&open(&scratch, &content), 0).unwrap_err().to_string().contains("not of a label name"));
    }
}
