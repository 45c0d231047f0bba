//! Aggregates scores into cells: one cluster or member in one local hour (or another width).
//!
//! The scores of a UTC day are added up into *sums*: one row per cell, all integers. Sums of two days can be added,
//! so days may finish in any order, and a cell may span two UTC days. Means are computed only when a cell is
//! complete. `outputs` writes the cells to files, and `folder` reads them back.

mod cell;
mod packed;
mod sums;
mod totals;
mod worst;

pub(crate) use cell::{Cell, Line, WHY_IDLE, is_idle};
pub(crate) use packed::PackedLine;
pub(crate) use sums::{sum_clusters, sum_day};
pub(crate) use totals::{Totals, costliest};
pub(crate) use worst::{by_loss, worst_first};

use chrono::NaiveDate;
use polars::prelude::*;

use crate::score::{Rollup, ScoreTable};
use crate::spec::Metric;
use crate::time::{CellWidth, Zone};

/// The columns that identify a cell, in sort order.
pub(crate) const CELL_KEYS: [&str; 5] = ["date", "level", "cluster", "member", "start"];

/// The columns that identify a cell in a frame of sums. Rows from different UTC days with equal values in these
/// columns belong to the same cell.
const PLACE_KEYS: [&str; 8] = ["level", "cluster", "member", "start", "date", "hour", "minute", "utc_offset_minutes"];

/// The column with the number of steps just after a restart.
const AFTER_RESTART: &str = "steps_after_restart";
/// The column with the number of steps with partial responses.
pub(crate) const PARTIAL: &str = "steps_partial";
/// The column with the number of idle steps.
pub(crate) const IDLE: &str = "steps_idle";
const SCORE_SUM: &str = "score_sum";
const SCORE_MIN: &str = "score_min";
/// The minimum in the sums of a cell without scored steps.
const NO_MIN: i64 = i64::MAX;

/// The settings that determine cells and cluster scores.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Folding {
    /// The time zone of days and hours.
    pub(crate) zone: Zone,
    /// The width of a cell.
    pub(crate) width: CellWidth,
    /// How cluster scores are computed from members.
    pub(crate) rollup: Rollup,
}

/// Which optional step counts the history has data for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Marks {
    /// Whether the history has process start times, which show restarts.
    pub(crate) restarts: bool,
    /// Whether the server sent partial responses for some steps of the history.
    pub(crate) partial: bool,
}

/// Holds back the cells of incomplete local days, and adds up the two parts of a cell that spans two UTC days.
#[derive(Debug, Default)]
pub(crate) struct OpenCells(Option<DataFrame>);

impl OpenCells {
    /// Adds the sums of UTC days and returns the sums of all local days that are now complete: those before
    /// `today`, the local date on which the next UTC day begins. After the last UTC day, `today` is `None`, and
    /// all remaining sums are returned. `repeats` tells whether a cell may span two of the days, and so have two rows.
    pub(crate) fn add(&mut self, sums: DataFrame, today: Option<NaiveDate>, repeats: bool) -> PolarsResult<DataFrame> {
        let names = sums.get_column_names_owned();
        let (all, repeats) = match self.0.take() {
            Some(open) if open.height() > 0 => (open.vstack(&sums)?, true),
            _ => (sums, repeats),
        };
        let all = if repeats { merge_sums(&all, &PLACE_KEYS)?.select(names)? } else { all };
        let Some(today) = today else { return Ok(all) };
        let today = (today - NaiveDate::default()).num_days() as i32;
        let over: BooleanChunked = all.column("date")?.i32()?.iter().map(|date| Some(date < Some(today))).collect();
        self.0 = Some(all.filter(&!&over)?);
        all.filter(&over)
    }
}

/// Adds up the rows with equal `keys`, such as the two parts of a cell that spans two UTC days, or
/// all cells of a cluster.
#[expect(deprecated, reason = "the eager aggregations; the lazy ones double the cold build")]
pub(crate) fn merge_sums(sums: &DataFrame, keys: &[&str]) -> PolarsResult<DataFrame> {
    let added: Vec<&str> = [SCORE_SUM, "steps_scored", "steps_expected", IDLE, AFTER_RESTART, PARTIAL]
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

/// Computes finished cells from sums: one row per cell, sorted by [`CELL_KEYS`].
///
/// Columns: `level` (`cluster` or `member`), `cluster`, `member` (null at level `cluster`), `start` (UTC),
/// `date`, `hour` and `minute` (local), `utc_offset_minutes`, then the columns of [`divide`]. `steps_after_restart` is
/// null if the history has no process start times. Then `steps_partial`, which only exists if the history has partial
/// responses, and last `steps_idle`.
pub(crate) fn finish(table: &ScoreTable, sums: &DataFrame, min_coverage: f64, marks: Marks) -> PolarsResult<DataFrame> {
    let start = sums.column("start")?.i64()?.clone().into_datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC));
    let date = sums.column("date")?.i32()?.clone().into_date();
    let mut columns = sums.select(["level", "cluster", "member"])?.into_columns();
    columns.extend([start.into_column(), date.into_column()]);
    columns.extend(sums.select(["hour", "minute", "utc_offset_minutes"])?.into_columns());
    columns.extend(divide(table, sums, min_coverage)?);
    let mut cells = DataFrame::new_infer_height(columns)?;
    if !marks.restarts {
        cells.with_column(Column::full_null(AFTER_RESTART.into(), sums.height(), &DataType::Int64))?;
    }
    if marks.partial {
        cells.with_column(sums.column(PARTIAL)?.clone())?;
    }
    cells.with_column(sums.column(IDLE)?.clone())?;
    cells.sort(CELL_KEYS, SortMultipleOptions::default())
}

/// Computes the columns of finished cells that come from sums of scores and steps.
///
/// These are `mean` and `min` (0 to 10, null without scored steps), `steps_scored`, `steps_expected`, `coverage`
/// (scored / expected), `uncertain` (coverage below `min_coverage`), `steps_after_restart`, `worst_metric` (the
/// metric with the highest loss, null without losses), and a `…_loss` per metric (its mean loss in points). `mean`
/// and the losses add up to 10.
pub(crate) fn divide(table: &ScoreTable, sums: &DataFrame, min_coverage: f64) -> PolarsResult<Vec<Column>> {
    let int = |name: &str| -> PolarsResult<Int64Chunked> { Ok(sums.column(name)?.i64()?.clone()) };
    let (scored, expected) = (int("steps_scored")?, int("steps_expected")?);
    let real =
        |ints: &Int64Chunked| -> PolarsResult<Float64Chunked> { Ok(ints.cast(&DataType::Float64)?.f64()?.clone()) };
    let min: Float64Chunked =
        int(SCORE_MIN)?.iter().map(|m| m.filter(|&m| m != NO_MIN).map(|m| table.points(m as u64))).collect();
    let coverage = (&real(&scored)? / &real(&expected)?).with_name("coverage".into());
    let uncertain: BooleanChunked = coverage.iter().map(|c| c.map(|c| c < min_coverage)).collect();
    let mut columns = vec![
        mean_points(table, &int(SCORE_SUM)?, &scored).with_name("mean".into()).into_column(),
        min.with_name("min".into()).into_column(),
        scored.clone().into_column(),
        expected.clone().into_column(),
        coverage.clone().into_column(),
        uncertain.with_name("uncertain".into()).into_column(),
        sums.column(AFTER_RESTART)?.clone(),
        worst_metric(sums)?,
    ];
    for metric in Metric::ALL {
        let loss = mean_points(table, &int(metric.loss_column())?, &scored);
        columns.push(loss.with_name(metric.loss_column().into()).into_column());
    }
    Ok(columns)
}

/// Means in points, from sums over steps; null without steps. Each mean is the `f64` nearest to the exact quotient,
/// because the sums of a cell and the divisor are below 2⁵³.
fn mean_points(table: &ScoreTable, sums: &Int64Chunked, steps: &Int64Chunked) -> Float64Chunked {
    let divide = |(sum, steps): (Option<i64>, Option<i64>)| match (sum, steps) {
        (Some(sum), Some(steps)) if steps > 0 => Some(sum as f64 / (table.denominator() as i64 * steps) as f64),
        _ => None,
    };
    sums.iter().zip(steps.iter()).map(divide).collect()
}

/// For each row, the metric with the highest loss; null without losses. Ties go to
/// the first metric in [`Metric::ALL`].
fn worst_metric(sums: &DataFrame) -> PolarsResult<Column> {
    let losses: Vec<&Int64Chunked> =
        Metric::ALL.iter().map(|m| sums.column(m.loss_column())?.i64()).collect::<PolarsResult<_>>()?;
    let worst: StringChunked = (0..sums.height())
        .map(|row| {
            let loss = |m: &Metric| losses[m.index()].get(row).unwrap_or(0);
            // `max_by_key` returns the last of equal metrics, so iterate in reverse.
            Metric::ALL.into_iter().rev().max_by_key(loss).filter(|m| loss(m) > 0).map(Metric::name)
        })
        .collect();
    Ok(worst.with_name("worst_metric".into()).into_column())
}

/// The rows at level `cluster`.
pub(crate) fn clusters_only(frame: &DataFrame) -> PolarsResult<DataFrame> {
    let is_cluster: BooleanChunked = frame.column("level")?.str()?.iter().map(|l| Some(l == Some("cluster"))).collect();
    frame.filter(&is_cluster)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::readings::{Life, Lives, Member, Window};
    use crate::score::{alive_on, score_window};
    use crate::spec::Profile;
    use crate::time::{Grid, HOUR_MS, Step, TimeRange, parse_instant};

    /// Marsaglia's xorshift: pseudorandom numbers that are the same in every run.
    struct Chance(u64);

    impl Chance {
        fn below(&mut self, bound: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0 % bound
        }
    }

    /// A pseudorandom reading of a member, metric and instant; about every ninth is missing.
    fn reading(member: usize, metric: Metric, ms: i64) -> f64 {
        let mut chance = Chance((ms as u64) ^ ((member as u64 + 1) << 40) ^ ((metric.index() as u64 + 1) << 50));
        chance.below(1 << 20);
        let bad = [0.02, 0.03, 2000.0, 6.0, 1.0, 1.0][metric.index()];
        match chance.below(9) {
            0 => f64::NAN,
            1..=3 => bad,
            _ => 0.0,
        }
    }

    fn sums_of(range: TimeRange, lives: &Lives, folding: Folding) -> DataFrame {
        let grid = Grid::within(range, Step::from_millis(300_000).unwrap());
        let alive = alive_on(&grid, lives);
        let names: Vec<Member> = lives.iter().map(|(member, _)| member.clone()).collect();
        let members = alive.iter().map(|(member, _)| member.clone()).collect();
        let mut window = Window::unknown(grid, members, &[]);
        for (index, (member, _)) in alive.iter().enumerate() {
            let of_all = names.binary_search(member).unwrap();
            for metric in Metric::ALL {
                for (step, value) in window.row_mut(metric, index).iter_mut().enumerate() {
                    *value = reading(of_all, metric, grid.at(step));
                }
            }
        }
        let table = ScoreTable::new(&Profile::seed());
        sum_day(&table, folding, &score_window(&table, &window, &alive)).unwrap()
    }

    #[test]
    fn only_cells_with_partial_responses_count_them() {
        let range = TimeRange { start_ms: 0, end_ms: 3 * HOUR_MS };
        let grid = Grid::within(range, Step::from_millis(600_000).unwrap());
        let mut window = Window::unknown(grid, vec![Member::new("c", "a"), Member::new("c", "b")], &[]);
        // Partial responses at 00:50, 01:00 and 01:10. Member b is first seen at 01:10.
        window.mark_partial(&[5..7, 7..8]);
        let lives = [(Member::new("c", "a"), 0), (Member::new("c", "b"), 7 * 600_000)]
            .map(|(member, first_ms)| (member, Life { first_ms, last_ms: range.end_ms }));
        let table = ScoreTable::new(&Profile::seed());
        let sums = sum_day(&table, Folding::default(), &score_window(&table, &window, &lives)).unwrap();
        let cells = |partial| finish(&table, &sums, 0.5, Marks { restarts: false, partial }).unwrap();
        assert!(cells(false).column(PARTIAL).is_err());
        let marked: Vec<_> = cells(true).column(PARTIAL).unwrap().i64().unwrap().into_no_null_iter().collect();
        // Three hours of the cluster, three of member a, two of member b.
        assert_eq!(marked, [1, 2, 0, 1, 2, 0, 1, 0]);
    }

    #[test]
    fn a_range_split_anywhere_and_merged_in_any_order_gives_the_same_cells() {
        let mut chance = Chance(20_261_025);
        for (zone, rollup, width) in [
            ("UTC", "worst", "1h"),
            ("Asia/Kolkata", "mean", "2h"),
            ("Europe/Berlin", "quorum", "15m"),
            ("Australia/Lord_Howe", "worst", "2h"),
        ] {
            let folding =
                Folding { zone: zone.parse().unwrap(), width: width.parse().unwrap(), rollup: rollup.parse().unwrap() };
            let start_ms = parse_instant("2026-10-24T06:00:00Z", 0).unwrap();
            let range = TimeRange { start_ms, end_ms: start_ms + 40 * HOUR_MS };
            let mut lives = Lives::default();
            for (name, from, to) in [("a", 0, 40), ("b", 3, 21), ("c", 22, 39)] {
                let life = Life { first_ms: start_ms + from * HOUR_MS, last_ms: start_ms + to * HOUR_MS };
                lives.add(Member::new("c1", name), life);
                lives.add(Member::new("c2", name), life);
            }
            let whole = sums_of(range, &lives, folding);
            let mut cuts: Vec<i64> = (0..6).map(|_| range.start_ms + chance.below(40 * 12) as i64 * 300_000).collect();
            cuts.extend([range.start_ms, range.end_ms]);
            cuts.sort_unstable();
            let mut parts: Vec<DataFrame> = cuts
                .windows(2)
                .map(|cut| sums_of(TimeRange { start_ms: cut[0], end_ms: cut[1] }, &lives, folding))
                .collect();
            let mut joined = parts.swap_remove(chance.below(parts.len() as u64) as usize);
            while !parts.is_empty() {
                joined.vstack_mut(&parts.swap_remove(chance.below(parts.len() as u64) as usize)).unwrap();
            }
            let merged = merge_sums(&joined, &PLACE_KEYS).unwrap().select(whole.get_column_names_owned()).unwrap();
            let sorted = |frame: &DataFrame| frame.sort(PLACE_KEYS, SortMultipleOptions::default()).unwrap();
            assert!(sorted(&merged).equals_missing(&sorted(&whole)), "{zone}, {rollup}, {width}, cut at {cuts:?}");
        }
    }
}
