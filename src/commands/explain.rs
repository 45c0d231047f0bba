//! `etcd-heatmap explain`: prints the arithmetic behind one cell or one step.

mod counts;

use std::time::Duration;

use chrono::Utc;

use super::evidence::{Opened, Scored};
use super::progress::Reporter;
use super::score::check_known;
use super::several::own_folder;
use super::stdout::print_wrapped;
use super::{CommandError, given_folder};
use crate::analysis::explain::{ScoredWindow, around, explain, explain_moment};
use crate::analysis::membership::{ExpectedMembers, memberships};
use crate::cli::ExplainArgs;
use crate::config::{Given, How, Settings};
use crate::folder::Manifest;
use crate::heatmap::Folding;
use crate::history::History;
use crate::outputs::{explain_text, moment_text};
use crate::readings::{Life, Lives, Member, SourceName, Votes};
use crate::score::ScoreTable;
use crate::spec::Profile;
use crate::text::terminal::terminal_label;
use crate::time::{TimeRange, UtcDay, format_instant};

/// Indent of lines that continue another.
const HANG: usize = 4;

/// Reads the days of the cell or of the instant, scores them again, and prints each step from readings to the score.
pub(super) fn run(args: &ExplainArgs, settings: &Settings, reporter: Reporter) -> Result<(), CommandError> {
    let wants_counts = counts::are_wanted(args)?;
    let how = &settings.how;
    let Scored { manifest, history, opened } = Scored::open(given_folder(settings, args.folder.as_deref())?)?;
    if wants_counts && opened.source.origin.is_anonymized() {
        return Err(CommandError::Anonymized(history.out().to_owned()));
    }
    if let Some((own, cluster)) = own_folder(history.out(), &opened.source, &args.cluster).filter(|_| wants_counts) {
        return Err(CommandError::SeveralCounts { folder: history.out().to_owned(), own, cluster });
    }
    let (profile, folding) = as_scored(&args.flags.given, how, manifest.as_ref());
    let profile = profile.without(&opened.source.left_out())?;
    check_known(&profile, &opened.metas)?;
    let lives = lives_of(&args.cluster, &opened.overview.lives)?;
    let at_ms =
        folding.zone.parse_instant(&args.at, Utc::now().timestamp_millis()).map_err(CommandError::instant("--at"))?;
    let table = ScoreTable::new(&profile);
    let votes = manifest.as_ref().map(Manifest::votes).unwrap_or_default();
    let of = Explained { args, history, opened, profile, folding, table, lives, votes };
    if let Some(member) = args.member.as_ref().filter(|_| of.asked().is_none()) {
        return Err(no_member(member, &args.cluster, &of.lives));
    }
    let text = match args.instant {
        true => of.moment(at_ms, wants_counts.then_some((settings, reporter)))?,
        false => of.cell(at_ms, &expected_members(how, manifest.as_ref()))?,
    };
    Ok(print_wrapped(&text, HANG)?)
}

/// A cluster of an opened history, and how it is scored.
struct Explained<'a> {
    args: &'a ExplainArgs,
    history: History,
    opened: Opened,
    profile: Profile,
    folding: Folding,
    table: ScoreTable,
    lives: Lives,
    votes: Votes,
}

impl Explained<'_> {
    /// The text about the cell with this instant.
    fn cell(&self, at_ms: i64, expected: &ExpectedMembers) -> Result<String, CommandError> {
        let folding = self.folding;
        let place = folding.zone.cell_at(at_ms, folding.width);
        let last_ms = place.start_ms + i64::from(folding.width.minutes()) * 60_000 - 1;
        let windows = self.windows(place.start_ms, last_ms)?;
        let mut explanation = explain(&self.table, &self.profile, folding, place, &windows);
        if explanation.cluster.expected == 0 {
            return Err(self.nothing(place.start_ms));
        }
        explanation.without_data = self.without_data(TimeRange { start_ms: place.start_ms, end_ms: last_ms + 1 });
        if let Some(member) = &self.args.member {
            explanation.members.retain(|part| *part.member.member == **member);
        }
        let voters = self.votes.voters(&self.lives);
        let absent: Vec<String> = memberships(&voters, self.opened.step, self.opened.overview.range, expected)
            .iter()
            .flat_map(|membership| membership.missing_at(place.start_ms, last_ms, folding.zone))
            .collect();
        Ok(explain_text(&self.table, folding, &self.args.cluster, &explanation, &absent))
    }

    /// The text about the step at this instant, with raw counts from the source of the settings if they are given.
    fn moment(&self, at_ms: i64, counts_of: Option<(&Settings, Reporter)>) -> Result<String, CommandError> {
        let (at_ms, range) = around(at_ms, self.opened.step);
        let windows = self.windows(range.start_ms, range.end_ms - 1)?;
        let only = self.args.member.as_deref();
        let mut moment = explain_moment(&self.table, &self.profile, self.folding, (at_ms, range), &windows, only);
        moment.without_data = self.without_data(TimeRange { start_ms: at_ms, end_ms: at_ms + 1 });
        if moment.cluster.expected == 0 {
            return Err(self.nothing(at_ms));
        }
        let raw = counts_of.map(|(settings, reporter)| counts::read(self, settings, reporter, &moment)).transpose()?;
        let (cluster, step) = (&self.args.cluster, self.opened.step);
        let mut text = moment_text(&self.table, self.folding, cluster, step, &moment, raw.as_ref());
        if let Some((member, life)) = self.asked().filter(|_| moment.members.is_empty()) {
            let [first, last] = [life.first_ms, life.last_ms].map(format_instant);
            let name = terminal_label(&member.member);
            text.push_str(&format!("\nmember {name}: not expected at this step (seen from {first} to {last})\n"));
        }
        Ok(text)
    }

    /// For what times around this range the cluster's source has no data, in a sentence; `None` if it has data in the range.
    fn without_data(&self, range: TimeRange) -> Option<String> {
        let lacking = self.opened.overview.lacking.touching(range).only_of_cluster(&self.args.cluster);
        lacking.sentences(self.folding.zone).next()
    }

    /// The member of `--member`, with its first and last reading.
    fn asked(&self) -> Option<(&Member, &Life)> {
        let name = self.args.member.as_deref()?;
        self.lives.iter().find(|(member, _)| &*member.member == name)
    }

    /// The readings and scores of the cluster on the UTC days from one instant to another.
    fn windows(&self, first_ms: i64, last_ms: i64) -> Result<Vec<ScoredWindow>, CommandError> {
        // What shows causes, and the limits, whether or not the profile uses them.
        let companions = self.opened.source.companions();
        let reader = self.opened.reader(&self.history, &companions);
        let scored = |day| match reader.score(&self.table, &self.lives, day) {
            (_, Some(error)) => Err(error.into()),
            (scored, None) => Ok(scored),
        };
        UtcDay::of(first_ms).through(UtcDay::of(last_ms)).map(scored).collect()
    }

    /// The error for a time at which no member is expected.
    fn nothing(&self, start_ms: i64) -> CommandError {
        let (cluster, at) = (self.args.cluster.clone(), self.args.at.clone());
        let overview = &self.opened.overview;
        let silent = |(_, last_ms): &(_, i64)| (*last_ms..overview.range.end_ms).contains(&start_ms);
        match self.last_of_source().filter(silent) {
            Some((source, last_ms)) => {
                let (source_name, last) = (source.clone(), format_instant(last_ms));
                CommandError::NoCellOfSource { cluster, at, source_name, last }
            }
            None => CommandError::NoCell { cluster, at, range: overview.range },
        }
    }

    /// In a history of several sources, the source of the cluster, and the last reading of any of its members.
    fn last_of_source(&self) -> Option<(&SourceName, i64)> {
        let source = self.opened.source.origin.source_of(&self.args.cluster)?;
        let lives = self.opened.overview.lives.iter().filter(|(member, _)| source.has(&member.cluster));
        Some((source, lives.map(|(_, life)| life.last_ms).max()?))
    }
}

fn no_member(member: &str, cluster: &str, lives: &Lives) -> CommandError {
    let known: Vec<&str> = lives.iter().map(|(member, _)| &*member.member).collect();
    let known = terminal_label(&known.join(", "));
    CommandError::NoMember { member: member.to_owned(), cluster: cluster.to_owned(), known }
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
