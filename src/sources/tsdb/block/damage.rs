//! Damaged blocks: each gives an error that names the damaged file, or all samples as before.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::file::{BlockFile, BytesRead};
use super::random::Random;
use super::real::{random_text, write_blocks};
use super::series::RawSeries;
use super::storage::Disk;
use super::tombstones::Tombstones;
use super::{Block, BlockError, BlockFolders, Samples, postings, symbols};
use crate::scratch::Scratch;

/// Samples of all series by their text.
type Content = BTreeMap<String, Samples>;

/// The files of a block that can be damaged.
const FILES: [&str; 4] = ["meta.json", "index", "tombstones", "chunks/000001"];

/// A block with tombstones, and what is read from it.
struct Intact {
    /// Deletes the files at the end.
    _scratch: Scratch,
    dir: PathBuf,
    content: Content,
}

impl Intact {
    fn new() -> Self {
        let scratch = Scratch::new();
        write_blocks(&scratch, &random_text(&mut Random(30), 12, 700), &["--max-block-duration=168h"]);
        let mut folders = BlockFolders::read(&scratch.path().join("data")).expect("the folder of blocks").current;
        folders.sort_by_key(|folder| folder.meta.stats.num_samples);
        let dir = folders.pop().expect("a block").dir;
        let all = read(&dir).expect("an intact block");
        delete_some(&dir);
        let content = read(&dir).expect("an intact block");
        assert!(content.len() > 5 && all != content);
        Self { _scratch: scratch, dir, content }
    }

    /// Reads the block with other bytes in one file.
    fn check(&self, file: &str, bytes: &[u8], damage: &str) -> bool {
        let path = self.dir.join(file);
        fs::write(&path, bytes).expect("the folder is writable");
        match read(&self.dir) {
            Ok(content) => assert!(content == self.content, "{file}: {damage} changes what is read"),
            Err(error) => {
                let text = error.to_string();
                assert!(text.contains(&*path.to_string_lossy()) || text.contains(file), "{file}: {damage}: {text}");
                return true;
            }
        }
        false
    }

    fn bytes(&self, file: &str) -> Vec<u8> {
        fs::read(self.dir.join(file)).expect("a file of the block")
    }
}

/// Writes tombstones for the middle of some series.
fn delete_some(dir: &Path) {
    let block = Block::open(dir).expect("an intact block");
    let names: Vec<&str> = block.metric_names().collect();
    let mut content = Vec::new();
    for series in block.series_named(&names).expect("an intact index").iter().step_by(3) {
        let (first, last) = (series.chunks[0].min_ms + 1000, series.chunks[0].max_ms);
        for mut number in [series.reference, (first as u64) << 1, (last as u64) << 1] {
            while number > 127 {
                content.push(number as u8 | 128);
                number >>= 7;
            }
            content.push(number as u8);
        }
    }
    let header = [0x01, 0x30, 0xba, 0x30, 1];
    let bytes = [&header[..], &content, &crc32c::crc32c(&content).to_be_bytes()].concat();
    fs::write(dir.join("tombstones"), bytes).expect("the folder is writable");
}

fn read(dir: &Path) -> Result<Content, BlockError> {
    let block = Block::open(dir)?;
    let names: Vec<&str> = block.metric_names().collect();
    let series = block.series_named(&names)?;
    series.iter().map(|series| Ok((series.to_string(), block.samples(series, i64::MIN..i64::MAX)?))).collect()
}

#[test]
fn random_damage_is_found_or_harmless() {
    let intact = Intact::new();
    let mut random = Random(31);
    for file in FILES {
        let bytes = intact.bytes(file);
        let mut found = 0;
        for _ in 0..500 {
            let mut damaged = bytes.clone();
            let what = random.damage(&mut damaged, 64).to_string();
            found += u32::from(intact.check(file, &damaged, &what));
        }
        println!("{file} of {} bytes: {found} of 500 found", bytes.len());
        assert!(!intact.check(file, &bytes, "nothing"));
    }
}

#[test]
fn every_flipped_bit_of_short_files_is_found_or_harmless() {
    let intact = Intact::new();
    // One bit of each byte of the index, because it is longer.
    for (file, step) in [("meta.json", 1), ("tombstones", 1), ("index", 9)] {
        let bytes = intact.bytes(file);
        let mut found = 0;
        for bit in (0..bytes.len() * 8).step_by(step) {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            found += usize::from(intact.check(file, &damaged, &format!("bit {bit}")));
        }
        println!("{file} of {} bytes: {found} of {} bits found", bytes.len(), bytes.len() * 8 / step);
        intact.check(file, &bytes, "nothing");
    }
}

#[test]
fn every_cut_of_short_files_is_found() {
    let intact = Intact::new();
    for file in ["meta.json", "tombstones", "index"] {
        let bytes = intact.bytes(file);
        for end in 0..bytes.len() {
            let found = intact.check(file, &bytes[..end], &format!("cut at {end}"));
            assert!(found, "{file} cut at {end}");
        }
        intact.check(file, &bytes, "nothing");
    }
}

#[test]
fn a_missing_file_is_named() {
    for file in ["meta.json", "index", "chunks/000001"] {
        let intact = Intact::new();
        fs::remove_file(intact.dir.join(file)).expect("a file of the block");
        let text = read(&intact.dir).expect_err("a missing file").to_string();
        assert!(text.contains(file), "{text}");
    }
}

/// Content with a length before it and a right checksum after it, so that only the decoder can refuse it.
fn sealed(content: &[u8], length: &[u8]) -> Vec<u8> {
    [length, content, &crc32c::crc32c(content).to_be_bytes(), &[0; 9]].concat()
}

#[test]
fn random_content_with_a_right_checksum_does_not_panic() {
    let scratch = Scratch::new();
    let mut random = Random(32);
    let mut intact = 0;
    for _ in 0..3000 {
        // Small numbers are more often valid.
        let limit = [3, 16, 256][random.below(3) as usize];
        let mut content: Vec<u8> = (0..random.below(100)).map(|_| random.below(limit) as u8).collect();
        if random.below(2) == 0 {
            content.splice(..0, [0, 0, 0, random.below(10) as u8]);
        }
        let path = scratch.write("index", &sealed(&content, &(content.len() as u32).to_be_bytes()));
        let file = BlockFile::open(path, &BytesRead::default()).expect("a file");
        let symbols = symbols::read(&file, 0, &[0, 1, 5].into()).is_ok();
        let names = postings::metric_names(&file, 0).is_ok();
        let list = postings::list(&file, 0).is_ok();
        let path = scratch.write("index", &sealed(&content, &[content.len() as u8]));
        let file = BlockFile::open(path, &BytesRead::default()).expect("a file");
        let series = RawSeries::read(&file, 0).is_ok();
        scratch.write(
            "tombstones",
            &[&[0x01, 0x30, 0xba, 0x30, 1], &content[..], &crc32c::crc32c(&content).to_be_bytes()].concat(),
        );
        let tombstones = Tombstones::read(&Disk, scratch.path(), &BytesRead::default()).is_ok();
        intact += [symbols, names, list, series, tombstones].map(u32::from).iter().sum::<u32>();
    }
    assert!(intact > 200, "{intact} contents are valid");
}
