//! The part of a line after the series.

use super::number;

/// What a line has after its series.
#[derive(Debug, PartialEq)]
pub(super) enum After {
    /// A value and a time in milliseconds.
    Sample(f64, i64),
    /// A native histogram.
    Histogram,
    /// A value, and no timestamp.
    NoTimestamp,
    /// Something else: what is wrong, as a noun.
    Wrong(&'static str),
}

/// The value, the time in milliseconds and the length of a line's end in the usual form: a short number, a timestamp with
/// three decimals, and a line feed.
#[inline(always)]
pub(super) fn usual(text: &[u8]) -> Option<(f64, i64, usize)> {
    let (value, length) = number::short_value(text)?;
    let after = text.get(length..)?.strip_prefix(b" ")?;
    let time_ms = number::usual_time_ms(after)?;
    Some((value, time_ms, length + 16))
}

/// Reads a line's end in any form, without its line feed.
pub(super) fn parse(text: &[u8]) -> After {
    let text = text.trim_ascii();
    if text.starts_with(b"{") {
        return After::Histogram;
    }
    let mut fields = text.split(|byte| *byte == b' ').filter(|field| !field.is_empty());
    let Some(value) = fields.next() else { return After::Wrong("a series without value") };
    let Some(value) = number::value(value) else { return After::Wrong("a value that is not a number") };
    let Some(time) = fields.next().filter(|field| *field != b"#") else { return After::NoTimestamp };
    let Some(time_ms) = number::time_ms(time) else {
        return After::Wrong("a timestamp that is not a number of seconds");
    };
    match fields.next() {
        // The rest is an exemplar.
        None | Some(b"#") => After::Sample(value, time_ms),
        Some(_) => After::Wrong("text after the timestamp"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_give_the_same() {
        for text in ["1 1700000000.123", "1.5e+06 1700000000.000", "-0 1700000000.999", "0.001 1700000000.100"] {
            let (value, time, length) = usual(format!("{text}\nmore").as_bytes()).expect("the usual form");
            assert_eq!(length, text.len() + 1);
            assert_eq!(parse(text.as_bytes()), After::Sample(value, time));
        }
        for text in [
            "1 1700000000.12",
            "NaN 1700000000.123",
            "1  1700000000.123",
            "1 1700000000.123 ",
            "1",
            "",
            "9007199254740993 1700000000.123",
        ] {
            assert_eq!(usual(format!("{text}\n").as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn other_forms_are_read_or_named() {
        assert_eq!(parse(b"1  1.5e9 # {trace_id=\"x\"} 0.5 1"), After::Sample(1.0, 1_500_000_000_000));
        assert_eq!(parse(b"9007199254740993 1"), After::Sample(9_007_199_254_740_992.0, 1000));
        assert_eq!(parse(b"{count:5, sum:1} 1700000000.123"), After::Histogram);
        assert_eq!(parse(b"1"), After::NoTimestamp);
        assert_eq!(parse(b"1 # {a=\"b\"} 1"), After::NoTimestamp);
        for text in ["", "x 1", "1 x", "1 2 3", "1 NaN"] {
            assert!(matches!(parse(text.as_bytes()), After::Wrong(_)), "{text}");
        }
    }
}
