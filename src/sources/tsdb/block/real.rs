//! Comparison with `promtool tsdb dump` over blocks that promtool and a Prometheus server wrote.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::random::Random;
use super::{Block, BlockFolders, Samples, merge};
use crate::scratch::Scratch;

pub(in crate::sources) mod server;

/// Labels in the order of the index.
type Labels = Vec<(String, String)>;

/// All samples of a data directory.
type Content = BTreeMap<Labels, Samples>;

/// First millisecond of random series.
const START_MS: i64 = 1_700_000_000_000;

/// Makes blocks of OpenMetrics text in the folder `data`.
pub(in crate::sources) fn write_blocks(scratch: &Scratch, text: &str, arguments: &[&str]) {
    let input = scratch.write("input.om", text.as_bytes());
    let mut command = Command::new("promtool");
    command.args(["tsdb", "create-blocks-from"]).args(arguments).arg("openmetrics");
    let output = command.arg(input).arg(scratch.path().join("data")).output().expect("promtool is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // promtool tsdb dump needs this folder.
    fs::create_dir_all(scratch.path().join("data/wal")).expect("the folder is writable");
}

/// OpenMetrics text of series with many shapes of times, values and labels.
pub(in crate::sources) fn random_text(random: &mut Random, series: u64, samples: u64) -> String {
    const HOSTILE: [&str; 8] = ["", "\\\"", "\\n", "\\\\", "ü→𝄞", "{a=\\\"b\\\"}", " ", "\u{1}\u{7f}\u{200b}"];
    let mut text = String::new();
    for number in 0..series {
        let name = ["etcd_wal_seconds_bucket", "etcd_wal_seconds_count", "up", "a:b"][random.below(4) as usize];
        let hostile = HOSTILE[random.below(8) as usize];
        let mut time = START_MS + random.below(7_200_000) as i64;
        let mut value = random.below(1000) as f64;
        let (gaps, shape) = (random.below(5), random.below(6));
        for _ in 0..1 + random.below(samples) {
            let seconds = format!("{}.{:03}", time / 1000, time % 1000);
            let _ = writeln!(text, "{name}{{n=\"{number}\",hostile=\"{hostile}\"}} {value} {seconds}");
            time += match gaps {
                0 => 15_000,
                1 => 15_000 - 50 + random.below(100) as i64,
                2 => 2 + random.below(100_000) as i64,
                3 => {
                    if random.below(100) == 0 {
                        10_000_000
                    } else {
                        30_000
                    }
                }
                _ => 2 + (random.next() >> (64 - 2 - random.below(20))) as i64,
            };
            value = next_value(shape, value, random);
        }
    }
    text + "# EOF\n"
}

fn next_value(shape: u64, value: f64, random: &mut Random) -> f64 {
    match shape {
        0 => value,
        1 => value + random.below(100) as f64,
        2 => {
            let any = f64::from_bits(random.next());
            if any.is_nan() { f64::NAN } else { any }
        }
        3 => [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.0, 5e-324, f64::MAX][random.below(7) as usize],
        4 => -(random.below(1_000_000) as f64) / 128.0,
        _ => random.next() as f64 / 3e18,
    }
}

/// What promtool reads from a data directory.
fn dump(data: &Path) -> Content {
    let output = Command::new("promtool").args(["tsdb", "dump"]).arg(data).output().expect("promtool is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("a dump is UTF-8");
    let mut content = Content::new();
    for line in text.lines() {
        let mut fields = line.rsplitn(3, ' ');
        let (time, value, labels) = (fields.next(), fields.next(), fields.next());
        let (Some(time), Some(value), Some(labels)) = (time, value, labels) else { panic!("{line}") };
        let value: f64 = value.parse().expect("a value");
        content.entry(unquote(labels)).or_default().push(time.parse().expect("milliseconds"), value);
    }
    content
}

/// Reads `{a="b", c="d"}` with the escapes of Go.
fn unquote(text: &str) -> Labels {
    let mut labels = Labels::new();
    let mut rest = text.strip_prefix('{').expect("labels begin with a brace");
    while let Some((name, after)) = rest.split_once("=\"") {
        let mut value = String::new();
        let mut characters = after.chars();
        while let Some(character) = characters.next().filter(|character| *character != '"') {
            value.push(if character == '\\' { unescape(&mut characters) } else { character });
        }
        labels.push((name.to_owned(), value));
        rest = characters.as_str().trim_start_matches([',', ' ']);
    }
    assert_eq!(rest, "}", "{text}");
    labels
}

/// The character of an escape after its backslash.
fn unescape(characters: &mut std::str::Chars<'_>) -> char {
    let digits = match characters.next().expect("an escape") {
        'n' => return '\n',
        't' => return '\t',
        'r' => return '\r',
        'x' => 2,
        'u' => 4,
        'U' => 8,
        'a' => return '\u{7}',
        'b' => return '\u{8}',
        'f' => return '\u{c}',
        'v' => return '\u{b}',
        other => return other,
    };
    let digits: String = characters.by_ref().take(digits).collect();
    u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32).expect("a code point")
}

/// What this module reads from a data directory.
fn read(data: &Path) -> Content {
    let mut parts: BTreeMap<Labels, Vec<Samples>> = BTreeMap::new();
    for folder in BlockFolders::read(data).expect("the folder of blocks").current {
        let block = Block::open(folder.dir).expect("an intact block");
        let names: Vec<&str> = block.metric_names().collect();
        for series in block.series_named(&names).expect("an intact index") {
            let samples = block.samples(&series, i64::MIN..i64::MAX).expect("intact chunks");
            let labels = series.labels.iter().map(|(name, value)| (name.to_string(), value.to_string()));
            parts.entry(labels.collect()).or_default().push(samples);
        }
    }
    let merged = parts.into_iter().map(|(labels, parts)| {
        let merged = merge(parts);
        assert_eq!(merged.conflicts, 0);
        (labels, merged.samples)
    });
    merged.filter(|(_, samples)| !samples.is_empty()).collect()
}

/// Compares everything bit for bit; a dump does not tell one NaN from another. Gives the number of samples.
fn compare(data: &Path) -> usize {
    let (mut read, mut dumped) = (read(data), dump(data));
    for value in read.values_mut().chain(dumped.values_mut()).flat_map(|samples| &mut samples.values) {
        if value.is_nan() {
            *value = f64::NAN;
        }
    }
    assert!(read.keys().eq(dumped.keys()), "{:?}\n{:?}", read.keys(), dumped.keys());
    for (labels, samples) in &read {
        assert_eq!(samples, &dumped[labels], "{labels:?}");
    }
    read.values().map(Samples::len).sum()
}

#[test]
fn all_samples_are_those_of_promtool() {
    let mut random = Random(10);
    let (mut samples, mut blocks) = (0, 0);
    for round in 0..4 {
        let scratch = Scratch::new();
        let arguments: &[&str] = if round % 2 == 0 { &[] } else { &["--max-block-duration=168h"] };
        write_blocks(&scratch, &random_text(&mut random, 40, 3000), arguments);
        let data = scratch.path().join("data");
        samples += compare(&data);
        blocks += BlockFolders::read(&data).expect("the folder of blocks").current.len();
    }
    println!("{samples} samples in {blocks} blocks");
    assert!(samples > 100_000 && blocks > 20, "{samples} samples in {blocks} blocks");
}

#[test]
fn any_range_has_the_samples_in_it() {
    let mut random = Random(11);
    let scratch = Scratch::new();
    write_blocks(&scratch, &random_text(&mut random, 20, 2000), &["--max-block-duration=168h"]);
    let folders = BlockFolders::read(&scratch.path().join("data")).expect("the folder of blocks");
    for folder in folders.current {
        let block = Block::open(folder.dir).expect("an intact block");
        let series = block.series_named(&["up", "a:b", "absent", "up"]).expect("an intact index");
        assert!(series.windows(2).all(|pair| pair[0].labels < pair[1].labels));
        for series in &series {
            let all = block.samples(series, i64::MIN..i64::MAX).expect("intact chunks");
            for _ in 0..50 {
                let mut end = || all.times_ms[random.below(all.len() as u64) as usize] + random.below(3) as i64 - 1;
                let range = end()..end();
                let part = block.samples(series, range.clone()).expect("intact chunks");
                let (times_ms, values) = all.iter().filter(|(time, _)| range.contains(time)).unzip();
                assert_eq!(part, Samples { times_ms, values });
            }
        }
    }
}

#[test]
fn not_a_number_keeps_its_bits() {
    // Go's math.NaN, which Prometheus calls the normal NaN, is 7ff8000000000001.
    let scratch = Scratch::new();
    write_blocks(&scratch, "up 1 1700000000\nup NaN 1700000015\n# EOF\n", &[]);
    let content = read(&scratch.path().join("data"));
    let samples = content.values().next().expect("a series");
    assert_eq!(
        samples.values.iter().map(|value| value.to_bits()).collect::<Vec<_>>(),
        [1.0_f64.to_bits(), 0x7ff8_0000_0000_0001]
    );
}

#[test]
fn overlapping_blocks_are_merged_by_time() {
    let mut random = Random(12);
    let scratch = Scratch::new();
    let text = random_text(&mut random, 20, 1500);
    // Each block has a random part of the same samples, so that many are in several blocks.
    for arguments in [&[][..], &["--max-block-duration=168h"], &[]] {
        let lines = text.lines().filter(|line| random.below(3) > 0 || line.starts_with('#'));
        let part: Vec<&str> = lines.collect();
        write_blocks(&scratch, &(part.join("\n") + "\n"), arguments);
    }
    let samples = compare(&scratch.path().join("data"));
    assert!(samples > text.lines().count() * 9 / 10, "{samples} samples");
}
