//! Draws the pages of a scored folder again, with its new forecast. Scores, cells and all other outputs stay as they are.

use std::path::Path;

use super::scoring::{Scoring, columns};
use super::{cell_footer, score_footer};
use crate::analysis::findings::Collector;
use crate::analysis::forecast::result::Forecast;
use crate::commands::annotations::Notes;
use crate::commands::evidence::Opened;
use crate::commands::explain::{as_scored, expected_members, min_duration};
use crate::commands::{CommandError, Writing};
use crate::config::{Formats, How, Settings};
use crate::folder::{CELLS, Manifest, Owned, Written, read_packed_cells};
use crate::heatmap::Marks;
use crate::history::History;
use crate::outputs::{self, Emission, ExtraLabels, OutputError, Retention};
use crate::score::ScoreTable;
use crate::spec::Companion;

/// The outputs that show a forecast.
const PAGES: [&str; 2] = ["report", "markdown"];

/// Draws those pages again that the manifest lists. Does nothing for a folder without them, or if the folder's scores are
/// those of another history.
pub(in crate::commands) fn redraw(
    folder: &Path,
    manifest: &mut Manifest,
    forecast: &Forecast,
    settings: &Settings,
    run: &Writing,
) -> Result<(), CommandError> {
    let pages = pages_there(manifest);
    let Ok(formats) = pages.join(",").parse::<Formats>() else { return Ok(()) };
    let history = History::within(folder);
    let opened = Opened::of(&history, Some(manifest))?;
    let Opened { overview, source, step, .. } = &opened;
    let (profile, folding) = as_scored(&[], &settings.how, Some(manifest));
    let how = How {
        profile: profile.clone().without(&source.left_out())?,
        folding,
        min_coverage: manifest.min_coverage.unwrap_or(settings.how.min_coverage),
        min_duration: min_duration(&[], &settings.how, Some(manifest)),
        annotations: None,
        fail_below: None,
        expected: expected_members(&settings.how, Some(manifest)),
    };
    let table = ScoreTable::new(&how.profile);
    let (charted, companions) = columns(&table, source, formats.needs());
    let (lives, range) = (&overview.lives, overview.range);
    let score_footer = score_footer(&how.profile, source);
    let cell_footer = [score_footer.clone(), cell_footer(&how)].concat();
    let scoring = Scoring {
        reader: opened.reader(&history, &companions),
        days: overview.days(),
        how: &how,
        formats: &formats,
        lives,
        charted: &charted,
        collector: Some(Collector {
            table: &table,
            profile: &how.profile,
            folding,
            step: *step,
            lives,
            range,
            expected: &how.expected,
            min_duration: how.min_duration,
            lacking: &overview.lacking,
            origin: &source.origin,
            rate_window_ms: Collector::rate_window_ms(source),
        }),
        run: outputs::Scoring {
            out: folder,
            table: &table,
            range,
            // No page has OpenMetrics.
            emission: &Emission {
                retention: Retention::default(),
                families: Vec::new(),
                labels: ExtraLabels::default(),
            },
            score_footer: &score_footer,
            cell_footer: &cell_footer,
            marks: Marks {
                restarts: companions.contains(&Companion::StartTime),
                partial: !overview.partial.is_empty(),
            },
        },
    };
    let outcome = scoring.run(run)?;
    if let Some(stopped) = outcome.stopped {
        return Err(stopped.into_error(folder, scoring.days.len()));
    }
    let notes = Notes::kept(folder, folding.zone)?.unwrap_or_default();
    let findings = notes.beside(outcome.findings, Some(forecast));
    // A page lists the files that were written before it, with their hashes: not itself as it was.
    manifest.files.retain(|file| !formats.write(&file.path));
    let scored = outputs::Scored {
        out: folder,
        manifest,
        lines: &read_packed_cells(folder)?,
        findings: &findings,
        annotations: &notes.annotations,
        readings: &outcome.readings,
        forecast: Some(forecast),
        scale: settings.scale,
    };
    let written: Vec<Vec<Written>> =
        formats.iter().map(|output| output.write_all(&scored)).collect::<Result<_, OutputError>>()?;
    written.into_iter().flatten().for_each(|file| manifest.list(file));
    remove_unlisted_cells(folder, manifest)
}

/// The pages that a manifest lists.
fn pages_there(manifest: &Manifest) -> Vec<&'static str> {
    let is_there = |name: &str| {
        outputs::named(name).is_ok_and(|output| {
            manifest.files.iter().any(|file| output.files().iter().any(|files| files.owned.has(&file.path)))
        })
    };
    PAGES.into_iter().filter(|page| is_there(page)).collect()
}

/// Removes the cells that pages were drawn from, which stay only if they are an output.
fn remove_unlisted_cells(folder: &Path, manifest: &Manifest) -> Result<(), CommandError> {
    if !manifest.files.iter().any(|file| file.path == CELLS) {
        Owned::Single(CELLS).remove(folder)?;
    }
    Ok(())
}
