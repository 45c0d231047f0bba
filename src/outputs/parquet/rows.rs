//! Which steps of which members are the rows of a day's score file, in row groups and batches.

use std::ops::Range;

use crate::score::{ABSENT, DayScores};

/// Rows of whole members that are encoded as one batch; a page may end at the end of a batch.
pub(super) const BATCH_ROWS: usize = 1 << 16;

/// Consecutive expected steps of one member: as many rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) member: usize,
    pub(super) steps: Range<usize>,
}

/// The rows of a day: row groups, each of batches, each of stretches of members.
pub(super) fn groups(scores: &DayScores, most_rows: usize) -> Vec<Vec<Vec<Stretch>>> {
    let (mut groups, mut of_group, mut group_rows) = (Vec::new(), Vec::new(), 0);
    for mut batch in batches(scores) {
        loop {
            let rest = split_off(&mut batch, most_rows - group_rows);
            group_rows += rows_of(&batch);
            of_group.push(batch);
            if group_rows == most_rows {
                groups.push(std::mem::take(&mut of_group));
                group_rows = 0;
            }
            if rest.is_empty() {
                break;
            }
            batch = rest;
        }
    }
    if !of_group.is_empty() {
        groups.push(of_group);
    }
    groups
}

pub(super) fn rows_of(stretches: &[Stretch]) -> usize {
    stretches.iter().map(|stretch| stretch.steps.len()).sum()
}

/// Batches of at least [`BATCH_ROWS`] rows, of whole members. A batch without rows is left out.
fn batches(scores: &DayScores) -> Vec<Vec<Stretch>> {
    let (mut batches, mut batch) = (Vec::new(), Vec::new());
    let mut rows = 0;
    for member in 0..scores.members.len() {
        let mut from = 0;
        for equal in scores.codes(member).chunk_by(|a, b| (*a == ABSENT) == (*b == ABSENT)) {
            let steps = from..from + equal.len();
            from = steps.end;
            if equal[0] != ABSENT {
                rows += steps.len();
                batch.push(Stretch { member, steps });
            }
        }
        if rows >= BATCH_ROWS || (member + 1 == scores.members.len() && rows > 0) {
            batches.push(std::mem::take(&mut batch));
            rows = 0;
        }
    }
    batches
}

/// Leaves the first `rows` rows, and returns the others.
fn split_off(stretches: &mut Vec<Stretch>, rows: usize) -> Vec<Stretch> {
    let mut left = rows;
    let Some(place) = stretches.iter().position(|stretch| {
        let is_last = stretch.steps.len() > left;
        left -= if is_last { 0 } else { stretch.steps.len() };
        is_last
    }) else {
        return Vec::new();
    };
    let mut rest = stretches.split_off(place);
    if left > 0 {
        let first = &mut rest[0];
        let middle = first.steps.start + left;
        stretches.push(Stretch { member: first.member, steps: first.steps.start..middle });
        first.steps.start = middle;
    }
    rest
}

/// The codes of consecutive rows, as runs of equal ones.
pub(super) fn code_runs(scores: &DayScores, batch: &[Stretch]) -> Vec<(u16, usize)> {
    let mut runs: Vec<(u16, usize)> = Vec::new();
    for Stretch { member, steps } in batch {
        for equal in scores.codes(*member)[steps.clone()].chunk_by(|a, b| a == b) {
            match runs.last_mut().filter(|(code, _)| *code == equal[0]) {
                Some((_, rows)) => *rows += equal.len(),
                None => runs.push((equal[0], equal.len())),
            }
        }
    }
    runs
}
