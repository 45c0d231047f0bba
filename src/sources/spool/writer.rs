//! Appends samples to the temporary file.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::encode;
use super::error::SpoolError;
use super::file::SpoolFile;
use super::open::{Added, Open};
use super::reader::{Spool, read_chunks};
use super::{Chunk, Labels, Sink};
use crate::sources::tsdb::block::{Conflict, Samples, in_promql, merge};

/// Most samples of chunks that are not complete, 16 bytes each.
const MOST_OPEN: usize = 4 << 20;

/// Fewest samples of a chunk that is completed early because a series goes back in time.
const FEW: usize = 120;

/// Takes samples of dumps, in any order.
#[derive(Debug)]
pub struct SpoolWriter {
    file: SpoolFile,
    series: Vec<Series>,
    numbers: BTreeMap<Labels, u32>,
    texts: HashSet<Arc<str>>,
    /// Samples of all chunks that are not complete.
    open: usize,
    /// [`MOST_OPEN`], or less in tests.
    most_open: usize,
    /// The dumps so far; the last one is read.
    dumps: Vec<String>,
}

/// What is known of a series.
#[derive(Debug)]
struct Series {
    labels: Labels,
    chunks: Vec<Chunk>,
    /// The largest time in `chunks`.
    max_ms: Option<i64>,
    open: Open,
}

impl SpoolWriter {
    /// Creates the temporary file.
    pub(super) fn create(dir: Option<&Path>) -> Result<Self, SpoolError> {
        Ok(Self {
            file: SpoolFile::create(dir)?,
            series: Vec::new(),
            numbers: BTreeMap::new(),
            texts: HashSet::new(),
            open: 0,
            most_open: MOST_OPEN,
            dumps: Vec::new(),
        })
    }

    /// Size of the temporary file in bytes, without chunks that are not complete.
    pub fn size(&self) -> u64 {
        self.file.size()
    }

    /// Completes all chunks. The result can be read by several threads.
    pub fn finish(mut self) -> Result<Spool, SpoolError> {
        self.complete_all()?;
        self.file.flush()?;
        let numbers = self.numbers.into_values();
        let mut series: Vec<_> = self.series.into_iter().map(|series| (series.labels, series.chunks)).collect();
        // By number in the order of labels.
        let sorted = numbers.map(|number| std::mem::take(&mut series[number as usize])).collect();
        Ok(Spool::new(self.file, sorted))
    }

    /// Completes chunks earlier, so that tests need fewer samples.
    #[cfg(test)]
    pub(super) fn set_most_open(&mut self, samples: usize) {
        self.most_open = samples;
    }

    fn intern(&mut self, text: Arc<str>) -> Arc<str> {
        if let Some(known) = self.texts.get(&text) {
            return Arc::clone(known);
        }
        self.texts.insert(Arc::clone(&text));
        text
    }

    /// Adds a sample that is not after all others of the chunk, or that has no place in it.
    #[cold]
    fn add(&mut self, number: u32, line: u64, time_ms: i64, value: f64) -> Result<(), SpoolError> {
        let series = &self.series[number as usize];
        let earlier = series.open.times_ms.first().is_some_and(|first| time_ms < *first);
        // A file that goes back once gives a new chunk; one that always goes back must not give one for each sample.
        let back = earlier && series.open.len() >= FEW && series.max_ms.is_some_and(|max_ms| time_ms <= max_ms);
        if series.open.is_full() || back {
            self.complete(number)?;
        }
        if self.open >= self.most_open {
            self.complete_all()?;
        }
        let open = &mut self.series[number as usize].open;
        let added = if open.push(line, time_ms, value) { Added::New } else { open.insert(line, time_ms, value) };
        match added {
            Added::New => self.open += 1,
            Added::Known => {}
            Added::Conflict(first) => {
                let (place, series) = (format!("{} line {line}", self.current()), self.text(number));
                return Err(SpoolError::TwoValues { place, series, at_ms: time_ms, first, second: value });
            }
        }
        Ok(())
    }

    /// The dump that is read, for messages.
    fn current(&self) -> &str {
        self.dumps.last().map_or("", String::as_str)
    }

    /// The series in PromQL notation.
    fn text(&self, number: u32) -> String {
        in_promql(&self.series[number as usize].labels)
    }

    fn complete_all(&mut self) -> Result<(), SpoolError> {
        for number in 0..self.series.len() {
            self.complete(number as u32)?;
            // The memory of a series that may have no further samples.
            self.series[number].open = Open::default();
        }
        Ok(())
    }

    /// Appends the open chunk of a series to the file.
    fn complete(&mut self, number: u32) -> Result<(), SpoolError> {
        let Self { file, series, .. } = self;
        let series = &mut series[number as usize];
        let open = &series.open;
        let (Some(min_ms), Some(max_ms)) = (open.times_ms.first().copied(), open.times_ms.last().copied()) else {
            return Ok(());
        };
        let offset = file.size();
        let bytes = file.end();
        let start = bytes.len();
        encode::chunk(&open.times_ms, &open.values, bytes);
        let (length, checksum) = ((bytes.len() - start) as u32, crc32c::crc32c(&bytes[start..]));
        file.appended()?;
        let overlaps = series.max_ms.is_some_and(|max_ms| min_ms <= max_ms);
        if overlaps {
            self.require_one_value(number)?;
        }
        let dump = self.dumps.len() as u32;
        let series = &mut self.series[number as usize];
        series.chunks.push(Chunk { min_ms, max_ms, offset, length, checksum, dump });
        series.max_ms = series.max_ms.max(Some(max_ms));
        self.open -= series.open.len();
        series.open.clear();
        Ok(())
    }

    /// Fails if complete chunks of a series have another value at the time of a sample of its open chunk, or if another
    /// dump has samples between its own.
    fn require_one_value(&mut self, number: u32) -> Result<(), SpoolError> {
        self.file.flush()?;
        let series = &self.series[number as usize];
        let Open { times_ms, values, first_line, last_line } = &series.open;
        let last = times_ms.last().copied().unwrap_or(i64::MAX);
        let overlapping =
            series.chunks.iter().copied().filter(|chunk| chunk.max_ms >= times_ms[0] && chunk.min_ms <= last);
        let current = self.dumps.len() as u32;
        let (own, others): (Vec<Chunk>, Vec<Chunk>) = overlapping.partition(|chunk| chunk.dump == current);
        let first_dump = others.first().map(|chunk| chunk.dump as usize);
        let own = read_chunks(&self.file, own.into_iter())?;
        let others = read_chunks(&self.file, others.into_iter())?;
        if let Some(first) = first_dump.filter(|_| are_of_two_scrapes(&others.times_ms, times_ms)) {
            let (one, other) = (self.dumps[first - 1].clone(), self.current().to_owned());
            return Err(SpoolError::TwoSources { one, other, series: self.text(number) });
        }
        let new = Samples { times_ms: times_ms.clone(), values: values.clone() };
        let conflict = merge([others, own, new]).example;
        let Some(Conflict { at_ms, kept: first, dropped: second }) = conflict else { return Ok(()) };
        let place = format!("{} lines {first_line} to {last_line}", self.current());
        Err(SpoolError::TwoValues { place, series: self.text(number), at_ms, first, second })
    }
}

/// Whether each list of ascending times has some that the other lacks, in the time that both cover. Overlapping dumps of one
/// server have the same; those of two servers, or of two replicas, do not.
fn are_of_two_scrapes(one: &[i64], other: &[i64]) -> bool {
    let (Some((first, last)), Some((other_first, other_last))) =
        (one.first().zip(one.last()), other.first().zip(other.last()))
    else {
        return false;
    };
    let both = *first.max(other_first)..=*last.min(other_last);
    let lacks =
        |one: &[i64], other: &[i64]| other.iter().any(|time| both.contains(time) && one.binary_search(time).is_err());
    lacks(one, other) && lacks(other, one)
}

impl Sink for SpoolWriter {
    fn dump(&mut self, name: &str) -> Result<(), SpoolError> {
        // Lines of another dump would be mistaken for those of this one.
        self.complete_all()?;
        self.dumps.push(name.to_owned());
        Ok(())
    }

    fn series(&mut self, labels: Labels) -> Result<u32, SpoolError> {
        if let Some(number) = self.numbers.get(&labels) {
            return Ok(*number);
        }
        let number = u32::try_from(self.series.len()).map_err(|_| SpoolError::TooManySeries)?;
        let labels: Labels = labels.into_iter().map(|(name, value)| (self.intern(name), self.intern(value))).collect();
        self.numbers.insert(labels.clone(), number);
        self.series.push(Series { labels, chunks: Vec::new(), max_ms: None, open: Open::default() });
        Ok(number)
    }

    #[inline]
    fn sample(&mut self, series: u32, line: u64, time_ms: i64, value: f64) -> Result<(), SpoolError> {
        let open = &mut self.series[series as usize].open;
        let fits = !open.is_full() && self.open < self.most_open;
        if fits && open.push(line, time_ms, value) {
            self.open += 1;
            return Ok(());
        }
        self.add(series, line, time_ms, value)
    }
}
