//! Scores → cells: one cluster or member, one hour.
//!
//! A day gives *sums* of its cells, all of them integers. Sums merge by addition, so the order in
//! which days finish never matters and a cell may lie across two UTC days. Only a finished cell is
//! divided.

use polars::prelude::*;

use crate::score::{ABSENT, DayScores, Rollup, ScoreTable};
use crate::spec::{METRICS, Metric};
use crate::time::{DAY_MS, HOUR_MS};

/// The columns that tell one cell from another, in the order in which cells are sorted.
pub const CELL_KEYS: [&str; 5] = ["date", "level", "cluster", "member", "start"];

const SCORE_SUM: &str = "score_sum";
const SCORE_MIN: &str = "score_min";
/// Stands for the minimum of a cell in which no step was scored.
const NO_MIN: i64 = i64::MAX;

/// The sums of one cell while its steps are added up.
#[derive(Clone, Copy)]
struct CellSums {
    sum: u64,
    min: i64,
    scored: i64,
    expected: i64,
    losses: [u64; METRICS],
}

impl CellSums {
    fn over(table: &ScoreTable, codes: &[u16]) -> Self {
        let mut cell = Self { sum: 0, min: NO_MIN, scored: 0, expected: 0, losses: [0; METRICS] };
        for &code in codes.iter().filter(|&&code| code != ABSENT) {
            cell.expected += 1;
            let Some(worth) = &table.look_up(code).worth else { continue };
            cell.scored += 1;
            cell.sum += worth.score;
            cell.min = cell.min.min(worth.score as i64);
            for (total, loss) in cell.losses.iter_mut().zip(worth.losses) {
                *total += loss;
            }
        }
        cell
    }
}

/// The columns of sums while they are collected.
#[derive(Default)]
struct SumColumns {
    levels: Vec<&'static str>,
    clusters: Vec<String>,
    members: Vec<Option<String>>,
    starts: Vec<i64>,
    cells: Vec<CellSums>,
}

impl SumColumns {
    /// Adds the cells of one line of codes: a member's, or (without `member`) a cluster's.
    fn add_line(&mut self, table: &ScoreTable, scores: &DayScores, cluster: &str, member: Option<&str>, codes: &[u16]) {
        let mut from = 0;
        while from < codes.len() {
            let start = scores.grid.at(from).div_euclid(HOUR_MS) * HOUR_MS;
            let to = scores.grid.indices_between(start, start + HOUR_MS - 1).end;
            let cell = CellSums::over(table, &codes[from..to]);
            if cell.expected > 0 {
                self.levels.push(if member.is_some() { "member" } else { "cluster" });
                self.clusters.push(cluster.to_owned());
                self.members.push(member.map(str::to_owned));
                self.starts.push(start);
                self.cells.push(cell);
            }
            from = to;
        }
    }

    fn into_frame(self) -> PolarsResult<DataFrame> {
        let sums = |name: &str, value: fn(&CellSums) -> i64| {
            Column::new(name.into(), self.cells.iter().map(value).collect::<Vec<i64>>())
        };
        let mut columns = vec![
            Column::new("level".into(), &self.levels),
            Column::new("cluster".into(), &self.clusters),
            Column::new("member".into(), &self.members),
            Column::new("start".into(), &self.starts),
            sums(SCORE_SUM, |c| c.sum as i64),
            sums(SCORE_MIN, |c| c.min),
            sums("steps_scored", |c| c.scored),
            sums("steps_expected", |c| c.expected),
        ];
        for metric in Metric::ALL {
            let losses: Vec<i64> = self.cells.iter().map(|c| c.losses[metric.index()] as i64).collect();
            columns.push(Column::new(metric.loss_column().into(), losses));
        }
        DataFrame::new_infer_height(columns)
    }
}

/// The sums of all cells, of members and of clusters, that a day touches.
pub fn sum_day(table: &ScoreTable, rollup: Rollup, scores: &DayScores) -> PolarsResult<DataFrame> {
    let mut columns = SumColumns::default();
    for members in scores.clusters() {
        let cluster = scores.members[members.start].cluster.clone();
        let codes = rollup.codes(table, scores, members.clone());
        columns.add_line(table, scores, &cluster, None, &codes);
        for index in members {
            let member = &scores.members[index].member;
            columns.add_line(table, scores, &cluster, Some(member), scores.codes(index));
        }
    }
    columns.into_frame()
}

/// Adds up the sums that have the same `keys`: of one cell in two days' frames, or of all cells of
/// a cluster.
#[expect(deprecated, reason = "the eager aggregations; the lazy ones double the cold build")]
pub fn merge_sums(sums: &DataFrame, keys: &[&str]) -> PolarsResult<DataFrame> {
    let added: Vec<&str> = [SCORE_SUM, "steps_scored", "steps_expected"]
        .into_iter()
        .chain(Metric::ALL.iter().map(|m| m.loss_column()))
        .collect();
    let groups = sums.group_by_stable(keys.iter().copied())?.select(added.iter().copied());
    let mut merged = groups.sum()?;
    for name in added {
        merged.rename(&format!("{name}_sum"), name.into())?;
    }
    let minima = sums.group_by_stable(keys.iter().copied())?.select([SCORE_MIN]).min()?;
    let min = minima.column(&format!("{SCORE_MIN}_min"))?.clone().with_name(SCORE_MIN.into());
    merged.with_column(min)?;
    Ok(merged)
}

/// Divides the sums of finished cells: one row a cell, sorted by [`CELL_KEYS`].
///
/// Columns: `level` (`cluster` or `member`), `cluster`, `member` (null at level `cluster`), `start`
/// (UTC), `date`, `hour`, then those of [`divide`].
pub fn finish(table: &ScoreTable, sums: &DataFrame) -> PolarsResult<DataFrame> {
    let starts = sums.column("start")?.i64()?;
    let days: Int32Chunked = starts.iter().map(|s| s.map(|s| s.div_euclid(DAY_MS) as i32)).collect();
    let hours: Int32Chunked = starts.iter().map(|s| s.map(|s| (s.rem_euclid(DAY_MS) / HOUR_MS) as i32)).collect();
    let start = starts.clone().into_datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC));
    let mut columns = sums.select(["level", "cluster", "member"])?.into_columns();
    columns.push(start.into_column());
    columns.push(days.with_name("date".into()).into_date().into_column());
    columns.push(hours.with_name("hour".into()).into_column());
    columns.extend(divide(table, sums)?);
    DataFrame::new_infer_height(columns)?.sort(CELL_KEYS, SortMultipleOptions::default())
}

/// What the sums say once they are divided.
///
/// `mean` and `min` (0 to 10, null where no step was scored), `steps_scored`, `steps_expected`,
/// `coverage` (scored of expected), `worst_metric` (the one that cost the most; null where none
/// cost anything) and a `…_loss` for each metric, the mean of what it cost: `mean` and the losses
/// add up to 10.
pub fn divide(table: &ScoreTable, sums: &DataFrame) -> PolarsResult<Vec<Column>> {
    let int = |name: &str| -> PolarsResult<Int64Chunked> { Ok(sums.column(name)?.i64()?.clone()) };
    let (scored, expected) = (int("steps_scored")?, int("steps_expected")?);
    let real =
        |ints: &Int64Chunked| -> PolarsResult<Float64Chunked> { Ok(ints.cast(&DataType::Float64)?.f64()?.clone()) };
    let min: Float64Chunked =
        int(SCORE_MIN)?.iter().map(|m| m.filter(|&m| m != NO_MIN).map(|m| table.points(m as u64))).collect();
    let mut columns = vec![
        mean_points(table, &int(SCORE_SUM)?, &scored).with_name("mean".into()).into_column(),
        min.with_name("min".into()).into_column(),
        scored.clone().into_column(),
        expected.clone().into_column(),
        (&real(&scored)? / &real(&expected)?).with_name("coverage".into()).into_column(),
        worst_metric(sums)?,
    ];
    for metric in Metric::ALL {
        let loss = mean_points(table, &int(metric.loss_column())?, &scored);
        columns.push(loss.with_name(metric.loss_column().into()).into_column());
    }
    Ok(columns)
}

/// Sums over steps, as points a step: the nearest `f64` of the exact quotient, because a cell's
/// sums and its divisor stay below 2⁵³.
fn mean_points(table: &ScoreTable, sums: &Int64Chunked, steps: &Int64Chunked) -> Float64Chunked {
    let divide = |(sum, steps): (Option<i64>, Option<i64>)| match (sum, steps) {
        (Some(sum), Some(steps)) if steps > 0 => Some(sum as f64 / (table.denominator() as i64 * steps) as f64),
        _ => None,
    };
    sums.iter().zip(steps.iter()).map(divide).collect()
}

/// The metric with the greatest loss in each row, the first of the specification where two tie.
fn worst_metric(sums: &DataFrame) -> PolarsResult<Column> {
    let losses: Vec<&Int64Chunked> =
        Metric::ALL.iter().map(|m| sums.column(m.loss_column())?.i64()).collect::<PolarsResult<_>>()?;
    let worst: StringChunked = (0..sums.height())
        .map(|row| {
            let loss = |m: &Metric| losses[m.index()].get(row).unwrap_or(0);
            // `max_by_key` keeps the last of equals: go backwards.
            Metric::ALL.into_iter().rev().max_by_key(loss).filter(|m| loss(m) > 0).map(Metric::name)
        })
        .collect();
    Ok(worst.with_name("worst_metric".into()).into_column())
}

/// The rows of clusters, without those of members.
pub fn clusters_only(frame: &DataFrame) -> PolarsResult<DataFrame> {
    let is_cluster: BooleanChunked = frame.column("level")?.str()?.iter().map(|l| Some(l == Some("cluster"))).collect();
    frame.filter(&is_cluster)
}
