//! A pull of several sources: each into a folder of its own, and all together into one history.
//!
//! A source that fails does not harm the others: these are pulled and joined, and the failure is reported at the end.

mod join;
mod part;
mod unchanged;

use std::path::{Path, PathBuf};

use chrono::Utc;
use tracing::info;

use super::evidence::manifest_to_replace;
use super::interrupt::Signal;
use super::pull::Pulled;
use super::sources::pull_set;
use super::{CommandError, Writing};
use crate::cli::Leave;
use crate::config::{OneSource, Settings};
use crate::folder::{OutputFolder, source_folder};
use crate::history::{History, HistoryError, read_meta};
use crate::outputs;
use crate::readings::{Source, SourceName};
use crate::text::count;
use crate::time::{TimeRange, UtcDay};
use join::{Joining, Outcome};

/// Why a history of several sources is not complete.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SeveralError {
    /// A setting of one source is wrong.
    #[error("source {name}: {cause}")]
    Setting { name: SourceName, cause: Box<CommandError> },
    /// Some sources could not be pulled, or not all of their days.
    #[error(
        "{} of {of} sources failed: {}; {}run the same command again to pull the rest",
        .failed.len(),
        .failed.iter().map(Failed::to_string).collect::<Vec<_>>().join("; "),
        if *.is_joined { "what the sources have is joined: " } else { "" }
    )]
    Failed {
        failed: Vec<Failed>,
        /// The number of sources.
        of: usize,
        /// Whether the history has what the sources have.
        is_joined: bool,
    },
    #[error(
        "stopped by {signal}: {pulled} of {} pulled and not yet joined; run the same command again to go on",
        count(*.of, "source")
    )]
    Stopped { signal: Signal, pulled: usize, of: usize },
    /// The joined history has readings that the folder of their source no longer has.
    #[error(
        "{} has readings of source {name} that {} lacks: pull this source again, or drop these readings with --overwrite",
        .path.display(), .folder.display()
    )]
    Lost { path: PathBuf, name: SourceName, folder: PathBuf },
}

/// A source that failed.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) name: SourceName,
    pub(crate) cause: String,
    /// Days of the joined history that the source lacks, wholly or in part.
    pub(crate) lacks: Vec<UtcDay>,
    /// Whether the history has any of its readings.
    pub(crate) is_there: bool,
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.name, self.cause)?;
        match (self.is_there, self.lacks.as_slice()) {
            (false, _) => f.write_str(" (the history has none of its clusters)"),
            (true, []) => Ok(()),
            (true, days) => write!(f, " (the history lacks its readings of {})", UtcDay::describe(days)),
        }
    }
}

/// Pulls each source into its folder, and joins them into the history of the output folder.
pub(super) fn pull(settings: &Settings, leave: Leave, run: &Writing) -> Result<Pulled, CommandError> {
    let (sources, range) = at_one_time(settings, run)?;
    let out = settings.out()?;
    let earlier = manifest_to_replace(out, &run.reporter)?;
    if !leave.overwrite {
        check_history(out, &sources)?;
    }
    let mut outcomes = Vec::with_capacity(sources.len());
    for (number, one) in sources.iter().enumerate() {
        run.reporter.note(&format!("source {} ({} of {}):", one.name, number + 1, sources.len()));
        let outcome = pull_one(&settings.of_one(one), leave, run);
        let stopped = match &outcome {
            Ok(Pulled::Some(error) | Pulled::NotReplaced(error)) | Err(error) => error.signal(),
            Ok(Pulled::All) => None,
        };
        if let Some(signal) = stopped.or_else(|| run.interrupt.signal()) {
            let pulled = outcomes.len() + usize::from(stopped.is_none());
            return Err(SeveralError::Stopped { signal, pulled, of: sources.len() }.into());
        }
        if let Ok(Pulled::Some(error) | Pulled::NotReplaced(error)) | Err(error) = &outcome {
            info!(source = one.name.as_str(), error = %error, "a source failed");
            run.reporter.note(&format!("source {} failed: {error}", one.name));
        }
        outcomes.push(Outcome {
            name: one.name.clone(),
            of: outcome,
            range: range.filter(|_| one.source.from.is_none()),
        });
    }
    let (step, of, overwrite) = (settings.source.step, sources.len(), leave.overwrite);
    Joining { out, step, of, overwrite, earlier: earlier.as_ref(), run }.join(outcomes)
}

fn pull_one(settings: &Settings, leave: Leave, run: &Writing) -> Result<Pulled, CommandError> {
    // Also removes what a killed run left there.
    let (_folder, note) = OutputFolder::take(settings.out()?, &outputs::owned())?;
    note.iter().for_each(|note| run.reporter.note(note));
    pull_set(settings, leave, run)
}

/// The sources with one range for all, whatever the time at which each is pulled. Fails if a setting of one of them is wrong.
/// The range is `None` if it depends on the samples of files.
fn at_one_time(settings: &Settings, run: &Writing) -> Result<(Vec<OneSource>, Option<TimeRange>), CommandError> {
    let now_ms = Utc::now().timestamp_millis();
    let mut sources = Vec::with_capacity(settings.several.len());
    for one in &settings.several {
        check(one)?;
        sources.push(OneSource { name: one.name.clone(), source: one.source.at(now_ms)? });
    }
    if sources.iter().all(|one| one.source.from.is_some()) {
        return Ok((sources, None));
    }
    let (range, ends_now) = settings.source.range(now_ms)?;
    if ends_now {
        run.reporter.note("the range ends in the future: pulling until now");
    }
    Ok((sources, Some(range)))
}

/// Finds a mistake in the settings of a source before any work begins.
pub(super) fn check(one: &OneSource) -> Result<(), CommandError> {
    let checked = one.source.query_set().map(drop).map_err(CommandError::from);
    let checked = checked.and_then(|()| Ok(one.source.http_config().map(drop)?));
    checked.map_err(|cause| SeveralError::Setting { name: one.name.clone(), cause: Box::new(cause) }.into())
}

/// Fails if the folder has the history of one source, or of a source that is no longer among these.
fn check_history(out: &Path, sources: &[OneSource]) -> Result<(), HistoryError> {
    let history = History::within(out);
    let ours = || sources.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", ");
    for day in history.days()? {
        let path = history.file(day);
        let source: Source = match read_meta(&path) {
            Ok(meta) => meta.source,
            Err(error @ HistoryError::LaterFormat { .. }) => return Err(error),
            Err(error) if error.is_elsewhere() => return Err(error),
            // The day is joined again.
            Err(_) => continue,
        };
        let theirs = source.origin.sources();
        if theirs.is_empty() || theirs.keys().any(|name| sources.iter().all(|one| one.name != *name)) {
            let names = theirs.keys().map(SourceName::as_str).collect::<Vec<_>>().join(", ");
            let theirs = if theirs.is_empty() { source.origin.to_string() } else { names };
            return Err(HistoryError::OtherSource {
                path,
                difference: format!("sources {theirs} instead of {}", ours()),
            });
        }
    }
    Ok(())
}

/// The folder of the source to which a cluster of a joined history belongs, and the name of the cluster there.
pub(super) fn own_folder(out: &Path, source: &Source, cluster: &str) -> Option<(PathBuf, String)> {
    let name = source.origin.source_of(cluster)?;
    let (_, own) = cluster.split_once('/')?;
    Some((source_folder(out, name), own.to_owned()))
}
