//! Chooses and opens the source of a pull.

use chrono::Utc;

use super::files::pull_files;
use super::progress::Reporter;
use super::pull::{Pulled, Request, pull};
use super::{CommandError, Writing, several};
use crate::cli::{BackfillArgs, Leave};
use crate::config::{Settings, SourceSettings};
use crate::sources::prometheus::{
    Choice, Client, PrometheusSource, RemoteReader, Terms, Thoroughness, Wanted, choose_queries, days_left_out,
    leave_out_clusters, notes,
};
use crate::sources::sample::SampleSource;
use crate::text::count;
use crate::time::{TimeRange, UtcDay};

/// Pulls from the source that the flags of `backfill` choose.
pub(super) fn pull_chosen(args: &BackfillArgs, settings: &Settings, run: &Writing) -> Result<Pulled, CommandError> {
    match args.sample {
        true => pull_sample(settings, args.leave, run),
        false => pull_set(settings, args.leave, run),
    }
}

/// Pulls from the files or the server of the settings, or from each of several.
pub(super) fn pull_set(settings: &Settings, leave: Leave, run: &Writing) -> Result<Pulled, CommandError> {
    match &settings.source.from {
        _ if !settings.several.is_empty() => several::pull(settings, leave, run),
        Some(from) => pull_files(from, settings, leave, run),
        None => pull_server(settings, leave, run),
    }
}

/// Pulls from the server of the settings.
fn pull_server(settings: &Settings, leave: Leave, run: &Writing) -> Result<Pulled, CommandError> {
    let asked = &settings.source;
    let terms = Terms { allow_partial: leave.allow_partial, ..asked.terms };
    let (url, out) = (asked.url()?, settings.out()?);
    let range = resolve_range(asked, &run.reporter)?;
    let queries = asked.query_set()?;
    let access = asked.http_config()?;
    let client = Client::new(url, &access, terms, asked.cluster_label.as_deref(), &asked.member_label)?;
    let request = Request { range, out, leave, merge_members: asked.merge_members, shard: asked.shard };
    pull(&request, run, async |held| {
        // All days of a history have the same columns, so leave out the metrics that did not exist in the
        // version that wrote this history.
        let left_out = [&settings.without[..], &held.unknown_metrics].concat();
        let (limits, held_queries) = (settings.limits()?, held.queries);
        let evidence = asked.evidence();
        let wanted = Wanted { left_out, limits, evidence, held: held.companions, held_queries };
        let every_step = Thoroughness::EveryStep;
        let choosing = choose_queries(&client, &queries, asked.series, &wanted, (range, asked.step), every_step);
        let chosen = run.reporter.while_searching(client.traffic(), choosing).await.and_then(Choice::complete);
        // A warning from the server may explain why no query could be chosen.
        let chosen = chosen.inspect_err(|_| notes(&client).iter().for_each(|note| run.reporter.note(note)))?;
        if let Some(note) = left_out_note(range, chosen.kept) {
            run.reporter.note(&note);
        }
        // Only now: a shard has the days and the queries of a pull of all clusters, or it could not be joined with others.
        if let Some(shard) = asked.shard {
            leave_out_clusters(&client, &queries, range, |cluster| shard.holds(cluster)).await;
        }
        let rules = asked.rules(&queries);
        let remote = RemoteReader::prepare(&client, asked.read, &chosen.queries, rules, chosen.kept).await?.reader;
        let description = asked.source(client.shown_url(), chosen.queries);
        let source = PrometheusSource::new(client.clone(), queries.clone(), description, asked.step);
        Ok(source.within(chosen.kept).computed_by(remote))
    })
}

fn pull_sample(settings: &Settings, leave: Leave, run: &Writing) -> Result<Pulled, CommandError> {
    let sample = SampleSource::open().map_err(|error| CommandError::Source(Box::new(error)))?;
    let request = Request { range: sample.range(), out: settings.out()?, leave, merge_members: false, shard: None };
    pull(&request, run, async |_held| Ok(sample))
}

/// A note about the days that are left out because the server has no series there; `None` if all are kept.
pub(super) fn left_out_note(range: TimeRange, kept: TimeRange) -> Option<String> {
    let (before, after) = days_left_out(range, kept);
    let (first, last) = (UtcDay::of(kept.start_ms), UtcDay::of(kept.end_ms - 1));
    let left_out: Vec<String> = [(before, "before", first), (after, "after", last)]
        .into_iter()
        .filter(|(days, _, _)| *days > 0)
        .map(|(days, side, day)| format!("{} {side} {day}", count(days, "day")))
        .collect();
    (!left_out.is_empty()).then(|| format!("days without etcd's series are left out: {}", left_out.join(" and ")))
}

fn resolve_range(asked: &SourceSettings, reporter: &Reporter) -> Result<TimeRange, CommandError> {
    let (range, ends_now) = asked.range(Utc::now().timestamp_millis())?;
    if ends_now {
        reporter.note("the range ends in the future: pulling until now");
    }
    Ok(range)
}
