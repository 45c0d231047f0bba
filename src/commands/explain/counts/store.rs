//! Where the raw samples of an explained instant are: a server, or files.

use super::Queries;
use crate::commands::CommandError;
use crate::commands::interrupt::Interrupt;
use crate::commands::progress::Reporter;
use crate::config::Settings;
use crate::readings::Source;
use crate::sources::files::{Files, FilesError, Opening};
use crate::sources::prometheus::{Client, PlainHeaders, notes};
use crate::sources::promql::Version;
use crate::sources::raw::{Behind, SampleStore, Sampled, Selector, has_series, samples_until};
use crate::sources::tsdb::directory::Which;
use crate::time::TimeRange;

pub(super) enum Store {
    Server(Box<Client>),
    /// Files, and the version of Prometheus whose windows are read.
    Files(Box<Files>, Version),
}

impl Store {
    /// The server or the files of the settings, with the labels of the history, and with its headers unless the settings
    /// have others. Samples of the range may be needed.
    pub(super) fn open(
        settings: &Settings,
        source: &Source,
        behind: &Queries,
        range: TimeRange,
        (reporter, interrupt): (Reporter, &Interrupt),
    ) -> Result<Self, CommandError> {
        let asked = &settings.source;
        let Some(from) = &asked.from else {
            // Headers that the history has in a form that no flag takes were not sent by this program.
            let stored = PlainHeaders::parse(&source.origin.headers_in_flags()).unwrap_or_default();
            let (cluster, member) = (source.cluster_label.as_deref(), source.member_label.as_str());
            let client = Client::new(asked.url()?, &asked.http_config_or(stored)?, asked.terms, cluster, member)?;
            return Ok(Self::Server(Box::new(client)));
        };
        let known = || behind.iter().filter_map(|(_, behind)| behind.as_ref().ok());
        let selectors = known().flat_map(|behind| behind.selectors().cloned()).collect();
        let names = known().flat_map(|behind| [behind.names(), behind.filters()].concat());
        let names: Vec<String> = names.map(str::to_owned).collect();
        let (tell, is_stopped) = (|note: &str| reporter.note(note), || interrupt.signal().is_some());
        // What a dump that ends early lacks is noted beside the counts.
        let (allow_partial, which) = (true, Which { replica: asked.replica.clone(), selectors });
        let range_ms = range.start_ms..range.end_ms;
        let opening =
            Opening { names: &names, which: &which, range_ms, allow_partial, tell: &tell, is_stopped: &is_stopped };
        let files = Files::open(from, &opening);
        if let Some(signal) = interrupt.signal() {
            return Err(CommandError::StoppedEarly(signal));
        }
        let files = files.map_err(boxed)?;
        files.notes.iter().for_each(|note| reporter.note(note));
        // The windows of the readings, if these were computed from files too.
        let version = source.origin.promql().parse().unwrap_or(asked.promql);
        Ok(Self::Files(Box::new(files), version))
    }

    pub(super) fn name(&self) -> String {
        match self {
            Self::Server(client) => client.shown_url().to_owned(),
            Self::Files(files, _) => files.name.clone(),
        }
    }

    pub(super) fn notes(&self) -> Vec<String> {
        match self {
            Self::Server(client) => notes(client),
            Self::Files(files, _) => files.store.notes(),
        }
    }

    /// The series with samples in the window that ends at a whole second.
    pub(super) async fn samples(
        &self,
        selectors: &[Selector],
        window_ms: i64,
        at_ms: i64,
    ) -> Result<Vec<Sampled>, CommandError> {
        match self {
            Self::Server(client) => Ok(client.samples_until(selectors, window_ms, at_ms / 1000).await?),
            Self::Files(files, version) => {
                samples_until(&files.store, selectors, window_ms, at_ms, *version).map_err(boxed)
            }
        }
    }

    /// Whether there is any series in a range.
    pub(super) async fn has_series(&self, selectors: &[Selector], range: TimeRange) -> Result<bool, CommandError> {
        match self {
            Self::Server(client) => Ok(client.has_series(selectors, range).await?),
            Self::Files(files, _) => {
                has_series(&files.store, selectors, &(range.start_ms..range.end_ms)).map_err(boxed)
            }
        }
    }

    /// Whether samples of the query's window may be missing.
    pub(super) fn may_lack(&self, behind: &Behind, at_ms: i64) -> bool {
        match self {
            Self::Server(_) => false,
            Self::Files(files, _) => files.store.lost().iter().any(|lost| behind.lacks(lost, at_ms)),
        }
    }
}

fn boxed(error: FilesError) -> CommandError {
    CommandError::Source(Box::new(error))
}
