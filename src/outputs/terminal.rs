//! The heat map in a terminal: one row per day, one column per hour, colored from red to green, gray if not scored,
//! bluish if idle.
//!
//! [`Picture`] collects the latest days while they are scored, for the end of a run.
//! [`Screen`] paints a scored folder for `show`.

mod screen;

pub(crate) use screen::Screen;

use std::collections::BTreeMap;
use std::fmt::Write;

use polars::prelude::{DataFrame, Int64Chunked, PolarsResult};

use super::shared::summary::Summary;
use crate::heatmap::{IDLE as IDLE_STEPS, WHY_IDLE, is_idle};
use crate::text::palette::{GREY, GREY_256, IDLE, IDLE_256, of_256, red_to_green};
use crate::text::rounding::score_points;
use crate::text::terminal::terminal_label;
use crate::time::{CellWidth, UtcDay, Zone};

/// Maximum number of days to paint, so that they fit on a screen. Earlier days are left out.
const DAYS_PAINTED: usize = 35;

/// The colors that an output stream supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Palette {
    TrueColour,
    /// The 6 × 6 × 6 cube of the 256-color palette.
    Colours256,
    /// No colors, only the digits of each score.
    Plain,
}

impl Palette {
    /// The colors that a stream supports. As in clap's help, this depends on whether the stream is a terminal and on
    /// `NO_COLOR`, `CLICOLOR`, `CLICOLOR_FORCE`, `TERM` and `COLORTERM`.
    pub(crate) fn of(stream: &impl anstream::stream::RawStream) -> Self {
        match anstream::AutoStream::choice(stream) {
            anstream::ColorChoice::Never => Self::Plain,
            _ if anstyle_query::truecolor() => Self::TrueColour,
            _ => Self::Colours256,
        }
    }
}

/// One hour of one cluster.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Hour {
    /// No step was expected; painted as three spaces.
    Nothing,
    /// Steps were expected, but none was scored.
    Unknown,
    /// No step was scored, and most were idle.
    Idle,
    /// At least one step was scored.
    Scored {
        mean: f64,
        /// Whether the share of scored steps is below the minimum coverage.
        uncertain: bool,
    },
}

/// The hours of the latest days of every cluster.
#[derive(Debug, Default)]
pub(crate) struct Picture {
    clusters: BTreeMap<String, BTreeMap<UtcDay, [Hour; 24]>>,
    earlier_days: BTreeMap<String, usize>,
}

impl Picture {
    /// Adds finished cells of clusters. `hours` has the columns `cluster`, `date`, `hour` and `steps_idle`, and those that
    /// [`crate::heatmap::divide`] computes. A cell wider than an hour fills all hours that it spans.
    pub(crate) fn add(&mut self, hours: &DataFrame, width: CellWidth) -> PolarsResult<()> {
        let (clusters, dates) = (hours.column("cluster")?.str()?, hours.column("date")?.i32()?);
        let (starts, uncertain) = (hours.column("hour")?.i32()?, hours.column("uncertain")?.bool()?);
        let means = hours.column("mean")?.f64()?;
        let (expected, idle) = (hours.column("steps_expected")?.i64()?, hours.column(IDLE_STEPS)?.i64()?);
        let steps = |column: &Int64Chunked, row: usize| column.get(row).unwrap_or(0).unsigned_abs();
        let spans = (width.minutes() / 60).max(1) as usize;
        for row in 0..hours.height() {
            let (Some(cluster), Some(date), Some(hour)) = (clusters.get(row), dates.get(row), starts.get(row)) else {
                continue;
            };
            let painted = match means.get(row) {
                Some(mean) => Hour::Scored { mean, uncertain: uncertain.get(row).unwrap_or(false) },
                None if is_idle(0, steps(expected, row), steps(idle, row)) => Hour::Idle,
                None => Hour::Unknown,
            };
            let days = self.clusters.entry(cluster.to_owned()).or_default();
            let line = days.entry(UtcDay::from_days(date)).or_insert([Hour::Nothing; 24]);
            let from = (hour as usize).min(23);
            line[from..(from + spans).min(24)].fill(painted);
        }
        for (cluster, days) in &mut self.clusters {
            while days.len() > DAYS_PAINTED {
                days.pop_first();
                *self.earlier_days.entry(cluster.clone()).or_default() += 1;
            }
        }
        Ok(())
    }

    /// Paints all clusters. `totals` has one row per cluster, with `steps_idle` and the columns of
    /// [`crate::heatmap::divide`].
    pub(crate) fn paint(&self, totals: &DataFrame, zone: Zone, palette: Palette) -> PolarsResult<String> {
        let mut text = String::new();
        for (cluster, days) in &self.clusters {
            let _ = writeln!(text, "{}: {}", terminal_label(cluster), describe(totals, cluster)?);
            if let Some(earlier) = self.earlier_days.get(cluster) {
                let days = if *earlier == 1 { "day is" } else { "days are" };
                let _ = writeln!(text, "{earlier} earlier {days} in heatmap.csv");
            }
            // Write `local` instead of the time zone, whose name may be too long for the column of dates.
            let label = if zone == Zone::default() { "UTC" } else { "local" };
            let _ = write!(text, "{label:<10}");
            for hour in 0..24 {
                let _ = write!(text, " {hour:02}");
            }
            text.push('\n');
            for (day, line) in days {
                let _ = write!(text, "{day}");
                for &hour in line {
                    paint_hour(&mut text, hour, palette);
                }
                text.push('\n');
            }
            text.push('\n');
        }
        if !self.clusters.is_empty() {
            let any_idle = self.clusters.values().flat_map(BTreeMap::values).flatten().any(|hour| *hour == Hour::Idle);
            text.push_str(&legend(palette, any_idle));
            if zone != Zone::default() {
                let _ = writeln!(text, "times are in {zone}; an hour that the clock shows twice is painted once");
            }
        }
        Ok(text)
    }
}

fn describe(totals: &DataFrame, cluster: &str) -> PolarsResult<String> {
    let clusters = totals.column("cluster")?.str()?;
    let Some(row) = clusters.iter().position(|c| c == Some(cluster)) else { return Ok("no score".to_owned()) };
    let number = |name: &str| -> PolarsResult<Option<f64>> { Ok(totals.column(name)?.f64()?.get(row)) };
    let steps =
        |name: &str| -> PolarsResult<u64> { Ok(totals.column(name)?.i64()?.get(row).unwrap_or(0).unsigned_abs()) };
    let (expected, idle) = (steps("steps_expected")?, steps(IDLE_STEPS)?);
    let worst = totals.column("worst_metric")?.str()?.get(row);
    let summary = Summary {
        scores: number("mean")?.zip(number("min")?),
        coverage: number("coverage")?,
        idle: idle as f64 / expected.max(1) as f64,
        worst: worst.and_then(|metric| metric.parse().ok()),
    };
    Ok(summary.to_string())
}

/// Paints an hour, three characters wide. The score is rounded down, so that 10 means that no point was lost.
pub(super) fn paint_hour(text: &mut String, hour: Hour, palette: Palette) {
    let digits = match hour {
        Hour::Nothing => return text.push_str("   "),
        Hour::Unknown => " ··".to_owned(),
        Hour::Idle => " --".to_owned(),
        Hour::Scored { mean, uncertain } => {
            let mark = if uncertain { '?' } else { ' ' };
            format!("{mark}{:>2}", score_points(mean))
        }
    };
    paint_digits(text, &digits, hour, palette);
}

/// Paints digits on the color of an hour: that of its score, gray without a score, bluish if idle.
fn paint_digits(text: &mut String, digits: &str, hour: Hour, palette: Palette) {
    let ([r, g, b], code) = match hour {
        Hour::Nothing | Hour::Unknown => (GREY, GREY_256),
        Hour::Idle => (IDLE, IDLE_256),
        Hour::Scored { mean, .. } => (red_to_green(mean), of_256(score_points(mean))),
    };
    let _ = match palette {
        Palette::TrueColour => write!(text, "\x1b[30;48;2;{r};{g};{b}m{digits}\x1b[0m"),
        Palette::Colours256 => write!(text, "\x1b[30;48;5;{code}m{digits}\x1b[0m"),
        Palette::Plain => write!(text, "{digits}"),
    };
}

/// Explains the colors. Idle hours are rare, so only a picture that has any explains them.
pub(super) fn legend(palette: Palette, any_idle: bool) -> String {
    let mut text = "each hour's mean score, rounded down:".to_owned();
    for score in [0.0, 2.0, 5.0, 8.0, 10.0] {
        paint_hour(&mut text, Hour::Scored { mean: score, uncertain: false }, palette);
    }
    text.push_str("  unknown:");
    paint_hour(&mut text, Hour::Unknown, palette);
    if any_idle {
        text.push_str("  idle:");
        paint_hour(&mut text, Hour::Idle, palette);
    }
    text.push_str("  ?: too few steps scored\n");
    if any_idle {
        let _ = writeln!(text, "idle: {WHY_IDLE}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_rounded_down_and_marked_if_uncertain() {
        let paint = |hour| {
            let mut text = String::new();
            paint_hour(&mut text, hour, Palette::Plain);
            text
        };
        assert_eq!(paint(Hour::Scored { mean: 9.99, uncertain: false }), "  9");
        assert_eq!(paint(Hour::Scored { mean: 10.0, uncertain: true }), "?10");
        assert_eq!(paint(Hour::Unknown), " ··");
        assert_eq!(paint(Hour::Idle), " --");
        assert_eq!(paint(Hour::Nothing), "   ");
    }
}
