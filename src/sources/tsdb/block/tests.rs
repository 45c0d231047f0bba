use std::fs;

use super::encode_xor2::{self, Started};
use super::file::BlockFile;
use super::real::write_blocks;
use super::*;
use crate::scratch::Scratch;

const ALL: Range<i64> = i64::MIN..i64::MAX;

/// A block with a sample every 15 seconds in an hour, in two chunks of 120 and more of each of two series.
fn block(scratch: &Scratch) -> PathBuf {
    let lines = |name: &str| -> String {
        (0..240).map(|step| format!("{name} {} {}\n", step * step, 1_700_000_000 + step * 15)).collect()
    };
    write_blocks(scratch, &(lines("a{l=\"1\"}") + &lines("a{l=\"2\"}") + "# EOF\n"), &["--max-block-duration=168h"]);
    BlockFolders::read(&scratch.path().join("data")).expect("the folder of blocks").current.remove(0).dir
}

/// The error of reading everything in a block.
fn error(dir: &Path) -> String {
    let read = || {
        let block = Block::open(dir)?;
        let series = block.series_named(&["a"])?;
        series.iter().try_for_each(|series| block.samples(series, ALL).map(|_| ()))
    };
    read().expect_err("a block that cannot be read").to_string()
}

#[test]
fn other_formats_are_refused_by_name() {
    let scratch = Scratch::new();
    let dir = block(&scratch);
    for (file, kind, supported, others) in [
        ("index", "index", 2, &[0, 1, 3, 255][..]),
        ("tombstones", "tombstones", 1, &[0, 2]),
        ("chunks/000001", "segment", 1, &[0, 2]),
    ] {
        let intact = fs::read(dir.join(file)).expect("a file of the block");
        for version in others {
            let mut bytes = intact.clone();
            bytes[4] = *version;
            fs::write(dir.join(file), bytes).expect("the folder is writable");
            let text = error(&dir);
            let words = format!("{file} has {kind} format {version}, and only format {supported} can be read");
            assert!(text.contains(&words), "{text}");
        }
        let mut bytes = intact.clone();
        bytes[0] ^= 1;
        fs::write(dir.join(file), bytes).expect("the folder is writable");
        assert!(error(&dir).contains(&format!("{file} begins with ")));
        fs::write(dir.join(file), intact).expect("the folder is writable");
    }
}

#[test]
fn times_and_resolution_of_meta_json_are_compared() {
    let scratch = Scratch::new();
    let dir = block(&scratch);
    let meta = fs::read_to_string(dir.join("meta.json")).expect("meta.json");
    for (from, to, words) in [
        ("1700000000000", "1700000000001", "a chunk of a{l=\"1\"} (2023-11-14T22:13:20Z to "),
        (
            "1700003585001",
            "1700003585000",
            "outside of meta.json's range (2023-11-14T22:13:20Z to 2023-11-14T23:13:05Z)",
        ),
        (
            "\"version\"",
            "\"thanos\": {\"downsample\": {\"resolution\": 300000}}, \"version\"",
            "Thanos downsampled to one",
        ),
    ] {
        assert!(meta.contains(from), "{meta}");
        fs::write(dir.join("meta.json"), meta.replace(from, to)).expect("the folder is writable");
        let text = error(&dir);
        assert!(text.contains(words) && text.contains("meta.json"), "{text}");
    }
}

#[test]
fn only_chunks_with_samples_in_the_range_are_read() {
    let scratch = Scratch::new();
    let block = Block::open(block(&scratch)).expect("an intact block");
    assert_eq!(block.metric_names().collect::<Vec<_>>(), ["a"]);
    let series = block.series_named(&["a", "b"]).expect("an intact index");
    assert_eq!(series.iter().map(ToString::to_string).collect::<Vec<_>>(), [r#"a{l="1"}"#, r#"a{l="2"}"#]);
    assert!(series[0].chunks.len() > 1);
    let before = block.bytes_read();
    let last_ms = series[0].chunks[0].max_ms;
    for range in [last_ms + 1..last_ms + 15_000, 0..0, 0..1_700_000_000_000, 1_700_003_585_001..ALL.end] {
        assert!(block.samples(&series[0], range).expect("intact chunks").is_empty());
    }
    assert_eq!(block.bytes_read(), before);
    assert_eq!(block.samples(&series[0], last_ms..last_ms + 1).expect("intact chunks").times_ms, [last_ms]);
    let bytes = block.bytes_read() - before;
    assert!((1..1500).contains(&bytes), "{bytes}");
}

#[test]
fn several_threads_read_a_block() {
    let scratch = Scratch::new();
    let block = Block::open(block(&scratch)).expect("an intact block");
    let series = block.series_named(&["a"]).expect("an intact index");
    std::thread::scope(|scope| {
        for series in series.iter().cycle().take(8) {
            let block = &block;
            scope.spawn(move || {
                for _ in 0..50 {
                    assert_eq!(block.samples(series, ALL).expect("intact chunks").len(), 240);
                }
            });
        }
    });
}

#[test]
fn overlapping_chunks_are_merged_unless_they_contradict_each_other() {
    let scratch = Scratch::new();
    let file = BlockFile::open(scratch.write("000001", b""), &BytesRead::default()).expect("a file");
    let chunk = Chunk { file: &file, offset: 8, encoding: Encoding::Xor, data: &[] };
    let series = SeriesEntry { reference: 1, labels: vec![("__name__".into(), "up".into())], chunks: Vec::new() };
    let samples = |times: &[i64], values: &[f64]| Samples { times_ms: times.to_vec(), values: values.to_vec() };
    let concatenated = samples(&[1, 3, 5, 2, 3], &[1.0, 3.0, 5.0, 2.0, 3.0]);
    let merged = merge_overlapping(&chunk, &series, concatenated, 3).expect("no contradiction");
    assert_eq!(merged, samples(&[1, 2, 3, 5], &[1.0, 2.0, 3.0, 5.0]));
    let error = merge_overlapping(&chunk, &series, samples(&[1, 3, 3], &[1.0, 3.0, 4.0]), 2).expect_err("two values");
    assert!(error.to_string().contains("000001: up has two values at 1970-01-01T00:00:00.003Z (3 and 4)"), "{error}");
}

#[test]
fn chunks_of_encoding_4_are_read() {
    let scratch = Scratch::new();
    let line = |step: i64| format!("a {} {}\n", step / 7, 1_700_000_000 + step * 15);
    write_blocks(&scratch, &((0..120).map(line).collect::<String>() + "# EOF\n"), &["--max-block-duration=168h"]);
    let dir = BlockFolders::read(&scratch.path().join("data")).expect("the folder of blocks").current.remove(0).dir;
    let block = Block::open(&dir).expect("an intact block");
    let series = block.series_named(&["a"]).expect("an intact index").remove(0);
    let before = block.samples(&series, ALL).expect("intact chunks");
    let path = dir.join("chunks/000001");
    let mut file = fs::read(&path).expect("a file of the block");
    let mut replaced = 0;
    for chunk in &series.chunks {
        let offset = chunk.reference as usize;
        let (length, size) = bytes::uvarint(&file[offset..]).expect("a length");
        let (start, end) = (offset + size, offset + size + 1 + length as usize);
        let mut samples = Samples::default();
        Decoder::default().decode(Encoding::Xor, &file[start + 1..end], &mut samples).expect("an XOR chunk");
        let samples: Vec<_> =
            samples.iter().map(|(time, value)| Started { start: 1_699_999_999_000, time, value }).collect();
        // In the place of the other chunk, because the index has its offset. What is left over is not read.
        let mut content = encode_xor2::chunk(&samples);
        content.insert(0, 4);
        if content.len() > end - start {
            continue;
        }
        replaced += 1;
        content.resize(end - start, 0);
        file[start..end].copy_from_slice(&content);
        file[end..end + 4].copy_from_slice(&crc32c::crc32c(&content).to_be_bytes());
    }
    fs::write(path, file).expect("the folder is writable");
    let block = Block::open(&dir).expect("an intact block");
    assert_eq!(block.samples(&series, ALL).expect("intact chunks"), before);
    // A short chunk stays as it was, so that the series has both encodings.
    assert_eq!((before.len(), replaced, series.chunks.len()), (120, 1, 2));
}
