//! Score files against Parquet's own writer of arrays.

use ::parquet::file::properties::WriterProperties;
use arrow_array::{ArrayRef, BooleanArray, Float64Array, RecordBatch};

use super::super::rows::BATCH_ROWS;
use super::*;
use crate::readings::{IDLE, Life, Member, Window};
use crate::score::{ABSENT, score_window};
use crate::spec::{Companion, Profile};
use crate::time::{Grid, Step, TimeRange};

/// A day of one-minute steps. Readings change after `mean` steps on average; some are missing, some idle, and members
/// come, go, and restart.
fn day(members: usize, mean: u64, restarts: bool, seed: u64) -> (ScoreTable, DayScores) {
    let grid = Grid::within(TimeRange { start_ms: 0, end_ms: 86_400_000 }, Step::from_millis(60_000).unwrap());
    let mut state = seed;
    let mut chance = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let alive: Vec<(Member, Life)> = (0..members)
        .map(|index| {
            let (first, last) = (chance(4) / 3 * chance(900), 1440 - chance(3) / 2 * chance(400));
            let life = Life { first_ms: first as i64 * 60_000, last_ms: last as i64 * 60_000 - 1 };
            (Member::new(&format!("c{:03}", index / 3), &format!("etcd-{}", index % 3)), life)
        })
        .collect();
    let names = alive.iter().map(|(member, _)| member.clone()).collect();
    let companions = if restarts { &[Companion::StartTime][..] } else { &[] };
    let mut window = Window::unknown(grid, names, companions);
    let readings = [[0.001, 0.5, f64::NAN, IDLE], [0.03, 0.001, 0.2, IDLE], [100.0, 2000.0, f64::NAN, 100.0]];
    for member in 0..members {
        for metric in Metric::ALL {
            let of_metric = readings.get(metric.index()).unwrap_or(&[1.0; 4]);
            let (mut reading, mut quiet) = (of_metric[0], member % 4 == 0);
            for step in 0..grid.len() {
                if chance(mean) == 0 && !quiet {
                    reading = of_metric[chance(4) as usize];
                    quiet = chance(50) == 0;
                }
                window.row_mut(metric, member)[step] = reading;
            }
        }
        if restarts {
            let restart = chance(1440) as usize;
            let starts = window.row_mut(Companion::StartTime, member);
            starts[..restart].fill(-5000.0);
            starts[restart..].fill(restart as f64 * 60.0 - 30.0);
        }
    }
    window.limit_to(&[
        TimeRange { start_ms: 0, end_ms: 36_000_000 },
        TimeRange { start_ms: 40_000_000, end_ms: i64::MAX },
    ]);
    let table = ScoreTable::new(&Profile::seed());
    let scores = score_window(&table, &window, &alive);
    (table, scores)
}

/// The file that Parquet's writer of arrays writes, with a value for each row.
fn by_rows(properties: WriterProperties, table: &ScoreTable, scores: &DayScores) -> Vec<u8> {
    let mut writer = ArrowWriter::try_new(Vec::new(), scores_schema(), Some(properties)).unwrap();
    let labels = LabelColumns::new(&scores.members);
    let (mut ts, mut members, mut codes, mut after_restart) = (vec![], vec![], vec![], vec![]);
    for member in 0..scores.members.len() {
        let restarts = scores.after_restart(member..member + 1);
        for (step, &code) in scores.codes(member).iter().enumerate().filter(|(_, code)| **code != ABSENT) {
            ts.push(scores.grid.at(step));
            members.push(member as i32);
            codes.push(code);
            after_restart.push(restarts.as_ref().map(|ranges| ranges.iter().any(|range| range.contains(&step))));
        }
        if codes.len() >= BATCH_ROWS || member + 1 == scores.members.len() {
            let mut arrays = labels.arrays(std::mem::take(&mut ts), &members);
            let rows = std::mem::take(&mut codes);
            let of = |value: &dyn Fn(u16) -> Option<f64>| -> ArrayRef {
                Arc::new(rows.iter().map(|code| value(*code)).collect::<Float64Array>())
            };
            arrays.extend((0..METRICS).map(|metric| of(&|code| table.look_up(code).points[metric])));
            arrays.push(of(&|code| table.scores()[code as usize]));
            arrays.push(Arc::new(std::mem::take(&mut after_restart).into_iter().collect::<BooleanArray>()));
            writer.write(&RecordBatch::try_new(scores_schema(), arrays).unwrap()).unwrap();
            members.clear();
        }
    }
    writer.into_inner().unwrap()
}

/// `mean` steps between changes: from noise to days without a change.
#[test]
fn the_file_has_the_bytes_that_parquets_writer_of_arrays_writes() {
    for (number, (members, mean, restarts, group)) in [
        (1, 40, true, 1 << 20),
        (3, 1, true, 1 << 20),
        (20, 5, false, 1 << 20),
        (48, 400, true, 1 << 20),
        (110, 20, true, 1 << 20),
        (110, 3, true, 70_000),
        (110, 1_000_000, false, 65_536),
        (60, 60, true, 1_000),
    ]
    .into_iter()
    .enumerate()
    {
        let (table, scores) = day(members, mean, restarts, number as u64);
        let metadata = [("version", "1".to_owned())];
        let properties = || scores_properties(&metadata).set_max_row_group_row_count(Some(group)).build();
        let (by_runs, rows) = encode(Vec::new(), properties(), &table, &scores).unwrap();
        let expected = by_rows(properties(), &table, &scores);
        assert!(rows as usize > members * 400, "{rows}");
        let same = by_runs.iter().zip(&expected).take_while(|(a, b)| a == b).count();
        assert!(by_runs == expected, "{number}: {} and {} bytes, {same} equal", by_runs.len(), expected.len());
    }
}
