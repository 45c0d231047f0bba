//! Damaged dumps: an error that names the dump, or the right samples, or a cut that is reported. A dump that is not
//! compressed has no checksums: there, a flipped bit may change the line that has it, and nothing else.

#![expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]

use std::io::Write as _;

use super::real::{WANTED, blocks, dump};
use super::tests::{Content, read_all};
use super::{DumpError, Summary, Wanted};
use crate::scratch::Scratch;
use crate::sources::tsdb::block::Samples;
use crate::sources::tsdb::block::random::Random;

fn text() -> String {
    let scratch = Scratch::new();
    let whole = dump(&blocks(&scratch, 70));
    // Less of it, so that many damages can be tried.
    let lines: Vec<&str> = whole.lines().filter(|line| *line != "# EOF").step_by(20).collect();
    assert!(lines.len() > 300, "{}", lines.len());
    lines.join("\n") + "\n# EOF\n"
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    // As the program zstd does.
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn read(bytes: &[u8], partial: bool) -> Result<(Summary, Content), DumpError> {
    read_all(bytes, &Wanted::new(&WANTED).allow_partial(partial))
}

/// How many samples there are.
fn count(content: &Content) -> usize {
    content.values().map(Samples::len).sum()
}

/// How many samples are the same in both.
fn common(one: &Content, other: &Content) -> usize {
    let bits = |samples: &Samples| samples.iter().map(|(time, value)| (time, value.to_bits())).collect::<Vec<_>>();
    let of_series = one.iter().filter_map(|(series, samples)| {
        let known = bits(other.get(series)?);
        Some(bits(samples).iter().filter(|sample| known.binary_search(sample).is_ok()).count())
    });
    of_series.sum()
}

/// Whether all samples are among others.
fn is_part(part: &Content, whole: &Content) -> bool {
    common(part, whole) == count(part)
}

#[test]
fn flips_in_compressed_dumps_are_found() {
    let text = text();
    let (_, expected) = read(text.as_bytes(), false).unwrap();
    let mut random = Random(71);
    let mut errors = 0;
    for intact in [gzip(text.as_bytes()), zstd(text.as_bytes())] {
        for _ in 0..300 {
            let mut bytes = intact.clone();
            // Half of them in the header and the checksum.
            let at = match random.below(4) {
                0 => random.below(20),
                1 => bytes.len() as u64 - 1 - random.below(20),
                _ => random.below(bytes.len() as u64),
            };
            bytes[at as usize] ^= 1 << random.below(8);
            for partial in [false, true] {
                match read(&bytes, partial) {
                    Ok((Summary { cut: None, .. }, content)) => assert!(content == expected, "byte {at}"),
                    Ok((Summary { cut: Some(_), .. }, content)) => assert!(partial && is_part(&content, &expected)),
                    Err(error) => {
                        assert!(error.to_string().contains("a.om"), "{error}");
                        errors += 1;
                    }
                }
            }
        }
    }
    assert!(errors > 1000, "{errors}");
}

#[test]
fn cut_dumps_are_errors_or_reported() {
    let text = text();
    let (_, expected) = read(text.as_bytes(), false).unwrap();
    let mut random = Random(72);
    for intact in [text.clone().into_bytes(), gzip(text.as_bytes()), zstd(text.as_bytes())] {
        for round in 0..200 {
            let end = if round < 30 { round } else { random.below(intact.len() as u64 - 1) };
            let bytes = &intact[..end as usize];
            // Four bytes are left of "# EOF\n" and its line feed at the earliest.
            let error = read(bytes, false).unwrap_err().to_string();
            assert!(error.contains("a.om"), "{error}");
            match read(bytes, true) {
                Ok((Summary { cut, lines, .. }, content)) => {
                    assert_eq!(cut.map(|cut| cut.lines), Some(lines), "{end}");
                    assert!(is_part(&content, &expected));
                }
                Err(error) => assert!(!matches!(error, DumpError::NoEof { .. }), "{error}"),
            }
        }
    }
}

#[test]
fn flips_in_plain_dumps_change_at_most_their_own_lines() {
    let text = text();
    let (_, expected) = read(text.as_bytes(), false).unwrap();
    let mut random = Random(73);
    let (mut errors, mut changed) = (0, 0);
    for _ in 0..500 {
        let mut bytes = text.clone().into_bytes();
        let at = random.below(bytes.len() as u64) as usize;
        bytes[at] ^= 1 << random.below(8);
        match read(&bytes, false) {
            Err(error) => {
                let text = error.to_string();
                let line = 1 + bytes[..at].iter().filter(|byte| **byte == b'\n').count();
                assert!(text.contains("a.om"), "{text}");
                let near = (line - 1..=line + 1).any(|line| text.contains(&format!("line {line}:")));
                // The other value of a conflict may be on the line that changed.
                assert!(near || text.contains("two values") || text.contains("# EOF"), "{text} for line {line}");
                errors += 1;
            }
            Ok((_, content)) => {
                if content != expected {
                    changed += 1;
                    let common = common(&content, &expected);
                    assert!(common + 2 >= count(&expected) && count(&content) <= count(&expected) + 1);
                }
            }
        }
    }
    assert!(errors > 100 && changed > 20, "{errors} errors, {changed} changed");
}

#[test]
fn random_bytes_after_a_metric_never_panic() {
    let mut random = Random(74);
    let alphabet = b"etcd_b{}\"\\=, 0123456789.e+-#\nNaIf{\xff\xc3\xbc\0";
    for _ in 0..20_000 {
        let mut bytes = b"etcd_b{a=\"b\"} 1 1700000000.000\netcd_b".to_vec();
        bytes.extend((0..random.below(60)).map(|_| alphabet[random.below(alphabet.len() as u64) as usize]));
        bytes.extend(b"\n# EOF\n");
        let _ = read(&bytes, random.below(2) == 0);
    }
}
