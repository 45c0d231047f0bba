//! `etcd-heatmap explain`: one cell's arithmetic.

use chrono::Utc;

use super::CommandError;
use super::evidence::Overview;
use super::progress::Reporter;
use super::score::How;
use crate::cli::ExplainArgs;
use crate::explain::{ScoredWindow, explain};
use crate::export::explain_text;
use crate::history::{History, HistoryError};
use crate::readings::Lives;
use crate::score::{ScoreTable, alive_on, score_window};
use crate::time::{DAY_MS, Grid, Step, UtcDay};

/// Reads the days that the cell lies in, and prints what it is made of.
pub(super) fn run(args: &ExplainArgs, reporter: &Reporter) -> Result<(), CommandError> {
    let how = How::from_args(&args.how)?;
    let history = History::within(&args.folder);
    let mut days = history.read_metas()?;
    let Some(overview) = Overview::of(&days.known) else {
        let error = days.broken.pop().map_or(HistoryError::Empty(args.folder.clone()), |(_, error)| error);
        return Err(error.into());
    };
    let source = &days.known[0].1.source;
    let profile = how.profile.clone().without(&source.left_out())?;
    let step = Step::from_millis(source.step_seconds * 1000)?;
    let lives = lives_of(&args.cluster, &overview.lives)?;
    let at_ms = how.folding.zone.parse_instant(&args.at, Utc::now().timestamp_millis())?;
    let place = how.folding.zone.cell_at(at_ms, how.folding.width);
    let table = ScoreTable::new(&profile);
    // A cell is at most two hours wide: it touches at most two UTC days.
    let first = UtcDay::of(place.start_ms);
    let mut windows = Vec::new();
    for day in first.through(UtcDay::of(place.start_ms + DAY_MS)) {
        windows.extend(scored_window(&history, &table, &lives, day, step)?);
    }
    let explanation = explain(&table, &profile, how.folding, place, &windows);
    if explanation.cluster.expected == 0 {
        let (cluster, at) = (args.cluster.clone(), args.at.clone());
        return Err(CommandError::NoCell { cluster, at, range: overview.range });
    }
    reporter.result(&explain_text(&table, how.folding, &args.cluster, &explanation));
    Ok(())
}

/// The lives of one cluster's members.
fn lives_of(cluster: &str, all: &Lives) -> Result<Lives, CommandError> {
    let mut lives = Lives::default();
    let mut known: Vec<&str> = Vec::new();
    for (member, life) in all.iter() {
        if &*member.cluster == cluster {
            lives.add(member.clone(), *life);
        } else if known.last() != Some(&&*member.cluster) {
            known.push(&member.cluster);
        }
    }
    match lives.is_empty() {
        true => Err(CommandError::NoCluster { cluster: cluster.to_owned(), known: known.join(", ") }),
        false => Ok(lives),
    }
}

/// A day of one cluster, unknown where it has no file; `None` where none of its members lives.
fn scored_window(
    history: &History,
    table: &ScoreTable,
    lives: &Lives,
    day: UtcDay,
    step: Step,
) -> Result<Option<ScoredWindow>, CommandError> {
    let grid = Grid::within(day.range(), step);
    let alive = alive_on(&grid, lives);
    if alive.is_empty() {
        return Ok(None);
    }
    let members = alive.iter().map(|(member, _)| member.clone()).collect();
    let window = history.read_window(day, grid, members)?;
    let scores = score_window(table, &window, &alive);
    Ok(Some(ScoredWindow { window, scores }))
}
