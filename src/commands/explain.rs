//! `etcd-heatmap explain`: prints the arithmetic behind one cell.

use std::time::Duration;

use chrono::Utc;

use super::evidence::{Opened, companions_with};
use super::score::check_known;
use super::stdout::print_wrapped;
use super::{CommandError, given_folder};
use crate::analysis::explain::explain;
use crate::analysis::membership::{ExpectedMembers, memberships};
use crate::cli::ExplainArgs;
use crate::config::{Given, How, Settings};
use crate::folder::Manifest;
use crate::heatmap::Folding;
use crate::history::History;
use crate::outputs::explain_text;
use crate::readings::Lives;
use crate::score::ScoreTable;
use crate::spec::Profile;
use crate::text::terminal::terminal_label;
use crate::time::UtcDay;

/// Indent of lines that continue another.
const HANG: usize = 4;

/// Reads the days of the cell, scores them again, and prints each step from readings to the cell's mean.
pub(super) fn run(args: &ExplainArgs, settings: &Settings) -> Result<(), CommandError> {
    let how = &settings.how;
    let history = History::within(given_folder(settings, args.folder.as_deref())?);
    let manifest = Manifest::read(history.out())?;
    let opened = Opened::of(&history, manifest.as_ref())?;
    let Opened { overview, source, .. } = &opened;
    let (profile, folding) = as_scored(&args.flags.given, how, manifest.as_ref());
    let profile = profile.without(&source.left_out())?;
    check_known(&profile, &opened.metas)?;
    let lives = lives_of(&args.cluster, &overview.lives)?;
    let at_ms =
        folding.zone.parse_instant(&args.at, Utc::now().timestamp_millis()).map_err(CommandError::instant("--at"))?;
    let place = folding.zone.cell_at(at_ms, folding.width);
    let table = ScoreTable::new(&profile);
    let last_ms = place.start_ms + i64::from(folding.width.minutes()) * 60_000 - 1;
    let evidence = source.companions().into_iter().filter(|companion| companion.is_evidence());
    let companions = companions_with(&table, source, evidence);
    let mut windows = Vec::new();
    for day in UtcDay::of(place.start_ms).through(UtcDay::of(last_ms)) {
        let (scored, broken) = opened.reader(&history, &companions).score(&table, &lives, day);
        if let Some(error) = broken {
            return Err(error.into());
        }
        windows.push(scored);
    }
    let explanation = explain(&table, &profile, folding, place, &windows);
    if explanation.cluster.expected == 0 {
        let (cluster, at) = (args.cluster.clone(), args.at.clone());
        return Err(CommandError::NoCell { cluster, at, range: overview.range });
    }
    let expected = expected_members(how, manifest.as_ref());
    let absent: Vec<String> = memberships(&lives, opened.step, overview.range, &expected)
        .iter()
        .flat_map(|membership| membership.missing_at(place.start_ms, last_ms, folding.zone))
        .collect();
    Ok(print_wrapped(&explain_text(&table, folding, &args.cluster, &explanation, &absent), HANG)?)
}

/// The settings of the folder's scores: flags first, then the manifest. If the folder was never scored, all
/// settings are those in force.
pub(super) fn as_scored(given: &[Given], how: &How, manifest: Option<&Manifest>) -> (Profile, Folding) {
    let typed = |names: &[&str]| {
        let parts = || given.iter().map(|given| given.key.parts());
        names.iter().any(|name| parts().any(|(table, key)| [table, key].contains(name)))
    };
    let profile = manifest.and_then(Manifest::profile).filter(|_| !typed(&["profile", "weight", "bands", "without"]));
    let mut folding = manifest.and_then(Manifest::folding).unwrap_or(how.folding);
    if typed(&["time_zone"]) {
        folding.zone = how.folding.zone;
    }
    if typed(&["cell"]) {
        folding.width = how.folding.width;
    }
    if typed(&["rollup"]) {
        folding.rollup = how.folding.rollup;
    }
    (profile.unwrap_or_else(|| how.profile.clone()), folding)
}

/// The shortest low score that is an incident: as typed, or else as the folder was scored, or else as configured.
pub(super) fn min_duration(given: &[Given], how: &How, manifest: Option<&Manifest>) -> Duration {
    let is_typed = given.iter().any(|given| given.key.name == "score.min_duration");
    let scored = manifest.and_then(|manifest| manifest.min_duration.as_deref()).filter(|_| !is_typed);
    scored.and_then(|text| humantime::parse_duration(text).ok()).unwrap_or(how.min_duration)
}

/// How many members each cluster must have: the setting, or else the value recorded when the folder was scored.
pub(super) fn expected_members(how: &How, manifest: Option<&Manifest>) -> ExpectedMembers {
    let scored = || manifest.map(|manifest| manifest.expect_members.iter().map(String::as_str));
    match how.expected.is_empty() {
        false => how.expected.clone(),
        true => scored().and_then(|texts| ExpectedMembers::parse(texts).ok()).unwrap_or_default(),
    }
}

/// The members of one cluster, with their first and last reading.
pub(super) fn lives_of(cluster: &str, all: &Lives) -> Result<Lives, CommandError> {
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
        true => Err(CommandError::NoCluster { cluster: cluster.to_owned(), known: terminal_label(&known.join(", ")) }),
        false => Ok(lives),
    }
}
