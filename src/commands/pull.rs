//! `etcd-heatmap pull`: a server's history becomes a history on disk.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use indicatif::{HumanBytes, HumanCount};
use tracing::{debug, info};

use super::evidence::{Gathered, whole_days};
use super::interrupt::{Interrupt, Signal};
use super::progress::{Progress, Reporter};
use super::{CommandError, Writing, runtime};
use crate::cli::Leave;
use crate::config::{Settings, SourceSettings};
use crate::folder::{Manifest, Written};
use crate::history::{DayMeta, DayMetas, History, HistoryError, write_day};
use crate::readings::Source;
use crate::readings::Window;
use crate::sources::prometheus::{Client, PromError, PullPlan, Received, Terms, Wanted, choose_queries, pull_days};
use crate::time::{TimeRange, UtcDay};

/// How often the bar follows.
const TICK: Duration = Duration::from_millis(200);
/// Days that are written to disk at once while others are still coming in.
const WRITES_IN_FLIGHT: usize = 2;

/// What became of the days that were asked for.
#[derive(Debug)]
pub(super) enum Pulled {
    /// All are on disk.
    All,
    /// Some are, and some could not be pulled.
    Some(CommandError),
}

impl Pulled {
    pub(super) fn into_result(self) -> Result<(), CommandError> {
        match self {
            Self::All => Ok(()),
            Self::Some(error) => Err(error),
        }
    }
}

/// Pulls what is not yet in the history, and writes the manifest.
pub(super) fn run(settings: &Settings, leave: Leave, run: &Writing) -> Result<Pulled, CommandError> {
    let asked = &settings.source;
    let terms = Terms { allow_partial: leave.allow_partial, ..asked.terms };
    let (url, out) = (asked.url()?, settings.out()?);
    let range = resolve_range(asked, &run.reporter)?;
    let queries = asked.query_set()?;
    let access = asked.http_config()?;
    let client = Client::new(url, &access, terms, asked.cluster_label.as_deref(), &asked.member_label)?;
    let pulled = runtime::start()?.block_on(async {
        let history = History::within(out);
        let there = history.read_metas();
        let held = match &there {
            Ok(there) if !leave.overwrite => there.known.first().map(|(_, meta)| meta.source.companions()),
            _ => None,
        };
        let wanted = Wanted { left_out: settings.without.clone(), limits: settings.limits()?, held };
        let choosing = choose_queries(&client, &queries, asked.series, &wanted, range, asked.step);
        let chosen = unless_stopped(&run.interrupt, choosing).await??;
        let source = asked.source(client.shown_url(), chosen);
        let plan = PullPlan { source, queries, step: asked.step };
        let mut pull = Pull { history, plan, known: Gathered::default(), files: BTreeMap::new() };
        pull.take_in(there, leave.overwrite)?;
        let days = pull.known.missing_parts(range, leave.allow_partial);
        let failed = pull.fetch(&client, days, run).await?;
        let pulled = match run.interrupt.signal() {
            Some(signal) => pull.stopped(range, leave.allow_partial, signal),
            None => report(range, failed),
        };
        pull.write_manifest()?;
        Ok(pulled)
    });
    tell_trouble(client.traffic().received(), &run.reporter);
    for note in client.notes() {
        run.reporter.note(&note);
    }
    pulled
}

fn resolve_range(asked: &SourceSettings, reporter: &Reporter) -> Result<TimeRange, CommandError> {
    let (range, ends_now) = asked.range(Utc::now().timestamp_millis())?;
    if ends_now {
        reporter.note("the end of the range lies in the future: pulling until now");
    }
    Ok(range)
}

/// What comes of waiting, unless a signal comes first.
async fn unless_stopped<T>(interrupt: &Interrupt, waiting: impl Future<Output = T>) -> Result<T, CommandError> {
    match select(std::pin::pin!(waiting), std::pin::pin!(interrupt.raised())).await {
        Either::Left((done, _)) => Ok(done),
        Either::Right((signal, _)) => Err(CommandError::StoppedEarly(signal)),
    }
}

/// One pull into one history.
struct Pull {
    history: History,
    plan: PullPlan,
    /// What is on disk and whole: that was there, or was written in this run.
    known: Gathered,
    /// The same days' files with their hashes.
    files: BTreeMap<UtcDay, Written>,
}

impl Pull {
    /// Takes in what of the history is on disk already, and whole; refuses, or with `overwrite` removes,
    /// another source's.
    fn take_in(&mut self, there: Result<DayMetas, HistoryError>, overwrite: bool) -> Result<(), CommandError> {
        // A day whose file is broken is not known: it is pulled again.
        let checked = there.map(|metas| metas.known).and_then(|metas| match metas.first() {
            Some((day, meta)) => match self.plan.source.difference(&meta.source) {
                Some(difference) => Err(HistoryError::OtherSource { path: self.history.file(*day), difference }),
                None => Ok(metas),
            },
            None => Ok(metas),
        });
        match checked {
            Err(HistoryError::OtherSource { .. }) if overwrite => {
                self.history.remove()?;
            }
            other => {
                let known = other?;
                self.files = whole_days(&self.history, &known)?;
                let whole = known.iter().filter(|(day, _)| self.files.contains_key(day));
                whole.for_each(|(day, meta)| self.known.add(*day, meta));
            }
        }
        Ok(())
    }

    /// Pulls and writes these days; returns those that failed, with why.
    async fn fetch(
        &mut self,
        client: &Client,
        days: Vec<(UtcDay, TimeRange)>,
        run: &Writing,
    ) -> Result<BTreeMap<UtcDay, PromError>, CommandError> {
        let started = Instant::now();
        let mut pulled = 0;
        let watch =
            Watch::start(client, run.reporter.start("pulling", "queries", self.plan.count_queries(client, &days)));
        let in_flight = self.plan.days_in_flight(client);
        let (history, source) = (Arc::new(self.history.clone()), Arc::new(self.plan.source.clone()));
        info!(missing = days.len(), there = self.known.len(), "days to pull");
        debug!(in_flight, members = client.most_members(), "days at once");
        let written = pull_days(client, &self.plan, days, in_flight)
            // Days that are on their way are let go; those that have come are written.
            .take_until(run.interrupt.raised())
            .map(|pulled| {
                let (history, source) = (history.clone(), source.clone());
                async move {
                    match pulled.window {
                        Ok(window) => write(history, source, pulled.day, pulled.part, window).await,
                        Err(error) => Err(Failure::Day(pulled.day, error)),
                    }
                }
            })
            .buffer_unordered(WRITES_IN_FLIGHT.min(in_flight));
        let mut written = std::pin::pin!(written);
        let mut failed = BTreeMap::new();
        while let Some(done) = written.next().await {
            match done {
                Ok((day, meta, file)) => {
                    self.known.add(day, &meta);
                    self.files.insert(day, file);
                    pulled += 1;
                }
                Err(Failure::Day(day, error)) => drop(failed.insert(day, error)),
                Err(Failure::Disk(error)) => return Err(error),
            }
        }
        let received = watch.finish(client);
        run.reporter.note(&format!(
            "pulled {} days: {} samples, {} of answers, in {:.1} s",
            pulled,
            HumanCount(received.samples),
            HumanBytes(received.bytes),
            started.elapsed().as_secs_f64(),
        ));
        Ok(failed)
    }

    /// What is there when a signal has ended the pull; it may have come too late for that.
    fn stopped(&self, range: TimeRange, partial_will_do: bool, signal: Signal) -> Pulled {
        let (asked, missing) = (range.days().count(), self.known.missing_parts(range, partial_will_do).len());
        let out = self.history.out().to_owned();
        match (missing, self.known.len()) {
            (0, _) => Pulled::All,
            (_, 0) => Pulled::Some(CommandError::StoppedEarly(signal)),
            _ => Pulled::Some(CommandError::StoppedPulling { signal, there: asked - missing, asked, out }),
        }
    }

    fn write_manifest(self) -> Result<(), CommandError> {
        let Some(overview) = self.known.overview() else { return Ok(()) };
        let files = self.files.into_values().collect();
        let manifest = Manifest::of_pull(&self.plan.source, overview.range, &overview.lives, files, &overview.missing)
            .with_partial(&overview.partial);
        Ok(manifest.write(self.history.out())?)
    }
}

/// What the server could not do at once.
fn tell_trouble(received: Received, reporter: &Reporter) {
    let queries = |count| if count == 1 { "1 query was".to_owned() } else { format!("{count} queries were") };
    if received.again > 0 {
        reporter.note(&format!("{} tried again", queries(received.again)));
    }
    if received.split > 0 {
        let queries = queries(received.split);
        reporter.note(&format!("{queries} of too many series for the server, and split by cluster or member"));
    }
    if received.halved > 0 {
        reporter.note(&format!("{} too large for the server, and halved", queries(received.halved)));
    }
}

/// A day that could not be pulled, or a disk that cannot be written to.
enum Failure {
    Day(UtcDay, PromError),
    Disk(CommandError),
}

async fn write(
    history: Arc<History>,
    source: Arc<Source>,
    day: UtcDay,
    part: TimeRange,
    window: Window,
) -> Result<(UtcDay, DayMeta, Written), Failure> {
    let task = tokio::task::spawn_blocking(move || {
        let path = history.file(day);
        let (meta, stat) = write_day(&path, &window, part, &source)?;
        let written = Written::new(history.out(), &path, meta.rows, stat);
        Ok((day, meta, written))
    });
    task.await.unwrap_or_else(|e| Err(CommandError::Threads(e.to_string()))).map_err(Failure::Disk)
}

/// Keeps the bar in step with what the client has received.
struct Watch {
    ticking: tokio::task::JoinHandle<()>,
    progress: Arc<Progress>,
    /// What choosing the queries took: no part of the pull.
    before: Received,
}

impl Watch {
    fn start(client: &Client, progress: Progress) -> Self {
        let progress = Arc::new(progress);
        let (traffic, shown, before) = (client.traffic().clone(), progress.clone(), client.traffic().received());
        let ticking = tokio::spawn(async move {
            loop {
                tokio::time::sleep(TICK).await;
                let received = traffic.received().since(before);
                shown.set(received.queries, &format!("{} samples", HumanCount(received.samples)));
            }
        });
        Self { ticking, progress, before }
    }

    /// Stops, and says how much has come.
    fn finish(self, client: &Client) -> Received {
        self.ticking.abort();
        self.progress.clear();
        client.traffic().received().since(self.before)
    }
}

fn report(range: TimeRange, failed: BTreeMap<UtcDay, PromError>) -> Pulled {
    let days: Vec<UtcDay> = failed.keys().copied().collect();
    let asked = range.days().count();
    match failed.into_values().next() {
        None => Pulled::All,
        Some(cause) if days.len() == asked => Pulled::Some(CommandError::NoDay { asked, cause }),
        Some(cause) => {
            Pulled::Some(CommandError::Partial { failed: days.len(), asked, days: UtcDay::describe(&days), cause })
        }
    }
}
