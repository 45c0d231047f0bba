//! Compares every value of range queries with those of a real Prometheus, bit for bit. The version of the functions
//! is that of the server. The seed of the random data is `SEED`, or 1.

mod data;
mod server;

use std::collections::BTreeMap;

use crate::random::Random;
use data::KINDS;
use etcd_heatmap::promql::{
    BucketColumn, Column, DEFAULT_LOOKBACK_MS, Series, Version, and, changes, histogram_quantile, instant,
    last_over_time, max, or, parse_le, rate, sum,
};
use server::{Answer, Labels, Server};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
/// 2023-06-01.
const START_MS: i64 = 1_685_577_600_000;
const END_MS: i64 = START_MS + 30 * HOUR_MS;
/// Remote write accepts only samples after the blocks.
const STALE_START_MS: i64 = START_MS + 50 * HOUR_MS;
const STALE_END_MS: i64 = STALE_START_MS + 8 * HOUR_MS;

/// Columns with their labels, in the order of labels.
type Columns = Vec<(Labels, Column)>;

/// The points of one form of query.
#[derive(Default)]
struct Tally {
    compared: u64,
    /// NaN both in Prometheus and here, whose bits the API does not show.
    nan: u64,
    different: u64,
}

/// A server, and how its answers compare with the functions.
struct Check {
    server: Server,
    version: Version,
    tallies: BTreeMap<String, Tally>,
}

impl Check {
    /// Compares the answer to a range query with these columns.
    fn compare(&mut self, form: &str, query: &str, times_ms: &[i64], columns: &Columns) {
        let mut answers: BTreeMap<Labels, Answer> = BTreeMap::new();
        for answer in self.server.range(query, times_ms) {
            answers.insert(answer.labels.clone(), answer);
        }
        for (labels, column) in columns {
            let answer = answers.remove(labels);
            self.compare_series(form, &format!("{query} {labels:?}"), times_ms, answer.as_ref(), column);
        }
        let unexpected: Vec<&Labels> = answers.keys().collect();
        assert!(unexpected.is_empty(), "{query}: only Prometheus returns {unexpected:?}");
    }

    fn compare_series(&mut self, form: &str, query: &str, times_ms: &[i64], answer: Option<&Answer>, column: &Column) {
        let samples = answer.into_iter().flat_map(|a| a.timestamps_ms.iter().copied().zip(a.values.iter().copied()));
        let mut samples = samples.peekable();
        let tally = self.tallies.entry(form.to_owned()).or_default();
        for (time, ours) in times_ms.iter().zip(column) {
            let theirs = samples.next_if(|(at, _)| at == time).map(|(_, value)| value);
            tally.compared += u64::from(ours.is_some() || theirs.is_some());
            tally.nan += u64::from(ours.is_some_and(f64::is_nan) && theirs.is_some_and(f64::is_nan));
            if !equal(*ours, theirs) {
                tally.different += 1;
                if tally.different <= 3 {
                    eprintln!("{query} at {time}: Prometheus {theirs:?}, here {ours:?}");
                }
            }
        }
        assert!(samples.next().is_none(), "{query}: a sample off the steps");
    }
}

/// Equal bits. The API does not show the bits of a NaN.
fn equal(ours: Option<f64>, theirs: Option<f64>) -> bool {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) => ours.to_bits() == theirs.to_bits() || (ours.is_nan() && theirs.is_nan()),
        (ours, theirs) => ours.is_none() && theirs.is_none(),
    }
}

fn columns(series: &[Answer], evaluate: impl Fn(&Series<'_>) -> Column) -> Columns {
    let column = |answer: &Answer| {
        let series = Series::new(&answer.timestamps_ms, &answer.values).expect("a series");
        (answer.labels.clone(), evaluate(&series))
    };
    let mut columns: Columns = series.iter().map(column).collect();
    columns.sort_by(|a, b| a.0.cmp(&b.0));
    columns
}

fn without_name(mut columns: Columns) -> Columns {
    columns.iter_mut().for_each(|(labels, _)| drop(labels.remove("__name__")));
    columns
}

/// The groups of `by (names)`, each with its series in order.
fn grouped<'a>(columns: &'a Columns, names: &[&str]) -> BTreeMap<Labels, Vec<&'a Column>> {
    let mut groups: BTreeMap<Labels, Vec<&Column>> = BTreeMap::new();
    for (labels, column) in columns {
        let group = labels.iter().filter(|(name, _)| names.contains(&name.as_str()));
        groups.entry(group.map(|(name, value)| (name.clone(), value.clone())).collect()).or_default().push(column);
    }
    groups
}

fn sums(columns: &Columns, names: &[&str], version: Version) -> Columns {
    grouped(columns, names).into_iter().map(|(labels, group)| (labels, sum(&group, version))).collect()
}

fn quantiles(q: f64, columns: &Columns, version: Version) -> Columns {
    let mut histograms: BTreeMap<Labels, Vec<BucketColumn<'_>>> = BTreeMap::new();
    for (labels, counts) in columns {
        if let Some(upper_bound) = parse_le(&labels["le"]) {
            let mut labels = labels.clone();
            labels.remove("le");
            histograms.entry(labels).or_default().push(BucketColumn { upper_bound, counts });
        }
    }
    histograms.into_iter().map(|(labels, buckets)| (labels, histogram_quantile(q, &buckets, version))).collect()
}

/// Steps that include both ends of some ranges of the samples, and some that are off by milliseconds.
fn grids(random: &mut Random) -> Vec<Vec<i64>> {
    let grid = |step: i64, start: i64, hours: i64| (start..=start + hours * HOUR_MS).step_by(step as usize).collect();
    vec![
        grid(15_000, START_MS + random.below(20) * HOUR_MS, 6),
        grid(15_000, START_MS + random.below(20 * HOUR_MS), 6),
        grid(MINUTE_MS, START_MS - HOUR_MS, 33),
        grid(7 * MINUTE_MS + 1, START_MS - HOUR_MS, 33),
        grid(HOUR_MS, START_MS, 40),
    ]
}

#[test]
fn every_value_equals_prometheus() {
    let seed = std::env::var("SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let mut random = Random::new(seed);
    let range = (START_MS, END_MS);
    let mut written: Vec<Answer> = (0..4 * KINDS.len())
        .map(|id| data::single(if id % 5 == 4 { "d" } else { "c" }, KINDS[id % KINDS.len()], id, range, &mut random))
        .collect();
    for member in
        ["plain", "torn", "idle", "nan", "rounded", "racing", "large", "infinite", "endless", "negative", "spelled"]
    {
        for instance in ["a", "b", "c"] {
            written.extend(data::histogram(member, instance, range, &mut random));
        }
    }
    let server = Server::with_blocks(&data::openmetrics(&written));
    let version: Version = server.version().parse().expect("a version");
    println!("Prometheus {}, seed {seed}", server.version());
    let mut check = Check { server, version, tallies: BTreeMap::new() };
    let grids = grids(&mut random);
    check_single_series(&mut check, &grids);
    check_groups(&mut check, &grids);
    check_histograms(&mut check, &grids);
    let stale = write_stale(&check.server, &mut random);
    check_stale(&mut check, &stale, DEFAULT_LOOKBACK_MS);
    for lookback_ms in [15_000, 61_234] {
        check.server.restart(lookback_ms);
        check_stale(&mut check, &stale, lookback_ms);
        check_lookback(&mut check, &grids, lookback_ms);
    }
    report(&check.tallies);
}

fn report(tallies: &BTreeMap<String, Tally>) {
    let mut total = Tally::default();
    for (form, tally) in tallies {
        println!("{:>9} points, {:>6} NaN, {} different: {form}", tally.compared, tally.nan, tally.different);
        total.compared += tally.compared;
        total.nan += tally.nan;
        total.different += tally.different;
    }
    println!("{:>9} points, {:>6} NaN, {} different", total.compared, total.nan, total.different);
    assert_eq!(total.different, 0, "points differ");
}

fn check_single_series(check: &mut Check, grids: &[Vec<i64>]) {
    let version = check.version;
    let raw = check.server.raw("c", START_MS - HOUR_MS, END_MS + HOUR_MS);
    for times in grids {
        for window in [15_000, MINUTE_MS, 5 * MINUTE_MS, 1500, 333_333, HOUR_MS] {
            let columns = without_name(columns(&raw, |series| rate(series, window, times, version)));
            check.compare("rate(c[…])", &format!("rate(c[{window}ms])"), times, &columns);
        }
        for window in [MINUTE_MS, 10 * MINUTE_MS, 24 * HOUR_MS] {
            let columns = without_name(columns(&raw, |series| changes(series, window, times, version)));
            check.compare("changes(c[…])", &format!("changes(c[{window}ms])"), times, &columns);
            check_last(check, &raw, window, times, "c");
        }
        let columns = columns(&raw, |series| instant(series, DEFAULT_LOOKBACK_MS, times, version));
        check.compare("c", "c", times, &columns);
    }
}

fn check_groups(check: &mut Check, grids: &[Vec<i64>]) {
    let version = check.version;
    let raw = check.server.raw("c", START_MS - HOUR_MS, END_MS + HOUR_MS);
    let other = check.server.raw("d", START_MS - HOUR_MS, END_MS + HOUR_MS);
    for times in grids {
        let instants = columns(&raw, |series| instant(series, DEFAULT_LOOKBACK_MS, times, version));
        let others = columns(&other, |series| instant(series, DEFAULT_LOOKBACK_MS, times, version));
        let rates = columns(&raw, |series| rate(series, 5 * MINUTE_MS, times, version));
        check.compare("sum(…)", "sum by (kind) (c)", times, &sums(&instants, &["kind"], version));
        check.compare("sum(…)", "sum(c)", times, &sums(&instants, &[], version));
        check.compare("sum(rate(…))", "sum by (kind) (rate(c[5m]))", times, &sums(&rates, &["kind"], version));
        check.compare("sum(rate(…))", "sum(rate(c[5m]))", times, &sums(&rates, &[], version));
        let highest = grouped(&instants, &["kind"]).into_iter().map(|(labels, group)| (labels, max(&group))).collect();
        check.compare("max(…)", "max by (kind) (c)", times, &highest);
        let (left, right) = (grouped(&instants, &["kind"]), grouped(&others, &["kind"]));
        let either = |(labels, group): (&Labels, &Vec<&Column>)| {
            let left = max(group);
            (labels.clone(), right.get(labels).map_or(left.clone(), |right| or(&left, &max(right))))
        };
        check.compare("… or …", "max by (kind) (c) or max by (kind) (d)", times, &left.iter().map(either).collect());
        let both = |(labels, column): &(Labels, Column)| {
            let beside = right.iter().find(|(kind, _)| kind["kind"] == labels["kind"]);
            (labels.clone(), and(column, beside.map_or(&[], |(_, group)| group.as_slice())))
        };
        check.compare("… and on …", "c and on (kind) d", times, &instants.iter().map(both).collect());
    }
}

fn check_histograms(check: &mut Check, grids: &[Vec<i64>]) {
    let version = check.version;
    let raw = check.server.raw("h_bucket", START_MS - HOUR_MS, END_MS + HOUR_MS);
    let form = "histogram_quantile(…, sum by (member, le) (rate(…)))";
    for times in grids {
        for (window, q) in
            [(MINUTE_MS, 0.99), (5 * MINUTE_MS, 0.99), (5 * MINUTE_MS, 0.5), (HOUR_MS, 0.0), (HOUR_MS, 1.0)]
        {
            let rates = without_name(columns(&raw, |series| rate(series, window, times, version)));
            let sums = sums(&rates, &["member", "le"], version);
            let query = format!("histogram_quantile({q}, sum by (member, le) (rate(h_bucket[{window}ms])))");
            check.compare(form, &query, times, &quantiles(q, &sums, version));
            let query = format!("histogram_quantile({q}, rate(h_bucket[{window}ms]))");
            check.compare("histogram_quantile(…, rate(…))", &query, times, &quantiles(q, &rates, version));
        }
        for q in [0.9, -0.5, 1.5] {
            let counts = without_name(columns(&raw, |series| instant(series, DEFAULT_LOOKBACK_MS, times, version)));
            let query = format!("histogram_quantile({q}, h_bucket)");
            check.compare("histogram_quantile(…, h)", &query, times, &quantiles(q, &counts, version));
        }
    }
}

fn check_lookback(check: &mut Check, grids: &[Vec<i64>], lookback_ms: i64) {
    let version = check.version;
    let raw = check.server.raw("c", START_MS - HOUR_MS, END_MS + HOUR_MS);
    for times in grids {
        let columns = columns(&raw, |series| instant(series, lookback_ms, times, version));
        check.compare("c with a shorter look-back", "c", times, &columns);
    }
}

/// Writes series with staleness markers and returns them, because the API does not return markers.
fn write_stale(server: &Server, random: &mut Random) -> Vec<Answer> {
    let mut series: Vec<Answer> = (0..24).map(|id| data::stale(id, (STALE_START_MS, STALE_END_MS), random)).collect();
    series.sort_by(|a, b| a.labels.cmp(&b.labels));
    for from in (STALE_START_MS..=STALE_END_MS).step_by(HOUR_MS as usize / 2) {
        let part: Vec<Answer> = series.iter().map(|series| between(series, from, from + HOUR_MS / 2)).collect();
        server.write(&part);
    }
    series
}

fn check_stale(check: &mut Check, series: &[Answer], lookback_ms: i64) {
    let version = check.version;
    for (step, start) in [(15_000, STALE_START_MS), (20_001, STALE_START_MS - HOUR_MS), (HOUR_MS, STALE_START_MS)] {
        let times: Vec<i64> = (start..=STALE_END_MS + HOUR_MS).step_by(step as usize).collect();
        let instants = columns(series, |series| instant(series, lookback_ms, &times, version));
        check.compare("stale s", "s", &times, &instants);
        for window in [MINUTE_MS, 10 * MINUTE_MS, HOUR_MS] {
            let rates = without_name(columns(series, |series| rate(series, window, &times, version)));
            check.compare("stale rate(s[…])", &format!("rate(s[{window}ms])"), &times, &rates);
            let counts = without_name(columns(series, |series| changes(series, window, &times, version)));
            check.compare("stale changes(s[…])", &format!("changes(s[{window}ms])"), &times, &counts);
            check_last(check, series, window, &times, "s");
        }
    }
}

/// Unlike other functions, `last_over_time` keeps the name.
fn check_last(check: &mut Check, series: &[Answer], window: i64, times: &[i64], name: &str) {
    let version = check.version;
    let last = columns(series, |series| last_over_time(series, window, times, version));
    let query = format!("last_over_time({name}[{window}ms])");
    check.compare("last_over_time(…[…])", &query, times, &last);
}

fn between(series: &Answer, from_ms: i64, until_ms: i64) -> Answer {
    let samples = series.timestamps_ms.iter().zip(&series.values).filter(|(t, _)| (from_ms..until_ms).contains(*t));
    let (timestamps_ms, values) = samples.map(|(t, v)| (*t, *v)).unzip();
    Answer { labels: series.labels.clone(), timestamps_ms, values }
}
