//! Runs in a few bytes each: a year of a cluster in which something changes every few minutes has 100,000 of them.

use std::collections::HashMap;
use std::hash::Hash;

use super::runs::Run;

/// Runs of states, in order of time, which grow day by day. Each run takes about six bytes instead of 24 or more: the time
/// since the run before, its length, and the number of its state, each in as few bytes as it needs.
#[derive(Debug)]
pub(super) struct PackedRuns<T> {
    bytes: Vec<u8>,
    /// The end of the last run in `bytes`.
    end_ms: i64,
    /// The last run, which the next day may continue.
    last: Option<Run<T>>,
    /// Each distinct state once; a year has few of them.
    states: Vec<T>,
    numbers: HashMap<T, u64>,
}

impl<T> Default for PackedRuns<T> {
    fn default() -> Self {
        Self { bytes: Vec::new(), end_ms: 0, last: None, states: Vec::new(), numbers: HashMap::new() }
    }
}

impl<T: Copy + Eq + Hash> PackedRuns<T> {
    /// Appends the runs of the next day; a run that continues across midnight is joined.
    pub(super) fn append(&mut self, day: Vec<Run<T>>) {
        for run in day {
            if !self.last.as_mut().is_some_and(|last| last.extends_by(&run))
                && let Some(done) = self.last.replace(run)
            {
                self.pack(done);
            }
        }
    }

    fn pack(&mut self, run: Run<T>) {
        let states = &mut self.states;
        let number = *self.numbers.entry(run.state).or_insert_with(|| {
            states.push(run.state);
            states.len() as u64 - 1
        });
        // A difference below zero, which no history has, takes ten bytes.
        for part in [run.start_ms.wrapping_sub(self.end_ms) as u64, (run.end_ms - run.start_ms) as u64, number] {
            put(&mut self.bytes, part);
        }
        self.end_ms = run.end_ms;
    }

    /// The runs, in order of time.
    pub(super) fn iter(&self) -> impl Iterator<Item = Run<T>> + '_ {
        let (mut rest, mut before_ms) = (self.bytes.as_slice(), 0_i64);
        let packed = std::iter::from_fn(move || {
            let start_ms = before_ms.wrapping_add(take(&mut rest)? as i64);
            let end_ms = start_ms.wrapping_add(take(&mut rest)? as i64);
            before_ms = end_ms;
            let state = *self.states.get(usize::try_from(take(&mut rest)?).ok()?)?;
            Some(Run { start_ms, end_ms, state })
        });
        packed.chain(self.last)
    }
}

/// Writes a number in as few bytes as it needs: seven bits a byte, least significant first.
fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Reads the next number; `None` at the end.
fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::super::runs::append;
    use super::*;

    fn run(start_ms: i64, end_ms: i64, state: u16) -> Run<u16> {
        Run { start_ms, end_ms, state }
    }

    #[test]
    fn packed_runs_are_those_that_were_appended_joined_across_midnight() {
        let first = 1_790_812_800_000;
        let days = [
            vec![],
            vec![run(first, first + 60_000, 7), run(first + 60_000, first + 300_000, 65_535)],
            // Continues; then a gap before the same state again.
            vec![run(first + 300_000, first + 360_000, 65_535), run(first + 420_000, first + 420_001, 65_535)],
            vec![run(first + 420_001, i64::MAX / 2, 0)],
        ];
        let (mut packed, mut plain) = (PackedRuns::default(), Vec::new());
        for day in days {
            packed.append(day.clone());
            append(&mut plain, day);
            assert_eq!(packed.iter().collect::<Vec<_>>(), plain);
        }
        assert_eq!(plain.len(), 4);
        let mut early = PackedRuns::default();
        early.append(vec![run(-120_000, -60_000, 1), run(-60_000, 60_000, 2), run(60_000, 60_001, 1)]);
        assert_eq!(
            early.iter().map(|run| (run.start_ms, run.end_ms)).collect::<Vec<_>>(),
            [(-120_000, -60_000), (-60_000, 60_000), (60_000, 60_001)]
        );
    }
}
