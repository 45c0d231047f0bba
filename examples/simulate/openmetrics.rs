//! Writes OpenMetrics text for `promtool tsdb create-blocks-from openmetrics`: each series contiguous, timestamps in
//! seconds, no blank line, `# EOF` last.

use std::fmt::Display;
use std::io::{self, Write};
use std::ops::Range;

use crate::peers::Histogram;

/// Size at which the buffer is written, in bytes.
const BUFFER: usize = 1 << 20;

/// A writer of families and their series.
#[derive(Debug)]
pub(crate) struct Exposition<W> {
    out: W,
    buffer: Vec<u8>,
    header: String,
    /// How much was written.
    pub(crate) written: Written,
}

/// How much was written.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Written {
    /// Series with at least one sample.
    pub(crate) series: u64,
    /// Samples of all series.
    pub(crate) samples: u64,
}

/// The line endings of a target's samples: ` 1790812800.125\n` for each scrape. They are formatted once, because all
/// series of a target share them.
#[derive(Debug)]
pub(crate) struct Stamps {
    text: Vec<u8>,
    width: usize,
}

impl Stamps {
    /// From milliseconds since 1970, between the years 2001 and 2286, so that all have the same width.
    pub(crate) fn new(at: &[i64]) -> Self {
        let mut text = Vec::new();
        for at in at {
            text.push(b' ');
            push_decimal(&mut text, *at as u64, 3);
            text.push(b'\n');
        }
        Self { width: text.len().checked_div(at.len()).unwrap_or(1), text }
    }

    fn of(&self, steps: &Range<usize>) -> std::slice::ChunksExact<'_, u8> {
        self.text[steps.start * self.width..steps.end * self.width].chunks_exact(self.width)
    }
}

impl<W: Write> Exposition<W> {
    /// Starts a text.
    pub(crate) fn new(out: W) -> Self {
        Self { out, buffer: Vec::with_capacity(BUFFER + 4096), header: String::new(), written: Written::default() }
    }

    /// Starts a family, whose header is written with its first series.
    pub(crate) fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.header = format!("# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    /// Writes a series: `values` at the `steps` of the target, each a whole number of `10^-decimals`.
    pub(crate) fn series(
        &mut self,
        name_and_labels: &str,
        stamps: &Stamps,
        steps: Range<usize>,
        values: impl IntoIterator<Item = u64>,
        decimals: usize,
    ) -> io::Result<()> {
        if steps.is_empty() {
            return Ok(());
        }
        self.buffer.extend_from_slice(self.header.as_bytes());
        self.header.clear();
        let start = format!("{name_and_labels} ");
        for (end, value) in stamps.of(&steps).zip(values) {
            self.buffer.extend_from_slice(start.as_bytes());
            push_decimal(&mut self.buffer, value, decimals);
            self.buffer.extend_from_slice(end);
            if self.buffer.len() >= BUFFER {
                self.out.write_all(&self.buffer)?;
                self.buffer.clear();
            }
        }
        self.written.series += 1;
        self.written.samples += steps.len() as u64;
        Ok(())
    }

    /// Writes the series of a histogram; `labels` are those of the target and of the series.
    pub(crate) fn histogram<const N: usize, B: Display>(
        &mut self,
        name: &str,
        labels: &str,
        bounds: &[B; N],
        stamps: &Stamps,
        histogram: &Histogram<N>,
    ) -> io::Result<()> {
        let steps = 0..histogram.sum_micros.len();
        let column = |bucket: usize| histogram.cumulative.iter().map(move |b| b[bucket]);
        for (bucket, bound) in bounds.iter().enumerate() {
            let series = format!("{name}_bucket{{{labels},le=\"{bound}\"}}");
            self.series(&series, stamps, steps.clone(), column(bucket), 0)?;
        }
        self.series(&format!("{name}_count{{{labels}}}"), stamps, steps.clone(), column(N - 1), 0)?;
        let sums = histogram.sum_micros.iter().copied();
        self.series(&format!("{name}_sum{{{labels}}}"), stamps, steps, sums, 6)
    }

    /// Writes `# EOF`.
    pub(crate) fn finish(mut self) -> io::Result<Written> {
        self.buffer.extend_from_slice(b"# EOF\n");
        self.out.write_all(&self.buffer)?;
        self.out.flush()?;
        Ok(self.written)
    }
}

/// A label's value between quotes, escaped.
pub(crate) fn quoted(value: &str) -> String {
    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"")
}

/// Writes `value / 10^decimals` with all its decimals.
fn push_decimal(text: &mut Vec<u8>, value: u64, decimals: usize) {
    let mut digits = [b'0'; 32];
    let mut start = digits.len();
    let mut rest = value;
    for written in 0.. {
        if rest == 0 && written > decimals {
            break;
        }
        if written == decimals && decimals > 0 {
            start -= 1;
            digits[start] = b'.';
        }
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    text.extend_from_slice(&digits[start..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals() {
        let written = |value, decimals| {
            let mut text = Vec::new();
            push_decimal(&mut text, value, decimals);
            String::from_utf8(text).expect("text")
        };
        assert_eq!(written(0, 0), "0");
        assert_eq!(written(1_234, 0), "1234");
        assert_eq!(written(0, 3), "0.000");
        assert_eq!(written(7, 6), "0.000007");
        assert_eq!(written(12_345_678, 3), "12345.678");
        assert_eq!(written(u64::MAX, 6), "18446744073709.551615");
    }

    #[test]
    fn a_whole_exposition() {
        let mut out = Vec::new();
        let mut exposition = Exposition::new(&mut out);
        let stamps = Stamps::new(&[1_790_812_800_125, 1_790_812_830_125]);
        exposition.family("unused", "gauge", "Never seen.");
        exposition.series("unused", &stamps, 0..0, [], 0).expect("written");
        exposition.family("a", "counter", "A.");
        let labels = format!("a_total{{job={}}}", quoted("x\"y\\"));
        exposition.series(&labels, &stamps, 0..2, [1, 2], 0).expect("written");
        exposition.series("a_total", &stamps, 1..2, [2500], 3).expect("written");
        let written = exposition.finish().expect("written");
        assert_eq!((written.series, written.samples), (2, 3));
        let expected = "# HELP a A.\n# TYPE a counter\n\
            a_total{job=\"x\\\"y\\\\\"} 1 1790812800.125\n\
            a_total{job=\"x\\\"y\\\\\"} 2 1790812830.125\n\
            a_total 2.500 1790812830.125\n# EOF\n";
        assert_eq!(String::from_utf8(out).expect("text"), expected);
    }
}
