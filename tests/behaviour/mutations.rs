//! Random corruptions of emitted files: each is caught by `lint`, or by comparing what promtool's blocks hold with what
//! was emitted.

use crate::support::{Blocks, Counts, Folder, blocks_of, etcd_heatmap, mix};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Corruption {
    /// Two lines change places.
    Swapped,
    /// A line stands there twice.
    Doubled,
    /// A line is missing.
    Lost,
    /// The file ends early, anywhere.
    Cut,
    /// Another digit in a timestamp.
    Digit,
}

const CORRUPTIONS: [Corruption; 5] =
    [Corruption::Swapped, Corruption::Doubled, Corruption::Lost, Corruption::Cut, Corruption::Digit];

/// How corruptions of one kind ended.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    corruptions: u32,
    caught_by_lint: u32,
    /// By comparing counts alone.
    caught_by_counts: u32,
    caught_by_neither: u32,
    /// promtool exited with 0.
    let_through_by_promtool: u32,
}

/// Numbers without a pattern, the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 += 1;
        (mix(self.0) % end as u64) as usize
    }
}

/// The text after a corruption, which changes what it says.
fn corrupt(text: &str, corruption: Corruption, random: &mut Random) -> String {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    let line = random.below(lines.len());
    let changed;
    match corruption {
        Corruption::Swapped => loop {
            let (one, other) = (random.below(lines.len()), random.below(lines.len()));
            // The order of HELP and TYPE is free.
            let is_metadata = |line: usize| lines[line].starts_with("# ") && !lines[line].starts_with("# EOF");
            if one != other && !(is_metadata(one) && is_metadata(other)) {
                lines.swap(one, other);
                break;
            }
        },
        Corruption::Doubled => lines.insert(line, lines[line]),
        Corruption::Lost => drop(lines.remove(line)),
        // The line feed after # EOF may be missing.
        Corruption::Cut => return text[..1 + random.below(text.len() - 2)].to_owned(),
        Corruption::Digit => {
            let line = samples(&lines)[random.below(samples(&lines).len())];
            // Within months: promtool reads the file once more for every block in between.
            let place = lines[line].len() - 2 - random.below(7);
            let digit = lines[line].as_bytes()[place] - b'0';
            let other = (digit as usize + 1 + random.below(9)) % 10;
            changed = format!("{}{other}{}", &lines[line][..place], &lines[line][place + 1..]);
            lines[line] = &changed;
        }
    }
    lines.concat()
}

fn samples(lines: &[&str]) -> Vec<usize> {
    (0..lines.len()).filter(|&line| !lines[line].starts_with('#')).collect()
}

/// Whether every series ascends: what a changed digit leaves as it is when there is room for it.
fn ascends(text: &str) -> bool {
    let lines: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).map(|line| line.rsplit_once(' ')).collect();
    let parts = lines.iter().flatten().map(|(series, second)| {
        (series.rsplit_once(' ').map(|(series, _)| series), second.parse::<i64>().expect("a digit for a digit"))
    });
    let parts: Vec<_> = parts.collect();
    parts.windows(2).all(|pair| pair[0].0 != pair[1].0 || pair[0].1 < pair[1].1)
}

fn tally(name: &str, text: &str, corruption: Corruption, seed: u64, tally: &mut Tally) {
    let emitted = Counts::of(text);
    let corrupted = corrupt(text, corruption, &mut Random(mix(seed)));
    assert_ne!(text, corrupted, "seed {seed}");
    let folder = Folder::new("mutation");
    let run = etcd_heatmap(&["lint", &folder.write("file.om", &corrupted)]);
    assert!(matches!(run.code, Some(0 | 1)), "{run:?}");
    let Blocks { code, counts } = blocks_of(corrupted.as_bytes());
    tally.corruptions += 1;
    tally.let_through_by_promtool += u32::from(code == Some(0));
    match (run.code == Some(1), counts != emitted) {
        (true, _) => tally.caught_by_lint += 1,
        (false, true) => tally.caught_by_counts += 1,
        (false, false) => {
            tally.caught_by_neither += 1;
            // A digit that leaves a series ascending, within the first and the last sample: only the hash of the file
            // in the manifest tells.
            let is_free = corruption == Corruption::Digit && ascends(&corrupted);
            assert!(is_free, "seed {seed}: nobody catches a line that is {corruption:?} in {name}:\n{run:?}");
        }
    }
}

/// `benches/mutations/run.sh` asks for more than the handful that every run of the tests takes.
#[test]
fn random_corruptions_of_emitted_files_are_caught() {
    let asked = std::env::var("ETCD_HEATMAP_MUTATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(20);
    let folder = Folder::new("emitted");
    etcd_heatmap(&["backfill", "--quiet", "--sample", "--out", &folder.at("audit")]).succeeds();
    let files = folder.tree("audit/openmetrics");
    let files: Vec<_> = files.iter().map(|(name, bytes)| (name, std::str::from_utf8(bytes).expect("UTF-8"))).collect();
    // The first four are those that a disk, a copy or an editor makes; as many digits come on top.
    let mut tallies = CORRUPTIONS.map(|corruption| (corruption, Tally::default()));
    for seed in 0..asked + asked / 4 {
        let (corruption, counted) = &mut tallies[if seed < asked { seed as usize % 4 } else { 4 }];
        let (name, text) = files[Random(seed).below(files.len())];
        tally(name, text, *corruption, seed, counted);
    }
    println!("corruption  number  lint  counts alone  neither  promtool exits with 0");
    for (corruption, t) in tallies {
        println!(
            "{:10}  {:6}  {:4}  {:12}  {:7}  {:21}",
            format!("{corruption:?}"),
            t.corruptions,
            t.caught_by_lint,
            t.caught_by_counts,
            t.caught_by_neither,
            t.let_through_by_promtool
        );
    }
    let caught = |counted: fn(&Tally) -> u32| tallies[..4].iter().map(|(_, tally)| counted(tally)).sum::<u32>();
    assert!(caught(|t| t.caught_by_lint) > 0 && caught(|t| t.caught_by_counts) > 0, "both are needed: {tallies:?}");
    assert!(caught(|t| t.let_through_by_promtool) > 0, "promtool is silent: {tallies:?}");
}
