//! When the series of a data directory have samples, without reading the samples.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::opened::{BlockSlot, Opened};
use super::{AT_ONCE, DataDirectory, DirectoryError};
use crate::sources::raw::{Label, Sighted};

/// Most files of blocks that a survey leaves open. Processes may usually have 1024 open, on some systems 256.
const MOST_OPEN: usize = 128;

/// Most chunks in the lists of all blocks that a survey leaves open, 24 bytes each.
const MOST_CHUNKS: usize = 2 << 20;

/// The series that were found so far, by labels.
type Seen = BTreeMap<Vec<Label>, Sighted>;

impl DataDirectory {
    pub(super) fn survey_once(&self, names: &[&str], range_ms: &Range<i64>) -> Result<Vec<Sighted>, DirectoryError> {
        let mut found = Seen::new();
        let mut slots = self.slots();
        // Blocks stay open up to a limit, so that each index is read only once.
        let sizes = slots.iter().filter_map(|slot| slot.size());
        let mut open = sizes.fold((0, 0), |sum, size| (sum.0 + size.0, sum.1 + size.1));
        slots.retain(|slot| slot.range_ms().start < range_ms.end && slot.range_ms().end > range_ms.start);
        for slots in slots.chunks(if self.home.is_far() { AT_ONCE } else { 1 }) {
            let were_open: Vec<bool> = slots.iter().map(|slot| slot.is_open()).collect();
            for ((slot, was_open), opened) in slots.iter().zip(were_open).zip(self.opened(slots)?) {
                opened.survey(names, range_ms).for_each(|one| add(&mut found, one));
                if !was_open {
                    close_beyond_limit(slot, &opened, &mut open);
                }
            }
        }
        self.survey_head(names, range_ms, &mut found);
        Ok(found.into_values().collect())
    }

    fn survey_head(&self, names: &[&str], range_ms: &Range<i64>, found: &mut Seen) {
        for (_, one) in self.in_head(names, range_ms) {
            let samples = one.samples.within(range_ms);
            let ends = samples.times_ms.first().copied().zip(samples.times_ms.last().copied());
            let Some((first_ms, last_ms)) = ends else { continue };
            let labels = &one.labels;
            let new = || Sighted { labels: labels.clone(), first_ms, last_ms, bytes: 0 };
            let known = found.entry(labels.clone()).or_insert_with(new);
            known.first_ms = known.first_ms.min(first_ms);
            known.last_ms = known.last_ms.max(last_ms);
        }
    }
}

/// Adds a series of one more block.
fn add(found: &mut Seen, one: Sighted) {
    match found.get_mut(&one.labels) {
        Some(known) => {
            known.first_ms = known.first_ms.min(one.first_ms);
            known.last_ms = known.last_ms.max(one.last_ms);
            known.bytes += one.bytes;
        }
        None => drop(found.insert(one.labels.clone(), one)),
    }
}

/// Closes a block that was just opened if too much is open, which is counted in files and chunks.
fn close_beyond_limit(slot: &BlockSlot, opened: &Arc<Opened>, open: &mut (usize, usize)) {
    let (files, chunks) = opened.size();
    let with = (open.0 + files, open.1 + chunks);
    if with.0 > MOST_OPEN || with.1 > MOST_CHUNKS {
        slot.close();
    } else {
        *open = with;
    }
}
