//! The text of raw counts in `explain --instant`: a row for each metric of a member.

use std::fmt::Write;

use crate::analysis::explain::{Found, Histogram, Increase, Last, MetricCounts, Moves, Span};
use crate::spec::{Metric, Unit};
use crate::text::count;
use crate::text::terminal::{terminal_label, terminal_message};
use crate::time::Zone;

/// Moves of a counter that are listed, the latest.
const MOVES: usize = 5;

/// What the counts are, and where they are from: the lines below the head of the text.
pub(super) fn head(from: &str) -> String {
    format!(
        "raw counts: from {}; last sample minus first sample of each window that ends at the step, counter resets \
         added, not extrapolated\n  ≤ 2 ms: 5 means that 5 took at most 2 ms and longer than the bound before; empty \
         buckets are left out\n",
        terminal_label(from)
    )
}

/// The rows of a member.
pub(super) fn rows(zone: Zone, at_ms: i64, metrics: &[MetricCounts]) -> String {
    let mut text = format!("  {:<18}  window\n", "raw counts");
    for one in metrics {
        let window = one.window_ms.map(window).unwrap_or_default();
        let mut row = found(Clock { zone, at_ms }, one);
        if one.is_recorded {
            row.push_str("; the reading is that of a recording rule, whose window may be another");
        }
        if one.may_lack {
            row.push_str("; samples may be missing, because a part of the source is damaged");
        }
        let _ = writeln!(text, "  {:<18}  {window:>6}  {row}", one.metric);
    }
    text
}

/// The window as in PromQL.
fn window(ms: i64) -> String {
    const UNITS: [(&str, i64); 4] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)];
    let unit = UNITS.iter().find(|(_, unit)| ms % unit == 0);
    unit.map_or_else(|| format!("{ms}ms"), |(name, unit)| format!("{}{name}", ms / unit))
}

/// Shows times: those of another day than the step's with their date.
#[derive(Clone, Copy)]
struct Clock {
    zone: Zone,
    at_ms: i64,
}

impl Clock {
    fn show(self, ms: i64) -> String {
        let (text, step) = (self.zone.format(ms), self.zone.format(self.at_ms));
        let (date, time) = (&text[..10], &text[11..19]);
        if date == &step[..10] { time.to_owned() } else { format!("{date} {time}") }
    }

    fn span(self, span: Span) -> String {
        format!("{} from {} to {}", count(span.samples, "sample"), self.show(span.first_ms), self.show(span.last_ms))
    }
}

fn found(clock: Clock, one: &MetricCounts) -> String {
    let of = one.metric;
    match &one.found {
        Found::Histogram(histogram) => histogram_text(clock, of, histogram),
        Found::Increases(all) => joined(all, |one| &one.series, |one| increase_text(clock, of, one)),
        Found::Moves(all) => joined(all, |one| &one.series, |one| moves_text(clock, one)),
        Found::Last(all) => joined(all, |one| &one.series, |one| last_text(clock, of, one)),
        Found::Single(span) => format!("1 sample, at {}: an increase needs two", clock.show(span.first_ms)),
        Found::Silent => "no samples in the window, though the source has series of the member".to_owned(),
        Found::Unmatched(names) => {
            format!("the member has samples, but none of {names} in the window, by which the query selects")
        }
        Found::Absent(names) => format!("the source has no series {names} of the member"),
        Found::Refused(error) => format!("could not be read: {}", terminal_message(error)),
        Found::Opaque(reason) => {
            format!("the query of the history cannot be taken apart ({})", terminal_message(reason))
        }
    }
}

/// One text, or one for each series with its labels.
fn joined<T>(all: &[T], series: impl Fn(&T) -> &String, text: impl Fn(&T) -> String) -> String {
    match all {
        [only] => text(only),
        several => {
            let named = |one: &T| format!("{} of {}", text(one), terminal_label(series(one)));
            several.iter().map(named).collect::<Vec<_>>().join("; ")
        }
    }
}

/// What a histogram observes, in the singular.
fn observation(metric: Metric) -> &'static str {
    match metric {
        Metric::WalFsync => "fsync",
        Metric::BackendCommit => "commit",
        _ => "observation",
    }
}

fn histogram_text(clock: Clock, metric: Metric, one: &Histogram) -> String {
    let noun = observation(metric);
    let all = if one.total == 1.0 { format!("1 {noun}") } else { format!("{} {noun}s", one.total) };
    let longer = |(bound, slow): &(f64, f64)| format!(", {slow} longer than {}", milliseconds(*bound));
    let mut text = match one.slow.split_first() {
        Some(((bound, slow), rest)) => {
            let rest: String = rest.iter().map(longer).collect();
            format!("{slow} of {all} took longer than {}{rest}", milliseconds(*bound))
        }
        None => all,
    };
    let buckets: Vec<String> = bucket_texts(one);
    if !buckets.is_empty() {
        let _ = write!(text, " ({})", buckets.join(", "));
    }
    let _ = write!(text, "; {}", clock.span(one.span));
    if one.targets > 1 {
        let _ = write!(text, "; {} targets, added up", one.targets);
    }
    if one.is_uneven {
        text.push_str("; not all buckets have the same samples, so they may not fit together");
    }
    text
}

fn bucket_texts(one: &Histogram) -> Vec<String> {
    let mut below = None;
    let mut texts = Vec::new();
    for (bound, count) in &one.buckets {
        if *count != 0.0 {
            texts.push(match (bound.is_infinite(), below) {
                (false, _) => format!("≤ {}: {count}", milliseconds(*bound)),
                (true, Some(below)) => format!("> {}: {count}", milliseconds(below)),
                (true, None) => format!("any: {count}"),
            });
        }
        below = Some(*bound);
    }
    texts
}

fn milliseconds(seconds: f64) -> String {
    format!("{} ms", seconds * 1000.0)
}

fn increase_text(clock: Clock, of: Metric, one: &Increase) -> String {
    let seconds = elapsed(one.span.last_ms - one.span.first_ms);
    let mut text = format!("{} in {seconds}; {}", amount(of, one.amount), clock.span(one.span));
    if one.resets > 0 {
        let _ = write!(text, "; {}", count(one.resets, "counter reset"));
    }
    text
}

fn moves_text(clock: Clock, one: &Moves) -> String {
    let ends = format!("{} at the first sample, {} at the last", one.first, one.last);
    let shown = &one.moves[one.moves.len().saturating_sub(MOVES)..];
    let hidden = one.moves.len() - shown.len();
    let one_move = |(at_ms, [from, to]): &(i64, [f64; 2])| {
        let reset = if to < from { ", a reset" } else { "" };
        format!("{from} to {to} at {}{reset}", clock.show(*at_ms))
    };
    let listed = shown.iter().map(one_move).collect::<Vec<_>>().join(", ");
    let moves = match (one.moves.len(), hidden) {
        (0, _) => "it did not change".to_owned(),
        (all, 0) => format!("{}: {listed}", count(all, "change")),
        (all, hidden) => format!("{}: {hidden} earlier, then {listed}", count(all, "change")),
    };
    format!("{ends}; {moves}; {}", clock.span(one.span))
}

fn last_text(clock: Clock, of: Metric, one: &Last) -> String {
    let (value, age) = (amount(of, one.value), elapsed(clock.at_ms - one.at_ms));
    format!("{value} at {}, {age} before the step", clock.show(one.at_ms))
}

fn elapsed(ms: i64) -> String {
    format!("{} s", ms as f64 / 1000.0)
}

/// A number of a metric that counts bytes, or another number.
fn amount(metric: Metric, value: f64) -> String {
    let unit = if matches!(metric.unit(), Unit::Bytes | Unit::BytesPerSecond) { " bytes" } else { "" };
    format!("{value}{unit}")
}
