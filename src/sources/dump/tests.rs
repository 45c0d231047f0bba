#![expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]

use std::collections::BTreeMap;
use std::io::{Read, Write as _};

use super::*;
use crate::sources::spool::Spool;
use crate::sources::tsdb::block::Samples;

pub(crate) type Content = BTreeMap<String, Samples>;

/// Samples by series in PromQL notation.
pub(crate) fn content(spool: &Spool) -> Content {
    spool.series().map(|entry| (entry.to_string(), spool.samples(&entry, i64::MIN..i64::MAX).unwrap())).collect()
}

pub(crate) fn read_all(input: impl Read, wanted: &Wanted) -> Result<(Summary, Content), DumpError> {
    let mut writer = Spool::create(None).unwrap();
    let summary = read(input, "a.om", wanted, &mut writer)?;
    let spool = writer.finish().map_err(DumpError::Spool)?;
    Ok((summary, content(&spool)))
}

fn wanted() -> Wanted {
    Wanted::new(&["up", "b", "x.y"])
}

fn pairs(text: &str) -> BTreeMap<String, Vec<(i64, f64)>> {
    let (_, content) = read_all(text.as_bytes(), &wanted()).unwrap();
    content.into_iter().map(|(series, samples)| (series, samples.iter().collect())).collect()
}

fn error(text: &str) -> String {
    read_all(text.as_bytes(), &wanted()).unwrap_err().to_string()
}

#[test]
fn a_dump_of_promtool_is_read() {
    let text = "a{x=\"1\"} 5 1700000000.000\n\
                b{x=\"1\"} 5 1700000000.123\n\
                b{x=\"1\"} 1.234567e+06 1700000030.123\n\
                b{x=\"1\"} NaN 1700000060.123\n\
                b{x=\"2\"} -Inf 1700000000.123\n\
                ba{} 1 1700000000.123\n\
                up{} 1 1700000000.000\n\
                up{} 0 1700000001.000\n\
                upper{} 0 1700000001.000\n\
                # EOF\n";
    let (summary, content) = read_all(text.as_bytes(), &wanted()).unwrap();
    assert_eq!(summary, Summary { lines: 10, samples: 6, bytes: text.len() as u64, cut: None });
    let one = &content["b{x=\"1\"}"];
    assert_eq!(one.times_ms, [1_700_000_000_123, 1_700_000_030_123, 1_700_000_060_123]);
    assert_eq!(one.values[..2], [5.0, 1_234_567.0]);
    assert_eq!(one.values[2].to_bits(), 0x7ff0_0000_0000_0002);
    assert_eq!(content["b{x=\"2\"}"].values, [f64::NEG_INFINITY]);
    assert_eq!(content["up"].values, [1.0, 0.0]);
    assert_eq!(content.len(), 3);
}

#[test]
fn general_openmetrics_is_read() {
    let read = pairs(
        "# HELP b Some \"text\".\n# TYPE b counter\n# UNIT b seconds\r\n\r\n\n\
         b{x=\"1\"} 1 1700000000\nb{x=\"2\"} 2 1.7e9\n\
         b{x=\"1\"} 3 1700000001.5 # {trace_id=\"a b\"} 0.5 1\r\nb{x=\"2\"}  4  1700000001.5\n\
         {\"x.y\",\"a b\"=\"c\"} 1 1700000000.000\n{\"other\",a=\"b\"} {count:1} 1\nup 1 0\nup 2 1\n# EOF",
    );
    assert_eq!(read["b{x=\"1\"}"], [(1_700_000_000_000, 1.0), (1_700_000_001_500, 3.0)]);
    assert_eq!(read["b{x=\"2\"}"], [(1_700_000_000_000, 2.0), (1_700_000_001_500, 4.0)]);
    assert_eq!(read["x.y{a b=\"c\"}"], [(1_700_000_000_000, 1.0)]);
    assert_eq!(read["up"], [(0, 1.0), (1000, 2.0)]);
    assert_eq!(read.len(), 4);
}

#[test]
fn texts_of_the_same_series_are_one_series() {
    let read = pairs(
        "b{x=\"1\",a=\"2\"} 1 1700000000.000\nb{a=\"2\",x=\"1\"} 2 1700000001.000\n\
         {\"b\",a=\"2\",\"x\"=\"\\u0031\"} 3 1700000002.000\nb{a=\"2\",x=\"1\",y=\"\"} 4 1700000003.000\n\
         b{x=\"1\",a=\"2\"} 1 1700000000.000\n# EOF\n",
    );
    assert_eq!(read["b{a=\"2\", x=\"1\"}"].iter().map(|(_, value)| *value).collect::<Vec<_>>(), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(read.len(), 1);
}

#[test]
fn errors_name_file_and_line_and_what_to_do() {
    let good = "b 1 1700000000.000\n";
    for (text, expected) in [
        ("b 1\n# EOF\n", "a.om line 2: a sample without timestamp (\"b 1\")"),
        ("b{} {count:1, sum:2} 1700000000.000\n# EOF\n", "a.om line 2: \"b{}\" has native histograms"),
        ("b x 1\n# EOF\n", "a.om line 2: a value that is not a number in \"b x 1\""),
        ("b 1 x\n# EOF\n", "a.om line 2: a timestamp that is not a number of seconds"),
        ("b 1 2 3\n# EOF\n", "a.om line 2: text after the timestamp"),
        ("b{x=\"1} 1 2\n# EOF\n", "a.om line 2: labels without a closing brace"),
        ("b{x=1} 1 2\n# EOF\n", "a.om line 2: a label value without quotes"),
        ("b{}1 2\n# EOF\n", "a.om line 2: a series without a space after it"),
        ("nonsense\n# EOF\n", "a.om line 2: a line without value in \"nonsense\""),
        ("b 2 1700000000.000\n# EOF\n", "a.om line 2: b has two values at 2023-11-14T22:13:20Z (1 and 2)"),
        ("# EOF\nb 1 1\n", "a.om line 3: text after \"# EOF\""),
        ("# EOF\nb 1 1", "a.om line 3: text after \"# EOF\""),
        ("# EOF\n# EOF\n", "a.om line 3: text after \"# EOF\""),
        ("b 1 1700000030.0", "a.om ends after 1 line without \"# EOF\""),
        ("{__name__=\"b\"} 1 1700000000000\n", "a.om line 2: this is the format of promtool tsdb dump,"),
    ] {
        let text = error(&format!("{good}{text}"));
        assert!(text.contains(expected), "{text}");
        assert!(text.split_whitespace().count() <= 30, "{text}");
    }
    assert!(error("").contains("a.om ends after 0 lines"));
    for (start, expected) in [
        (&[0xff, 0xfe, b'b', 0][..], "a.om is UTF-16 text, as PowerShell writes: convert it first"),
        (&[0xfd, b'7', b'z', b'X', b'Z', 0, 0], "a.om is compressed with xz: decompress it first"),
        (b"PK\x03\x04", "a.om is a zip archive: unpack it first"),
    ] {
        let text = read_all(start, &wanted()).unwrap_err().to_string();
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn a_cut_dump_is_accepted_only_if_that_is_allowed() {
    let text = "b{x=\"1\"} 1 1700000000.000\nb{x=\"1\"} 2 1700000030.000\nb{x=\"1\"} 3 17000000";
    assert!(error(text).contains("a.om ends after 2 lines without \"# EOF\", so it was cut"));
    let partial = wanted().allow_partial(true);
    let (summary, content) = read_all(text.as_bytes(), &partial).unwrap();
    let last_series = Some("b{x=\"1\"}".to_owned());
    assert_eq!(summary.cut, Some(Cut { lines: 2, last_series, last_ms: Some(1_700_000_030_000) }));
    let text = summary.cut.unwrap().to_string();
    assert_eq!(
        text,
        "ends after 2 lines without \"# EOF\": later samples of b{x=\"1\"} and all series after it are missing"
    );
    assert_eq!(content["b{x=\"1\"}"].values, [1.0, 2.0]);
    let (summary, _) = read_all(&b"other{} 1 1700000000.000\n"[..], &partial).unwrap();
    assert_eq!(summary.cut.and_then(|cut| cut.last_series).as_deref(), Some("other{}"));
    let (summary, content) = read_all(&b""[..], &partial).unwrap();
    assert_eq!((summary.cut, content.len()), (Some(Cut { lines: 0, last_series: None, last_ms: None }), 0));
    assert!(read_all(&b"b 1 1\n# EOF\n"[..], &partial).unwrap().0.cut.is_none());
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn compression_is_recognized_by_the_first_bytes() {
    let (one, two) = ("b 1 1700000000.000\nb 2 17000", "00030.000\n# EOF\n");
    let text = format!("{one}{two}");
    let expected = read_all(text.as_bytes(), &wanted()).unwrap();
    let members = [gzip(one.as_bytes()), gzip(two.as_bytes())].concat();
    let frames = [zstd::encode_all(one.as_bytes(), 3).unwrap(), zstd::encode_all(two.as_bytes(), 3).unwrap()].concat();
    let marked = [&[0xef, 0xbb, 0xbf], text.as_bytes()].concat();
    for bytes in [gzip(text.as_bytes()), members.clone(), frames.clone()] {
        assert_eq!(read_all(bytes.as_slice(), &wanted()).unwrap(), expected);
    }
    assert_eq!(read_all(marked.as_slice(), &wanted()).unwrap().1, expected.1);
    for bytes in [members, frames] {
        let cut = &bytes[..bytes.len() - 3];
        assert!(read_all(cut, &wanted()).is_err());
        let partial = read_all(cut, &wanted().allow_partial(true)).unwrap();
        assert!(partial.0.cut.is_none_or(|cut| cut.lines >= 1) && partial.1["b"].len() <= 2);
    }
    let mut damaged = gzip(text.as_bytes());
    let last = damaged.len() - 6;
    damaged[last] ^= 1;
    let text = read_all(damaged.as_slice(), &wanted()).unwrap_err().to_string();
    assert!(text.contains("cannot read a.om after"), "{text}");
}

/// Gives few bytes at once.
struct Slow<'a>(&'a [u8], usize);

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.1.min(buffer.len()).min(self.0.len());
        buffer[..length].copy_from_slice(&self.0[..length]);
        self.0 = &self.0[length..];
        Ok(length)
    }
}

#[test]
fn it_does_not_matter_how_many_bytes_are_read_at_once() {
    let mut text = String::new();
    for scrape in 0..50 {
        for series in 0..20 {
            let metric = ["b", "other", "up"][series % 3];
            text += &format!("{metric}{{s=\"{series}\"}} {} {}.000\n", scrape * series, 1_700_000_000 + scrape);
        }
    }
    text += "# EOF\n";
    let expected = read_all(text.as_bytes(), &wanted()).unwrap();
    assert_eq!((expected.0.samples, expected.1.len()), (650, 13));
    for length in [1, 7, 100, 4096] {
        assert_eq!(read_all(Slow(text.as_bytes(), length), &wanted()).unwrap(), expected);
    }
}

#[test]
fn long_lines_are_read_and_endless_ones_refused() {
    let text = format!("b{{x=\"{}\"}} 1 1700000000.000\n# EOF\n", "y".repeat(1 << 20));
    assert_eq!(read_all(text.as_bytes(), &wanted()).unwrap().0.samples, 1);
    let endless = std::io::repeat(b'b').take(40 << 20);
    let text = read_all(endless, &wanted()).unwrap_err().to_string();
    assert!(text.contains("a.om line 1 is longer than 16 MiB"), "{text}");
}
