//! `etcd-heatmap check`: reports within seconds whether a pull would work, how long it would take,
//! and what to fix first.

mod report;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use chrono::Utc;

use super::stdout::print;
use super::{CommandError, runtime};
use crate::config::{Settings, SourceSettings};
use crate::readings::{Member, QuerySource, ReadingSource};
use crate::sources::prometheus::{
    Client, Moments, PromError, PrometheusSource, QuerySet, SeriesForm, Sighting, Wanted, choose_queries, elsewhere,
    forms_by_setting, forms_of, identify, jobs, sight, verify_members,
};
use crate::spec::{Column, Companion, Metric};
use crate::time::{HOUR_MS, TimeRange, UtcDay, format_instant};
use report::{Cost, Report, Row};

/// A probe of one hour that takes less than this measures mostly overhead, so a whole day is pulled instead.
const TOO_SHORT: Duration = Duration::from_millis(300);

/// Prints the report; returns an error if a pull would fail.
pub(super) fn run(settings: &Settings) -> Result<(), CommandError> {
    let asked = &settings.source;
    let (range, _) = asked.range(Utc::now().timestamp_millis())?;
    let queries = asked.query_set()?;
    let (cluster, member) = (asked.cluster_label.as_deref(), asked.member_label.as_str());
    let client = Client::new(asked.url()?, &asked.http_config()?, asked.terms, cluster, member)?;
    let wanted = Wanted { left_out: settings.without.clone(), limits: settings.limits()?, held: None };
    let check = Check { client: &client, asked, queries: &queries, wanted: &wanted, range };
    let report = runtime::start()?.block_on(check.run())?;
    print(&report.to_string())?;
    match report.wrong.into_iter().next() {
        None => Ok(()),
        Some(first) => Err(CommandError::WouldFail(first)),
    }
}

struct Check<'a> {
    client: &'a Client,
    asked: &'a SourceSettings,
    queries: &'a QuerySet,
    wanted: &'a Wanted,
    range: TimeRange,
}

impl Check<'_> {
    async fn run(&self) -> Result<Report, CommandError> {
        let server = identify(self.client).await?;
        let mut report = Report::new(self.client.shown_url(), server, self.range, self.asked);
        let chosen =
            choose_queries(self.client, self.queries, self.asked.series, self.wanted, self.range, self.asked.step);
        let chosen = match chosen.await {
            Ok(chosen) => Some(chosen),
            Err(error) => {
                let finds_nothing = matches!(error, PromError::Nothing { .. });
                report.wrong.push(self.explained(error).await);
                if finds_nothing {
                    return Ok(report);
                }
                None
            }
        };
        for column in Column::all().filter(|column| !self.is_left_out(*column)) {
            if let Err(error) = self.look(column, chosen.as_ref().and_then(|c| c.get(column.name())), &mut report).await
            {
                report.add_wrong(error.to_string());
            }
        }
        let forms = match &chosen {
            Some(chosen) => forms_of(chosen),
            None => forms_by_setting(self.asked.series, &self.wanted.left_out),
        };
        let identity = verify_members(self.client, self.queries, &forms, Moments::Within(self.range)).await;
        match identity.settled(self.asked.merge_members) {
            Ok(notes) => report.add_notes(notes),
            Err(mixed) => report.add_wrong(mixed.to_string()),
        }
        report.remark(self.range, self.asked.step);
        if let Some(queries) = chosen.filter(|_| report.wrong.is_empty()) {
            let description = self.asked.source(self.client.shown_url(), queries);
            let source = PrometheusSource::new(self.client.clone(), self.queries.clone(), description, self.asked.step);
            report.cost = Some(self.cost(&source, &report).await?);
        }
        Ok(report)
    }

    fn is_left_out(&self, column: Column) -> bool {
        self.wanted.left_out.iter().any(|metric| Column::from(*metric) == column)
    }

    /// Searches the server for the raw and the recorded form of one column, as far as `--series` allows them, and adds
    /// a row for each form to the report.
    async fn look(&self, column: Column, chosen: Option<&QuerySource>, report: &mut Report) -> Result<(), PromError> {
        let forms = [("raw", Some(self.queries.raw(column))), ("recorded", self.queries.recorded(column))];
        let asked_for = |form: &str| match self.asked.series {
            SeriesForm::Auto => true,
            SeriesForm::Raw => form == "raw",
            SeriesForm::Recorded => form == "recorded" || column.companion().is_some(),
        };
        for (form, promql) in forms.into_iter().filter(|(form, _)| asked_for(form)) {
            if promql.is_none() {
                continue;
            }
            let seen = sight(self.client, self.queries, (column, form), self.range, self.asked.step).await?;
            let is_pulled = chosen.is_some_and(|chosen| chosen.form == form);
            report.rows.push(Row { column, form, seen, is_pulled });
        }
        Ok(())
    }

    /// The error that a pull would report. If no series exists in the range, the text also names the times or jobs for
    /// which the server has etcd's series.
    async fn explained(&self, error: PromError) -> String {
        if !matches!(error, PromError::Nothing { .. }) {
            return error.to_string();
        }
        match self.elsewhere().await {
            Ok(found) => format!("{error}; {found}"),
            Err(failure) => format!("{error}; searching other times and jobs failed: {failure}"),
        }
    }

    /// Finds etcd's series outside the range, or under jobs that the selector does not match.
    async fn elsewhere(&self) -> Result<String, PromError> {
        let now_ms = Utc::now().timestamp_millis();
        if let Some((first, last)) = elsewhere(self.client, self.queries, now_ms).await? {
            let (first, last) = (format_instant(first), format_instant(last));
            return Ok(format!("the server has etcd's series from {first} to {last}: choose a range within that"));
        }
        let jobs = jobs(self.client, self.range).await?;
        let selectors: Vec<String> = jobs.iter().map(|job| format!("--selector 'job=\"{job}\"'")).collect();
        Ok(match jobs.is_empty() {
            true => "no job on this server has etcd_server_has_leader in that range: check --url".to_owned(),
            false => format!("etcd's series exist with {}", selectors.join(" or ")),
        })
    }

    /// Estimates the cost of a pull from the time that one hour or day of it takes.
    async fn cost(&self, source: &PrometheusSource, report: &Report) -> Result<Cost, CommandError> {
        let days = source.parts(self.range);
        let queries = source.work(&days).total;
        let pulled = report.rows.iter().filter(|row| row.is_pulled).filter_map(|row| row.seen.as_ref());
        let samples: u64 = pulled.clone().map(|seen| seen.samples).sum();
        let until = pulled.map(|seen| seen.last_ms).max().unwrap_or(self.range.start_ms);
        let Some(day) = days.iter().find(|(day, _)| *day == UtcDay::of(until)).copied() else {
            return Ok(Cost { queries, samples, took: Duration::ZERO });
        };
        let hour = TimeRange { start_ms: until - until % HOUR_MS, end_ms: until - until % HOUR_MS + HOUR_MS };
        let mut probed = (Duration::ZERO, 1);
        for part in [day.1.intersect(hour), Some(day.1)].into_iter().flatten() {
            if probed.0 < TOO_SHORT {
                probed = probe(source, part).await?;
            }
        }
        let took = probed.0.mul_f64((samples as f64 / probed.1.max(1) as f64).max(1.0));
        Ok(Cost { queries, samples, took })
    }
}

/// Pulls a part of a day and discards it; returns the time taken and the number of samples.
async fn probe(source: &PrometheusSource, part: TimeRange) -> Result<(Duration, u64), PromError> {
    let (before, started) = (source.progress(), Instant::now());
    source.read(part).await?;
    Ok((started.elapsed(), source.progress().samples - before.samples))
}

/// The members with samples of any column except leader changes: that gauge may keep its value
/// for a day after the last scrape.
fn members(rows: &[Row]) -> BTreeSet<Member> {
    // If a pull would use none of the rows, list the members of all rows.
    let is_any_pulled = rows.iter().any(|row| row.is_pulled);
    let told = rows.iter().filter(|row| row.is_pulled || !is_any_pulled);
    let alive = told.filter(|row| row.column != Column::from(Metric::LeaderChanges));
    alive.filter_map(|row| row.seen.as_ref()).flat_map(|seen: &Sighting| seen.members.iter().cloned()).collect()
}

/// Whether the server has process start times, which mark restarts.
fn knows_restarts(rows: &[Row]) -> bool {
    rows.iter().any(|row| row.column == Column::from(Companion::StartTime) && row.seen.is_some())
}
