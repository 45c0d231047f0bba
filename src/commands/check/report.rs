//! The report of `check`, as text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use indicatif::HumanDuration;

use super::{knows_restarts, members};
use crate::config::SourceSettings;
use crate::readings::Member;
use crate::sources::prometheus::{Seen, ServerInfo, Sighting};
use crate::spec::{Column, Companion};
use crate::text::count;
use crate::text::rounding::share_parts;
use crate::text::terminal::{terminal_label, terminal_message};
use crate::time::{HOUR_MS, Step, TimeRange, format_instant};

/// Width of the labels at the start of lines, such as `server   `.
pub(super) const LABEL: usize = 9;
/// At most this many clusters are listed by name.
const NAMED_CLUSTERS: usize = 8;

/// A row of the report: one form of one column's query.
pub(super) struct Row {
    pub(super) column: Column,
    pub(super) form: String,
    pub(super) seen: Seen,
    /// Whether a pull would use this form.
    pub(super) is_pulled: bool,
}

impl Row {
    /// The values that were found; `None` if there are none.
    pub(super) fn sighting(&self) -> Option<&Sighting> {
        match &self.seen {
            Seen::Values(sighting) => Some(sighting),
            _ => None,
        }
    }
}

/// Estimated cost of a pull.
pub(super) struct Cost {
    pub(super) queries: u64,
    pub(super) samples: u64,
    pub(super) took: Duration,
}

/// All results of a check.
pub(super) struct Report {
    head: String,
    labels: String,
    concurrency: usize,
    pub(super) rows: Vec<Row>,
    /// How much evidence of causes there is; `None` if it is switched off.
    pub(super) evidence: Option<String>,
    pub(super) cost: Option<Cost>,
    /// Remarks that do not prevent a pull.
    pub(super) notes: Vec<String>,
    /// Problems that would make a pull fail.
    pub(super) wrong: Vec<String>,
}

impl Report {
    pub(super) fn new(url: &str, server: ServerInfo, range: TimeRange, asked: &SourceSettings) -> Self {
        let name = terminal_message(server.name.as_deref().unwrap_or("of unknown kind"));
        let keeps = match (server.retention, &server.refused) {
            (Some(retention), _) => terminal_message(&format!("keeps {retention}")),
            (None, None) => "retention not reported".to_owned(),
            (None, Some(_)) => "retention unknown".to_owned(),
        };
        let head = format!("server   {name} at {url}, {keeps}\nrange    {range} at {}s\n", asked.step.seconds());
        let labels = labels_in_words(asked);
        let refused = server.refused.map(|error| format!("cannot identify the server: {error}"));
        let (rows, notes, wrong) = (Vec::new(), refused.into_iter().collect(), Vec::new());
        Self { head, labels, concurrency: asked.terms.concurrency, rows, evidence: None, cost: None, notes, wrong }
    }

    /// Adds a problem once, even if several metrics have it.
    pub(super) fn add_wrong(&mut self, sentence: String) {
        if !self.wrong.contains(&sentence) {
            self.wrong.push(sentence);
        }
    }

    /// Adds remarks that do not prevent a pull.
    pub(super) fn add_notes(&mut self, notes: Vec<String>) {
        self.notes.extend(notes);
    }

    /// Adds notes about missing samples, members named by their address, and missing process start times.
    pub(super) fn remark(&mut self, range: TimeRange, step: Step) {
        let seen = || self.rows.iter().filter(|row| row.is_pulled).filter_map(Row::sighting);
        let (first, last) = (seen().map(|s| s.first_ms).min(), seen().map(|s| s.last_ms).max());
        let slack = HOUR_MS.max(step.millis());
        let mut notes = Vec::new();
        if let Some(first) = first.filter(|first| first - range.start_ms > slack) {
            let first = format_instant(first);
            notes.push(format!("no samples before about {first}: use --start {first}"));
        }
        if let Some(last) = last.filter(|last| range.end_ms - last > 2 * slack) {
            let last = format_instant(last);
            notes.push(format!("no samples after about {last}: use --end {last}"));
        }
        notes.extend(named_by_address(members(&self.rows).iter()));
        if first.is_some() && !knows_restarts(&self.rows) {
            notes.push("the server has no process start times: restarts cannot be marked".to_owned());
        }
        self.notes.extend(notes);
    }
}

/// How much of the wanted evidence of causes there is, and what is missing; `None` if none is wanted.
pub(super) fn evidence_line(wanted: &[Companion], is_there: impl Fn(Companion) -> bool) -> Option<String> {
    let wanted: Vec<Companion> = wanted.iter().copied().filter(|companion| companion.is_evidence()).collect();
    let missing: Vec<&str> = wanted.iter().filter(|one| !is_there(**one)).map(|one| one.name()).collect();
    let found = wanted.len() - missing.len();
    let missing = match missing.is_empty() || found == 0 {
        true => String::new(),
        false => format!("; missing: {}", missing.join(", ")),
    };
    (!wanted.is_empty()).then(|| format!("evidence {found} of {} series that show causes{missing}\n", wanted.len()))
}

/// The labels that name clusters and members, for people.
pub(super) fn labels_in_words(asked: &SourceSettings) -> String {
    format!("{} and {}", asked.cluster_label.as_deref().unwrap_or("cluster (else job)"), asked.member_label)
}

/// Members and their clusters, by name: `3 in 1 cluster, named by cluster and instance: a 3`. `None` without members.
pub(super) fn named_clusters(members: &BTreeSet<Member>, labels: &str) -> Option<String> {
    let mut clusters: BTreeMap<&str, usize> = BTreeMap::new();
    for member in members {
        *clusters.entry(&member.cluster).or_default() += 1;
    }
    let of = clusters.len();
    let named = clusters.iter().take(NAMED_CLUSTERS).map(|(name, count)| format!("{} {count}", terminal_label(name)));
    let more = if of > NAMED_CLUSTERS { ", …" } else { "" };
    let named = named.collect::<Vec<_>>().join(", ");
    let all = members.len();
    (all > 0).then(|| format!("{all} in {}, named by {labels}: {named}{more}", count(of, "cluster")))
}

/// The lines at the end of a report: notes, problems, and whether a pull would work.
pub(super) fn outcome(notes: &[String], wrong: &[String]) -> String {
    let line = |label: &str, text: &String| format!("{label:<LABEL$}{text}\n");
    let notes = notes.iter().map(|note| line("note", note));
    let ready = wrong.is_empty().then(|| "ready    a pull would work\n".to_owned());
    notes.chain(wrong.iter().map(|wrong| line("wrong", wrong))).chain(ready).collect()
}

/// A note if members are named by their address; `None` if no member is.
pub(super) fn named_by_address<'a>(mut members: impl Iterator<Item = &'a Member>) -> Option<String> {
    let is_address =
        |name: &str| name.rsplit_once(':').is_some_and(|(host, _)| host.parse::<std::net::IpAddr>().is_ok());
    members.any(|member| is_address(&member.member)).then(|| {
        "members are named by their address, so a replacement counts as a new member; to avoid that, set \
         --member-label to a label that stays the same, such as pod or node"
            .to_owned()
    })
}

/// An instant without its seconds, so that a row fits 80 columns: `2026-10-01T00:02Z`.
pub(super) fn minute(ms: i64) -> String {
    let text = format_instant(ms);
    text.get(..16).map_or_else(|| text.clone(), |minute| format!("{minute}Z"))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.head)?;
        if !self.rows.is_empty() {
            let (first, last) = ("first about", "last about");
            writeln!(f, "\n{:<17} {:<4}  {:>7} {first:<17} {last:<16}{:>7}", "metric", "form", "members", "covered")?;
        }
        for Row { column, form, seen, is_pulled } in &self.rows {
            let name = column.name();
            match seen {
                Seen::Values(s) => writeln!(
                    f,
                    "{name:<17} {form:<8} {:>4} {:<17} {:<17} {:>3} %{}",
                    s.members().count(),
                    minute(s.first_ms),
                    minute(s.last_ms),
                    share_parts(s.coverage, 100),
                    if *is_pulled { " pulled" } else { "" }
                )?,
                other => writeln!(f, "{name:<17} {form:<8}      {}", other.words(*column))?,
            }
        }
        if let Some(named) = named_clusters(&members(&self.rows), &self.labels) {
            writeln!(f, "\nmembers  {named}")?;
        }
        if let Some(evidence) = &self.evidence {
            f.write_str(evidence)?;
        }
        if let Some(Cost { queries, samples, took }) = &self.cost {
            let (queries, samples) = (count(*queries, "query"), count(*samples, "sample"));
            let took = match took.as_secs() {
                0 => "less than a second".to_owned(),
                _ => HumanDuration(*took).to_string(),
            };
            let concurrency = self.concurrency;
            writeln!(f, "pull     {queries}, about {samples} and {took} with --concurrency {concurrency}")?;
        }
        f.write_str(&outcome(&self.notes, &self.wrong))
    }
}
