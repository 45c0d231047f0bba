//! Any bytes as a dump.
//!
//! A reference reads line by line: it splits, and parses with the standard library. Where it accepts all lines, the
//! decoder must give the same samples in the same order, and the spool must keep them.

#![no_main]

use std::collections::BTreeMap;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use under_test::scratch;
use under_test::sources::dump::{DumpError, Wanted, read};
use under_test::sources::spool::{Labels, Sink, Spool, SpoolError};

const NAMES: [&str; 3] = ["etcd_a_bucket", "etcd_b", "up"];

const STALE_MARKER: f64 = f64::from_bits(0x7ff0_0000_0000_0002);

/// Labels by name, `__name__` included, time, and bits of the value.
type Sample = (Vec<(String, String)>, i64, u64);

/// Keeps everything.
#[derive(Default)]
struct List {
    series: Vec<Vec<(String, String)>>,
    samples: Vec<Sample>,
    lines: Vec<u64>,
}

impl Sink for List {
    fn dump(&mut self, _: &str) -> Result<(), SpoolError> {
        Ok(())
    }

    fn series(&mut self, labels: Labels) -> Result<u32, SpoolError> {
        self.series.push(labels.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect());
        Ok(self.series.len() as u32 - 1)
    }

    fn sample(&mut self, series: u32, line: u64, time_ms: i64, value: f64) -> Result<(), SpoolError> {
        self.samples.push((self.series[series as usize].clone(), time_ms, value.to_bits()));
        self.lines.push(line);
        Ok(())
    }
}

fuzz_target!(|bytes: &[u8]| {
    // Compressed dumps have checksums.
    if bytes.starts_with(&[0x1f, 0x8b]) || bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        return;
    }
    let lines = bytes.split(|byte| *byte == b'\n').count() as u64;
    let mut list = List::default();
    let result = read(bytes, "a.om", &Wanted::new(&NAMES), &mut list);
    assert!(list.lines.windows(2).all(|pair| pair[0] < pair[1]) && list.lines.last().is_none_or(|last| *last <= lines));
    for labels in &list.series {
        assert!(labels.windows(2).all(|pair| pair[0].0 < pair[1].0), "{labels:?}");
        assert!(labels.iter().any(|(name, value)| name == "__name__" && NAMES.contains(&value.as_str())), "{labels:?}");
    }
    match &result {
        Ok(summary) => {
            assert!(summary.lines <= lines && summary.samples == list.samples.len() as u64, "{summary:?}");
            assert!(summary.bytes <= bytes.len() as u64 && summary.cut.is_none(), "{summary:?}");
        }
        Err(error) => names_a_line(error, lines),
    }
    if let Some(expected) = reference(bytes) {
        assert!(result.is_ok(), "{result:?}");
        assert_eq!(list.samples, expected);
    }
    if result.is_ok() {
        is_kept(bytes, &list.samples);
    }
});

fn names_a_line(error: &DumpError, lines: u64) {
    let text = error.to_string();
    assert!(text.contains("a.om") && !text.chars().any(char::is_control), "an error is one line: {text:?}");
    let named = match error {
        DumpError::AfterEof { line, .. }
        | DumpError::Malformed { line, .. }
        | DumpError::NoTimestamp { line, .. }
        | DumpError::Histogram { line, .. }
        | DumpError::OtherDump { line, .. }
        | DumpError::LongLine { line, .. } => *line,
        DumpError::NoEof { lines, .. } | DumpError::Io { lines, .. } => *lines,
        DumpError::Format { .. } => 0,
        DumpError::Spool(error) => panic!("the list accepts everything: {error}"),
    };
    assert!(named <= lines, "{text}, of {lines}");
}

/// The spool gives the samples by series and time, or refuses two values at one time.
fn is_kept(bytes: &[u8], samples: &[Sample]) {
    let mut expected: BTreeMap<&[(String, String)], BTreeMap<i64, u64>> = BTreeMap::new();
    let mut is_clear = true;
    for (labels, time_ms, bits) in samples {
        let before = expected.entry(labels).or_default().insert(*time_ms, *bits);
        is_clear &= before.is_none_or(|before| before == *bits);
    }
    let mut writer = Spool::create(Some(&scratch::parent())).expect("the folder for temporary files is writable");
    let spool =
        read(bytes, "a.om", &Wanted::new(&NAMES), &mut writer).and_then(|_| writer.finish().map_err(DumpError::Spool));
    let spool = match spool {
        Ok(spool) => spool,
        Err(DumpError::Spool(SpoolError::TwoValues { place, .. })) => {
            return assert!(!is_clear && place.starts_with("a.om line"), "{place}");
        }
        Err(error) => panic!("the spool is writable: {error}"),
    };
    assert!(is_clear, "two values at one time: {samples:?}");
    for series in spool.series() {
        let labels: Vec<(String, String)> =
            series.labels.iter().map(|(name, value)| (Arc::as_ref(name).to_owned(), value.to_string())).collect();
        let samples = spool.samples(&series, i64::MIN..i64::MAX).expect("what was written is read");
        let samples: BTreeMap<i64, u64> = samples.iter().map(|(time, value)| (time, value.to_bits())).collect();
        assert_eq!(expected.remove(labels.as_slice()), Some(samples), "{series}");
    }
    assert!(expected.is_empty(), "missing in the spool: {expected:?}");
}

/// The wanted samples of a dump in a simple form: labels without escapes, and one space between the fields.
fn reference(bytes: &[u8]) -> Option<Vec<Sample>> {
    let text = std::str::from_utf8(bytes).ok()?.strip_suffix("# EOF\n")?;
    if !text.is_empty() && !text.ends_with('\n') {
        return None;
    }
    let mut samples = Vec::new();
    for line in text.lines() {
        if line.is_empty() || line.starts_with('#') && line != "# EOF" {
            continue;
        }
        let sample = sample(line)?;
        let is_wanted = sample.0.iter().any(|(name, value)| name == "__name__" && NAMES.contains(&value.as_str()));
        samples.extend(is_wanted.then_some(sample));
    }
    Some(samples)
}

fn sample(line: &str) -> Option<Sample> {
    let fields: Vec<&str> = line.rsplitn(3, ' ').collect();
    let [time, value, series] = *fields else { return None };
    let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
    if !is_name(name) {
        return None;
    }
    let mut all = vec![("__name__".to_owned(), name.to_owned())];
    for label in labels.strip_suffix('}')?.split(',').filter(|_| labels != "}") {
        let (name, value) = label.split_once('=')?;
        let value = value.strip_prefix('"')?.strip_suffix('"')?;
        if !is_name(name) || value.is_empty() || value.contains(['"', '\\', '\r']) {
            return None;
        }
        all.push((name.to_owned(), value.to_owned()));
    }
    all.sort();
    let is_clear = all.windows(2).all(|pair| pair[0].0 < pair[1].0);
    is_clear.then_some((all, milliseconds(time)?, number(value)?.to_bits()))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|character| character.is_ascii_alphanumeric() || "_:.".contains(character))
}

fn number(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(STALE_MARKER),
        "+Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        _ if text.chars().any(|character| character.is_ascii_alphabetic() && !"eE".contains(character)) => None,
        _ => text.parse().ok().filter(|value: &f64| value.is_finite()),
    }
}

/// Seconds with no or three decimals.
fn milliseconds(text: &str) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (seconds, decimals) = digits.split_once('.').unwrap_or((digits, "000"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(seconds) || !is_number(decimals) || decimals.len() != 3 || seconds.len() > 12 {
        return None;
    }
    Some(sign * (seconds.parse::<i64>().ok()? * 1000 + decimals.parse::<i64>().ok()?))
}
