//! Collects the latest days while they are scored, for the end of a run.

use std::collections::BTreeMap;

use polars::prelude::{DataFrame, Int64Chunked, PolarsResult};

use super::Joined;
use super::screen::{Block, Rows, Screen};
use crate::heatmap::{IDLE, by_loss};
use crate::outputs::shared::summary::Summary;
use crate::text::terminal::terminal_label;
use crate::time::{CellWidth, UtcDay, Zone};

/// Maximum number of days to paint, so that they fit on a screen. Earlier days are left out.
const DAYS_PAINTED: usize = 35;

/// The hours of the latest days of every cluster.
#[derive(Debug, Default)]
pub(crate) struct Picture {
    clusters: BTreeMap<String, BTreeMap<UtcDay, [Option<Joined>; 24]>>,
    earlier_days: BTreeMap<String, usize>,
}

/// The row of a cluster in a frame of totals.
struct Total {
    summary: Summary,
    /// Points lost in all scored steps.
    lost: f64,
}

impl Picture {
    /// Adds finished cells of clusters. `hours` has the columns `cluster`, `date`, `hour` and `steps_idle`, and those that
    /// [`crate::heatmap::divide`] computes.
    pub(crate) fn add(&mut self, hours: &DataFrame) -> PolarsResult<()> {
        let (clusters, dates) = (hours.column("cluster")?.str()?, hours.column("date")?.i32()?);
        let (starts, means) = (hours.column("hour")?.i32()?, hours.column("mean")?.f64()?);
        let steps = |name: &str| -> PolarsResult<Int64Chunked> { Ok(hours.column(name)?.i64()?.clone()) };
        let (scored, expected, idle) = (steps("steps_scored")?, steps("steps_expected")?, steps(IDLE)?);
        let number = |column: &Int64Chunked, row: usize| u32::try_from(column.get(row).unwrap_or(0)).unwrap_or(0);
        for row in 0..hours.height() {
            let (Some(cluster), Some(date), Some(hour)) = (clusters.get(row), dates.get(row), starts.get(row)) else {
                continue;
            };
            let scored = number(&scored, row);
            let joined = Joined {
                sum: means.get(row).unwrap_or(0.0) * f64::from(scored),
                scored,
                expected: number(&expected, row),
                idle: number(&idle, row),
            };
            let days = self.clusters.entry(cluster.to_owned()).or_default();
            days.entry(UtcDay::from_days(date)).or_default()[(hour as usize).min(23)] = Some(joined);
        }
        for (cluster, days) in &mut self.clusters {
            while days.len() > DAYS_PAINTED {
                days.pop_first();
                *self.earlier_days.entry(cluster.clone()).or_default() += 1;
            }
        }
        Ok(())
    }

    /// Paints all clusters, the worst first. `totals` has one row per cluster, with `steps_idle` and the columns of
    /// [`crate::heatmap::divide`]. A column of the screen must be an hour or longer.
    pub(crate) fn paint(&self, totals: &DataFrame, screen: &Screen) -> PolarsResult<String> {
        let minutes = screen.column().minutes;
        let mut clusters = Vec::with_capacity(self.clusters.len());
        for (cluster, days) in &self.clusters {
            clusters.push((cluster, days, total(totals, cluster)?));
        }
        clusters.sort_by(|(a, _, total_a), (b, _, total_b)| by_loss((a, total_a.lost), (b, total_b.lost)));
        let blocks = clusters.into_iter().map(|(cluster, days, total)| Block {
            title: format!("{}: {}", terminal_label(cluster), total.summary),
            note: self.earlier_days.get(cluster).map(|earlier| {
                format!("{earlier} earlier {} in heatmap.csv", if *earlier == 1 { "day is" } else { "days are" })
            }),
            rows: rows(days, minutes),
        });
        let is_local = screen.zone != Zone::default();
        let twice = is_local.then_some("hours that the clock shows twice share one place");
        Ok(screen.paint_blocks(&blocks.collect::<Vec<_>>(), twice))
    }

    /// The shortest time of a column for cells of this width, in minutes: cells shorter than an hour are added up.
    pub(crate) fn shortest_column(width: CellWidth) -> u32 {
        width.minutes().max(60)
    }
}

/// The hours of each day, joined to columns of these minutes.
fn rows(days: &BTreeMap<UtcDay, [Option<Joined>; 24]>, minutes: u32) -> Rows {
    let join = |hours: &[Option<Joined>; 24]| {
        let mut places = vec![None; (1440 / minutes) as usize];
        for (joined, hour) in hours.iter().zip(0..) {
            if let (Some(joined), Some(place)) = (joined, places.get_mut((hour * 60 / minutes) as usize)) {
                place.get_or_insert_with(Joined::default).add(*joined);
            }
        }
        places
    };
    days.iter().map(|(day, hours)| (*day, join(hours))).collect()
}

fn total(totals: &DataFrame, cluster: &str) -> PolarsResult<Total> {
    let clusters = totals.column("cluster")?.str()?;
    let row = clusters.iter().position(|c| c == Some(cluster)).unwrap_or(usize::MAX);
    let number = |name: &str| -> PolarsResult<Option<f64>> { Ok(totals.column(name)?.f64()?.get(row)) };
    let steps = |name: &str| -> PolarsResult<f64> { Ok(totals.column(name)?.i64()?.get(row).unwrap_or(0) as f64) };
    let worst = totals.column("worst_metric")?.str()?.get(row);
    let mean = number("mean")?;
    let summary = Summary {
        scores: mean.zip(number("min")?),
        coverage: number("coverage")?,
        idle: steps(IDLE)? / steps("steps_expected")?.max(1.0),
        worst: worst.and_then(|metric| metric.parse().ok()),
    };
    Ok(Total { summary, lost: mean.map_or(0.0, |mean| 10.0 - mean) * steps("steps_scored")? })
}
