//! `etcd-heatmap diff`: compares the scores of two folders, or of one folder before and after an instant.

mod alike;
mod error;

pub(crate) use error::DiffError;

use std::path::Path;

use chrono::Utc;

use super::explain::expected_members;
use super::progress::Reporter;
use super::stdout::print;
use super::window::Window;
use super::{CommandError, met};
use crate::analysis::diff::{Part, diff, split, whole};
use crate::analysis::gate::{Demand, Gate};
use crate::analysis::membership::{self, Shortage, memberships, shortages};
use crate::cli::DiffArgs;
use crate::config::{How, Settings};
use crate::files::WholeFile;
use crate::folder::{Manifest, check_folder, check_given, read_cells};
use crate::heatmap::{Folding, Line};
use crate::outputs::{Compared, DIFF, Palette, diff_csv, diff_text};
use crate::text::terminal::terminal_label;
use crate::time::TimeRange;
use alike::{check_alike, notes};

/// A scored folder with its settings and its cells.
struct Scored<'a> {
    folder: &'a Path,
    manifest: Manifest,
    folding: Folding,
    lines: Vec<Line>,
}

impl<'a> Scored<'a> {
    fn read(folder: &'a Path) -> Result<Self, CommandError> {
        check_given(folder)?;
        let not_scored = || CommandError::from(DiffError::NotScored(folder.to_owned()));
        let manifest = Manifest::read(folder)?.ok_or_else(not_scored)?;
        let folding = manifest.folding().ok_or_else(not_scored)?;
        Ok(Self { folder, folding, lines: read_cells(folder)?, manifest })
    }

    /// Describes one side: `audit, 2026-10-01T00:00:00Z to 2026-10-08T00:00:00Z`.
    fn describe(&self, start: &str, end: &str) -> String {
        format!("{}, {start} to {end}", terminal_label(&self.folder.display().to_string()))
    }
}

/// Compares, prints the table (or CSV), and writes the CSV file if one is asked for.
pub(super) fn run(args: &DiffArgs, settings: &Settings, reporter: &Reporter) -> Result<(), CommandError> {
    if let Some(after) = args.after.as_ref().filter(|after| same_folder(&args.before, after)) {
        return Err(DiffError::SameFolder(after.clone()).into());
    }
    let before = Scored::read(&args.before)?;
    let gate = gate(args, &settings.how, &before);
    match (&args.after, &args.at) {
        (Some(after), _) => {
            let after = Scored::read(after)?;
            check_alike(&before, &after)?;
            let asked = |scored: &Scored<'_>| scored.describe(&scored.manifest.asked.start, &scored.manifest.asked.end);
            let (parts, says) = ((whole(&before.lines), whole(&after.lines)), (asked(&before), asked(&after)));
            let notes = notes(&before, &after);
            tell(args, settings, reporter, &before, says, &parts, notes)?;
            met(gate.map(|gate| passed(gate, &after, &settings.how, i64::MIN, reporter)))
        }
        (None, at) => {
            let at = at.as_deref().unwrap_or_default();
            let at_ms = before.folding.zone.parse_instant(at, Utc::now().timestamp_millis());
            let at_ms = at_ms.map_err(CommandError::instant("--at"))?;
            let parts = split(&before.lines, at_ms, before.folding.width);
            check_both(&before, &parts, at)?;
            let instant = before.folding.zone.format(at_ms);
            let asked = &before.manifest.asked;
            let says = (before.describe(&asked.start, &instant), before.describe(&instant, &asked.end));
            tell(args, settings, reporter, &before, says, &parts, Vec::new())?;
            met(gate.map(|gate| passed(gate, &before, &settings.how, at_ms, reporter)))
        }
    }
}

fn same_folder(a: &Path, b: &Path) -> bool {
    a == b || a.canonicalize().ok().is_some_and(|a| b.canonicalize().ok() == Some(a))
}

/// Refuses an instant with no cells before or after it.
fn check_both(scored: &Scored<'_>, parts: &(Vec<Part<'_>>, Vec<Part<'_>>), at: &str) -> Result<(), DiffError> {
    let side = match parts {
        (before, _) if before.is_empty() => "before",
        (_, after) if after.is_empty() => "after",
        _ => return Ok(()),
    };
    let starts = || scored.lines.iter().flat_map(|line| line.cells.iter().map(|cell| cell.start_ms));
    let format = |ms: Option<i64>| ms.map_or_else(|| "nowhere".to_owned(), |ms| scored.folding.zone.format(ms));
    Err(DiffError::NothingThere {
        side,
        at: at.to_owned(),
        folder: scored.folder.to_owned(),
        from: format(starts().min()),
        to: format(starts().max()),
    })
}

fn tell(
    args: &DiffArgs,
    settings: &Settings,
    reporter: &Reporter,
    before: &Scored<'_>,
    says: (String, String),
    parts: &(Vec<Part<'_>>, Vec<Part<'_>>),
    notes: Vec<String>,
) -> Result<(), CommandError> {
    let found = diff(&parts.0, &parts.1, before.folding.width);
    if let Some(out) = &args.out {
        check_folder(out)?;
        WholeFile::write(&out.join(DIFF), diff_csv(&found).as_bytes())?;
    }
    if args.csv {
        return Ok(print(&diff_csv(&found))?);
    }
    let profile = before.manifest.profile.as_ref().map_or_else(String::new, |profile| profile.name.clone());
    let compared = Compared { before: says.0, after: says.1, profile, folding: before.folding, notes };
    let palette = Palette::of(&std::io::stdout(), settings.scale);
    // With --quiet, only the result of --fail-below is printed.
    Ok(reporter.summary(&diff_text(&compared, &found, palette, Window::of_stdout().width))?)
}

/// The gate of `--fail-below`. The minimum coverage in the manifest of `scored` applies unless `--min-coverage`
/// is given on the command line.
fn gate(args: &DiffArgs, how: &How, scored: &Scored<'_>) -> Option<Gate> {
    let is_typed = args.flags.given.iter().any(|given| given.key.name == "score.min_coverage");
    let min_coverage = scored.manifest.min_coverage.filter(|_| !is_typed).unwrap_or(how.min_coverage);
    how.fail_below.map(|score| Gate::new(Demand { score, min_coverage }, scored.folding.zone))
}

/// Adds the cells and shortages of `scored` from `from_ms` on to the gate. Prints a note if members never came back
/// in a cluster for which `--expect-members` sets no number.
fn passed(mut gate: Gate, scored: &Scored<'_>, how: &How, from_ms: i64, reporter: &Reporter) -> Gate {
    for line in &scored.lines {
        gate.add_line(line, |start_ms| start_ms >= from_ms);
    }
    let expected = expected_members(how, Some(&scored.manifest));
    let Some((step, range)) = scored.manifest.grid() else { return gate };
    let members = memberships(&scored.manifest.votes().voters(&scored.manifest.lives()), step, range, &expected);
    membership::note(&members).iter().for_each(|note| reporter.note(note));
    let judged = TimeRange { start_ms: from_ms, end_ms: i64::MAX };
    let in_part = |mut shortage: Shortage| {
        shortage.range = shortage.range.intersect(judged)?;
        Some(shortage)
    };
    gate.add_shortages(shortages(&members, range, &expected, scored.folding.width).into_iter().filter_map(in_part));
    gate
}
