//! `etcd-heatmap explain`: one cell's arithmetic.

use chrono::Utc;

use super::CommandError;
use super::evidence::{Opened, companions_read, score_day};
use super::progress::Reporter;
use crate::cli::ExplainArgs;
use crate::config::Settings;
use crate::explain::explain;
use crate::export::explain_text;
use crate::history::History;
use crate::readings::Lives;
use crate::score::ScoreTable;
use crate::time::UtcDay;

/// Reads the days that the cell lies in, and prints what it is made of.
pub(super) fn run(args: &ExplainArgs, settings: &Settings, reporter: &Reporter) -> Result<(), CommandError> {
    let how = &settings.how;
    let history = History::within(settings.folder(args.folder.as_deref())?);
    let Opened { overview, source, step, .. } = Opened::of(&history)?;
    let profile = how.profile.clone().without(&source.left_out())?;
    let lives = lives_of(&args.cluster, &overview.lives)?;
    let at_ms = how.folding.zone.parse_instant(&args.at, Utc::now().timestamp_millis())?;
    let place = how.folding.zone.cell_at(at_ms, how.folding.width);
    let table = ScoreTable::new(&profile);
    let last_ms = place.start_ms + i64::from(how.folding.width.minutes()) * 60_000 - 1;
    let companions = companions_read(&table, &source);
    let mut windows = Vec::new();
    for day in UtcDay::of(place.start_ms).through(UtcDay::of(last_ms)) {
        let (scored, broken) = score_day(&history, &table, &companions, &lives, day, step);
        if let Some(error) = broken {
            return Err(error.into());
        }
        windows.push(scored);
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
