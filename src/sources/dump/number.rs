//! Values and timestamps, exactly.

/// Powers of ten that a 64-bit floating-point number represents exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// Largest integer up to which all integers are exact.
const EXACT: u64 = 1 << 53;

/// Most digits that always fit into 64 bits.
const MOST_DIGITS: usize = 19;

/// What Prometheus stores when a series ends. promtool writes it as `NaN`.
pub(super) const STALE_MARKER: u64 = 0x7ff0_0000_0000_0002;

/// A decimal number: `(-1)^negative · digits · 10^exponent`.
#[derive(Clone, Copy, Debug)]
struct Decimal {
    negative: bool,
    digits: u64,
    exponent: i32,
    /// Bytes of the text.
    length: usize,
}

/// Reads a decimal number with at most 19 digits at the start of a text. The number ends where its text can not go on.
#[inline(always)]
fn decimal(text: &[u8]) -> Option<Decimal> {
    let negative = text.first() == Some(&b'-');
    let start = usize::from(negative);
    let (mut digits, mut at) = (0_u64, start);
    let mut add = |at: &mut usize| {
        let from = *at;
        while let Some(digit) = text.get(*at).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10) {
            // Wraps only for a number that is refused below.
            digits = digits.wrapping_mul(10).wrapping_add(u64::from(digit));
            *at += 1;
        }
        *at - from
    };
    let mut count = add(&mut at);
    let mut exponent = 0;
    if text.get(at) == Some(&b'.') {
        at += 1;
        let decimals = add(&mut at);
        count += decimals;
        exponent = -(decimals as i32);
    }
    if count == 0 || count > MOST_DIGITS {
        return None;
    }
    if let Some(b'e' | b'E') = text.get(at) {
        let (power, length) = power(&text[at + 1..])?;
        exponent += power;
        at += 1 + length;
    }
    Some(Decimal { negative, digits, exponent, length: at })
}

/// An exponent of at most four digits, and the length of its text.
#[inline]
fn power(text: &[u8]) -> Option<(i32, usize)> {
    if let [b'+', tens @ b'0'..=b'9', ones @ b'0'..=b'9', b' ', ..] = text {
        // The usual form of Go.
        return Some((i32::from(tens - b'0') * 10 + i32::from(ones - b'0'), 3));
    }
    let sign = usize::from(matches!(text.first(), Some(b'-' | b'+')));
    let digits = text[sign..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || digits > 4 {
        return None;
    }
    let power = text[sign..sign + digits].iter().fold(0, |sum, byte| sum * 10 + i32::from(byte - b'0'));
    Some((if text[0] == b'-' { -power } else { power }, sign + digits))
}

/// A value at the start of a text and the length of its text, if the number is short: one rounding gives it exactly.
#[inline(always)]
pub(super) fn short_value(text: &[u8]) -> Option<(f64, usize)> {
    let Decimal { negative, digits, exponent, length } = decimal(text)?;
    if digits > EXACT {
        return None;
    }
    // Both operands are exact, so that the result is the number that is nearest to the text.
    let power = *POWERS.get(exponent.unsigned_abs() as usize)?;
    let value = if exponent < 0 { digits as f64 / power } else { digits as f64 * power };
    Some((if negative { -value } else { value }, length))
}

/// A value whose text is all of `text`.
pub(super) fn value(text: &[u8]) -> Option<f64> {
    match text {
        b"NaN" | b"nan" | b"+NaN" | b"-NaN" => return Some(f64::from_bits(STALE_MARKER)),
        b"+Inf" | b"Inf" | b"+inf" | b"inf" => return Some(f64::INFINITY),
        b"-Inf" | b"-inf" => return Some(f64::NEG_INFINITY),
        _ => {}
    }
    if let Some((value, length)) = short_value(text)
        && length == text.len()
    {
        return Some(value);
    }
    // Words such as "infinity" are no numbers here.
    let is_number = text.iter().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(byte));
    let text = std::str::from_utf8(text).ok().filter(|_| is_number)?;
    // A number that is too large is an error in Prometheus, and infinite here.
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

/// A timestamp in seconds whose text is all of `text`, in milliseconds. Further digits are dropped.
pub(super) fn time_ms(text: &[u8]) -> Option<i64> {
    let text = text.strip_prefix(b"+").filter(|rest| rest.first() != Some(&b'-')).unwrap_or(text);
    let Decimal { negative, digits, exponent, .. } = decimal(text).filter(|decimal| decimal.length == text.len())?;
    let power = exponent + 3;
    let magnitude = match 10_i64.checked_pow(power.unsigned_abs()) {
        // The number has at most 19 digits, which are all below the millisecond.
        None if power < 0 => 0,
        None if digits == 0 => 0,
        None => return None,
        Some(factor) if power < 0 => i64::try_from(digits / factor.unsigned_abs()).ok()?,
        Some(factor) => i64::try_from(digits).ok()?.checked_mul(factor)?,
    };
    Some(if negative { -magnitude } else { magnitude })
}

/// A timestamp at the start of a line's end, as promtool writes those from 2001 to 2286: ten digits, a dot, three digits
/// and a line feed.
#[inline(always)]
pub(super) fn usual_time_ms(text: &[u8]) -> Option<i64> {
    let [a, b, c, d, e, f, g, h, i, j, b'.', k, l, m, b'\n'] = *text.first_chunk::<15>()? else { return None };
    let upper = eight_digits([a, b, c, d, e, f, g, h])?;
    let lower = eight_digits([b'0', b'0', b'0', i, j, k, l, m])?;
    Some(upper as i64 * 100_000 + lower as i64)
}

/// The number of eight digits, added up in pairs, then pairs of pairs.
#[inline(always)]
fn eight_digits(text: [u8; 8]) -> Option<u64> {
    let word = u64::from_le_bytes(text);
    let digits = word.wrapping_sub(0x3030_3030_3030_3030);
    // A byte below '0' borrows, and one above '9' carries, into the upper bits.
    let outside = word.wrapping_add(0x4646_4646_4646_4646) | digits;
    if outside & 0x8080_8080_8080_8080 != 0 {
        return None;
    }
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    Some(fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::tsdb::block::random::Random;

    fn bits(text: &str) -> Option<u64> {
        value(text.as_bytes()).map(f64::to_bits)
    }

    #[test]
    fn values_are_those_of_the_standard_library() {
        let mut random = Random(1);
        for round in 0..300_000 {
            let number = match round % 6 {
                0 => f64::from_bits(random.next()),
                1 => random.below(1 << 60) as f64,
                2 => random.below(100_000_000) as f64 / 1000.0,
                3 => random.next() as f64 * 1e-19,
                4 => -(random.below(1 << 20) as f64),
                _ => random.below(1 << 30) as f64 * 10_f64.powi(random.below(40) as i32 - 20),
            };
            if !number.is_finite() {
                continue;
            }
            for text in [format!("{number}"), format!("{number:e}"), format!("{number:.9}"), format!("{number:.3E}")] {
                assert_eq!(bits(&text), text.parse().ok().map(f64::to_bits), "{text}");
            }
        }
    }

    #[test]
    fn edges_of_the_fast_path_are_exact() {
        for text in [
            "9007199254740991",
            "9007199254740992",
            "9007199254740993",
            "9007199254740995",
            "18446744073709551615",
            "9999999999999999999",
            "1e22",
            "1e23",
            "8.5e22",
            "123456789012345678901234567890",
            "5e-324",
            "2.4703282292062327e-324",
            "1.7976931348623157e+308",
            "0.1",
            "1e-22",
            "1e-23",
            "-0",
            "0",
            "0.000",
            "-0.0",
            "1.234567e+06",
            "1e0005",
            "1.",
            ".5",
            "00000000000000000000000001",
            "0.00000000000000000000000000000001",
        ] {
            assert_eq!(bits(text), text.parse().ok().map(f64::to_bits), "{text}");
        }
    }

    #[test]
    fn special_values_are_those_of_promtool() {
        assert_eq!(bits("NaN"), Some(0x7ff0_0000_0000_0002));
        assert_eq!(bits("+Inf"), Some(f64::INFINITY.to_bits()));
        assert_eq!(bits("-Inf"), Some(f64::NEG_INFINITY.to_bits()));
        for text in ["", "-", ".", "e5", "1e", "1e+", "1x", "infinity", "0x10", "1_000", "1e400", "--1", "1 ", "é"] {
            assert_eq!(bits(text), None, "{text}");
        }
        assert_eq!(bits("+1"), Some(1.0_f64.to_bits()));
    }

    #[test]
    fn timestamps_are_exact_milliseconds() {
        for (text, expected) in [
            ("1700000000.123", Some(1_700_000_000_123)),
            ("1700000000", Some(1_700_000_000_000)),
            ("1.7e9", Some(1_700_000_000_000)),
            ("1.700000000123e+09", Some(1_700_000_000_123)),
            ("1605301325.491", Some(1_605_301_325_491)),
            ("1605301325.4919", Some(1_605_301_325_491)),
            ("1700000000.123456789", Some(1_700_000_000_123)),
            ("0", Some(0)),
            ("-0.001", Some(-1)),
            ("0.0009", Some(0)),
            ("-1.5", Some(-1500)),
            ("1e-30", Some(0)),
            ("9223372036854775.807", Some(i64::MAX)),
            ("9223372036854775.808", None),
            ("1e30", None),
            ("1e9999", None),
            ("0e9999", Some(0)),
            ("", None),
            ("1700000000.123x", None),
            ("NaN", None),
            ("+-1", None),
            ("+1", Some(1000)),
        ] {
            assert_eq!(time_ms(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn usual_timestamps_are_the_same_by_both_ways() {
        let mut random = Random(2);
        for _ in 0..100_000 {
            let time = random.below(10_000_000_000_000);
            let mut text = format!("{:010}.{:03}\n", time / 1000, time % 1000).into_bytes();
            assert_eq!(usual_time_ms(&text), Some(time as i64));
            let (at, byte) = (random.below(15) as usize, random.next() as u8);
            text[at] = byte;
            let slow = if text.ends_with(b"\n") && text[10] == b'.' { time_ms(&text[..14]) } else { None };
            let plain = text[..14].iter().filter(|byte| !byte.is_ascii_digit()).count() == 1;
            assert_eq!(usual_time_ms(&text), slow.filter(|_| plain), "{}", String::from_utf8_lossy(&text));
        }
    }
}
