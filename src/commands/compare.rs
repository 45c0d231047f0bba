//! `etcd-heatmap score --compare`: scores one history with several profiles.

use std::path::Path;

use polars::prelude::{DataFrame, PolarsResult};

use super::evidence::{DayReader, Opened, ReadDay, companions_read};
use super::score::{Broken, check_known, note_caps};
use super::stdout::print_wrapped;
use super::{CommandError, Writing};
use crate::analysis::compare::Comparison;
use crate::config::{How, Settings};
use crate::folder::Manifest;
use crate::heatmap::{Marks, OpenCells, finish, sum_clusters};
use crate::history::{History, HistoryError};
use crate::outputs::{COMPARISON, CellsCsv, OutputError, comparison_text};
use crate::readings::Lives;
use crate::score::{ScoreTable, score_window};
use crate::spec::{Companion, Profile};
use crate::time::UtcDay;

/// Indent of lines that continue another.
const HANG: usize = 4;

/// The profiles that `--compare` names, and the profile in force if its weights or bands
/// were changed. Empty without `--compare`.
pub(super) fn profiles(compared: &[Profile], in_force: &Profile) -> Result<Vec<Profile>, CommandError> {
    if compared.is_empty() {
        return Ok(Vec::new());
    }
    let mut profiles = compared.to_vec();
    if in_force.is_changed() {
        profiles.push(in_force.clone());
    }
    let mut names: Vec<&str> = profiles.iter().map(|p| p.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    if names.len() < 2 || names.len() < profiles.len() { Err(CommandError::NothingToCompare) } else { Ok(profiles) }
}

/// Scores the history in `folder` with each profile, prints a table, and writes the cells of all profiles to one file.
pub(super) fn run(
    folder: &Path,
    out: &Path,
    profiles: &[Profile],
    settings: &Settings,
    run: &Writing,
) -> Result<(), CommandError> {
    let how = &settings.how;
    let history = History::within(folder);
    // Read the manifest before scoring, to fail early. At the end, it gets an entry for the new file.
    let manifest = Manifest::read(out)?;
    let read = if folder == out { None } else { Manifest::read(folder)? };
    let mut opened = Opened::of(&history, read.as_ref().or(manifest.as_ref()))?;
    let footers = std::mem::take(&mut opened.broken);
    let mut tables = Vec::with_capacity(profiles.len());
    for profile in profiles {
        let profile = profile.clone().without(&settings.without)?.without(&opened.source.left_out())?;
        check_known(&profile, &opened.metas)?;
        tables.push(ScoreTable::new(&profile));
    }
    tables.iter().for_each(|table| note_caps(table, &opened.metas, &run.reporter));
    let names = profiles.iter().map(|profile| profile.name.clone()).collect();
    let mut comparing = Comparing {
        comparison: Comparison::new(names, how.folding.width),
        open: tables.iter().map(|_| OpenCells::default()).collect(),
        csv: CellsCsv::create(out, COMPARISON)?,
        tables,
        how,
    };
    let broken = comparing.read(&history, &opened, run)?;
    let written = comparing.csv.finish()?;
    if let Some(mut manifest) = manifest {
        manifest.list_history_again(out)?;
        manifest.list(written);
        manifest.write(out)?;
    }
    print_wrapped(&comparison_text(&comparing.comparison, how.folding.zone), HANG)?;
    run.reporter.note(&format!("cells of all profiles: {}", out.join(COMPARISON).display()));
    Broken::new(&history, footers, broken).into_result()
}

/// A comparison in progress: days are added one by one.
struct Comparing<'a> {
    tables: Vec<ScoreTable>,
    open: Vec<OpenCells>,
    how: &'a How,
    comparison: Comparison,
    csv: CellsCsv,
}

/// The sums of one day for each profile, and the error if the day's file could not be read.
type SummedDay = (UtcDay, Vec<DataFrame>, Option<HistoryError>);

impl Comparing<'_> {
    /// Reads each day once and scores it with every profile.
    fn read(
        &mut self,
        history: &History,
        opened: &Opened,
        run: &Writing,
    ) -> Result<Vec<(UtcDay, HistoryError)>, CommandError> {
        let mut companions: Vec<Companion> =
            self.tables.iter().flat_map(|table| companions_read(table, &opened.source)).collect();
        companions.sort_unstable();
        companions.dedup();
        let days = opened.overview.days();
        let progress = run.reporter.start("scoring", "days", days.len() as u64);
        let mut broken = Vec::new();
        let (reader, lives) = (opened.reader(history, &companions), &opened.overview.lives);
        let at_once = reader.days_at_once(&days, lives);
        for (done, chunk) in days.chunks(at_once.batch()).enumerate() {
            let summed = at_once.each(chunk, |day| self.sum_day(reader, lives, day))?;
            if let Some(signal) = run.interrupt.signal() {
                return Err(CommandError::StoppedEarly(signal));
            }
            for (day, sums, error) in summed {
                let is_last = days.last() == Some(&day);
                self.add(sums, (!is_last).then(|| day.range().end_ms))?;
                broken.extend(error.map(|error| (day, error)));
            }
            progress.set((done * at_once.batch() + chunk.len()) as u64, "");
        }
        progress.clear();
        Ok(broken)
    }

    fn sum_day(&self, reader: DayReader<'_>, lives: &Lives, day: UtcDay) -> Result<SummedDay, OutputError> {
        let ReadDay { window, alive, broken } = reader.read(lives, day);
        let sums = self
            .tables
            .iter()
            .map(|table| sum_clusters(table, self.how.folding, &score_window(table, &window, &alive)))
            .collect::<PolarsResult<_>>()?;
        Ok((day, sums, broken))
    }

    /// Adds the next day. Writes the cells of a local day once the next local day has begun, because no
    /// later sums can change them.
    fn add(&mut self, sums: Vec<DataFrame>, next_day_ms: Option<i64>) -> Result<(), CommandError> {
        let folding = self.how.folding;
        let today = next_day_ms.map(|ms| folding.zone.cell_at(ms, folding.width).date);
        let finish = || -> PolarsResult<DataFrame> {
            let marks = Marks { restarts: true, partial: false };
            let mut cells = Vec::with_capacity(sums.len());
            for ((table, open), sums) in self.tables.iter().zip(&mut self.open).zip(sums) {
                cells.push(finish(table, &open.add(sums, today, false)?, self.how.min_coverage, marks)?);
            }
            self.comparison.add(&cells)
        };
        let mut rows = finish().map_err(OutputError::from)?;
        Ok(self.csv.append(&mut rows)?)
    }
}
