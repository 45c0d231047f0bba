//! The commands of a test file: `load`, `clear` and `eval`.

use std::collections::BTreeMap;

use etcd_heatmap::promql::stale_marker;

use super::expression::{duration_ms, quoted};

pub(crate) type Labels = BTreeMap<String, String>;

/// A series that a file loads.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) labels: Labels,
    pub(crate) timestamps_ms: Vec<i64>,
    pub(crate) values: Vec<f64>,
    /// Whether it has samples that are not floats.
    pub(crate) native: bool,
}

/// An expression and its expected answer.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) line: usize,
    pub(crate) times_ms: Vec<i64>,
    pub(crate) expression: String,
    /// The lines below it.
    pub(crate) expected: Vec<String>,
    /// The series loaded so far.
    pub(crate) loaded: Vec<Loaded>,
}

/// Every case of a file.
pub(crate) fn cases(text: &str) -> Vec<Case> {
    let mut loaded = Vec::new();
    let mut cases: Vec<Case> = Vec::new();
    let mut load = None;
    for (line, content) in text.lines().enumerate().map(|(index, line)| (index + 1, line)) {
        let command = content.trim();
        if command.is_empty() || command.starts_with('#') {
            continue;
        }
        if !content.starts_with([' ', '\t']) {
            load = load_interval(command);
            if command == "clear" {
                loaded.clear();
            } else if let Some((name, eval)) = command.split_once(' ').filter(|(name, _)| name.starts_with("eval")) {
                cases.push(case(line, eval, loaded.clone()));
                // The older form of `expect fail`.
                let fails = (name == "eval_fail").then(|| "expect fail".to_owned());
                cases.last_mut().into_iter().for_each(|case| case.expected.extend(fails.clone()));
            } else {
                assert!(load.is_some(), "line {line}: {command}");
            }
        } else if let Some((interval_ms, with_native)) = load {
            add(&mut loaded, command, interval_ms, with_native);
        } else if let Some(case) = cases.last_mut() {
            case.expected.push(command.to_owned());
        }
    }
    cases
}

/// The interval of a `load` command, and whether it also loads native histograms for classic buckets.
fn load_interval(command: &str) -> Option<(i64, bool)> {
    let (name, interval) = command.split_once(' ')?;
    (name == "load" || name == "load_with_nhcb").then_some((duration_ms(interval)?, name == "load_with_nhcb"))
}

/// `instant at 5m expr` or `range from 0 to 10m step 1m expr`.
fn case(line: usize, eval: &str, loaded: Vec<Loaded>) -> Case {
    let instant = eval.starts_with("instant");
    let mut words = eval.splitn(if instant { 4 } else { 8 }, ' ');
    words.next();
    let mut time = || words.nth(1).and_then(duration_ms);
    let start = time();
    let (end, step) = if instant { (start, Some(1)) } else { (time(), time()) };
    let times_ms = match (start, end, step) {
        (Some(start), Some(end), Some(step)) => (start..=end).step_by(step.max(1) as usize).collect(),
        _ => Vec::new(),
    };
    let expression = words.next().unwrap_or_default().trim().to_owned();
    Case { line, times_ms, expression, expected: Vec::new(), loaded }
}

/// Adds the series of a `load` line.
fn add(loaded: &mut Vec<Loaded>, line: &str, interval_ms: i64, with_native: bool) {
    let (labels, values) = series_line(line).unwrap_or_else(|| panic!("a series: {line}"));
    if with_native && let Some(native) = native_of(&labels) {
        loaded.push(native);
    }
    let mut series = Loaded { labels, timestamps_ms: Vec::new(), values: Vec::new(), native: false };
    match sequence(values) {
        Some(values) => {
            for (index, value) in values.into_iter().enumerate() {
                if let Some(value) = value {
                    series.timestamps_ms.push(index as i64 * interval_ms);
                    series.values.push(value);
                }
            }
        }
        None => series.native = true,
    }
    loaded.push(series);
}

/// The native histogram that `load_with_nhcb` makes from a series of a classic one.
fn native_of(labels: &Labels) -> Option<Loaded> {
    let name = labels.get("__name__")?;
    let base = ["_bucket", "_count", "_sum"].into_iter().find_map(|suffix| name.strip_suffix(suffix))?;
    let mut labels = labels.clone();
    labels.insert("__name__".to_owned(), base.to_owned());
    labels.remove("le");
    Some(Loaded { labels, timestamps_ms: Vec::new(), values: Vec::new(), native: true })
}

/// The labels of a series, and the values after them.
pub(crate) fn series_line(line: &str) -> Option<(Labels, &str)> {
    let end = line.find(|c: char| c == '{' || c.is_whitespace()).unwrap_or(line.len());
    let mut labels = Labels::new();
    if end > 0 {
        labels.insert("__name__".to_owned(), line[..end].to_owned());
    }
    let Some(mut rest) = line[end..].strip_prefix('{') else {
        return Some((labels, line[end..].trim()));
    };
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(values) = rest.strip_prefix('}') {
            return Some((labels, values.trim()));
        }
        let (name, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let (value, remaining) = quoted(after)?;
        labels.insert(name.trim().to_owned(), value);
        rest = &after[after.len() - remaining..];
    }
}

/// Values such as `1 _ 2+3x4 stale`; `None` if any is not a float.
pub(crate) fn sequence(text: &str) -> Option<Vec<Option<f64>>> {
    let mut values = Vec::new();
    for token in text.split_whitespace() {
        match token.rsplit_once('x').filter(|(_, count)| count.parse::<usize>().is_ok()) {
            Some(("_", count)) => values.extend(std::iter::repeat_n(None, count.parse().ok()?)),
            Some((series, count)) => {
                let (first, step) = first_and_step(series)?;
                let mut value = first;
                for _ in 0..=count.parse::<usize>().ok()? {
                    values.push(Some(value));
                    value += step;
                }
            }
            None if token == "_" => values.push(None),
            None => values.push(Some(float(token)?)),
        }
    }
    Some(values)
}

/// `1+2` or `1-2` or `1`: the sign after the first number, not one of an exponent.
fn first_and_step(text: &str) -> Option<(f64, f64)> {
    let sign = text.char_indices().skip(1).find(|(at, c)| (*c == '+' || *c == '-') && !text[..*at].ends_with('e'));
    match sign {
        Some((at, _)) => Some((float(&text[..at])?, float(&text[at..])?)),
        None => Some((float(text)?, 0.0)),
    }
}

fn float(text: &str) -> Option<f64> {
    if text == "stale" { Some(stale_marker()) } else { text.parse().ok() }
}
