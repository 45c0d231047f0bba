//! Whether a file is a dump, by its first bytes.

use std::io::Read as _;

use super::compression::decompress;
use super::labels;
use super::sample::{self, After};

/// Bytes after decompression that are looked at.
const LOOKED_AT: u64 = 64 << 10;

/// Times in milliseconds that a timestamp of a dump can have: those from 2001 to 2286.
const PLAUSIBLE_MS: std::ops::Range<i64> = 1_000_000_000_000..10_000_000_000_000;

/// Whether the first complete line that is no comment is a sample with a plausible time. A scrape has no times.
pub(in crate::sources) fn looks_like_dump(start: &[u8]) -> bool {
    let Ok(input) = decompress(start) else { return false };
    let mut text = Vec::new();
    // What there is of a compressed file that was cut here is enough.
    let _ = input.take(LOOKED_AT).read_to_end(&mut text);
    let Some(end) = memchr::memrchr(b'\n', &text) else { return false };
    let mut lines = text[..end].split(|byte| *byte == b'\n');
    let Some(line) = lines.find(|line| !line.is_empty() && !line.starts_with(b"#")) else { return false };
    let Ok(length) = labels::extent(line) else { return false };
    let (series, rest) = line.split_at(length);
    let plausible = matches!(sample::parse(rest), After::Sample(_, time_ms) if PLAUSIBLE_MS.contains(&time_ms));
    plausible && !line.starts_with(b"{__name__") && labels::parse(series).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_samples_with_times_look_like_a_dump() {
        let dump = "# TYPE up gauge\nup{a=\"b\"} 1 1700000000.000\nup{a";
        assert!(looks_like_dump(dump.as_bytes()));
        assert!(looks_like_dump(&zstd::encode_all(dump.as_bytes(), 1).unwrap_or_default()));
        for text in [
            "",
            "# EOF\n",
            "up 1\n",
            "up 1 1700000000.000",
            "time 12 34\n",
            "{__name__=\"up\"} 1 1700000000000\n",
            "I1119 12:00:00.000 1 main.go:5] start 1 1700000000\n",
            "\0\0\0\n",
        ] {
            assert!(!looks_like_dump(text.as_bytes()), "{text}");
        }
    }
}
