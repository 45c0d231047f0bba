//! One of several sources, as its folder has it: its days, and what is expected of those that it lacks.

use std::collections::BTreeMap;
use std::path::Path;

use rayon::prelude::*;

use crate::commands::CommandError;
use crate::folder::{Listed, Manifest, source_folder};
use crate::history::{DayMeta, History, HistoryError, members_in, read_day};
use crate::readings::{Life, Lives, Member, Source, SourceName, Window};
use crate::spec::Companion;
use crate::time::{Grid, HOUR_MS, TimeRange, UtcDay, union_of_ranges};

/// A member that was seen so shortly before a gap is expected in it: one that is scraped with a hitch now and then is not
/// taken for one that has left.
const SHORTLY_MS: i64 = HOUR_MS;

/// A source with days on disk.
pub(super) struct Part {
    pub(super) name: SourceName,
    pub(super) source: Source,
    pub(super) days: BTreeMap<UtcDay, DayMeta>,
    /// The SHA-256 of the file of each day.
    pub(super) hashes: BTreeMap<UtcDay, String>,
    /// The ranges that pulls have requested of it.
    pub(super) asked: Vec<TimeRange>,
    /// Further ranges that it should have, and was not even asked for: it did not answer.
    pub(super) unanswered: Option<TimeRange>,
    history: History,
}

impl Part {
    /// Reads the folder of a source; `None` if it has no day.
    pub(super) fn of(
        out: &Path,
        name: &SourceName,
        unanswered: Option<TimeRange>,
    ) -> Result<Option<Self>, CommandError> {
        let folder = source_folder(out, name);
        let history = History::within(&folder);
        let days: BTreeMap<UtcDay, DayMeta> = history.read_metas()?.known.into_iter().collect();
        let Some((_, first)) = days.first_key_value() else { return Ok(None) };
        let source = first.source.clone();
        let manifest = Manifest::read(&folder).ok().flatten().filter(|manifest| manifest.is_of(&source));
        let hashes = hashes(&history, &days, manifest.as_ref())?;
        let asked = manifest.and_then(|manifest| manifest.asked_ranges()).unwrap_or_default();
        // Days before its first may be older than what the source keeps.
        let from_ms = first.range.start_ms;
        let unanswered = unanswered.map(|range| TimeRange { start_ms: range.start_ms.max(from_ms), ..range });
        let unanswered = unanswered.filter(|range| range.start_ms < range.end_ms);
        Ok(Some(Self { name: name.clone(), source, days, hashes, asked, unanswered, history }))
    }

    /// The name that a member has in the joined history.
    pub(super) fn named(&self, member: &Member) -> Member {
        Member::new(&self.name.cluster(&member.cluster), &member.member)
    }

    /// The readings of a day; `None` if it has none.
    pub(super) fn read(
        &self,
        day: UtcDay,
        grid: Grid,
        companions: &[Companion],
    ) -> Result<Option<Window>, HistoryError> {
        if !self.days.contains_key(&day) {
            return Ok(None);
        }
        let path = self.history.file(day);
        let window = read_day(&path, grid, members_in(&path)?, companions)?;
        Ok(Some(window.renamed(|member| self.named(member)).of_source(&self.name)))
    }

    /// What the source should have of this range of a day, and lacks.
    pub(super) fn lacking(&self, day: UtcDay, range: TimeRange) -> Vec<TimeRange> {
        let should = self.asked.iter().chain(&self.unanswered).filter_map(|asked| asked.intersect(range));
        match self.days.get(&day) {
            Some(meta) => union_of_ranges(should.flat_map(|part| part.without(meta.range))),
            None => union_of_ranges(should),
        }
    }

    /// When the members of a day were seen, under their names in the joined history. In a part of `range` that the source
    /// lacks, the members that were there shortly before or after are expected: what happened to them is unknown.
    pub(super) fn lives(&self, day: UtcDay, range: TimeRange, grid: Grid) -> Lives {
        let meta = self.days.get(&day);
        let mut lives = meta.map(|meta| meta.lives.clone()).unwrap_or_default();
        if !self.lacking(day, range).is_empty() && !grid.is_empty() {
            let (first_ms, last_ms) = (grid.at(0), grid.at(grid.len() - 1));
            let ends_early = meta.is_none_or(|meta| meta.range.end_ms < range.end_ms);
            let begins_late = meta.is_none_or(|meta| meta.range.start_ms > range.start_ms);
            let before =
                meta.or_else(|| self.days.range(..day).next_back().map(|(_, meta)| meta)).filter(|_| ends_early);
            let after = meta.or_else(|| self.days.range(day..).next().map(|(_, meta)| meta)).filter(|_| begins_late);
            let mut expected = Lives::default();
            for (member, life) in
                before.iter().flat_map(|meta| meta.lives.iter().filter(move |(_, life)| is_at_end(life, meta)))
            {
                let from_ms = if meta.is_some() { life.last_ms } else { first_ms };
                expected.add(member.clone(), Life { first_ms: from_ms, last_ms });
            }
            for (member, life) in
                after.iter().flat_map(|meta| meta.lives.iter().filter(move |(_, life)| is_at_start(life, meta)))
            {
                let until_ms = if meta.is_some() { life.first_ms } else { last_ms };
                expected.add(member.clone(), Life { first_ms, last_ms: until_ms });
            }
            lives.merge(&expected);
        }
        lives.renamed(|member| self.named(member))
    }
}

/// The SHA-256 of the file of each day. A file that has not changed since the manifest was written is not read.
fn hashes(
    history: &History,
    days: &BTreeMap<UtcDay, DayMeta>,
    manifest: Option<&Manifest>,
) -> Result<BTreeMap<UtcDay, String>, CommandError> {
    let (out, listed) = (history.out(), Listed::of(history.out(), manifest));
    let hash = |(day, meta): (&UtcDay, &DayMeta)| {
        let file = listed.entry(out, &history.file(*day), meta.rows)?;
        Ok((*day, file.stat.sha256))
    };
    days.par_iter().map(hash).collect()
}

fn is_at_end(life: &Life, meta: &DayMeta) -> bool {
    life.last_ms >= meta.range.end_ms - SHORTLY_MS
}

fn is_at_start(life: &Life, meta: &DayMeta) -> bool {
    life.first_ms < meta.range.start_ms + SHORTLY_MS
}
