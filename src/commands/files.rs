//! Pulls from files instead of a server, and checks them: a data directory, a snapshot, or a dump.

use std::path::Path;

use chrono::Utc;
use tracing::info;

use super::pull::{Held, Pulled, Request, pull};
use super::sources::left_out_note;
use super::{CommandError, Writing};
use crate::cli::Leave;
use crate::config::Settings;
use crate::readings::Source;
use crate::sources::files::{FileStore, Files, FilesError, Opening};
use crate::sources::prometheus::{QuerySet, Wanted};
use crate::sources::raw::{Choice, RawError, RawSource, RawWanted, Rules, SampleStore, choose, extent};
use crate::spec::Metric;
use crate::time::TimeRange;

/// Pulls from the files at a path.
pub(super) fn pull_files(
    from: &Path,
    settings: &Settings,
    leave: Leave,
    run: &Writing,
) -> Result<Pulled, CommandError> {
    let reporter = &run.reporter;
    let (tell, is_stopped) = (|note: &str| reporter.note(note), || run.interrupt.signal().is_some());
    let opened = Opened::at(from, settings, leave.allow_partial, &tell, &is_stopped);
    if let Some(signal) = run.interrupt.signal() {
        return Err(CommandError::StoppedEarly(signal));
    }
    let opened = opened?;
    opened.files.notes.iter().for_each(|note| reporter.note(note));
    let range = opened.range;
    info!(from = %from.display(), %range, "reading raw samples");
    let request = Request { range, out: settings.out()?, leave, merge_members: settings.source.merge_members };
    pull(&request, run, async |held| {
        let settings = settings.clone();
        // A task of its own, so that a signal need not wait for it.
        let choosing = tokio::task::spawn_blocking(move || {
            let chosen = opened.choose(&settings, held)?.complete().map_err(boxed)?;
            let notes: Vec<String> =
                absent_note(&chosen.absent).into_iter().chain(left_out_note(range, chosen.kept)).collect();
            Ok::<_, CommandError>((notes, opened.into_source(&settings, chosen)))
        });
        let (notes, source) = choosing.await.unwrap_or_else(|error| Err(CommandError::Threads(error.to_string())))?;
        notes.iter().for_each(|note| reporter.note(note));
        Ok(source)
    })
}

/// Opened files, with the queries to compute and the range to read.
pub(super) struct Opened {
    pub(super) files: Files,
    pub(super) queries: QuerySet,
    pub(super) rules: Rules,
    pub(super) range: TimeRange,
}

impl Opened {
    /// Opens the files at a path. Fails if they hold none of etcd's series, or none in the range of the settings.
    pub(super) fn at(
        from: &Path,
        settings: &Settings,
        allow_partial: bool,
        tell: &dyn Fn(&str),
        is_stopped: &dyn Fn() -> bool,
    ) -> Result<Self, CommandError> {
        let asked = &settings.source;
        let queries = asked.query_set()?;
        let opening = Opening { queries: &queries, allow_partial, tell, is_stopped };
        let files = Files::open(from, &opening).map_err(|error| CommandError::Source(Box::new(error)))?;
        let rules = asked.rules(&queries);
        // Damage may be the reason that nothing is found.
        let tell_damage =
            |_: &RawError<FilesError>| files.store.notes().iter().chain(&files.notes).for_each(|note| tell(note));
        let span_ms = extent(&files.store, &queries, &files.name).inspect_err(tell_damage).map_err(boxed)?;
        let range = asked.range_within(span_ms, Utc::now().timestamp_millis())?;
        Ok(Self { files, queries, rules, range })
    }

    /// Chooses the queries, with the columns of the history that is there already.
    pub(super) fn choose(&self, settings: &Settings, held: Held) -> Result<Choice<FilesError>, CommandError> {
        let left_out = [&settings.without[..], &held.unknown_metrics].concat();
        let wanted = Wanted { left_out, limits: settings.limits()?, held: held.companions, held_queries: held.queries };
        let wanted = RawWanted {
            wanted,
            form: settings.source.series,
            range: self.range,
            name: self.files.name.clone(),
            leaves_out_absent: self.files.has_few_metrics,
        };
        choose(&self.files.store, &self.queries, &self.rules, &wanted).map_err(boxed)
    }

    pub(super) fn into_source(self, settings: &Settings, chosen: Choice<FilesError>) -> RawSource<FileStore> {
        let Files { store, kind, name, .. } = self.files;
        let description = |queries| -> Source { settings.source.source_of_files(kind, &name, queries) };
        chosen.into_source(store, self.rules, description)
    }
}

/// A note about the metrics that are left out because the files do not have them.
pub(super) fn absent_note(absent: &[Metric]) -> Option<String> {
    let names: Vec<&str> = absent.iter().map(|metric| metric.name()).collect();
    let (have, are) = if names.len() == 1 { ("has", "is") } else { ("have", "are") };
    (!names.is_empty()).then(|| format!("{} {have} no series in these files and {are} left out", names.join(", ")))
}

pub(super) fn boxed(error: RawError<FilesError>) -> CommandError {
    CommandError::Source(Box::new(error))
}
