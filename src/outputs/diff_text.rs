//! The text of `diff`: for each cluster a verdict, a table of changes, and for both periods
//! the mean score by hour of the day.

use std::fmt::Write;

use super::terminal::{Hour, Palette, Screen};
use crate::analysis::diff::{BELOW, Change, Diff, LineChange, MIN_DAYS, Named, RESAMPLES, Side, Verdict};
use crate::heatmap::Folding;
use crate::text::rounding::{change_text, loss_text, percent_short, percent_text, score_text};
use crate::text::terminal::terminal_label;
use crate::text::wrap::wrapped;

/// Maximum number of clusters and members listed as present in only one period; `diff.csv` and
/// `--csv` have all of them.
const NAMED: usize = 10;

/// Description of the two periods for the head of the text.
#[derive(Debug)]
pub(crate) struct Compared {
    /// The first period, such as a folder with its range.
    pub(crate) before: String,
    /// The second period, described like the first.
    pub(crate) after: String,
    /// The profile that scored both periods.
    pub(crate) profile: String,
    /// Width, time zone and rollup of the cells of both periods.
    pub(crate) folding: Folding,
    /// Differences between the periods that weaken the comparison, one sentence each.
    pub(crate) notes: Vec<String>,
}

/// Indent of lines that continue another.
const HANG: usize = 4;
/// Labels of the painted hours: `  before `; and in a narrow window, ` before `.
const LABELS: [&str; 2] = ["  before ", " before "];

/// The whole text, colored for `palette` and wrapped at `columns` characters.
pub(crate) fn diff_text(compared: &Compared, diff: &Diff, palette: Palette, columns: Option<usize>) -> String {
    let Folding { zone, width, rollup } = compared.folding;
    let screen = Screen { palette, width: columns, zone, cell_minutes: 60, min_coverage: 0.0 };
    let mut text = format!("before: {}\nafter:  {}\n", compared.before, compared.after);
    let _ = writeln!(text, "profile {}, rollup {rollup}, cells of {width}, {zone}", compared.profile);
    for note in &compared.notes {
        let _ = writeln!(text, "note: {note}");
    }
    for cluster in diff.lines.chunk_by(|a, b| a.cluster == b.cluster) {
        text.push('\n');
        // A member can be in both periods only if its cluster is too, so the first line is always the cluster's.
        if let [line, members @ ..] = cluster {
            cluster_text(&mut text, line, members, &screen);
        }
    }
    one_sided(&mut text, "before", &diff.only_before);
    one_sided(&mut text, "after", &diff.only_after);
    if !diff.lines.is_empty() {
        text.push_str("\neach hour's mean score:\n");
        screen.legend(&mut text, screen.hours(LABELS.map(str::len)).wide, false);
        method(&mut text, diff);
    }
    wrapped(&text, columns, HANG)
}

fn cluster_text(text: &mut String, line: &LineChange, members: &[LineChange], screen: &Screen) {
    let _ = writeln!(text, "{}: {}", terminal_label(&line.cluster), sentence(line));
    let _ = writeln!(text, "{:>6}{:>7}{:>7}  {:<14}{:>7}", "before", "after", "change", "95 % interval", "delta");
    row(text, &line.score, "score");
    for (metric, change) in line.costly() {
        row(text, change, metric.name());
    }
    for member in members {
        row(text, &member.score, &format!("score of {}", terminal_label(member.member.as_deref().unwrap_or_default())));
    }
    for (place, below) in BELOW.into_iter().enumerate() {
        let hours = |side: &Side| format!("{} of {} ({})", side.hours_below[place], side.hours, share(side, place));
        let _ = writeln!(text, "  hours below {below}: {} before, {} after", hours(&line.before), hours(&line.after));
    }
    let known = |side: &Side| format!("{} % of steps, {} d", percent_short(side.coverage()), side.days);
    let _ = writeln!(text, "  scored: before {}; after {}", known(&line.before), known(&line.after));
    profile(text, line, screen);
}

fn share(side: &Side, place: usize) -> String {
    if side.hours > 0.0 {
        format!("{} %", percent_text(side.hours_below[place] / side.hours))
    } else {
        "no score".to_owned()
    }
}

/// The verdict on a cluster's score: better, worse, no evidence, or too little data.
fn sentence(line: &LineChange) -> String {
    let LineChange { score, before, after, .. } = line;
    let (Some(difference), Some(interval)) = (score.difference(), score.interval) else {
        let days = if before.days == 1 { "day" } else { "days" };
        return format!(
            "too little data: {} {days} with a score before and {} after, at least {MIN_DAYS} of each are needed",
            before.days, after.days
        );
    };
    let interval = format!("95 % interval {} to {}", change_text(interval.low), change_text(interval.high));
    let size = change_text(difference);
    let size = size.trim_start_matches(['+', '-']);
    match score.verdict {
        Verdict::Better => format!("better by {size} points ({interval})"),
        Verdict::Worse => format!("worse by {size} points ({interval})"),
        _ => format!("no evidence of a change: {interval} includes 0"),
    }
}

/// One row of the table. The name comes last, so that a long name does not break the columns.
fn row(text: &mut String, change: &Change, name: &str) {
    // Negative figures are losses, which are rounded up; scores are rounded down.
    let two = |figure: f64| if figure < 0.0 { format!("-{}", loss_text(-figure)) } else { score_text(figure) };
    let two = |figure: Option<f64>| figure.map_or_else(|| "–".to_owned(), two);
    let signed = |figure: Option<f64>| figure.map_or_else(|| "–".to_owned(), change_text);
    let interval = change.interval;
    let interval =
        interval.map_or_else(|| "–".to_owned(), |i| format!("{} to {}", change_text(i.low), change_text(i.high)));
    let verdict = match change.verdict {
        Verdict::Better => "better",
        Verdict::Worse => "worse",
        Verdict::NoEvidence => "no evidence",
        Verdict::TooLittle => "too little data",
    };
    let _ = writeln!(
        text,
        "{:>6}{:>7}{:>7}  {interval:<14}{:>7}  {name}: {verdict}",
        two(change.before),
        two(change.after),
        signed(change.difference()),
        signed(change.cliffs_delta)
    );
}

/// Paints the mean score by hour of the day, one row for each period.
fn profile(text: &mut String, line: &LineChange, screen: &Screen) {
    let column = screen.hours(LABELS.map(str::len));
    let indent = " ".repeat(column.label - "before ".len());
    screen.head(text, &indent, column);
    for (name, side) in [("before", &line.before), ("after", &line.after)] {
        let hours = side.by_hour.iter().map(|hour| match *hour {
            None => Hour::Nothing,
            Some(None) => Hour::Unknown,
            Some(Some(mean)) => Hour::Scored { mean, uncertain: false },
        });
        screen.row(text, &format!("{indent}{name}"), hours, column);
    }
}

fn one_sided(text: &mut String, side: &str, named: &[Named]) {
    // If a whole cluster is listed, its members are not listed again.
    let is_listed = |(cluster, member): &&Named| member.is_none() || !named.contains(&(cluster.clone(), None));
    let listed: Vec<&Named> = named.iter().filter(is_listed).collect();
    if listed.is_empty() {
        return;
    }
    let name = |(cluster, member): &&Named| match member {
        None => terminal_label(cluster),
        Some(member) => format!("{} of {}", terminal_label(member), terminal_label(cluster)),
    };
    let names: Vec<String> = listed.iter().take(NAMED).map(name).collect();
    let _ = write!(text, "\nonly {side}, not compared: {}", names.join(", "));
    match listed.len().saturating_sub(NAMED) {
        0 => text.push('\n'),
        more => {
            let _ = writeln!(text, " and {more} more (listed by --csv)");
        }
    }
}

fn method(text: &mut String, diff: &Diff) {
    let _ = writeln!(
        text,
        "means over scored steps; a metric's row shows its loss (negative points): a change above 0 is an improvement\n\
         interval: bootstrap of the difference of means, {RESAMPLES} resamples of blocks of days; \
         delta: Cliff's delta of cells, -1 to 1"
    );
    let intervals = diff.intervals();
    if intervals > 1 {
        let _ = writeln!(
            text,
            "{intervals} intervals of clusters and metrics: if nothing changed, 1 in 20 still excludes 0 by chance"
        );
    }
}
