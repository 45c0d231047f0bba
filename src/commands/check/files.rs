//! `check --from`: what is inside files, and whether a pull from them would work.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use indicatif::BinaryBytes;

use super::report::{LABEL, evidence_line, labels_in_words, minute, named_by_address, named_clusters, outcome};
use crate::commands::files::{Opened, absent_note};
use crate::commands::interrupt::Interrupt;
use crate::commands::progress::Reporter;
use crate::commands::pull::{Held, unless_stopped};
use crate::commands::sources::left_out_note;
use crate::commands::stdout::print_wrapped;
use crate::commands::{CommandError, runtime};
use crate::config::Settings;
use crate::readings::{Member, ReadingSource};
use crate::sources::files::FilesError;
use crate::sources::raw::{Choice, SampleStore, Seen};
use crate::spec::{Column, Companion};
use crate::text::count;
use crate::text::terminal::{terminal_label, terminal_message};

/// Prints the report; returns an error if a pull would fail.
pub(super) fn run(from: &Path, settings: &Settings, reporter: &Reporter) -> Result<(), CommandError> {
    let interrupt = Interrupt::listen(*reporter)?;
    // A dump that ends early is shown with what it has.
    let opened = Opened::at(from, settings, true, *reporter, &interrupt)?;
    let accepted = |cut: &String| format!("{cut}: dump again, or accept it with --allow-partial");
    let wrong = opened.files.cuts.iter().map(accepted).collect();
    let mut report = Report { head: head(&opened, settings), wrong, ..Report::default() };
    let looking = async {
        match opened.choose(settings, Held::default()).await {
            Err(error) => report.wrong.push(error.to_string()),
            Ok((opened, choice)) => report.take(opened, choice, settings).await,
        }
    };
    runtime::start()?.block_on(unless_stopped(&interrupt, looking))?;
    print_wrapped(&report.text(settings), LABEL)?;
    match report.wrong.into_iter().next() {
        None => Ok(()),
        Some(first) => Err(CommandError::WouldFail(first)),
    }
}

fn head(opened: &Opened, settings: &Settings) -> String {
    let (files, name) = (&opened.files.description, terminal_label(&opened.files.name));
    let (range, step) = (opened.range, settings.source.step.seconds());
    let version = settings.source.promql;
    format!("files    {files} in {name}\nrange    {range} at {step}s\npromql   as Prometheus {version} computes it\n")
}

/// The lines of the report, in the order in which they are shown.
#[derive(Default)]
struct Report {
    head: String,
    seen: Vec<Seen>,
    /// Bytes to read and days to write.
    cost: Option<(u64, u64)>,
    notes: Vec<String>,
    wrong: Vec<String>,
}

impl Report {
    /// Takes over what was chosen, and verifies the members.
    async fn take(&mut self, opened: Opened, choice: Choice<FilesError>, settings: &Settings) {
        let range = opened.range;
        self.notes.extend(left_out_note(range, choice.kept));
        self.wrong.extend(choice.problems.iter().map(ToString::to_string));
        self.notes.extend(absent_note(&choice.absent));
        self.seen = choice.seen.clone();
        self.advise(&opened);
        let kept = choice.kept;
        if choice.problems.is_empty() {
            let chunks = self.seen.iter().filter(|_| opened.files.is_read_in_parts()).map(|seen| seen.bytes);
            let bytes = chunks.sum::<u64>() + opened.files.store.bytes_read();
            self.cost = Some((bytes, kept.days().count() as u64));
        }
        self.notes.extend(opened.files.store.notes());
        let source = opened.into_source(settings, choice);
        match source.identity(kept).await.settled(settings.source.merge_members) {
            Ok(notes) => self.notes.extend(notes),
            Err(mixed) => self.wrong.push(mixed.to_string()),
        }
    }

    /// Adds notes about rare scrapes, members named by their address, and missing start times.
    fn advise(&mut self, opened: &Opened) {
        let window = opened.queries.rate_window();
        for seen in self.seen.iter().filter(|seen| seen.has_values && !seen.column.is_evidence()) {
            let rate = opened.queries.is_rate(seen.column).then_some(window);
            let advice = seen.distance.and_then(|distance| distance.advice(rate));
            self.notes.extend(advice.map(|advice| format!("{}: {advice}", seen.column)));
        }
        self.notes.extend(named_by_address(self.members().iter()));
        let knows_restarts = |seen: &Seen| seen.column == Column::from(Companion::StartTime) && seen.has_values;
        if !self.seen.iter().any(knows_restarts) {
            self.notes.push("there are no process start times: restarts cannot be marked".to_owned());
        }
    }

    fn members(&self) -> BTreeSet<Member> {
        self.seen.iter().flat_map(|seen| seen.members.iter().cloned()).collect()
    }

    fn text(&self, settings: &Settings) -> String {
        let mut text = self.head.clone();
        if !self.seen.is_empty() {
            let (first, last) = ("first", "last");
            let _ = writeln!(text, "\n{:<17} {:<4}  {:>7} {first:<17} {last:<17} scraped", "metric", "form", "members");
        }
        for seen in self.seen.iter().filter(|seen| !seen.column.is_evidence()) {
            text.push_str(&row(seen));
        }
        let labels = labels_in_words(&settings.source);
        text.extend(named_clusters(&self.members(), &labels).map(|named| format!("\nmembers  {named}\n")));
        if !self.seen.is_empty() {
            let is_there = |one: Companion| self.seen.iter().any(|seen| seen.column == one.into() && seen.has_values);
            text.extend(evidence_line(&settings.source.evidence(), is_there));
        }
        if let Some((bytes, days)) = self.cost {
            let _ = writeln!(text, "pull     about {} for {}", BinaryBytes(bytes), count(days, "day"));
        }
        let shown = |texts: &[String]| texts.iter().map(|text| terminal_message(text)).collect::<Vec<_>>();
        text + &outcome(&shown(&self.notes), &shown(&self.wrong))
    }
}

fn row(seen: &Seen) -> String {
    let (name, form) = (seen.column.name(), seen.form);
    let Some((first_ms, last_ms)) = seen.span_ms else {
        return format!("{name:<17} {form:<8}      no series in this range\n");
    };
    let scraped = seen.distance.map(|distance| distance.to_string()).unwrap_or_default();
    let scraped = if seen.has_values { scraped } else { "too few samples for a value".to_owned() };
    let (members, first, last) = (seen.members.len(), minute(first_ms), minute(last_ms));
    format!("{name:<17} {form:<8} {members:>4} {first:<17} {last:<17} {scraped}\n")
}
