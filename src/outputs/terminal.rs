//! The heat map in a terminal: one row per day, one column per hour, colored from red to green, gray if not scored.
//!
//! [`Picture`] collects the latest days while they are scored, for the end of a run.
//! [`Screen`] paints a scored folder for `show`.

mod screen;

pub(crate) use screen::Screen;

use std::collections::BTreeMap;
use std::fmt::Write;

use polars::prelude::{DataFrame, PolarsResult};

use super::shared::summary::Summary;
use crate::text::palette::{GREY, of_256, red_to_green};
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
    /// Adds finished cells of clusters. `hours` has the columns `cluster`, `date` and `hour`, and those that
    /// [`crate::heatmap::divide`] computes. A cell wider than an hour fills all hours that it spans.
    pub(crate) fn add(&mut self, hours: &DataFrame, width: CellWidth) -> PolarsResult<()> {
        let (clusters, dates) = (hours.column("cluster")?.str()?, hours.column("date")?.i32()?);
        let (starts, uncertain) = (hours.column("hour")?.i32()?, hours.column("uncertain")?.bool()?);
        let means = hours.column("mean")?.f64()?;
        let spans = (width.minutes() / 60).max(1) as usize;
        for row in 0..hours.height() {
            let (Some(cluster), Some(date), Some(hour)) = (clusters.get(row), dates.get(row), starts.get(row)) else {
                continue;
            };
            let painted = match means.get(row) {
                Some(mean) => Hour::Scored { mean, uncertain: uncertain.get(row).unwrap_or(false) },
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

    /// Paints all clusters. `totals` has one row per cluster, with the columns of [`crate::heatmap::divide`].
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
            text.push_str(&legend(palette));
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
    let worst = totals.column("worst_metric")?.str()?.get(row);
    let summary = Summary {
        scores: number("mean")?.zip(number("min")?),
        coverage: number("coverage")?,
        worst: worst.and_then(|metric| metric.parse().ok()),
    };
    Ok(summary.to_string())
}

/// Paints an hour, three characters wide. The score is rounded down, so that 10 means that no point was lost.
pub(super) fn paint_hour(text: &mut String, hour: Hour, palette: Palette) {
    let (digits, mean) = match hour {
        Hour::Nothing => return text.push_str("   "),
        Hour::Unknown => (" ··".to_owned(), None),
        Hour::Scored { mean, uncertain } => {
            let mark = if uncertain { '?' } else { ' ' };
            (format!("{mark}{:>2}", score_points(mean)), Some(mean))
        }
    };
    paint_digits(text, &digits, mean, palette);
}

/// Paints digits on the color of a score, or on gray without a score.
fn paint_digits(text: &mut String, digits: &str, mean: Option<f64>, palette: Palette) {
    let [r, g, b] = mean.map_or(GREY, red_to_green);
    let _ = match palette {
        Palette::TrueColour => write!(text, "\x1b[30;48;2;{r};{g};{b}m{digits}\x1b[0m"),
        Palette::Colours256 => write!(text, "\x1b[30;48;5;{}m{digits}\x1b[0m", of_256(mean.map(score_points))),
        Palette::Plain => write!(text, "{digits}"),
    };
}

pub(super) fn legend(palette: Palette) -> String {
    let mut text = "each hour's mean score, rounded down:".to_owned();
    for score in [0.0, 2.0, 5.0, 8.0, 10.0] {
        paint_hour(&mut text, Hour::Scored { mean: score, uncertain: false }, palette);
    }
    text.push_str("  unknown:");
    paint_hour(&mut text, Hour::Unknown, palette);
    text.push_str("  ?: too few steps scored\n");
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
        assert_eq!(paint(Hour::Nothing), "   ");
    }
}
