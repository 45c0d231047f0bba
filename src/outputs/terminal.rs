//! The heat map in a terminal: a line a day, a column an hour, red to green, grey where unknown.

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

/// Days that are painted at most: the latest, a screen of them.
const DAYS_PAINTED: usize = 35;

/// How much colour the terminal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Palette {
    /// 24 bits a colour.
    TrueColour,
    /// The 6 × 6 × 6 cube.
    Colours256,
    /// Digits only.
    Plain,
}

impl Palette {
    /// The colors of a stream, decided as for clap's help: by whether it is a terminal, `NO_COLOR`, `CLICOLOR`,
    /// `CLICOLOR_FORCE`, `TERM` and `COLORTERM`.
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
    /// The cluster did not exist.
    Nothing,
    /// It existed, and no step was scored.
    Unknown,
    /// Scored, for the most part or not.
    Scored {
        /// Mean score.
        mean: f64,
        /// Too few of its steps were scored.
        uncertain: bool,
    },
}

/// The latest days of every cluster, as they will be painted.
#[derive(Debug, Default)]
pub(crate) struct Picture {
    clusters: BTreeMap<String, BTreeMap<UtcDay, [Hour; 24]>>,
    earlier_days: BTreeMap<String, usize>,
}

impl Picture {
    /// Takes in finished hours of clusters: `cluster`, `date`, `hour` and the columns of
    /// [`crate::heatmap::divide`]. A wider cell fills the hours that it spans.
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

    /// Paints all clusters; `totals` are the columns of [`crate::heatmap::divide`] with one row a cluster.
    pub(crate) fn paint(&self, totals: &DataFrame, zone: Zone, palette: Palette) -> PolarsResult<String> {
        let mut text = String::new();
        for (cluster, days) in &self.clusters {
            let _ = writeln!(text, "{}: {}", terminal_label(cluster), describe(totals, cluster)?);
            if let Some(earlier) = self.earlier_days.get(cluster) {
                let _ = writeln!(text, "{earlier} earlier days are in heatmap.csv");
            }
            // A long zone's name does not fit above the dates.
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
                let _ = writeln!(text, "days and hours of {zone}; an hour that comes twice is painted once");
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

/// Three columns: the score rounded down, so that only a faultless hour shows 10.
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

/// Digits on the colour of a score, or on grey.
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
    text.push_str("  ?: too little of it known\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_rounded_down_and_marked_where_it_is_uncertain() {
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
