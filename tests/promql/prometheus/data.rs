//! Random series of many kinds, from a fixed seed.

use etcd_heatmap::promql::stale_marker;

use super::server::{Answer, Labels};
use crate::random::Random;

pub(crate) fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Jittered scrapes with lost ones and gaps of up to three hours. One in four targets is scraped exactly on time.
pub(crate) fn scrapes(random: &mut Random, start_ms: i64, end_ms: i64) -> Vec<i64> {
    let interval = [5, 10, 15, 15, 30, 60, 299, 300][random.below(8) as usize] * 1000;
    let jitter = [1, 3, 100, 900, 4000][random.below(5) as usize];
    let mut now = start_ms + if random.once_in(4) { 0 } else { random.below(interval) };
    let mut times = Vec::new();
    while now <= end_ms {
        let scraped = now + random.below(jitter);
        if times.last().is_none_or(|last| scraped > *last) && scraped <= end_ms && !random.once_in(50) {
            times.push(scraped);
        }
        now += interval + if random.once_in(400) { random.below(3 * 3_600_000) } else { 0 };
    }
    times
}

/// The kinds of single series.
pub(crate) const KINDS: [&str; 12] =
    ["count", "fraction", "thousandth", "young", "huge", "tiny", "zero", "gauge", "nan", "inf", "flat", "bytes"];

/// The next value of a series of this kind.
pub(crate) fn next(kind: &str, value: f64, random: &mut Random) -> f64 {
    if random.once_in(if kind == "young" { 25 } else { 150 }) {
        return if random.once_in(2) { 0.0 } else { random.share() * 3.0 };
    }
    match kind {
        "count" | "young" => value + random.below(20) as f64,
        "fraction" => value + random.share(),
        "thousandth" => value + random.below(5000) as f64 / 1000.0,
        "huge" => value.abs().max(1e307) * (1.0 + random.share() / 300.0),
        "tiny" => value + f64::from_bits(random.below(9) as u64),
        "zero" => [0.0, 0.0, -0.0][random.below(3) as usize],
        "gauge" => (random.share() - 0.5) * 1e3,
        "nan" => [f64::NAN, f64::NAN, value, random.share()][random.below(4) as usize],
        "inf" if random.once_in(9) => [f64::INFINITY, f64::NEG_INFINITY][random.below(2) as usize],
        "flat" => [value, value, value, value + 1.0][random.below(4) as usize],
        "bytes" => value + random.below(1 << 40) as f64 * 1.1,
        _ => random.share() * 100.0,
    }
}

/// One series of a kind.
pub(crate) fn single(name: &str, kind: &str, id: usize, range: (i64, i64), random: &mut Random) -> Answer {
    let timestamps_ms = scrapes(random, range.0, range.1);
    let mut value = if random.once_in(2) { 0.0 } else { random.share() * 1e4 };
    let values = timestamps_ms.iter().map(|_| {
        value = next(kind, value, random);
        value
    });
    let values = values.collect();
    let labels = labels(&[("__name__", name), ("kind", kind), ("id", &id.to_string())]);
    Answer { labels, timestamps_ms, values }
}

/// The buckets of one target. Members differ in their upper bounds and in the faults of their counts.
pub(crate) fn histogram(member: &str, instance: &str, range: (i64, i64), random: &mut Random) -> Vec<Answer> {
    let bounds: &[&str] = match member {
        "infinite" => &["+Inf"],
        "endless" => &["0.1", "1", "10"],
        "negative" => &["-5", "-0.1", "0", "2.5", "+Inf"],
        "spelled" => &["0.5", "1", "1.0", "2", "2.00", "+Inf", "+inf", "none", "1e999"],
        _ => &[
            "0.001", "0.002", "0.004", "0.008", "0.016", "0.032", "0.064", "0.128", "0.256", "0.512", "1.024", "2.048",
            "4.096", "8.192", "+Inf",
        ],
    };
    let timestamps_ms = scrapes(random, range.0, range.1);
    let mut counts = vec![0.0; bounds.len()];
    let mut series: Vec<Answer> = bounds.iter().map(|le| bucket(member, instance, le)).collect();
    for &timestamp in &timestamps_ms {
        if random.once_in(300) {
            counts.fill(0.0);
        }
        let mut total = 0.0;
        let idle = member == "idle" && random.below(10) != 0;
        for (count, series) in counts.iter_mut().zip(&mut series) {
            if !idle {
                total += observations(member, random);
            }
            *count += total;
            if !(member == "torn" && random.once_in(12)) {
                series.timestamps_ms.push(timestamp);
                series.values.push(if member == "nan" && random.once_in(30) { f64::NAN } else { *count });
            }
        }
    }
    series
}

/// New observations of one bucket. Those of "rounded" and "racing" are not whole, or fall.
fn observations(member: &str, random: &mut Random) -> f64 {
    match member {
        "rounded" => random.share() / 3.0,
        "racing" => random.below(12) as f64 - 4.0,
        "large" => random.below(1 << 50) as f64,
        _ => random.below(4) as f64,
    }
}

fn bucket(member: &str, instance: &str, le: &str) -> Answer {
    let labels = labels(&[("__name__", "h_bucket"), ("member", member), ("instance", instance), ("le", le)]);
    Answer { labels, timestamps_ms: Vec::new(), values: Vec::new() }
}

/// Series with staleness markers: after one, the series may go on at once, later or never.
pub(crate) fn stale(id: usize, range: (i64, i64), random: &mut Random) -> Answer {
    let kind = KINDS[id % KINDS.len()];
    let mut series = single("s", kind, id, range, random);
    for value in &mut series.values {
        if random.once_in([3, 20, 100][id % 3]) {
            *value = stale_marker();
        }
    }
    series
}

/// The text in the OpenMetrics format.
pub(crate) fn openmetrics(series: &[Answer]) -> String {
    let mut text = String::new();
    for series in series {
        let labels: Vec<String> = series
            .labels
            .iter()
            .filter(|(name, _)| *name != "__name__")
            .map(|(name, value)| format!("{name}=\"{value}\""))
            .collect();
        let head = format!("{}{{{}}}", series.labels["__name__"], labels.join(","));
        for (timestamp, value) in series.timestamps_ms.iter().zip(&series.values) {
            let value = if value.is_nan() { "NaN".to_owned() } else { format!("{value:e}").replace("inf", "Inf") };
            text.push_str(&format!("{head} {value} {}.{:03}\n", timestamp / 1000, timestamp % 1000));
        }
    }
    text.push_str("# EOF\n");
    text
}
