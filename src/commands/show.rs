//! `etcd-heatmap show`: shows the heat map of a scored folder in the terminal, or writes it as SVG or PNG.

use std::collections::BTreeSet;
use std::path::PathBuf;

use chrono::Utc;

use super::progress::Reporter;
use super::stdout::print;
use super::window::Window;
use super::{CommandError, given_folder};
use crate::cli::ShowArgs;
use crate::config::Settings;
use crate::folder::{Manifest, read_cells};
use crate::heatmap::{Folding, Line, worst_first};
use crate::outputs::{Palette, Screen, draw_png, draw_svg};
use crate::text::terminal::terminal_label;
use crate::time::{UtcDay, Zone};

/// Lines to reserve for each cluster or member in addition to its days: summary, hours, blank line, and one for
/// the legend at the end.
const FRAME: usize = 4;
/// Minimum number of days to show, even if the terminal has too few lines: the user can scroll.
const MIN_DAYS: usize = 7;
/// Minimum coverage for manifests without one: the default of `--min-coverage`.
const MIN_COVERAGE: f64 = 0.5;

/// The reason why a heat map cannot be shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShowError {
    /// Without a manifest, the time zone and width of the cells are unknown.
    #[error("{} has no manifest.json with the time zone and width of its cells: run 'etcd-heatmap score {}'", .0.display(), .0.display())]
    NoManifest(PathBuf),
    #[error("no cells since {since}: choose --since from {first} to {last}")]
    NoDays {
        /// The local day of `--since`.
        since: UtcDay,
        /// The first local day with cells of the chosen clusters.
        first: UtcDay,
        last: UtcDay,
    },
}

/// Reads the cells of the folder, and prints or draws the clusters and days that were asked for.
pub(super) fn run(args: &ShowArgs, settings: &Settings, reporter: &Reporter) -> Result<(), CommandError> {
    let folder = given_folder(settings, args.folder.as_deref())?;
    let lines = read_cells(folder)?;
    let manifest = Manifest::read(folder)?.ok_or_else(|| ShowError::NoManifest(folder.to_owned()))?;
    let folding = manifest.folding().ok_or_else(|| ShowError::NoManifest(folder.to_owned()))?;
    let chosen: Vec<Line> = chosen(args, folding.zone, lines)?;
    let chosen = worst_first(&chosen);
    if let Some(path) = &args.svg {
        draw_svg(folder, path, &manifest, &chosen, settings.scale)?;
        reporter.summary(&format!("heat map written to {}\n", path.display()))?;
    }
    if let Some(path) = &args.png {
        draw_png(folder, path, &manifest, &chosen, settings.scale)?;
        reporter.summary(&format!("heat map written to {}\n", path.display()))?;
    }
    if args.svg.is_none() && args.png.is_none() {
        print(&painted(args, settings, folding, &manifest, &chosen))?;
    }
    Ok(())
}

/// The cells of the chosen clusters and, with `--members`, of their members, from the first day to show.
fn chosen(args: &ShowArgs, zone: Zone, mut lines: Vec<Line>) -> Result<Vec<Line>, CommandError> {
    let known: BTreeSet<String> = lines.iter().map(|line| line.cluster.to_string()).collect();
    if let Some(unknown) = args.cluster.iter().find(|name| !known.contains(*name)) {
        let known = terminal_label(&known.into_iter().collect::<Vec<_>>().join(", "));
        return Err(CommandError::NoCluster { cluster: unknown.clone(), known });
    }
    lines.retain(|line| args.members || line.member.is_none());
    lines.retain(|line| args.cluster.is_empty() || args.cluster.iter().any(|name| **name == *line.cluster));
    let dates = || lines.iter().flat_map(|line| &line.cells).map(|cell| cell.date);
    let ends = dates().min().zip(dates().max());
    let Some(since) = since(args, zone, ends.map(|(_, last)| last))? else { return Ok(lines) };
    lines.iter_mut().for_each(|line| line.cells.retain(|cell| cell.date >= since));
    lines.retain(|line| !line.cells.is_empty());
    match ends {
        Some((first, last)) if lines.is_empty() => Err(ShowError::NoDays { since, first, last }.into()),
        _ => Ok(lines),
    }
}

/// The first day to show; `None` for all days. In an SVG or PNG, it also depends on `--days`; in the terminal,
/// [`Screen::paint`] applies `--days`, because it prints how many days are left out.
fn since(args: &ShowArgs, zone: Zone, last: Option<UtcDay>) -> Result<Option<UtcDay>, CommandError> {
    if let Some(text) = &args.since {
        let now_ms = Utc::now().timestamp_millis();
        let since_ms = zone.parse_instant(text, now_ms).map_err(CommandError::instant("--since"))?;
        return Ok(Some(zone.cell_at(since_ms, crate::time::CellWidth::default()).date.into()));
    }
    let drawn = args.svg.is_some() || args.png.is_some();
    let days = args.days.filter(|_| drawn).zip(last);
    Ok(days.map(|(days, last)| last.earlier(days.saturating_sub(1))))
}

fn painted(args: &ShowArgs, settings: &Settings, folding: Folding, manifest: &Manifest, lines: &[&Line]) -> String {
    let window = Window::of_stdout();
    let screen = Screen {
        palette: Palette::of(&std::io::stdout(), settings.scale),
        width: window.width,
        zone: folding.zone,
        cell_minutes: folding.width.minutes(),
        min_coverage: manifest.min_coverage.unwrap_or(MIN_COVERAGE),
    };
    let fitting = window.height.map(|height| (height / lines.len().max(1)).saturating_sub(FRAME).max(MIN_DAYS));
    let asked = args.days.map(|days| days as usize);
    screen.paint(lines, asked.or(fitting.filter(|_| args.since.is_none())))
}
