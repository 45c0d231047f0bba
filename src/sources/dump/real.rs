//! Dumps of the real promtool, compared with the blocks that they are from.
//!
//! Debian's promtool 2.42 has `tsdb dump`, but not yet `tsdb dump-openmetrics`, which is from 2.50. Both write labels with
//! the same quotes and values with the same `%g`; the rest of a line is rearranged here as `dump-openmetrics` writes it.

#![expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]

use std::path::{Path, PathBuf};
use std::process::Command;

use super::tests::{Content, read_all};
use super::{Summary, Wanted};
use crate::scratch::Scratch;
use crate::sources::tsdb::block::random::Random;
use crate::sources::tsdb::block::real::write_blocks;
use crate::sources::tsdb::block::{Block, BlockFolders, merge};

/// Metrics that are in the blocks and are asked for, and one that is not in them.
pub(crate) const WANTED: [&str; 4] = ["etcd_a_bucket", "etcd_b", "etcd_c_total", "none"];

const VALUES: [&str; 6] = ["x", "ü}", "tab\\ty", "quo\\\"te, \\\\", "line\\nfeed", "a=b\u{ad} c"];

/// OpenMetrics text with random values, some of them special, and with series that begin and end at any time.
fn random_text(random: &mut Random) -> String {
    let mut text = String::new();
    for metric in ["etcd_a_bucket", "etcd_b", "etcd_c_total", "etcd_bb", "go_other"] {
        for series in 0..1 + random.below(8) {
            let value = VALUES[random.below(6) as usize].replace("\\t", "\t");
            let labels = if series == 0 { String::new() } else { format!("{{le=\"{series}\",name=\"{value}\"}}") };
            let (mut time, shape) = (1_700_000_000_000 + random.below(8_000_000), random.below(5));
            let mut value = 0.0;
            for _ in 0..random.below(1500) {
                time += if random.below(40) == 0 { random.below(4_000_000) } else { 14_990 + random.below(20) };
                value = match shape {
                    0 => value + random.below(1000) as f64,
                    1 => value + random.below(1_000_000) as f64 * 1e-6,
                    2 => Some(f64::from_bits(random.next())).filter(|any| !any.is_nan()).unwrap_or(f64::NAN),
                    3 => [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 5e-324, f64::MAX][random.below(6) as usize],
                    _ => random.next() as f64,
                };
                let shown =
                    if value == f64::INFINITY { "+Inf".to_owned() } else { format!("{value:e}").replace("inf", "Inf") };
                text += &format!("{metric}{labels} {shown} {}.{:03}\n", time / 1000, time % 1000);
            }
        }
    }
    text + "# EOF\n"
}

/// Blocks of random samples in a new folder.
pub(crate) fn blocks(scratch: &Scratch, seed: u64) -> PathBuf {
    let text = random_text(&mut Random(seed));
    write_blocks(scratch, &text, &[]);
    let data = scratch.path().join("data");
    // promtool reads no data directory without a write-ahead log.
    std::fs::create_dir_all(data.join("wal")).unwrap();
    data
}

/// The dump of a data directory, as `dump-openmetrics` writes it.
pub(crate) fn dump(data: &Path) -> String {
    let output = Command::new("promtool").args(["tsdb", "dump"]).arg(data).output().expect("promtool is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut dump = String::new();
    for line in text.lines() {
        let mut fields = line.rsplitn(3, ' ');
        let time: i64 = fields.next().unwrap().parse().unwrap();
        let (value, series) = (fields.next().unwrap(), fields.next().unwrap());
        let (name, labels) = series.strip_prefix("{__name__=\"").unwrap().split_once('"').unwrap();
        let labels = without_spaces(labels.trim_start_matches(", "));
        dump += &format!("{name}{{{labels} {value} {}.{:03}\n", time / 1000, time % 1000);
    }
    dump + "# EOF\n"
}

/// Labels without the spaces between them.
fn without_spaces(labels: &str) -> String {
    let (mut text, mut quoted, mut escaped) = (String::new(), false, false);
    for character in labels.chars() {
        if quoted || character != ' ' {
            text.push(character);
        }
        quoted ^= character == '"' && !escaped;
        escaped = character == '\\' && !escaped;
    }
    text
}

/// All wanted samples of the blocks, with stale markers for every NaN.
pub(crate) fn of_blocks(data: &Path) -> Content {
    let mut content = Content::new();
    for folder in BlockFolders::read(data).unwrap().current {
        let block = Block::open(folder.dir).unwrap();
        for series in block.series_named(&WANTED).unwrap() {
            let mut samples = block.samples(&series, i64::MIN..i64::MAX).unwrap();
            for value in samples.values.iter_mut().filter(|value| value.is_nan()) {
                *value = f64::from_bits(0x7ff0_0000_0000_0002);
            }
            let entry = content.entry(series.to_string()).or_default();
            *entry = merge([std::mem::take(entry), samples]).samples;
        }
    }
    content
}

#[test]
fn all_samples_are_those_of_the_blocks_bit_for_bit() {
    let mut samples = 0;
    for seed in 0..6 {
        let scratch = Scratch::new();
        let data = blocks(&scratch, seed);
        let (text, expected) = (dump(&data), of_blocks(&data));
        let (Summary { lines, samples: read, cut, .. }, content) =
            read_all(text.as_bytes(), &Wanted::new(&WANTED)).unwrap();
        assert_eq!((lines, cut), (text.lines().count() as u64, None));
        assert!(content.keys().eq(expected.keys()), "{:?}\n{:?}", content.keys(), expected.keys());
        assert!(content == expected);
        samples += read;
        // The same samples, scrape by scrape.
        let mut by_time: Vec<&str> = text.lines().filter(|line| *line != "# EOF").collect();
        by_time.sort_by_key(|line| line.rsplit(' ').next());
        let by_time = by_time.join("\n") + "\n# EOF\n";
        assert!(read_all(by_time.as_bytes(), &Wanted::new(&WANTED)).unwrap().1 == expected);
    }
    assert!(samples > 30_000, "{samples}");
}

#[test]
fn text_that_promtool_imports_is_read_as_it_imports_it() {
    let scratch = Scratch::new();
    let data = blocks(&scratch, 50);
    let text = std::fs::read(scratch.path().join("input.om")).unwrap();
    assert!(read_all(text.as_slice(), &Wanted::new(&WANTED)).unwrap().1 == of_blocks(&data));
}
