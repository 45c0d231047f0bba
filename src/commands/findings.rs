//! `etcd-heatmap findings`: prints incidents, leader changes, growth and more, from a history on disk.

use super::evidence::Opened;
use super::explain::{as_scored, expected_members};
use super::progress::Reporter;
use super::score::{Broken, check_known};
use super::stdout::print;
use super::{CommandError, given_folder};
use crate::analysis::findings::Collector;
use crate::cli::FindingsArgs;
use crate::config::Settings;
use crate::folder::Manifest;
use crate::history::History;
use crate::outputs::{findings_csv, findings_text};
use crate::score::ScoreTable;

/// Reads and scores all days, and prints the findings.
pub(super) fn run(args: &FindingsArgs, settings: &Settings, reporter: &Reporter) -> Result<(), CommandError> {
    let history = History::within(given_folder(settings, args.folder.as_deref())?);
    let manifest = Manifest::read(history.out())?;
    let mut opened = Opened::of(&history, manifest.as_ref())?;
    let footers = std::mem::take(&mut opened.broken);
    let Opened { metas, overview, source, step, .. } = &opened;
    let (profile, folding) = as_scored(&args.flags.given, &settings.how, manifest.as_ref());
    let profile = profile.without(&source.left_out())?;
    check_known(&profile, metas)?;
    let table = ScoreTable::new(&profile);
    let (lives, range) = (&overview.lives, overview.range);
    if let Some(cluster) = &args.cluster {
        super::explain::lives_of(cluster, lives)?;
    }
    let expected = expected_members(&settings.how, manifest.as_ref());
    let collector =
        Collector { table: &table, profile: &profile, folding, step: *step, lives, range, expected: &expected };
    let companions = Collector::companions(&table, source);
    let (reader, days) = (opened.reader(&history, &companions), overview.days());
    let progress = reporter.start("reading", "days", days.len() as u64);
    // Only the digest of a day is kept, so that memory does not grow with the range.
    let at_once = reader.days_at_once(&days, lives);
    let (mut tracks, mut broken) = (collector.tracks(), Vec::new());
    for (done, chunk) in days.chunks(at_once.batch()).enumerate() {
        progress.set((done * at_once.batch()) as u64, "");
        let digested = at_once.each(chunk, |day| {
            let (scored, broken) = reader.score(&table, lives, day);
            Ok::<_, CommandError>((collector.day(&scored.window, &scored.scores), broken.map(|error| (day, error))))
        })?;
        for (digest, error) in digested {
            tracks.add(digest);
            broken.extend(error);
        }
    }
    progress.clear();
    let mut wanted = collector.find(tracks);
    if let Some(cluster) = &args.cluster {
        wanted = wanted.of_cluster(cluster);
    }
    if let Some(kind) = args.kind {
        wanted = wanted.of_kind(kind);
    }
    print(&match args.csv {
        true => findings_csv(wanted.iter()),
        false => findings_text(&wanted, folding.zone),
    })?;
    Broken::new(&history, footers, broken).into_result()
}
