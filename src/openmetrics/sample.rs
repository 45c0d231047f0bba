//! Parses one sample line: `name{label="value"} 1.5 1790812800`.

use std::borrow::Cow;
use std::ops::Range;

use super::Wrong;

/// A byte position in a line, and the fault there.
pub(super) type Misplaced = (usize, Wrong);

const EXAMPLE: &str = r#"etcd_score{cluster="c01",member="m1"} 9.5 1790812800"#;

/// A sample and the positions of its parts in the line.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// The metric name and labels, as written.
    pub series: &'a str,
    /// The metric name without the labels.
    pub name: &'a str,
    /// Positions of label names and values in the line; empty if the series is the same as in the previous sample.
    labels: &'a [[Range<usize>; 2]],
    line: &'a str,
    /// The value, which may be NaN or infinite.
    pub value: f64,
    /// Time in milliseconds, converted from the text's seconds as promtool does.
    pub timestamp_ms: i64,
    /// Byte position of the timestamp.
    pub timestamp_at: usize,
    /// Whether the series is written exactly as in the previous sample.
    pub goes_on: bool,
    /// Whether the line has empty braces.
    pub has_empty_braces: bool,
}

impl<'a> Sample<'a> {
    /// Labels in written order, values still escaped; empty if `goes_on`.
    pub fn labels(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let line = self.line;
        self.labels.iter().map(|[name, value]| (&line[name.clone()], &line[value.clone()]))
    }
}

/// Removes the escapes from a label value.
pub fn unescape(value: &str) -> Cow<'_, str> {
    if !value.contains('\\') {
        return Cow::Borrowed(value);
    }
    let mut text = String::with_capacity(value.len());
    let mut rest = value.chars();
    while let Some(c) = rest.next() {
        match (c, if c == '\\' { rest.next() } else { None }) {
            (_, Some('n')) => text.push('\n'),
            (_, Some(escaped)) => text.push(escaped),
            (plain, None) => text.push(plain),
        }
    }
    Cow::Owned(text)
}

/// Parses a line; `previous` is the previous sample's series, and `labels` receives the positions
/// of a new series' labels.
pub(super) fn parse<'a>(
    line: &'a str,
    previous: &str,
    labels: &'a mut Vec<[Range<usize>; 2]>,
) -> Result<Sample<'a>, Misplaced> {
    labels.clear();
    let goes_on = !previous.is_empty() && line.strip_prefix(previous).is_some_and(|rest| rest.starts_with(' '));
    let name_end = name_end(line, 0, true)?;
    let series_end = match line.as_bytes().get(name_end) {
        _ if goes_on => previous.len(),
        Some(b'{') => labels_end(line, name_end, labels)?,
        _ => name_end,
    };
    let name = &line[..name_end];
    let value_at = after_space(line, series_end, "a space and the value")?;
    let value_end = token_end(line, value_at);
    let value = number(&line[value_at..value_end])
        .ok_or((value_at, Wrong::Syntax { expected: "a number, NaN, +Inf or -Inf", example: EXAMPLE }))?;
    if value_end == line.len() {
        return Err((value_end, Wrong::NoTimestamp));
    }
    let timestamp_at = value_end + 1;
    let timestamp_end = token_end(line, timestamp_at);
    let timestamp_ms = timestamp(&line[timestamp_at..timestamp_end])
        .ok_or((timestamp_at, Wrong::Syntax { expected: "a timestamp in seconds since 1970", example: EXAMPLE }))?;
    if timestamp_end < line.len() {
        check_exemplar(line, timestamp_end)?;
        if !name.ends_with("_total") && !name.ends_with("_bucket") {
            return Err((timestamp_end + 1, Wrong::Exemplar));
        }
    }
    // Check only the braces of the series: an exemplar may have empty ones.
    let has_empty_braces = series_end == name_end + 2;
    let series = &line[..series_end];
    Ok(Sample { series, name, labels, line, value, timestamp_ms, timestamp_at, goes_on, has_empty_braces })
}

/// Returns the end of the metric or label name that begins at `at`.
pub(super) fn name_end(line: &str, at: usize, is_metric: bool) -> Result<usize, Misplaced> {
    let bytes = &line.as_bytes()[at..];
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || (is_metric && b == b':');
    let length = bytes.iter().position(|&b| !fits(b)).unwrap_or(bytes.len());
    if length == 0 || bytes[0].is_ascii_digit() {
        let expected = if is_metric { "the name of a metric" } else { "the name of a label" };
        return Err((at, Wrong::Syntax { expected, example: EXAMPLE }));
    }
    Ok(at + length)
}

/// Returns the end of the label set whose brace opens at `open`, and adds the positions of its labels to `labels`.
fn labels_end(line: &str, open: usize, labels: &mut Vec<[Range<usize>; 2]>) -> Result<usize, Misplaced> {
    let bytes = line.as_bytes();
    let mut at = open + 1;
    if bytes.get(at) == Some(&b'}') {
        return Ok(at + 1);
    }
    loop {
        let end = name_end(line, at, false)?;
        let name = &line[at..end];
        if name == "__name__" {
            return Err((at, Wrong::NameAsLabel));
        }
        if labels.iter().any(|[other, _]| &line[other.clone()] == name) {
            return Err((at, Wrong::LabelTwice(name.to_owned())));
        }
        if !line[end..].starts_with("=\"") {
            return Err((end, Wrong::Syntax { expected: "an equals sign and a quote", example: EXAMPLE }));
        }
        let value_end = value_end(line, end + 2)?;
        labels.push([at..end, end + 2..value_end]);
        match bytes.get(value_end + 1) {
            Some(b',') => at = value_end + 2,
            Some(b'}') => return Ok(value_end + 2),
            _ => return Err((value_end + 1, Wrong::Syntax { expected: "a comma or a brace", example: EXAMPLE })),
        }
    }
}

/// Returns the position of the quote that ends a label value.
fn value_end(line: &str, start: usize) -> Result<usize, Misplaced> {
    let bytes = line.as_bytes();
    let mut at = start;
    while let Some(length) = bytes[at..].iter().position(|&b| b == b'"' || b == b'\\') {
        at += length;
        match (bytes[at], bytes.get(at + 1)) {
            (b'"', _) => return Ok(at),
            (_, Some(b'\\' | b'"' | b'n')) => at += 2,
            _ => return Err((at, Wrong::Escape)),
        }
    }
    Err((line.len(), Wrong::Syntax { expected: "the quote that ends the value of a label", example: EXAMPLE }))
}

fn after_space(line: &str, at: usize, expected: &'static str) -> Result<usize, Misplaced> {
    match line.as_bytes().get(at) {
        Some(b' ') => Ok(at + 1),
        _ => Err((at, Wrong::Syntax { expected, example: EXAMPLE })),
    }
}

fn token_end(line: &str, at: usize) -> usize {
    line.as_bytes()[at..].iter().position(|&b| b == b' ').map_or(line.len(), |length| at + length)
}

/// Parses a number as promtool does: no hexadecimal, no underscores, nothing beyond the range of a double.
fn number(text: &str) -> Option<f64> {
    let value: f64 = text.parse().ok()?;
    let is_plain = value.is_finite() || !text.bytes().any(|b| b.is_ascii_digit());
    // Go's number parser, which promtool uses, accepts no sign before NaN.
    (is_plain && (!value.is_nan() || text.len() == 3)).then_some(value)
}

/// Converts a timestamp in seconds to milliseconds: the parsed double times 1000, truncated, as promtool does.
fn timestamp(text: &str) -> Option<i64> {
    match text.parse::<i64>() {
        Ok(seconds) if text.len() <= 15 => Some(seconds * 1000),
        _ => number(text).filter(|seconds| seconds.is_finite()).map(|seconds| (seconds * 1000.0) as i64),
    }
}

/// Checks an exemplar such as ` # {trace_id="x"} 0.5 1790812800`; its timestamp is optional.
fn check_exemplar(line: &str, at: usize) -> Result<(), Misplaced> {
    let syntax =
        |at, expected| (at, Wrong::Syntax { expected, example: r#"a_total 1 1790812800 # {trace_id="x"} 0.5"# });
    if !line[at..].starts_with(" # {") {
        return Err(syntax(at + 1, "the end of the line or an exemplar"));
    }
    let end = labels_end(line, at + 3, &mut Vec::new())?;
    let value_at = after_space(line, end, "a space and the exemplar's value")?;
    let value_end = token_end(line, value_at);
    number(&line[value_at..value_end]).ok_or_else(|| syntax(value_at, "a number"))?;
    if value_end < line.len() {
        timestamp(&line[value_end + 1..]).ok_or_else(|| syntax(value_end + 1, "a timestamp"))?;
    }
    Ok(())
}
