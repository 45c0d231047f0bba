//! `etcd-heatmap findings`: prints the problems in a history on disk, or the findings behind them.

use std::path::Path;

use super::annotations::Notes;
use super::evidence::{Opened, Scored, companions_with};
use super::explain::{as_scored, expected_members, min_duration};
use super::progress::Reporter;
use super::score::{Broken, check_known};
use super::stdout::{print, print_wrapped};
use super::window::Window;
use super::{CommandError, given_folder};
use crate::analysis::findings::{Collector, Findings};
use crate::cli::FindingsArgs;
use crate::config::{How, Settings};
use crate::outputs::{Listing, Palette, findings_csv, findings_text, problems_text, read_forecast};
use crate::score::ScoreTable;
use crate::time::Zone;

/// Most problems of a list without `--all`.
const MOST: usize = 10;
/// Indent of lines that continue a finding.
const HANG: usize = 2;

/// Reads and scores all days, and prints the problems or findings.
pub(super) fn run(args: &FindingsArgs, settings: &Settings, reporter: &Reporter) -> Result<(), CommandError> {
    let folder = given_folder(settings, args.folder.as_deref())?;
    let Scored { manifest, history, mut opened } = Scored::open(folder)?;
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
    let how = How { folding, ..settings.how.clone() };
    let notes = Notes::to_read(&args.flags.given, &how, folder, lives, reporter)?;
    let expected = expected_members(&settings.how, manifest.as_ref());
    let collector = Collector {
        table: &table,
        profile: &profile,
        folding,
        step: *step,
        lives,
        range,
        expected: &expected,
        min_duration: min_duration(&args.flags.given, &settings.how, manifest.as_ref()),
        lacking: &overview.lacking,
        origin: &source.origin,
        rate_window_ms: Collector::rate_window_ms(source),
    };
    let companions = companions_with(&table, source, Collector::companions(source));
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
    match read_forecast(folder) {
        Ok(Some(forecast)) => wanted = wanted.with_anomalies(&forecast.anomalies),
        Ok(None) => {}
        Err(error) => reporter.note(&format!("anomalies are left out: {error}")),
    }
    wanted = wanted.with_annotations(&notes.annotations);
    if let Some(cluster) = &args.cluster {
        wanted = wanted.of_cluster(cluster);
    }
    if let Some(kind) = args.kind {
        wanted = wanted.of_kind(kind);
    }
    tell(args, settings, folder, &wanted, folding.zone)?;
    Broken::new(&history, footers, broken).into_result()
}

/// Prints what the flags ask for.
fn tell(
    args: &FindingsArgs,
    settings: &Settings,
    folder: &Path,
    wanted: &Findings,
    zone: Zone,
) -> Result<(), CommandError> {
    if args.csv {
        return Ok(print(&findings_csv(wanted.iter()))?);
    }
    if args.evidence || args.kind.is_some() {
        return Ok(print_wrapped(&findings_text(wanted, zone), HANG)?);
    }
    let listing = Listing {
        palette: Palette::of(&std::io::stdout(), settings.scale),
        width: Window::of_stdout().width,
        zone,
        folder: &folder.display().to_string(),
        most: (!args.all).then_some(MOST),
        advises: true,
        all: "--all",
        evidence: "--evidence",
    };
    Ok(print(&problems_text(wanted, &listing))?)
}
