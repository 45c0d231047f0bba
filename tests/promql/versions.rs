//! Computes random cases for the versions in which results changed, and compares them with `oracle.py`, a second
//! implementation from the description of the changes. `SEED` is the seed of the random data, or 1; `CASES` is the
//! number of cases of each function and version, or 4000. With `CASES_FILE` the cases are also written to a file.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use etcd_heatmap::promql::{
    BucketColumn, Series, Version, changes, histogram_quantile, instant, last_over_time, rate, stale_marker, sum,
};

use crate::random::Random;

/// The last version before each change, the first one with it, and the newest.
const VERSIONS: [&str; 9] = ["2.42", "2.48", "2.49", "2.50", "2.51", "2.53", "2.54", "2.55", "3.14"];

impl Random {
    /// A value of any size, rarely one that is not finite.
    fn value(&mut self) -> f64 {
        let sign = if self.below(3) == 0 { -1.0 } else { 1.0 };
        let value = match self.below(12) {
            0 => 0.0,
            1 => self.below(9) as f64,
            2 => f64::from_bits(self.below(99) as u64),
            3 => 1e308 * (0.5 + self.share()),
            4 if self.below(4) == 0 => [f64::NAN, f64::INFINITY][self.below(2) as usize],
            5 => 1e16 * self.share(),
            6 => 1e-3 * self.below(5000) as f64,
            _ => 1e3 * self.share(),
        };
        sign * value
    }

    /// Samples on and off whole intervals; counters with resets, or any values.
    fn samples(&mut self) -> (Vec<i64>, Vec<f64>) {
        let interval = [1000, 15_000, 30_000, 60_000][self.below(4) as usize];
        let jitter = [1, 1, 20, 900][self.below(4) as usize];
        let any = self.below(4) == 0;
        let mut now = self.below(3) * interval;
        let mut value = if self.below(2) == 0 { 0.0 } else { 50.0 * self.share() };
        let (mut timestamps, mut values) = (Vec::new(), Vec::new());
        for _ in 0..self.below(30) {
            now += interval * [1, 1, 1, 1, 1, 1, 2, 5][self.below(8) as usize];
            timestamps.push(now + self.below(jitter));
            value = match self.below(15) {
                0 => 2.0 * self.share(),
                _ if any => self.value(),
                _ => value + [self.share(), self.below(9) as f64][self.below(2) as usize],
            };
            values.push(if self.below(25) == 0 { stale_marker() } else { value });
        }
        (timestamps, values)
    }

    /// Buckets whose counts rise, fall, differ by rounding or are anything; in any order, bounds twice.
    fn buckets(&mut self) -> Vec<(f64, f64)> {
        let mut count = [0.0, 1.0, 1e6 * self.share()][self.below(3) as usize];
        let mut bound = if self.below(5) == 0 { -3.0 } else { 0.0 };
        let mut buckets: Vec<(f64, f64)> = Vec::new();
        let many = 1 + self.below(14);
        for index in 0..many {
            bound += [0.5, 1.0, self.share()][self.below(3) as usize];
            count += match self.below(8) {
                0 => 0.0,
                1 | 2 => count * 1e-12 * (4.0 * self.share() - 2.0),
                3 => -count * self.share() / 10.0,
                4 => count * 1e-13 * self.below(20) as f64,
                _ => 10.0 * self.share(),
            };
            let odd = [f64::NAN, f64::INFINITY, 0.0, -1.0, 5e-324][self.below(5) as usize];
            let last = index + 1 == many && self.below(12) != 0;
            let at = self.below(buckets.len() as i64 + 1) as usize;
            let count = if self.below(40) == 0 { odd } else { count };
            let twice = !buckets.iter().any(|(b, _)| *b == bound) && self.below(12) == 0;
            buckets.insert(at, (if last { f64::INFINITY } else { bound }, count));
            if twice {
                buckets.push((bound, count / 3.0));
            }
        }
        // The order in which equal bounds are added up would matter for three.
        let bounds: Vec<f64> = buckets.iter().map(|(bound, _)| *bound).collect();
        if bounds.iter().any(|a| bounds.iter().filter(|b| a == *b).count() > 2) { self.buckets() } else { buckets }
    }
}

fn hex(value: f64) -> String {
    format!("{:016x}", value.to_bits())
}

fn hex_list(values: &[f64]) -> String {
    let values: Vec<String> = values.iter().map(|value| hex(*value)).collect();
    values.join(" ")
}

fn result(value: Option<f64>) -> String {
    value.map_or("none".to_owned(), |value| if value.is_nan() { "nan".to_owned() } else { hex(value) })
}

/// One case a line: version, function, result, arguments.
fn cases(random: &mut Random, of_each: usize) -> String {
    let mut lines = String::new();
    for text in VERSIONS {
        let version: Version = text.parse().expect("a version");
        for _ in 0..of_each {
            lines += &over_time(random, text, version);
            lines += &sum_case(random, text, version);
            lines += &quantile_case(random, text, version);
        }
    }
    lines
}

fn over_time(random: &mut Random, text: &str, version: Version) -> String {
    let (timestamps, values) = random.samples();
    let series = Series::new(&timestamps, &values).expect("a series");
    let range = [1000, 1500, 15_000, 60_000, 90_000, 300_000, 333_333][random.below(7) as usize];
    // A sample or its start of range, or any time.
    let near = timestamps.get(random.below(timestamps.len().max(1) as i64) as usize).copied().unwrap_or(0);
    let time = [near, near + range, near + range, near + random.below(100_000)][random.below(4) as usize];
    let pairs: Vec<String> = timestamps.iter().zip(&values).map(|(t, v)| format!("{t} {}", hex(*v))).collect();
    let mut lines = String::new();
    for (name, column) in [
        ("rate", rate(&series, range, &[time], version)),
        ("changes", changes(&series, range, &[time], version)),
        ("last", last_over_time(&series, range, &[time], version)),
        ("instant", instant(&series, range, &[time], version)),
    ] {
        let result = result(column[0]);
        writeln!(lines, "{text} {name} {result} {range} {time} {}", pairs.join(" ")).expect("a line");
    }
    lines
}

fn sum_case(random: &mut Random, text: &str, version: Version) -> String {
    let values: Vec<f64> = (0..=random.below(12)).map(|_| random.value()).collect();
    let series: Vec<[Option<f64>; 1]> = values.iter().map(|value| [Some(*value)]).collect();
    format!("{text} sum {} {}\n", result(sum(&series, version)[0]), hex_list(&values))
}

fn quantile_case(random: &mut Random, text: &str, version: Version) -> String {
    let q = [0.99, 0.5, 0.0, 1.0, random.share()][random.below(5) as usize];
    let buckets = random.buckets();
    let counts: Vec<[Option<f64>; 1]> = buckets.iter().map(|(_, count)| [Some(*count)]).collect();
    let column = |((upper_bound, _), counts)| BucketColumn { upper_bound, counts };
    let counts = counts.iter().map(|counts| counts.as_slice());
    let columns: Vec<BucketColumn<'_>> = buckets.iter().copied().zip(counts).map(column).collect();
    let flat: Vec<f64> = buckets.iter().flat_map(|(bound, count)| [*bound, *count]).collect();
    let result = result(histogram_quantile(q, &columns, version)[0]);
    format!("{text} quantile {result} {} {}\n", hex(q), hex_list(&flat))
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn every_version_gives_what_a_second_implementation_gives() {
    let mut random = Random::new(setting("SEED", 1));
    let cases = cases(&mut random, setting("CASES", 4000) as usize);
    if let Ok(path) = std::env::var("CASES_FILE") {
        std::fs::write(path, &cases).expect("a file of cases");
    }
    let mut oracle = Command::new("python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/promql/versions/oracle.py"))
        .stdin(Stdio::piped())
        .spawn()
        .expect("python3 runs (package python3)");
    oracle.stdin.take().expect("its input").write_all(cases.as_bytes()).expect("the cases");
    assert!(oracle.wait().expect("an exit status").success(), "cases differ");
}
