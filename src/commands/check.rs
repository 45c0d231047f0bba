//! `etcd-heatmap check`: reports within seconds whether a pull would work, how long it would take,
//! and what to fix first.

mod files;
mod report;
mod sparse;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use chrono::Utc;

use super::progress::Reporter;
use super::sources::left_out_note;
use super::stdout::{print, print_wrapped};
use super::{CommandError, runtime, several};
use crate::config::{Settings, SourceSettings};
use crate::readings::identity::Moments;
use crate::readings::{Member, ReadingSource};
use crate::sources::prometheus::{
    Choice, Client, PromError, PrometheusSource, QuerySet, RemoteReader, Seen, SeriesForm, Thoroughness, Wanted,
    choose_queries, elsewhere, forms_of, identify, jobs, scrape_advice, sight, verify_members,
};
use crate::spec::{Column, Companion, Metric};
use crate::text::count;
use crate::time::{HOUR_MS, TimeRange, UtcDay, format_instant};
use report::{Cost, Report, Row, evidence_line};
use sparse::Sparse;

/// A probe of one hour that takes less than this measures mostly overhead, so a longer part is pulled instead.
const TOO_SHORT: Duration = Duration::from_millis(300);
/// To measure the speed, `check` pulls at most the range divided by this, but one hour at least
/// and six hours at most.
const MEASURED_PART: i64 = 200;
/// Further limits on the measured parts, in steps, for short steps: of the first part, and of the longer one.
const MEASURED_STEPS: [i64; 2] = [360, 1440];

/// Prints the report, of each source if there are several; returns an error if a pull would fail.
pub(super) fn run(settings: &Settings, reporter: &Reporter) -> Result<(), CommandError> {
    if settings.several.is_empty() {
        return run_one(settings, reporter);
    }
    settings.several.iter().try_for_each(several::check)?;
    let mut failed = Vec::new();
    for (number, one) in settings.several.iter().enumerate() {
        print(&format!("{}source {}:\n", if number == 0 { "" } else { "\n" }, one.name))?;
        if let Err(error) = run_one(&settings.of_one(one), reporter) {
            if let CommandError::Stdout(_) = error {
                return Err(error);
            }
            print_wrapped(&format!("error: {error}\n"), report::LABEL)?;
            failed.push(format!("{}: {error}", one.name));
        }
    }
    match failed.is_empty() {
        true => Ok(()),
        false => Err(CommandError::WouldFail(format!(
            "{} of {} failed: {}",
            failed.len(),
            count(settings.several.len(), "source"),
            failed.join("; ")
        ))),
    }
}

fn run_one(settings: &Settings, reporter: &Reporter) -> Result<(), CommandError> {
    let asked = &settings.source;
    if let Some(from) = &asked.from {
        return files::run(from, settings, reporter);
    }
    let (range, _) = asked.range(Utc::now().timestamp_millis())?;
    let queries = asked.query_set()?;
    let (cluster, member) = (asked.cluster_label.as_deref(), asked.member_label.as_str());
    let client = Client::new(asked.url()?, &asked.http_config()?, asked.terms, cluster, member)?;
    let (left_out, limits, evidence) = (settings.without.clone(), settings.limits()?, asked.evidence());
    let wanted = Wanted { left_out, limits, evidence, ..Wanted::default() };
    let check = Check { client: &client, asked, queries: &queries, wanted: &wanted, range };
    let report = runtime::start()?.block_on(reporter.while_searching(client.traffic(), check.run()))?;
    print_wrapped(&report.to_string(), report::LABEL)?;
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
        let over = (self.range, self.asked.step);
        let sampled = Thoroughness::Sampled;
        let choosing = choose_queries(self.client, self.queries, self.asked.series, self.wanted, over, sampled);
        let choice = match choosing.await {
            Ok(choice) => choice,
            Err(error) => {
                report.add_wrong(self.explained(error).await);
                return Ok(report);
            }
        };
        report.notes.extend(left_out_note(self.range, choice.kept));
        for problem in &choice.problems {
            report.add_wrong(self.explained(problem.clone()).await);
        }
        report.evidence =
            evidence_line(&self.wanted.evidence, |companion| choice.queries.contains_key(companion.name()));
        for column in Column::all().filter(|column| !self.is_left_out(*column) && !column.is_evidence()) {
            self.look(column, &choice, &mut report).await;
        }
        self.judge(&mut report).await;
        self.verify(&choice, &mut report).await;
        report.remark(choice.kept, self.asked.step);
        if report.wrong.is_empty() {
            match self.remote(&choice, &mut report).await {
                Err(error) => report.add_wrong(error.to_string()),
                Ok(remote) => {
                    let kept = choice.kept;
                    let is_pulled = |one: &&Companion| one.is_evidence() && choice.queries.contains_key(one.name());
                    let of_evidence = self.wanted.evidence.iter().filter(is_pulled).count();
                    let description = self.asked.source(self.client.shown_url(), choice.queries);
                    let (client, queries) = (self.client.clone(), self.queries.clone());
                    let source = PrometheusSource::new(client, queries, description, self.asked.step);
                    let source = source.within(kept).computed_by(remote);
                    report.cost = Some(self.cost(&source, kept, &report, of_evidence as u64).await?);
                }
            }
        }
        Ok(report)
    }

    /// Prepares remote read if it is set, and notes which way a pull would read.
    async fn remote(&self, choice: &Choice, report: &mut Report) -> Result<Option<RemoteReader>, PromError> {
        let (mode, rules) = (self.asked.read, self.asked.rules(self.queries));
        let prepared = RemoteReader::prepare(self.client, mode, &choice.queries, rules, choice.kept).await?;
        if let Some(reader) = &prepared.reader {
            let version = reader.version();
            report.notes.push(format!("reads raw samples by remote read, computed as Prometheus {version} does"));
        }
        report.notes.extend(prepared.reason.map(|reason| format!("reads with PromQL: {reason}")));
        Ok(prepared.reader)
    }

    /// Adds what the series show about the identity of members.
    async fn verify(&self, choice: &Choice, report: &mut Report) {
        let moments = Moments::Within(choice.kept);
        let identity = verify_members(self.client, self.queries, &forms_of(&choice.queries), moments).await;
        match identity.settled(self.asked.merge_members) {
            Ok(notes) => report.add_notes(notes),
            Err(mixed) => report.add_wrong(mixed.to_string()),
        }
    }

    fn is_left_out(&self, column: Column) -> bool {
        self.wanted.left_out.iter().any(|metric| Column::from(*metric) == column)
    }

    /// Whether a pull fails if the column has no value in this form (`raw`, `native`, `wide` or `recorded`).
    fn is_needed(&self, column: Column, form: &str) -> bool {
        match column {
            Column::Metric(_) => form != "recorded" || self.asked.series == SeriesForm::Recorded,
            Column::Companion(companion) => self.wanted.limits.iter().any(|(_, limit)| *limit == companion),
        }
    }

    /// Queries one column in the form that a pull would use (raw if none) and, with `--series auto`, also in the
    /// recorded form; `--series recorded` allows only the latter. Adds a row for each form to the report.
    async fn look(&self, column: Column, choice: &Choice, report: &mut Report) {
        let chosen = choice.queries.get(column.name()).map(|query| query.form.as_str());
        let recorded = self.queries.recorded(column).is_some();
        let own = match chosen {
            Some(form) if form != "recorded" => form,
            _ => "raw",
        };
        let forms = match self.asked.series {
            SeriesForm::Auto if recorded => vec![own, "recorded"],
            SeriesForm::Recorded if column.companion().is_none() => Vec::from_iter(recorded.then_some("recorded")),
            _ => vec![own],
        };
        for form in forms {
            let over = (choice.kept, self.asked.step);
            let seen = sight(self.client, self.queries, (column, form), over, self.is_needed(column, form)).await;
            if let Seen::Refused(error) = &seen {
                report.add_wrong(error.to_string());
            }
            report.rows.push(Row { column, form: form.to_owned(), seen, is_pulled: chosen == Some(form) });
        }
    }

    /// Adds problems and notes about metrics that have a value at few steps of their members, or at none.
    async fn judge(&self, report: &mut Report) {
        let found: Vec<Sparse> = sparse::sparse(&report.rows);
        for one in found {
            let advice = match report.rows.iter().find(|row| row.is_pulled && row.column == one.column()) {
                Some(Row { seen: Seen::Values(sighting), .. }) => {
                    scrape_advice(self.client, self.queries, one.column(), sighting).await
                }
                _ => None,
            };
            match one.sentence(advice) {
                Some(sentence) if one.is_mostly_missing() => report.add_wrong(sentence),
                Some(sentence) => report.notes.push(sentence),
                None => {}
            }
        }
    }

    /// The error that a pull would report. If series are missing in the range, the text also names the times or jobs for
    /// which the server has them.
    async fn explained(&self, error: PromError) -> String {
        match error {
            PromError::Nothing { .. } => format!("{error}; {}", self.elsewhere().await),
            PromError::NoSeries { metric, .. } => {
                let now_ms = Utc::now().timestamp_millis();
                match elsewhere(self.client, self.queries, Some(metric), now_ms).await {
                    Ok(Some((first, last))) => {
                        let (first, last) = (format_instant(first), format_instant(last));
                        format!("{error} (the server has some from {first} to {last})")
                    }
                    // An empty or failed search adds nothing to the error.
                    _ => error.to_string(),
                }
            }
            error => error.to_string(),
        }
    }

    /// Finds etcd's series outside the range, or under jobs that the selector does not match.
    async fn elsewhere(&self) -> String {
        let now_ms = Utc::now().timestamp_millis();
        let failed = match elsewhere(self.client, self.queries, None, now_ms).await {
            Ok(Some((first, last))) => {
                let (first, last) = (format_instant(first), format_instant(last));
                return format!("the server has etcd's series from {first} to {last}: choose a range within that");
            }
            Ok(None) => String::new(),
            Err(failure) => format!("; searching other times failed ({failure})"),
        };
        let found = match jobs(self.client, self.range).await {
            Ok(jobs) if jobs.is_empty() => {
                "no job on this server has etcd's series in that range: check --url".to_owned()
            }
            Ok(jobs) => {
                let selectors: Vec<String> = jobs.iter().map(|job| format!("--selector 'job=\"{job}\"'")).collect();
                format!("etcd's series exist with {}", selectors.join(" or "))
            }
            Err(failure) => format!("could not find out which jobs there are ({failure})"),
        };
        format!("{found}{failed}")
    }

    /// Estimates the cost of a pull by pulling a part of up to one hour, or a longer one if the first takes
    /// too little time to measure.
    /// Columns of evidence were not looked at one by one: each counts like the fullest of the others.
    async fn cost(
        &self,
        source: &PrometheusSource,
        kept: TimeRange,
        report: &Report,
        of_evidence: u64,
    ) -> Result<Cost, CommandError> {
        let days = source.parts(self.range);
        let queries = source.work(&days).total;
        let pulled = report.rows.iter().filter(|row| row.is_pulled).filter_map(Row::sighting);
        let fullest = pulled.clone().map(|seen| seen.samples).max().unwrap_or(0);
        let samples = pulled.clone().map(|seen| seen.samples).sum::<u64>() + of_evidence * fullest;
        let until = pulled.map(|seen| seen.last_ms).max().unwrap_or(self.range.start_ms);
        let Some(day) = days.iter().find(|(day, _)| *day == UtcDay::of(until)).copied() else {
            return Ok(Cost { queries, samples, took: Duration::ZERO });
        };
        let end_ms = until - until % HOUR_MS + HOUR_MS;
        let longest = ((kept.end_ms - kept.start_ms) / MEASURED_PART).clamp(HOUR_MS, 6 * HOUR_MS);
        let mut probed = (Duration::ZERO, 1);
        let step = self.asked.step.millis();
        for length in [HOUR_MS.min(MEASURED_STEPS[0] * step), longest.min(MEASURED_STEPS[1] * step)] {
            let part = day.1.intersect(TimeRange { start_ms: end_ms - length, end_ms });
            if let Some(part) = part.filter(|_| probed.0 < TOO_SHORT) {
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

/// The members with samples of any column except leader changes and who is a learner: those keep their values for a day
/// after the last scrape.
fn members(rows: &[Row]) -> BTreeSet<Member> {
    // If a pull would use none of the rows, list the members of all rows.
    let is_any_pulled = rows.iter().any(|row| row.is_pulled);
    let told = rows.iter().filter(|row| row.is_pulled || !is_any_pulled);
    let lingers = |column| [Metric::LeaderChanges.into(), Companion::IsLearner.into()].contains(&column);
    let alive = told.filter(|row| !lingers(row.column));
    alive.filter_map(Row::sighting).flat_map(|seen| seen.members().cloned()).collect()
}

/// Whether the server has process start times, which mark restarts.
fn knows_restarts(rows: &[Row]) -> bool {
    rows.iter().any(|row| row.column == Column::from(Companion::StartTime) && row.sighting().is_some())
}
