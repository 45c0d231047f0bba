//! Reads the raw counts behind the readings of an instant, from a server or from files.

mod store;

use super::Explained;
use crate::analysis::explain::{Found, MetricCounts, Moment, RawCounts, counted};
use crate::cli::ExplainArgs;
use crate::commands::interrupt::Interrupt;
use crate::commands::progress::Reporter;
use crate::commands::pull::unless_stopped;
use crate::commands::{CommandError, runtime};
use crate::config::Settings;
use crate::readings::{Member, NamingLabels, Pin, Source};
use crate::sources::raw::{Behind, METRIC_NAME, Sampled};
use crate::spec::Metric;
use crate::time::{DAY_MS, TimeRange};
use store::Store;

/// Whether a flag names the source of raw counts. Fails if a flag of sources has no effect.
pub(super) fn are_wanted(args: &ExplainArgs) -> Result<bool, CommandError> {
    let of_sources = args.flags.given.iter().filter(|given| given.key.is_of_a_source());
    let flags: Vec<&'static str> = of_sources.filter_map(|given| Some(given.key.flag.as_ref()?.name)).collect();
    let is_named = flags.iter().any(|flag| ["url", "from"].contains(flag));
    match flags.first() {
        Some(flag) if !args.instant => Err(CommandError::WithoutFlag { flag, needs: "--instant" }),
        Some(flag) if !is_named => Err(CommandError::WithoutFlag { flag, needs: "--url or --from" }),
        first => Ok(first.is_some()),
    }
}

/// Reads the raw counts of the members that an instant shows. Fails if nothing at all can be read.
pub(super) fn read(
    of: &Explained<'_>,
    settings: &Settings,
    reporter: Reporter,
    moment: &Moment,
) -> Result<RawCounts, CommandError> {
    let interrupt = Interrupt::listen(reporter)?;
    let source = &of.opened.source;
    let behind = behind(source);
    let range = of.opened.overview.range;
    // The longest window of a query reaches back a day.
    let range = TimeRange { start_ms: range.start_ms - DAY_MS, ..range };
    let store = Store::open(settings, source, &behind, range, (reporter, &interrupt))?;
    let reading = Reading {
        store: &store,
        naming: NamingLabels::new(source.cluster_label.as_deref(), &source.member_label),
        cluster: &of.args.cluster,
        members: moment.members.iter().map(|part| &part.member).collect(),
        at_ms: moment.at_ms,
        range,
    };
    let reading = reading.all(&behind, of.args.member.as_deref());
    let read = runtime::start()?.block_on(unless_stopped(&interrupt, reading))?;
    store.notes().iter().for_each(|note| reporter.note(note));
    Ok(RawCounts { from: store.name(), members: read? })
}

/// The query of each metric of the history, taken apart.
type Queries = Vec<(Metric, Result<Behind, String>)>;

fn behind(source: &Source) -> Queries {
    let of = |metric: Metric| {
        let stored = source.queries.get(metric.name())?;
        Some((metric, Behind::of(metric, stored, source.cluster_label.as_deref(), &source.member_label)))
    };
    Metric::ALL.into_iter().filter_map(of).collect()
}

/// What to read.
struct Reading<'a> {
    store: &'a Store,
    naming: NamingLabels,
    cluster: &'a str,
    members: Vec<&'a Member>,
    at_ms: i64,
    /// Where a series counts as present.
    range: TimeRange,
}

impl Reading<'_> {
    /// The counts of all members, metric by metric; `only` is the member that was asked for. Fails with the first error
    /// if no metric could be read.
    async fn all(
        &self,
        behind: &Queries,
        only: Option<&str>,
    ) -> Result<Vec<(Member, Vec<MetricCounts>)>, CommandError> {
        let mut members: Vec<(Member, Vec<MetricCounts>)> =
            self.members.iter().map(|member| ((*member).clone(), Vec::new())).collect();
        let pins = self.naming.pins(self.cluster, only);
        let (mut failed, mut has_read) = (None, false);
        for (metric, behind) in behind {
            let each =
                |found: fn(String) -> Found, text: &str| members.iter().map(|_| found(text.to_owned())).collect();
            let found: Vec<Found> = match behind {
                Err(reason) => each(Found::Opaque, reason),
                Ok(behind) => match self.metric(behind, &pins).await {
                    Ok(found) => {
                        has_read = true;
                        found
                    }
                    Err(error) => {
                        let refused = each(Found::Refused, &error.to_string());
                        failed.get_or_insert(error);
                        refused
                    }
                },
            };
            let behind = behind.as_ref().ok();
            for ((_, counts), found) in members.iter_mut().zip(found) {
                counts.push(MetricCounts {
                    metric: *metric,
                    window_ms: behind.map(Behind::window_ms),
                    is_recorded: behind.is_some_and(|behind| behind.is_recorded),
                    may_lack: behind.is_some_and(|behind| self.store.may_lack(behind, self.at_ms)),
                    found,
                });
            }
        }
        failed.filter(|_| !has_read).map_or(Ok(members), Err)
    }

    /// What the samples of one metric count, for each member.
    async fn metric(&self, behind: &Behind, pins: &[Vec<Pin>]) -> Result<Vec<Found>, CommandError> {
        let all = self.store.samples(&behind.needed(pins), behind.window_ms(), self.at_ms).await?;
        let mut found = Vec::new();
        for member in &self.members {
            let of_member = behind.of_member(&all, &self.naming, member);
            found.push(match counted(behind.computes(), &of_member) {
                Some(found) => found,
                None => self.nothing(behind, &all, member).await,
            });
        }
        Ok(found)
    }

    /// Why a member has no samples.
    async fn nothing(&self, behind: &Behind, all: &[Sampled], member: &Member) -> Found {
        let names = behind.names();
        let is_read = |one: &&Sampled| one.label(METRIC_NAME).is_some_and(|name| names.contains(&name));
        let is_its = |one: &Sampled| self.naming.name(|name| one.label(name)).is_ok_and(|named| named == *member);
        if all.iter().filter(is_read).any(is_its) {
            return Found::Unmatched(behind.filters().join(" or "));
        }
        let selectors = behind.read(&self.naming.pins(&member.cluster, Some(&member.member)));
        match self.store.has_series(&selectors, self.range).await {
            Ok(true) => Found::Silent,
            Ok(false) => Found::Absent(names.join(" or ")),
            Err(error) => Found::Refused(error.to_string()),
        }
    }
}
