//! Right checksums for files that an input has changed, as far as their lengths still lead to the places of checksums.

use std::ops::Range;

/// Size of a CRC32C in bytes.
const CRC_SIZE: usize = 4;

/// Table of contents of an index without its checksum: six offsets.
const TOC_SIZE: usize = 48;

/// A header of a tar archive, and what sizes are rounded up to, in bytes.
const TAR_BLOCK: usize = 512;

/// All parts of the `index` of a block.
pub fn index(bytes: &mut [u8]) {
    let Some(toc) = bytes.len().checked_sub(TOC_SIZE + CRC_SIZE) else { return };
    seal(bytes, toc..toc + TOC_SIZE);
    let offsets: Vec<usize> = (0..6).filter_map(|number| offset(bytes, toc + number * 8)).collect();
    let [symbols, series, label_indices, _, postings, postings_offsets] = *offsets else { return };
    table(bytes, symbols);
    table(bytes, postings_offsets);
    let mut at = series.next_multiple_of(16);
    while at < label_indices.min(toc) {
        let Some(content) = after_length(bytes, at) else { break };
        at = (content.end + CRC_SIZE).next_multiple_of(16);
        seal(bytes, content);
    }
    let mut at = postings;
    while at < postings_offsets.min(toc) {
        let Some(end) = table(bytes, at) else { break };
        at = end.next_multiple_of(4);
    }
}

/// All chunks of a segment file.
pub fn segment(bytes: &mut [u8]) {
    let mut at = 8;
    while let Some(content) = after_length(bytes, at) {
        // The length does not include the encoding.
        let content = content.start..content.end + 1;
        at = content.end + CRC_SIZE;
        seal(bytes, content);
    }
}

/// A file of tombstones.
pub fn tombstones(bytes: &mut [u8]) {
    if let Some(end) = bytes.len().checked_sub(CRC_SIZE).filter(|end| *end >= 5) {
        seal(bytes, 5..end);
    }
}

/// The headers of a tar archive.
pub fn tar(bytes: &mut [u8]) {
    let mut at = 0;
    while let Some(header) = bytes.get_mut(at..).and_then(|rest| rest.get_mut(..TAR_BLOCK)) {
        if header.iter().all(|byte| *byte == 0) {
            break;
        }
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let digits = header[124..136].iter().filter(|byte| (b'0'..b'8').contains(byte));
        let size = digits.fold(0_usize, |size, digit| size.wrapping_mul(8) + usize::from(digit - b'0'));
        let Some(next) = size.checked_next_multiple_of(TAR_BLOCK).and_then(|size| size.checked_add(at + TAR_BLOCK))
        else {
            break;
        };
        at = next;
    }
}

/// Content after its length of 4 bytes. Gives the end of its checksum.
fn table(bytes: &mut [u8], at: usize) -> Option<usize> {
    let length = bytes.get(at..)?.first_chunk::<4>()?;
    let start = at + 4;
    let end = start.checked_add(u32::from_be_bytes(*length) as usize)?;
    seal(bytes, start..end);
    Some(end + CRC_SIZE)
}

/// The content after its length of seven bits a byte.
fn after_length(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let mut length = 0;
    for (index, byte) in bytes.get(at..)?.iter().take(4).enumerate() {
        length |= usize::from(byte & 127) << (7 * index);
        if byte & 128 == 0 {
            let start = at + index + 1;
            return Some(start..start + length);
        }
    }
    None
}

fn offset(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..)?.first_chunk::<8>()?;
    // Larger ones lead out of any file.
    usize::try_from(u64::from_be_bytes(*bytes)).ok().filter(|offset| *offset < 1 << 32)
}

/// Writes the checksum of a range after it, if both are there.
fn seal(bytes: &mut [u8], range: Range<usize>) {
    let Some(content) = bytes.get(range.clone()) else { return };
    let checksum = crc32c::crc32c(content).to_be_bytes();
    if let Some(place) = bytes.get_mut(range.end..range.end + CRC_SIZE) {
        place.copy_from_slice(&checksum);
    }
}
