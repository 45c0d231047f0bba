//! Parses the lines of `promtool tsdb dump`. They look like OpenMetrics, but with times
//! in milliseconds and Go's escapes.

use std::collections::BTreeMap;

/// Labels of a series, including `__name__`.
pub(crate) type Labels = BTreeMap<String, String>;

/// One dumped sample: series, value and time in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Dumped<'t> {
    pub(super) series: &'t str,
    pub(super) value: &'t str,
    pub(super) ms: i64,
}

impl<'t> Dumped<'t> {
    /// Parses a line; `None` for comments and anything else that is not a sample.
    pub(super) fn of(line: &'t str) -> Option<Self> {
        if line.starts_with('#') {
            return None;
        }
        let mut parts = line.trim_end().rsplitn(3, ' ');
        let (ms, value, series) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self { series, value, ms: ms.parse().ok()? })
    }
}

/// Parses `{__name__="name", label="value", …}`. Values use Go's escapes, a superset of OpenMetrics's.
pub(super) fn labels(series: &str) -> Option<Labels> {
    let (name, rest) = series.split_once('{').unwrap_or((series, "}"));
    let mut labels = Labels::new();
    if !name.is_empty() {
        labels.insert("__name__".to_owned(), name.to_owned());
    }
    let mut rest = rest.trim_start();
    while let Some((label, after)) = rest.split_once('=') {
        let (value, after) = unquote(after.strip_prefix('"')?)?;
        // Prometheus 3 quotes label names outside the classic character set.
        labels.insert(label.trim().trim_matches('"').to_owned(), value);
        rest = after.trim_start_matches([',', ' ']);
    }
    (rest == "}").then_some(labels)
}

/// Returns the value up to the closing quote, and the rest of the text.
fn unquote(text: &str) -> Option<(String, &str)> {
    let (mut value, mut chars) = (String::new(), text.char_indices());
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(unescape(&mut chars.by_ref().map(|(_, c)| c))?),
            c => value.push(c),
        }
    }
    None
}

fn unescape(chars: &mut impl Iterator<Item = char>) -> Option<char> {
    let digits = match chars.next()? {
        'a' => return Some('\x07'),
        'b' => return Some('\x08'),
        'f' => return Some('\x0c'),
        'n' => return Some('\n'),
        'r' => return Some('\r'),
        't' => return Some('\t'),
        'v' => return Some('\x0b'),
        'x' => 2,
        'u' => 4,
        'U' => 8,
        c => return Some(c),
    };
    let text: String = chars.take(digits).collect();
    char::from_u32(u32::from_str_radix(&text, 16).ok()?)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_parsed_from_its_end() {
        let line = "etcd_score{cluster=\"a } 1 2\",member=\"m\"} 9.5 1790812800\n";
        let sample = Dumped::of(line).unwrap();
        assert_eq!((sample.value, sample.ms), ("9.5", 1_790_812_800));
        assert_eq!(labels(sample.series).unwrap()["cluster"], "a } 1 2");
        for line in ["# EOF\n", "# TYPE a 1 2", "a 1", ""] {
            assert_eq!(Dumped::of(line), None, "{line}");
        }
    }

    #[test]
    fn go_and_openmetrics_escapes_give_the_same_labels() {
        let ours = "etcd_score{cluster=\"ä\\\"\\\\\\n,}=\",member=\"\t\u{1}\"}";
        // The labels of `ours`, with the escapes of Go's `strconv.Quote`.
        let dumped = "{__name__=\"etcd_score\", cluster=\"ä\\\"\\\\\\n,}=\", member=\"\\t\\x01\"}";
        assert_eq!(labels(ours).unwrap(), labels(dumped).unwrap());
        assert_eq!(labels(ours).unwrap()["cluster"], "ä\"\\\n,}=");
        assert_eq!(labels("up").unwrap().len(), 1);
        assert_eq!(labels("up{"), None);
    }
}
