//! The samples of one wanted series, from all places that have some of them.

use std::sync::Arc;

use super::super::block::{Conflict, Merged, Samples, in_promql, merge};
use super::record::Tombstone;

/// Names and values of labels, in ascending order, `__name__` included.
pub(super) type Labels = Vec<(Arc<str>, Arc<str>)>;

/// What the files have under one reference. Several references can have the same labels: a series that ends and begins
/// again has another one.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) labels: Labels,
    /// Samples in order, from `wal/`.
    pub(super) logged: Samples,
    /// Time of the last sample that was accepted in order, including those that are too old to be kept.
    newest_ms: Option<i64>,
    /// Samples in order, from `chunks_head/`, and the time of the last one.
    chunks: Vec<Samples>,
    chunks_end_ms: Option<i64>,
    /// Samples out of order, from `wbl/` in the order of the log, and from `chunks_head/`.
    late: Vec<(i64, f64)>,
    late_chunks: Vec<Samples>,
    /// Inclusive ranges.
    deleted: Vec<(i64, i64)>,
    /// The server has moved the series to a block.
    moved: bool,
}

impl Stream {
    pub(super) fn new(labels: Labels) -> Self {
        Self {
            labels,
            logged: Samples::default(),
            newest_ms: None,
            chunks: Vec::new(),
            chunks_end_ms: None,
            late: Vec::new(),
            late_chunks: Vec::new(),
            deleted: Vec::new(),
            moved: false,
        }
    }

    /// Adds a sample of `wal/`. The server logs samples before it decides whether they are in order: the others are in
    /// `wbl/` again, or were rejected. It decides as it does here when it starts.
    pub(super) fn log(&mut self, time_ms: i64, value: f64, from_ms: i64) {
        if self.newest_ms.is_some_and(|newest| time_ms <= newest) {
            return;
        }
        self.newest_ms = Some(time_ms);
        if time_ms >= from_ms {
            self.logged.push(time_ms, value);
        }
    }

    /// Adds a sample of `wbl/`, which has only samples that were accepted.
    pub(super) fn log_late(&mut self, time_ms: i64, value: f64) {
        self.late.push((time_ms, value));
    }

    /// Adds the samples of a chunk.
    pub(super) fn add_chunk(&mut self, samples: Samples, out_of_order: bool) {
        if out_of_order {
            self.late_chunks.push(samples);
        } else if !self.moved {
            self.chunks_end_ms = self.chunks_end_ms.max(samples.times_ms.last().copied());
            self.chunks.push(samples);
        }
    }

    /// Notes a deletion. The server writes the range of all times when it has moved a series without recent samples to
    /// a block; a deletion by a user never has this range.
    pub(super) fn delete(&mut self, tombstone: Tombstone) {
        if tombstone.first_ms != i64::MIN || tombstone.last_ms != i64::MAX {
            self.deleted.push((tombstone.first_ms, tombstone.last_ms));
            return;
        }
        self.logged = Samples::default();
        self.moved = true;
    }

    /// Whether the logs have the first and last sample of a damaged chunk, as far as these are kept.
    pub(super) fn has_logged(&self, first_ms: i64, last_ms: i64, kept_ms: i64, out_of_order: bool) -> bool {
        let has = |time: i64| match out_of_order {
            _ if time < kept_ms => true,
            true => self.late.iter().any(|(late, _)| *late == time),
            false => self.moved || self.logged.times_ms.binary_search(&time).is_ok(),
        };
        has(first_ms) && has(last_ms)
    }

    /// Samples in order. Where a chunk and the log overlap, the server uses the chunk.
    fn in_order(&mut self, chunks_are_intact: bool) -> Result<Samples, Conflict> {
        self.chunks.sort_by_key(|chunk| chunk.times_ms.first().copied());
        let mut parts = std::mem::take(&mut self.chunks);
        let mut logged = std::mem::take(&mut self.logged);
        if let Some(end_ms) = self.chunks_end_ms
            && chunks_are_intact
        {
            logged.remove(i64::MIN, end_ms);
        }
        parts.push(logged);
        agreed(merge(parts))
    }

    /// Samples out of order.
    fn out_of_order(&mut self) -> Result<Samples, Conflict> {
        let mut late = std::mem::take(&mut self.late);
        // Stable, so that the value that was logged first comes first.
        late.sort_by_key(|(time, _)| *time);
        let mut samples = Samples::default();
        for (time, value) in late {
            let last = samples.times_ms.last().copied().zip(samples.values.last().copied());
            match last {
                Some((at_ms, kept)) if at_ms == time => {
                    if kept.to_bits() != value.to_bits() {
                        return Err(Conflict { at_ms, kept, dropped: value });
                    }
                }
                _ => samples.push(time, value),
            }
        }
        let mut parts = std::mem::take(&mut self.late_chunks);
        parts.push(samples);
        agreed(merge(parts))
    }
}

/// All samples of the streams of one series. Deletions do not concern samples out of order: the server writes these to
/// a block even if some versions hide them from queries until then.
pub(super) fn join(streams: &mut [Stream], chunks_are_intact: bool, from_ms: i64) -> Result<Samples, Conflict> {
    let (mut in_order, mut late) = (Vec::new(), Vec::new());
    for stream in &mut *streams {
        in_order.push(stream.in_order(chunks_are_intact)?);
        late.push(stream.out_of_order()?);
    }
    let mut samples = agreed(merge(in_order))?;
    for (first_ms, last_ms) in streams.iter().flat_map(|stream| &stream.deleted) {
        samples.remove(*first_ms, *last_ms);
    }
    late.insert(0, samples);
    let mut samples = agreed(merge(late))?;
    if let Some(before) = from_ms.checked_sub(1) {
        samples.remove(i64::MIN, before);
    }
    Ok(samples)
}

fn agreed(merged: Merged) -> Result<Samples, Conflict> {
    merged.example.map_or(Ok(merged.samples), Err)
}

/// A series in PromQL notation.
pub(super) fn name(labels: &Labels) -> String {
    in_promql(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(times: &[i64]) -> Samples {
        Samples { times_ms: times.to_vec(), values: times.iter().map(|time| *time as f64).collect() }
    }

    fn logged(times: &[i64]) -> Stream {
        let mut stream = Stream::new(Vec::new());
        times.iter().for_each(|time| stream.log(*time, *time as f64, 0));
        stream
    }

    fn joined(stream: Stream, chunks_are_intact: bool) -> Samples {
        join(&mut [stream], chunks_are_intact, 0).expect("no conflict")
    }

    #[test]
    fn logged_samples_that_were_not_in_order_are_left_out() {
        let mut stream = logged(&[5, 7, 6]);
        stream.log(7, -7.0, 0);
        stream.log(9, 9.0, 0);
        assert_eq!(joined(stream, true), samples(&[5, 7, 9]));
    }

    #[test]
    fn chunks_replace_the_log_up_to_their_end() {
        let stream = || {
            let mut stream = logged(&[3, 5, 7]);
            stream.add_chunk(samples(&[4, 5]), false);
            stream.add_chunk(samples(&[1, 2]), false);
            stream
        };
        assert_eq!(joined(stream(), true), samples(&[1, 2, 4, 5, 7]));
        assert_eq!(joined(stream(), false), samples(&[1, 2, 3, 4, 5, 7]));
    }

    #[test]
    fn late_samples_are_added_and_not_deleted() {
        let mut stream = logged(&[5, 7, 9]);
        stream.log_late(6, 6.0);
        stream.log_late(2, 2.0);
        stream.log_late(6, 6.0);
        stream.add_chunk(samples(&[2, 3]), true);
        stream.delete(Tombstone { reference: 1, first_ms: 2, last_ms: 7 });
        assert_eq!(joined(stream, true), samples(&[2, 3, 6, 9]));
    }

    #[test]
    fn a_series_that_was_moved_to_a_block_is_empty() {
        let mut stream = logged(&[5, 7, 9]);
        stream.delete(Tombstone { reference: 1, first_ms: i64::MIN, last_ms: i64::MAX });
        stream.add_chunk(samples(&[5]), false);
        assert_eq!(joined(stream, true), samples(&[]));
    }

    #[test]
    fn two_values_at_one_time_are_a_conflict() {
        let mut stream = logged(&[5]);
        stream.log_late(5, 6.0);
        let conflict = join(&mut [stream], true, 0).expect_err("a conflict");
        assert_eq!((conflict.at_ms, conflict.kept, conflict.dropped), (5, 5.0, 6.0));
        let mut stream = logged(&[]);
        stream.log_late(5, 6.0);
        stream.log_late(5, 7.0);
        assert!(join(&mut [stream], true, 0).is_err());
    }

    #[test]
    fn streams_of_the_same_series_are_joined() {
        let mut streams = [logged(&[1, 2]), logged(&[2, 8])];
        assert_eq!(join(&mut streams, true, 2).expect("no conflict"), samples(&[2, 8]));
    }
}
