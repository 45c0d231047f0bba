//! Formats one OpenMetrics file and writes it to disk in pieces.

use std::io::Write;
use std::path::Path;

use crate::files::{FileError, WholeFile};
use crate::folder::{ManifestBlock, Written};
use crate::outputs::OutputError;
use crate::time::{Grid, TimeRange};

/// Approximate size of the pieces that are written at once.
const PIECE_BYTES: usize = 1 << 18;

/// The file of one block; it is created on disk when the first piece is written.
pub(super) struct WindowText<'a> {
    path: &'a Path,
    window: TimeRange,
    file: Option<WholeFile>,
    piece: Vec<u8>,
    /// HELP and TYPE of a family whose first sample is still to come.
    head: String,
    counted: Counted,
}

/// Totals of the samples written so far.
#[derive(Clone, Copy)]
struct Counted {
    series: u64,
    samples: u64,
    first_ms: i64,
    last_ms: i64,
}

impl<'a> WindowText<'a> {
    pub(super) fn new(path: &'a Path, window: TimeRange) -> Self {
        let counted = Counted { series: 0, samples: 0, first_ms: i64::MAX, last_ms: i64::MIN };
        Self { path, window, file: None, piece: Vec::with_capacity(PIECE_BYTES * 2), head: String::new(), counted }
    }

    /// Begins a family. HELP and TYPE are written with its first sample, and not at all if there is none.
    pub(super) fn begin(&mut self, name: &str, help: &str) {
        self.head = format!("# HELP {name} {help}\n# TYPE {name} gauge\n");
    }

    /// Indices of the grid's steps that lie in the block.
    pub(super) fn steps(&self, grid: &Grid) -> std::ops::Range<usize> {
        grid.indices_between(self.window.start_ms, self.window.end_ms - 1)
    }

    /// Begins a series; `series` is its text up to the value.
    pub(super) fn begin_series<'t>(&'t mut self, series: &'t str) -> SeriesText<'t, 'a> {
        let samples_before = self.counted.samples;
        SeriesText { text: self, series: series.as_bytes(), samples_before }
    }

    fn flush(&mut self) -> Result<(), OutputError> {
        let failed = |e| FileError::new("write", self.path, e);
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(WholeFile::create(self.path)?),
        };
        file.write_all(&self.piece).map_err(failed)?;
        self.piece.clear();
        Ok(())
    }

    /// Ends the file and gives it its final name; `None` if there is no sample.
    pub(super) fn finish(mut self, out: &Path) -> Result<Option<(Written, ManifestBlock)>, OutputError> {
        let Counted { series, samples, first_ms, last_ms } = self.counted;
        if samples == 0 {
            return Ok(None);
        }
        self.piece.extend_from_slice(b"# EOF\n");
        self.flush()?;
        let Some(file) = self.file else { return Ok(None) };
        let written = Written::new(out, self.path, samples, file.commit()?);
        let path = written.path.clone();
        let block = ManifestBlock { path, series, samples, first: first_ms / 1000, last: last_ms / 1000 };
        Ok(Some((written, block)))
    }
}

/// Appends the samples of one series.
pub(super) struct SeriesText<'t, 'a> {
    text: &'t mut WindowText<'a>,
    series: &'t [u8],
    samples_before: u64,
}

impl SeriesText<'_, '_> {
    /// Appends a sample for each value that is not `None`. The values belong to consecutive steps of the grid, starting
    /// with the step at index `from`. Each value must end with a space.
    pub(super) fn append<'v>(
        &mut self,
        grid: &Grid,
        from: usize,
        values: impl Iterator<Item = Option<&'v str>>,
    ) -> Result<(), OutputError> {
        let mut digits = itoa::Buffer::new();
        let text = &mut *self.text;
        for (step, value) in (from..).zip(values) {
            let Some(value) = value else { continue };
            if !text.head.is_empty() {
                text.piece.extend_from_slice(std::mem::take(&mut text.head).as_bytes());
            }
            let at_ms = grid.at(step);
            text.piece.extend_from_slice(self.series);
            text.piece.extend_from_slice(value.as_bytes());
            text.piece.extend_from_slice(digits.format(at_ms / 1000).as_bytes());
            text.piece.push(b'\n');
            text.counted.samples += 1;
            text.counted.first_ms = text.counted.first_ms.min(at_ms);
            text.counted.last_ms = text.counted.last_ms.max(at_ms);
        }
        if text.piece.len() >= PIECE_BYTES { text.flush() } else { Ok(()) }
    }
}

impl Drop for SeriesText<'_, '_> {
    fn drop(&mut self) {
        // Count only series with at least one sample.
        self.text.counted.series += u64::from(self.text.counted.samples > self.samples_before);
    }
}
