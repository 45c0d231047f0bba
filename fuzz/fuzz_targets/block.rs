//! The files of a block: `meta.json`, `index`, `chunks/000001` and `tombstones`, in this order between separators.
//!
//! The first byte chooses which files get right checksums, so that the code behind these is reached. The second one moves
//! the range that is asked for.

#![no_main]

use std::fs;
use std::ops::Range;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use under_test::parts::parts;
use under_test::sources::tsdb::block::{Block, BlockError, Samples, SeriesEntry};
use under_test::{scratch, seal};

const FILES: [&str; 4] = ["meta.json", "index", "chunks/000001", "tombstones"];

/// Seals a file.
type Seal = fn(&mut [u8]);

const SEALS: [Seal; 4] = [|_| (), seal::index, seal::segment, seal::tombstones];

fuzz_target!(|bytes: &[u8]| {
    let [choice, position, rest @ ..] = bytes else { return };
    let scratch = scratch::folder();
    fs::create_dir(scratch.path().join("chunks")).expect("the folder is writable");
    for (number, content) in parts(rest).take(FILES.len()).enumerate() {
        let mut content = content.to_vec();
        if choice >> number & 1 == 1 {
            SEALS[number](&mut content);
        }
        fs::write(scratch.path().join(FILES[number]), content).expect("the folder is writable");
    }
    match read(scratch.path(), *position) {
        Ok(()) => {}
        Err(error) => {
            let text = error.to_string();
            let dir = scratch.path().to_string_lossy();
            assert!(
                ["meta.json", "index", "chunks", "tombstones"]
                    .iter()
                    .any(|file| text.contains(&format!("{dir}/{file}"))),
                "{text}"
            );
        }
    }
});

fn read(dir: &Path, position: u8) -> Result<(), BlockError> {
    let block = Block::open(dir)?;
    let names: Vec<&str> = block.metric_names().collect();
    assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "names ascend: {names:?}");
    let series = block.series_named(&names)?;
    assert_eq!(series, block.series_named(&names)?, "read twice");
    for series in &series {
        assert!(series.label("__name__").is_some_and(|name| names.contains(&name)), "{series}");
        for chunk in &series.chunks {
            assert!(block.meta().min_time <= chunk.min_ms && chunk.max_ms < block.meta().max_time, "{chunk:?}");
        }
        let range = part_of(&block, position);
        let some = block.samples(series, range.clone());
        if let Ok(some) = &some {
            has_order(some, series);
            assert!(some.times_ms.iter().all(|time| range.contains(time)), "{range:?}: {some:?}");
        }
        let all = block.samples(series, i64::MIN..i64::MAX)?;
        has_order(&all, series);
        // More chunks are read for all samples than for some, so that these have no other errors.
        let inside: Vec<_> = all.iter().filter(|(time, _)| range.contains(time)).map(bits).collect();
        assert_eq!(inside, some?.iter().map(bits).collect::<Vec<_>>(), "a part differs from all");
    }
    Ok(())
}

/// A part of the time of a block.
fn part_of(block: &Block, position: u8) -> Range<i64> {
    let Range { start, end } = block.meta().range_ms();
    let length = i128::from(end) - i128::from(start);
    let at = |share: u8| (i128::from(start) + length * i128::from(share) / 15) as i64;
    at(position >> 4)..at(position & 15)
}

fn has_order(samples: &Samples, series: &SeriesEntry) {
    assert_eq!(samples.len(), samples.values.len());
    assert!(samples.times_ms.windows(2).all(|pair| pair[0] < pair[1]), "times of {series} ascend: {samples:?}");
}

fn bits((time, value): (i64, f64)) -> (i64, u64) {
    (time, value.to_bits())
}
