//! `openmetrics/etcd_score-….om`: scores that `promtool tsdb create-blocks-from openmetrics` imports.
//!
//! promtool parses a whole file again for every block that it writes, so each file is one block.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{ExportError, Written};
use crate::history::{FileError, WholeFile};
use crate::readings::Member;
use crate::score::{ABSENT, DayScores, ScoreTable};
use crate::time::{HOUR_MS, TimeRange};

/// The width of a file: the rung 2 h × 3² of the ladder of TSDB block widths, the largest that
/// Prometheus's default retention of 15 days allows (a tenth of it).
pub const BLOCK_WINDOW_MS: i64 = 18 * HOUR_MS;

const HEADER: &str =
    "# HELP etcd_score Health of an etcd member, from 0 (red) to 10 (green).\n# TYPE etcd_score gauge\n";
/// Text is handed to the file in pieces of about this size.
const PIECE_BYTES: usize = 1 << 18;

/// The block windows, aligned to the epoch, that a range touches.
pub fn block_windows(range: TimeRange) -> impl Iterator<Item = TimeRange> {
    let first = range.start_ms.div_euclid(BLOCK_WINDOW_MS);
    let last = (range.end_ms - 1).div_euclid(BLOCK_WINDOW_MS);
    (first..=last).map(|i| TimeRange { start_ms: i * BLOCK_WINDOW_MS, end_ms: (i + 1) * BLOCK_WINDOW_MS })
}

/// Writes the scores of one window out of the days (in order) that it touches; `None` where no
/// step in it is scored, for then there is no file.
pub fn write_window(
    out: &Path,
    table: &ScoreTable,
    window: TimeRange,
    days: &[Arc<DayScores>],
) -> Result<Option<Written>, ExportError> {
    let path = out.join("openmetrics").join(file_name(window));
    let mut text = WindowText { path: &path, file: None, piece: Vec::new(), samples: 0 };
    let scores: Vec<Option<String>> = table.scores().iter().map(|s| s.map(|s| format!("{s} "))).collect();
    let mut members: Vec<&Member> = days.iter().flat_map(|d| &d.members).collect();
    members.sort_unstable();
    members.dedup();
    for member in members {
        let series =
            format!("etcd_score{{cluster=\"{}\",member=\"{}\"}} ", escape(&member.cluster), escape(&member.member));
        for day in days {
            if let Ok(index) = day.members.binary_search(member) {
                text.append(&series, &scores, day, index, window)?;
            }
        }
    }
    text.finish(out)
}

/// The text of one window on its way to the disk.
struct WindowText<'a> {
    path: &'a Path,
    file: Option<WholeFile>,
    piece: Vec<u8>,
    samples: u64,
}

impl WindowText<'_> {
    fn append(
        &mut self,
        series: &str,
        scores: &[Option<String>],
        day: &DayScores,
        member: usize,
        window: TimeRange,
    ) -> Result<(), ExportError> {
        let mut digits = itoa::Buffer::new();
        let steps = day.grid.indices_between(window.start_ms, window.end_ms - 1);
        for (step, &code) in steps.clone().zip(&day.codes(member)[steps]) {
            if code == ABSENT {
                continue;
            }
            if let Some(score) = &scores[code as usize] {
                self.piece.extend_from_slice(series.as_bytes());
                self.piece.extend_from_slice(score.as_bytes());
                self.piece.extend_from_slice(digits.format(day.grid.at(step) / 1000).as_bytes());
                self.piece.push(b'\n');
                self.samples += 1;
            }
        }
        if self.piece.len() >= PIECE_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), ExportError> {
        let failed = |e| FileError::new("write", self.path, e);
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let mut file = WholeFile::create(self.path)?;
                file.write_all(HEADER.as_bytes()).map_err(failed)?;
                none.insert(file)
            }
        };
        file.write_all(&self.piece).map_err(failed)?;
        self.piece.clear();
        Ok(())
    }

    fn finish(mut self, out: &Path) -> Result<Option<Written>, ExportError> {
        if self.samples == 0 {
            return Ok(None);
        }
        self.piece.extend_from_slice(b"# EOF\n");
        self.flush()?;
        match self.file {
            Some(file) => Ok(Some(Written::new(out, self.path, self.samples, file.commit()?))),
            None => Ok(None),
        }
    }
}

fn file_name(window: TimeRange) -> String {
    let compact = |ms| DateTime::<Utc>::from_timestamp_millis(ms).unwrap_or_default().format("%Y%m%dT%H%M%SZ");
    format!("etcd_score-{}-{}.om", compact(window.start_ms), compact(window.end_ms))
}

/// A label value as OpenMetrics wants it: backslash, quote and line feed escaped.
fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_aligned_to_the_epoch_and_cover_the_range() {
        let range = TimeRange { start_ms: 1_790_812_800_000, end_ms: 1_790_812_800_000 + 3 * 24 * HOUR_MS };
        let windows: Vec<TimeRange> = block_windows(range).collect();
        assert!(windows.iter().all(|w| w.start_ms % BLOCK_WINDOW_MS == 0));
        assert!(windows[0].start_ms <= range.start_ms && windows[windows.len() - 1].end_ms >= range.end_ms);
        // 1790812800 s = 497448 h = 27636 × 18 h.
        assert_eq!(file_name(windows[0]), "etcd_score-20261001T000000Z-20261001T180000Z.om");
        assert_eq!(windows.len(), 4);
    }

    #[test]
    fn label_values_are_escaped() {
        assert_eq!(escape("a\\b\"c\nd"), "a\\\\b\\\"c\\nd");
    }
}
