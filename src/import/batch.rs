//! Splits the samples of a file into batches small enough for one request.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::Path;

use super::Labels;
use super::own_lines::{Read, labels_of, read_from};

/// Samples per batch: a few megabytes of text.
const BATCH_SAMPLES: usize = 200_000;
/// Series per batch. Each series adds a selector to the query for existing samples.
const BATCH_SERIES: usize = 50;

/// Relative difference up to which a stored value counts as equal to ours.
///
/// VictoriaMetrics stores a value as an integer times a power of ten and may change it by up to a relative 1e-12
/// (`conversionPrecision` in its lib/decimal), plus about 1e-16 of floating-point error. Different scores are
/// further apart: with a built-in profile, by at least 1e-9 points.
const STORED_TO: f64 = 2e-12;

/// A batch of samples from one file.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    text: String,
    series: BTreeMap<Labels, Vec<BatchSample>>,
    samples: usize,
}

/// A sample and its line of text.
#[derive(Clone, Debug)]
struct BatchSample {
    at_ms: i64,
    value: f64,
    line: Range<usize>,
}

/// A sample for which the server stores a different value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Clash {
    pub(crate) labels: Labels,
    pub(crate) at_ms: i64,
    /// Value that the server stores.
    pub(crate) held: f64,
    /// Value in the file to be imported.
    pub(crate) ours: f64,
}

/// The result of comparing a batch with the server's samples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Missing {
    /// Lines of the missing samples, grouped by series.
    pub(crate) lines: String,
    pub(crate) count: u64,
    /// Number of samples that the server already has with a rounded value.
    pub(crate) rounded: u64,
}

impl Batch {
    /// Selectors that match the batch's series; they may also match series with additional labels.
    pub(crate) fn selectors(&self) -> Vec<String> {
        let matcher = |(name, value): (&String, &String)| format!("{name}={}", serde_json::Value::from(value.as_str()));
        let selector = |labels: &Labels| labels.iter().map(matcher).collect::<Vec<_>>().join(",");
        self.series.keys().map(|labels| format!("{{{}}}", selector(labels))).collect()
    }

    /// Time of the first and the last sample, in milliseconds.
    pub(crate) fn span_ms(&self) -> (i64, i64) {
        let ends = || self.series.values().filter_map(|samples| Some((samples.first()?.at_ms, samples.last()?.at_ms)));
        (ends().map(|(first, _)| first).min().unwrap_or(0), ends().map(|(_, last)| last).max().unwrap_or(0))
    }

    /// Number of samples in all series of the batch.
    pub(crate) fn len(&self) -> usize {
        self.samples
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.samples == 0
    }

    /// Returns the samples that are missing from `held`, the server's samples. Fails if `held` has a
    /// sample with a different value.
    pub(crate) fn missing(&self, held: &BTreeMap<Labels, BTreeMap<i64, f64>>) -> Result<Missing, Clash> {
        let mut missing = Missing::default();
        for (labels, samples) in &self.series {
            let held = held.get(labels);
            for sample in samples {
                match held.and_then(|held| held.get(&sample.at_ms)) {
                    Some(&value) if !is_stored_as(sample.value, value) => {
                        let (at_ms, ours) = (sample.at_ms, sample.value);
                        return Err(Clash { labels: labels.clone(), at_ms, held: value, ours });
                    }
                    Some(&value) => missing.rounded += u64::from(value != sample.value),
                    None => {
                        missing.lines.push_str(&self.text[sample.line.clone()]);
                        missing.count += 1;
                    }
                }
            }
        }
        Ok(missing)
    }

    fn is_full(&self, next: &Labels) -> bool {
        self.samples >= BATCH_SAMPLES || (self.series.len() >= BATCH_SERIES && !self.series.contains_key(next))
    }
}

/// Whether `held` can be the value that VictoriaMetrics stores for `ours`. False if either is NaN,
/// but NaN is never exported.
fn is_stored_as(ours: f64, held: f64) -> bool {
    held == ours || (held - ours).abs() <= STORED_TO * ours.abs()
}

/// Reads a file written by this program and passes it on batch by batch.
pub(crate) fn batches<E: From<io::Error>>(path: &Path, mut take: impl FnMut(Batch) -> Result<(), E>) -> Result<(), E> {
    let (mut batch, mut series) = (Batch::default(), Labels::new());
    read_from(path, 0, |line| {
        if !line.sample.goes_on {
            series = labels_of(&line.sample);
        }
        if batch.is_full(&series) {
            take(std::mem::take(&mut batch))?;
        }
        let start = batch.text.len();
        batch.text.push_str(line.text);
        batch.text.push('\n');
        let (at_ms, value) = (line.sample.timestamp_ms, line.sample.value);
        let sample = BatchSample { at_ms, value, line: start..batch.text.len() };
        batch.series.entry(series.clone()).or_default().push(sample);
        batch.samples += 1;
        Ok::<_, E>(Read::On)
    })?;
    if batch.is_empty() { Ok(()) } else { take(batch) }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn only_missing_samples_are_sent_and_a_different_value_is_a_clash() {
        let folder = Scratch::new();
        let path = folder.path().join("x.om");
        let text = "# TYPE x gauge\nx{a=\"1\\\"\"} 5 60\nx{a=\"1\\\"\"} 6 120\nx{a=\"2\"} 7 60\n# EOF\n";
        std::fs::write(&path, text).unwrap();
        let mut all = Vec::new();
        let keep = |batch| {
            all.push(batch);
            Ok::<_, io::Error>(())
        };
        batches(&path, keep).unwrap();
        let [batch] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!(batch.selectors(), [r#"{__name__="x",a="1\""}"#, r#"{__name__="x",a="2"}"#]);
        assert_eq!((batch.len(), batch.span_ms()), (3, (60_000, 120_000)));
        let labels = |a: &str| Labels::from([("__name__".into(), "x".into()), ("a".into(), a.into())]);
        let held = |value| BTreeMap::from([(labels("1\""), BTreeMap::from([(60_000, value), (61_000, 9.0)]))]);
        let lines = "x{a=\"1\\\"\"} 6 120\nx{a=\"2\"} 7 60\n".to_owned();
        assert_eq!(batch.missing(&held(5.0)).unwrap(), Missing { lines: lines.clone(), count: 2, rounded: 0 });
        // A relative difference of 1e-12 counts as rounding.
        assert_eq!(batch.missing(&held(4.999_999_999_995)).unwrap(), Missing { lines, count: 2, rounded: 1 });
        let clash = batch.missing(&held(5.5)).unwrap_err();
        assert_eq!((clash.at_ms, clash.held, clash.ours), (60_000, 5.5, 5.0));
        assert!(batch.missing(&held(f64::NAN)).is_err());
    }

    #[test]
    fn values_are_equal_within_the_precision_of_victoriametrics() {
        // In each pair, VictoriaMetrics 1.79.5 exports the second value after an import of the first.
        for (ours, held) in [
            (6.842105263157895, 6.842105263157),
            (7.692307692307693, 7.6923076923),
            (0.3922813879636078, 0.392281387964),
            (1.0 / 3.0, 0.333333333333),
            (10.0, 10.0),
            (0.0, 0.0),
        ] {
            assert!(is_stored_as(ours, held), "{ours} {held}");
        }
        // These are different values: a difference of a thousandth of a point, too few decimals, a tiny value instead
        // of zero, and opposite signs.
        for (ours, held) in [(9.999, 10.0), (7.692307692307693, 7.692307692), (0.0, 1e-15), (5.0, -5.0)] {
            assert!(!is_stored_as(ours, held), "{ours} {held}");
        }
    }

    #[test]
    fn a_batch_has_at_most_fifty_series_with_all_their_samples_and_a_file_without_samples_has_none() {
        let folder = Scratch::new();
        let path = folder.path().join("x.om");
        let sizes = |series: Range<u32>| {
            let lines = series.map(|number| format!("x{{a=\"{number:03}\"}} 5 60\nx{{a=\"{number:03}\"}} 6 120\n"));
            std::fs::write(&path, format!("# TYPE x gauge\n{}# EOF\n", lines.collect::<String>())).unwrap();
            let mut sizes = Vec::new();
            let keep = |batch: Batch| {
                sizes.push((batch.len(), batch.selectors().len()));
                Ok::<_, io::Error>(())
            };
            batches(&path, keep).unwrap();
            sizes
        };
        assert_eq!(sizes(0..51), [(100, 50), (2, 1)]);
        assert_eq!(sizes(0..50), [(100, 50)]);
        assert_eq!(sizes(0..0), []);
    }
}
