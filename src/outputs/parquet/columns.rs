//! The columns of a score file besides its times, each fed with runs of equal values.

use std::collections::HashMap;
use std::io::Write;
use std::ops::Range;

use ::parquet::data_type::ByteArray;
use ::parquet::errors::Result as ParquetResult;
use ::parquet::file::statistics::Statistics;
use ::parquet::file::writer::SerializedRowGroupWriter;

use super::rows::{Stretch, rows_of};
use super::runs::{Described, Run, RunColumn, Zstd, count};
use crate::score::{DayScores, ScoreTable};
use crate::spec::METRICS;

/// A column of labels: clusters, or members.
pub(super) struct Labels<'a> {
    column: RunColumn,
    keys: HashMap<&'a str, u32>,
    /// The labels in the order of their keys, each after its length: Parquet's plain encoding.
    dictionary: Vec<u8>,
}

impl<'a> Labels<'a> {
    pub(super) fn new(column: RunColumn) -> Self {
        Self { column, keys: HashMap::new(), dictionary: Vec::new() }
    }

    pub(super) fn write(&mut self, batch: &[Stretch], label: impl Fn(usize) -> &'a str) {
        let key_of = |stretch: &Stretch| {
            let label = label(stretch.member);
            let next = self.keys.len() as u32;
            *self.keys.entry(label).or_insert_with(|| {
                self.dictionary.extend_from_slice(&(label.len() as u32).to_le_bytes());
                self.dictionary.extend_from_slice(label.as_bytes());
                self.column.add_size(label.len());
                next
            })
        };
        let keys: Vec<u32> = batch.iter().map(key_of).collect();
        let runs = keys.into_iter().zip(batch).map(|(key, stretch)| Run { key: Some(key), rows: stretch.steps.len() });
        self.column.write(&runs.collect::<Vec<Run>>());
    }

    pub(super) fn close<W: Write + Send>(
        self,
        group: &mut SerializedRowGroupWriter<'_, W>,
        zstd: &mut Zstd,
    ) -> ParquetResult<()> {
        let bytes = |label: Option<&&str>| label.map(|label| ByteArray::from(*label));
        let (least, most) = (bytes(self.keys.keys().min()), bytes(self.keys.keys().max()));
        let described = Described {
            dictionary: Some((self.dictionary, self.keys.len())),
            statistics: Some(Statistics::byte_array(least, most, None, Some(0), false)),
        };
        let (content, close) = self.column.close(described, zstd)?;
        group.append_column(&content, close)
    }
}

/// A column of the points of one metric, or of scores.
pub(super) struct Values {
    column: RunColumn,
    /// The value of each code.
    of_code: Vec<Option<f64>>,
    /// The key of each code's value, once the value has appeared.
    keys: Vec<Option<u32>>,
    dictionary: Vec<f64>,
}

impl Values {
    /// The points of the metric with this index; the score, if there is no such metric.
    pub(super) fn new(column: RunColumn, table: &ScoreTable, index: usize) -> Self {
        let of_code: Vec<Option<f64>> = match index {
            METRICS => table.scores(),
            metric => (0..table.len() as u16).map(|code| table.look_up(code).points[metric]).collect(),
        };
        let keys = vec![None; of_code.len()];
        Self { column, of_code, keys, dictionary: Vec::new() }
    }

    pub(super) fn write(&mut self, codes: &[(u16, usize)]) {
        let mut runs: Vec<Run> = Vec::with_capacity(codes.len());
        for &(code, rows) in codes {
            let key = self.key(code as usize);
            match runs.last_mut().filter(|run| run.key == key) {
                Some(run) => run.rows += rows,
                None => runs.push(Run { key, rows }),
            }
        }
        self.column.write(&runs);
    }

    fn key(&mut self, code: usize) -> Option<u32> {
        let value = self.of_code[code]?;
        if self.keys[code].is_none() {
            let place = self.dictionary.iter().position(|other| other.to_bits() == value.to_bits());
            self.keys[code] = Some(place.unwrap_or(self.dictionary.len()) as u32);
            if place.is_none() {
                self.dictionary.push(value);
            }
        }
        self.keys[code]
    }

    pub(super) fn close<W: Write + Send>(
        self,
        group: &mut SerializedRowGroupWriter<'_, W>,
        zstd: &mut Zstd,
    ) -> ParquetResult<()> {
        let plain = self.dictionary.iter().flat_map(|value| value.to_le_bytes()).collect();
        let described = Described { dictionary: Some((plain, self.dictionary.len())), statistics: None };
        let (content, close) = self.column.close(described, zstd)?;
        group.append_column(&content, close)
    }
}

/// The column of marks: steps shortly after a restart of the member.
pub(super) struct Restarts<'a> {
    column: RunColumn,
    /// The steps to mark of each member; `None` if the history has no start times.
    steps: &'a Option<Vec<Vec<Range<usize>>>>,
    /// Whether a step without a mark has appeared, and one with a mark.
    seen: [bool; 2],
    nulls: usize,
}

/// The steps shortly after a restart of each member; `None` if the history has no start times.
pub(super) fn restarts(scores: &DayScores) -> Option<Vec<Vec<Range<usize>>>> {
    (0..scores.members.len()).map(|member| scores.after_restart(member..member + 1)).collect()
}

impl<'a> Restarts<'a> {
    /// `steps` are those of [`restarts`].
    pub(super) fn new(column: RunColumn, steps: &'a Option<Vec<Vec<Range<usize>>>>) -> Self {
        Self { column, steps, seen: [false; 2], nulls: 0 }
    }

    pub(super) fn write(&mut self, batch: &[Stretch]) {
        let runs = match self.steps {
            None => vec![Run { key: None, rows: rows_of(batch) }],
            Some(steps) => batch.iter().flat_map(|stretch| marks(&stretch.steps, &steps[stretch.member])).collect(),
        };
        runs.iter().filter_map(|run| run.key).for_each(|key| self.seen[key as usize] = true);
        self.nulls += count(&runs).1;
        self.column.write(&runs);
    }

    pub(super) fn close<W: Write + Send>(
        self,
        group: &mut SerializedRowGroupWriter<'_, W>,
        zstd: &mut Zstd,
    ) -> ParquetResult<()> {
        let (least, most) = match self.seen {
            [false, false] => (None, None),
            [unmarked, marked] => (Some(!unmarked), Some(marked)),
        };
        let statistics = Statistics::boolean(least, most, None, Some(self.nulls as u64), false);
        let described = Described { dictionary: None, statistics: Some(statistics) };
        let (content, close) = self.column.close(described, zstd)?;
        group.append_column(&content, close)
    }
}

/// The marks of consecutive steps: 1 within the ascending ranges `marked`, else 0.
fn marks(steps: &Range<usize>, marked: &[Range<usize>]) -> Vec<Run> {
    let (mut runs, mut from) = (Vec::new(), steps.start);
    let mut mark_until = |to: usize, key: u32| {
        let to = to.min(steps.end);
        if to > from {
            runs.push(Run { key: Some(key), rows: to - from });
            from = to;
        }
    };
    for range in marked {
        mark_until(range.start, 0);
        mark_until(range.end, 1);
    }
    mark_until(steps.end, 0);
    runs
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;

    #[test]
    fn steps_are_marked_within_the_ranges_that_overlap_them() {
        let marked = |steps: Range<usize>| -> Vec<(u32, usize)> {
            marks(&steps, &[2..5, 8..9]).into_iter().map(|run| (run.key.unwrap(), run.rows)).collect()
        };
        assert_eq!(marked(0..12), [(0, 2), (1, 3), (0, 3), (1, 1), (0, 3)]);
        assert_eq!(marked(3..4), [(1, 1)]);
        assert_eq!(marked(4..8), [(1, 1), (0, 3)]);
        assert_eq!(marked(9..10), [(0, 1)]);
    }
}
