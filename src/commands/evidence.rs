//! What the days of a history say together, and the files that they stand in.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::CommandError;
use crate::export::{Manifest, Written};
use crate::history::{DayMeta, History};
use crate::readings::Lives;
use crate::time::{TimeRange, UtcDay};

/// A history as a whole.
pub(super) struct Overview {
    /// From the first step of its first day to the end of its last.
    pub(super) range: TimeRange,
    /// Who lived when.
    pub(super) lives: Lives,
    /// The days in between of which there is no file.
    pub(super) missing: Vec<UtcDay>,
}

impl Overview {
    /// Puts together what the footers say; `None` where there is no day.
    pub(super) fn of(metas: &[(UtcDay, DayMeta)]) -> Option<Self> {
        let ((first, first_meta), (last, last_meta)) = (metas.first()?, metas.last()?);
        let mut lives = Lives::default();
        for (_, meta) in metas {
            lives.merge(&meta.lives);
        }
        let there: Vec<UtcDay> = metas.iter().map(|(day, _)| *day).collect();
        let missing = first.through(*last).filter(|day| there.binary_search(day).is_err()).collect();
        let range = TimeRange { start_ms: first_meta.range.start_ms, end_ms: last_meta.range.end_ms };
        Some(Self { range, lives, missing })
    }
}

/// The files of a history with their hashes: those just written, those that the last manifest
/// knows and whose size has not changed, the rest by reading them.
pub(super) fn list_history(
    history: &History,
    metas: &[(UtcDay, DayMeta)],
    written: &BTreeMap<UtcDay, Written>,
) -> Result<Vec<Written>, CommandError> {
    let out = history.out();
    let listed = Manifest::read(out).map(|m| m.history).unwrap_or_default();
    let list = |(day, meta): &(UtcDay, DayMeta)| {
        let path = history.file(*day);
        let bytes = std::fs::metadata(&path).map(|m| m.len()).unwrap_or(0);
        let is_listed = |file: &&Written| file.is(out, &path) && file.rows == meta.rows && file.stat.bytes == bytes;
        match written.get(day).or_else(|| listed.iter().find(is_listed)) {
            Some(file) => Ok(file.clone()),
            None => Ok(Written::read(out, &path, meta.rows)?),
        }
    };
    metas.par_iter().map(list).collect()
}
