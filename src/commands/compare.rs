//! `etcd-heatmap score --compare`: one history under several profiles.

use std::path::Path;

use polars::prelude::{DataFrame, PolarsResult};

use super::days::DaysAtOnce;
use super::evidence::{Opened, ReadDay, companions_read, read_day};
use super::score::{Broken, check_known};
use super::{CommandError, Writing};
use crate::analysis::compare::Comparison;
use crate::config::{How, Settings};
use crate::folder::Manifest;
use crate::heatmap::{Marks, OpenCells, finish, sum_clusters};
use crate::history::{History, HistoryError};
use crate::outputs::{COMPARISON, CellsCsv, OutputError, comparison_text};
use crate::score::{ScoreTable, score_window};
use crate::spec::{Companion, METRICS, Profile};
use crate::time::UtcDay;

/// The profiles as they are published; what was changed of the one in force stands beside them.
fn profiles(compared: &[Profile], in_force: &Profile) -> Result<Vec<Profile>, CommandError> {
    let mut profiles = compared.to_vec();
    if in_force.is_changed() {
        profiles.push(in_force.clone());
    }
    let mut names: Vec<&str> = profiles.iter().map(|p| p.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    if names.len() < 2 || names.len() < profiles.len() { Err(CommandError::NothingToCompare) } else { Ok(profiles) }
}

/// Scores the history in `folder` under each profile, prints a table, and writes the cells side by side.
pub(super) fn run(
    folder: &Path,
    out: &Path,
    compared: &[Profile],
    settings: &Settings,
    run: &Writing,
) -> Result<(), CommandError> {
    let how = &settings.how;
    let profiles = profiles(compared, &how.profile)?;
    let history = History::within(folder);
    let opened = Opened::of(&history)?;
    let mut tables = Vec::with_capacity(profiles.len());
    for profile in &profiles {
        let profile = profile.clone().without(&settings.without)?.without(&opened.source.left_out())?;
        check_known(&profile, &opened.metas)?;
        tables.push(ScoreTable::new(&profile));
    }
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
    if let Some(mut manifest) = Manifest::read(out) {
        manifest.list(written);
        manifest.write(out)?;
    }
    run.reporter.result(&comparison_text(&comparing.comparison, how.folding.zone));
    run.reporter.note(&format!("the cells of all profiles side by side: {}", out.join(COMPARISON).display()));
    Broken::new(&history, opened.broken, broken).into_result()
}

/// One comparison while days come in.
struct Comparing<'a> {
    tables: Vec<ScoreTable>,
    open: Vec<OpenCells>,
    how: &'a How,
    comparison: Comparison,
    csv: CellsCsv,
}

/// A day's sums under each profile, and why it cannot be read, where it cannot.
type SummedDay = (UtcDay, Vec<DataFrame>, Option<HistoryError>);

impl Comparing<'_> {
    /// Reads each day once, and scores it under each profile.
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
        let days: Vec<UtcDay> = opened.overview.range.days().collect();
        let progress = run.reporter.start("scoring", "days", days.len() as u64);
        let mut broken = Vec::new();
        let at_once = DaysAtOnce::of(&days, &opened.overview.lives, opened.step, METRICS + companions.len());
        for (done, chunk) in days.chunks(at_once.batch()).enumerate() {
            let summed = at_once.each(chunk, |day| self.sum_day(history, &companions, opened, day))?;
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

    fn sum_day(
        &self,
        history: &History,
        companions: &[Companion],
        opened: &Opened,
        day: UtcDay,
    ) -> Result<SummedDay, OutputError> {
        let ReadDay { window, alive, broken } = read_day(history, companions, &opened.overview.lives, day, opened.step);
        let sums = self
            .tables
            .iter()
            .map(|table| sum_clusters(table, self.how.folding, &score_window(table, &window, &alive)))
            .collect::<PolarsResult<_>>()?;
        Ok((day, sums, broken))
    }

    /// Takes in the next day, and writes the cells of the local days that are over when the one after begins.
    fn add(&mut self, sums: Vec<DataFrame>, next_day_ms: Option<i64>) -> Result<(), CommandError> {
        let folding = self.how.folding;
        let today = next_day_ms.map(|ms| folding.zone.cell_at(ms, folding.width).date);
        let finish = || -> PolarsResult<DataFrame> {
            let marks = Marks { restarts: true, partial: false };
            let mut cells = Vec::with_capacity(sums.len());
            for ((table, open), sums) in self.tables.iter().zip(&mut self.open).zip(sums) {
                cells.push(finish(table, &open.add(sums, today)?, self.how.min_coverage, marks)?);
            }
            self.comparison.add(&cells)
        };
        let mut rows = finish().map_err(OutputError::from)?;
        Ok(self.csv.append(&mut rows)?)
    }
}
