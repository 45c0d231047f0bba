//! Pulls from files instead of a server, and checks them: a data directory, a snapshot, a dump, or blocks in a bucket.

use std::path::Path;

use chrono::Utc;
use tracing::info;

use super::interrupt::Interrupt;
use super::progress::Reporter;
use super::pull::{Held, Pulled, Request, pull};
use super::sources::left_out_note;
use super::{CommandError, Writing};
use crate::cli::Leave;
use crate::config::Settings;
use crate::readings::Source;
use crate::sources::files::{FileStore, Files, FilesError, Opening};
use crate::sources::prometheus::{QuerySet, Wanted};
use crate::sources::raw::{
    Choice, RawError, RawSource, RawWanted, Rules, SampleStore, choose, extent, metric_names, on_threads,
    require_selector, selectors,
};
use crate::sources::tsdb::directory::Which;
use crate::spec::Metric;
use crate::time::TimeRange;

/// Pulls from the files at a path.
pub(super) fn pull_files(
    from: &Path,
    settings: &Settings,
    leave: Leave,
    run: &Writing,
) -> Result<Pulled, CommandError> {
    let reporter = run.reporter;
    let opened = Opened::at(from, settings, leave.allow_partial, reporter, &run.interrupt)?;
    let (range, out) = (opened.range, settings.out()?);
    opened.files.refuse_inside(out).map_err(|error| CommandError::Source(Box::new(error)))?;
    info!(from = %from.display(), %range, "reading raw samples");
    let request =
        Request { range, out, leave, merge_members: settings.source.merge_members, shard: settings.source.shard };
    pull(&request, run, async |held| {
        let (opened, chosen) = opened.choose(settings, held).await?;
        let chosen = chosen.complete().inspect_err(|_| tell_damage(&opened.files, reporter)).map_err(boxed)?;
        let notes = absent_note(&chosen.absent).into_iter().chain(left_out_note(range, chosen.kept));
        notes.for_each(|note| reporter.note(&note));
        Ok(opened.into_source(settings, chosen))
    })
}

/// Opened files, with the queries to compute and the range to read.
pub(super) struct Opened {
    pub(super) files: Files,
    pub(super) queries: QuerySet,
    rules: Rules,
    pub(super) range: TimeRange,
    reporter: Reporter,
}

impl Opened {
    /// Opens the files at a path, with notes about what else is there. Fails if a signal comes first, or if the range of
    /// the settings depends on the samples and there are none.
    pub(super) fn at(
        from: &Path,
        settings: &Settings,
        allow_partial: bool,
        reporter: Reporter,
        interrupt: &Interrupt,
    ) -> Result<Self, CommandError> {
        let asked = &settings.source;
        let queries = asked.query_set()?;
        require_selector(&queries).map_err(boxed)?;
        let (tell, is_stopped) = (|note: &str| reporter.note(note), || interrupt.signal().is_some());
        let which = Which { replica: asked.replica.clone(), selectors: selectors(&queries) };
        let names = metric_names(&queries);
        let range_ms = asked.reach(Utc::now().timestamp_millis());
        let opening =
            Opening { names: &names, which: &which, range_ms, allow_partial, tell: &tell, is_stopped: &is_stopped };
        let files = Files::open(from, &opening);
        if let Some(signal) = interrupt.signal() {
            return Err(CommandError::StoppedEarly(signal));
        }
        let files = files.map_err(|error| CommandError::Source(Box::new(error)))?;
        files.notes.iter().for_each(|note| reporter.note(note));
        let now_ms = Utc::now().timestamp_millis();
        let range = match asked.has_both_ends() {
            true => asked.range(now_ms)?.0,
            false => {
                let span_ms = extent(&files.store, &queries, &files.name);
                let span_ms = span_ms.inspect_err(|_| tell_damage(&files, reporter)).map_err(boxed)?;
                asked.range_within(span_ms, now_ms)?
            }
        };
        files.will_read_until(range.end_ms);
        let rules = asked.rules(&queries);
        Ok(Self { files, queries, rules, range, reporter })
    }

    /// Chooses the queries, with the columns of the history that is there already. Runs on other threads, so that a signal
    /// need not wait for it.
    pub(super) async fn choose(
        self,
        settings: &Settings,
        held: Held,
    ) -> Result<(Self, Choice<FilesError>), CommandError> {
        let left_out = [&settings.without[..], &held.unknown_metrics].concat();
        let (limits, evidence) = (settings.limits()?, settings.source.evidence());
        let wanted = Wanted { left_out, limits, evidence, held: held.companions, held_queries: held.queries };
        let wanted = RawWanted {
            wanted,
            form: settings.source.series,
            range: self.range,
            name: self.files.name.clone(),
            leaves_out_absent: self.files.has_few_metrics,
        };
        let choosing = on_threads(move || {
            let choice = choose(&self.files.store, &self.queries, &self.rules, &wanted);
            let choice = choice.inspect_err(|_| tell_damage(&self.files, self.reporter));
            choice.map(|choice| (self, choice))
        });
        choosing.await.unwrap_or(Err(RawError::Interrupted)).map_err(boxed)
    }

    pub(super) fn into_source(self, settings: &Settings, chosen: Choice<FilesError>) -> RawSource<FileStore> {
        let Files { store, kind, name, .. } = self.files;
        let description = |queries| -> Source { settings.source.source_of_files(kind, &name, queries) };
        chosen.into_source(store, self.rules, description)
    }
}

/// Notes damage, which may be the reason that nothing is found.
fn tell_damage(files: &Files, reporter: Reporter) {
    files.store.notes().iter().for_each(|note| reporter.note(note));
}

/// A note about the metrics that are left out because the files do not have them.
pub(super) fn absent_note(absent: &[Metric]) -> Option<String> {
    let names: Vec<&str> = absent.iter().map(|metric| metric.name()).collect();
    let (have, are) = if names.len() == 1 { ("has", "is") } else { ("have", "are") };
    (!names.is_empty()).then(|| format!("{} {have} no series in these files and {are} left out", names.join(", ")))
}

fn boxed(error: RawError<FilesError>) -> CommandError {
    CommandError::Source(Box::new(error))
}
