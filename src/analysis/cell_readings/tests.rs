//! Tests on the sample, against numbers from DuckDB, and on small windows.

use std::path::Path;

use super::*;
use crate::heatmap::Folding;
use crate::history::History;
use crate::readings::{IDLE, Life, Window};
use crate::score::{ScoreTable, alive_on, score_window};
use crate::spec::{METRICS, Metric, Profile};
use crate::time::{Grid, HOUR_MS, Step, UtcDay, parse_instant};

fn folding(zone: &str, width: &str) -> Folding {
    Folding { zone: zone.parse().unwrap(), width: width.parse().unwrap(), ..Folding::default() }
}

/// The readings of each cell of the sample.
fn sample(folding: Folding) -> ReadingCells {
    let table = ScoreTable::new(&Profile::seed());
    let history = History::within(&Path::new(env!("CARGO_MANIFEST_DIR")).join("notebooks-data/sample"));
    let metas = history.read_metas().unwrap().known;
    let mut lives = Lives::default();
    metas.iter().for_each(|(_, meta)| lives.merge(&meta.lives));
    let mut cells = ReadingCells::new(&lives, &[]);
    for (day, meta) in metas {
        let grid = Grid::within(day.range(), meta.step().unwrap());
        let alive = alive_on(&grid, &lives);
        let members = alive.iter().map(|(member, _)| member.clone()).collect();
        let window = history.read_window(day, grid, members, &[]).unwrap();
        cells.add(DayReadings::new(folding, &window, &score_window(&table, &window, &alive), &[]));
    }
    cells.finish()
}

/// For each metric, the number of cells, and the sums of their medians, maxima and places of members (from 1).
type Sums = [(usize, f64, f64, usize); METRICS];

fn sums(cells: &ReadingCells) -> Sums {
    Metric::ALL.map(|metric| {
        let of = |cluster: &PackedReadings| -> Vec<Spread> {
            let cluster = cluster.unpacked();
            (0..cluster.starts().len()).filter_map(|cell| cluster.spread(metric.index(), cell)).collect()
        };
        cells.clusters.iter().flat_map(of).fold((0, 0.0, 0.0, 0), |(count, p50, max, place), spread| {
            let (p50, max) = (p50 + f64::from(spread.p50), max + f64::from(spread.max));
            (count + 1, p50, max, place + usize::from(spread.member) + 1)
        })
    })
}

/// Expected sums from `tests/oracle/cell_readings.py notebooks-data/sample --width MINUTES --offset MINUTES`. UTC midnight
/// cuts a cell of Kolkata (UTC+5:30). In cluster c01 a member is replaced.
#[test]
fn medians_maxima_and_members_of_the_sample_match_duckdb() {
    let hours_of_utc: Sums = [
        (912, 3.411350013901871, 5.947742577159921, 1191),
        (912, 7.500908855201576, 12.546234640091669, 2455),
        (912, 259685.0, 383732.0, 1488),
        (912, 289.0, 342.0, 976),
        (912, 167288016.95185184, 241251572.75925928, 1688),
        (912, 511070836736.0, 519436345344.0, 1440),
    ];
    let hours_of_kolkata: Sums = [
        (915, 3.4159394242583025, 5.980880450261768, 1192),
        (915, 7.5224861770798075, 12.566725376323959, 2463),
        (915, 260545.5, 384077.0, 1493),
        (915, 287.5, 344.0, 982),
        (915, 167434014.65, 241307586.42962965, 1734),
        (915, 512850008064.0, 520887709696.0, 1440),
    ];
    let two_hours_of_kolkata: Sums = [
        (459, 1.7121383416467117, 3.4361032890247647, 590),
        (459, 3.755255361737178, 6.795472233616461, 1217),
        (459, 130699.5, 193722.0, 749),
        (459, 144.5, 179.0, 494),
        (459, 83908708.37585416, 127584910.34074074, 861),
        (459, 257157634048.0, 261672419328.0, 724),
    ];
    for (zone, width, expected) in [
        ("UTC", "1h", hours_of_utc),
        ("Asia/Kolkata", "1h", hours_of_kolkata),
        ("Asia/Kolkata", "2h", two_hours_of_kolkata),
    ] {
        let got = sums(&sample(folding(zone, width)));
        for (metric, (got, expected)) in Metric::ALL.into_iter().zip(got.into_iter().zip(expected)) {
            let is_near = |got: f64, expected: f64| (got / expected - 1.0).abs() < 1e-7;
            assert!(
                got.0 == expected.0 && is_near(got.1, expected.1) && is_near(got.2, expected.2) && got.3 == expected.3,
                "{metric} in {width} of {zone}: {got:?}, expected {expected:?}"
            );
        }
    }
}

const MINUTE_MS: i64 = 60_000;

fn at(text: &str) -> i64 {
    parse_instant(text, 0).unwrap()
}

/// The cells of one cluster with two members from 2026-10-24 00:00 UTC for two days at one minute. `wal` gives the
/// readings of `wal_fsync` by member and instant; the other metrics have no reading.
fn two_days(folding: Folding, wal: impl Fn(usize, i64) -> f64) -> ReadingCells {
    let table = ScoreTable::new(&Profile::seed());
    let first = UtcDay::of(at("2026-10-24T00:00:00Z"));
    let mut lives = Lives::default();
    // Member b is last seen at noon of the first day.
    for (name, last_ms) in [("a", first.start_ms() + 48 * HOUR_MS - MINUTE_MS), ("b", first.start_ms() + 12 * HOUR_MS)]
    {
        lives.add(Member::new("c", name), Life { first_ms: first.start_ms(), last_ms });
    }
    let mut cells = ReadingCells::new(&lives, &[]);
    for day in [first, UtcDay::of(first.range().end_ms)] {
        let grid = Grid::within(day.range(), Step::from_millis(MINUTE_MS).unwrap());
        let alive = alive_on(&grid, &lives);
        let mut window = Window::unknown(grid, alive.iter().map(|(member, _)| member.clone()).collect(), &[]);
        for index in 0..alive.len() {
            for step in 0..grid.len() {
                window.row_mut(Metric::WalFsync, index)[step] = wal(index, grid.at(step));
            }
        }
        cells.add(DayReadings::new(folding, &window, &score_window(&table, &window, &alive), &[]));
    }
    cells.finish()
}

fn wal_of(cells: &ReadingCells) -> Vec<(i64, Spread)> {
    let cluster = cells.cluster("c").unwrap();
    cluster.starts().iter().enumerate().map(|(cell, start)| (*start, cluster.spread(0, cell).unwrap())).collect()
}

#[test]
fn a_cell_across_midnight_has_the_median_of_both_days() {
    // An hour of Kolkata lasts from 23:30 to 00:30 UTC. Its readings are 0.001 for 20 minutes, 0.005 for 30, and 0.009
    // for 10. The medians of the two parts are 0.001 and 0.005, and that of the whole hour is 0.005.
    let start = at("2026-10-24T23:30:00Z");
    let wal = |_, ms: i64| match (ms - start) / MINUTE_MS {
        0..20 => 0.001,
        20..50 => 0.005,
        50..60 => 0.009,
        _ => f64::NAN,
    };
    let cells = two_days(folding("Asia/Kolkata", "1h"), wal);
    assert_eq!(wal_of(&cells), [(start, Spread { p50: 0.005, max: 0.009, member: 0 })]);
    let cells = two_days(folding("UTC", "1h"), wal);
    let before = (start - HOUR_MS / 2, Spread { p50: 0.001, max: 0.005, member: 0 });
    let after = (start + HOUR_MS / 2, Spread { p50: 0.005, max: 0.009, member: 0 });
    assert_eq!(wal_of(&cells), [before, after]);
}

#[test]
fn readings_of_a_member_that_left_and_idle_readings_do_not_count() {
    let noon = at("2026-10-24T12:00:00Z");
    let wal = |member, ms: i64| match (member, ms) {
        (0, ms) if ms % (2 * MINUTE_MS) == 0 => IDLE,
        (0, _) => 0.001,
        _ => 0.002,
    };
    let cells = wal_of(&two_days(Folding::default(), wal));
    assert_eq!(cells.len(), 48);
    // From 12:00 to 13:00, member a has 30 readings and b has one, at its last step.
    let of = |ms: i64| cells.iter().find(|(start, _)| *start == ms).unwrap().1;
    assert_eq!(of(noon - HOUR_MS), Spread { p50: 0.002, max: 0.002, member: 1 });
    assert_eq!(of(noon), Spread { p50: 0.001, max: 0.002, member: 1 });
    assert_eq!(of(noon + HOUR_MS), Spread { p50: 0.001, max: 0.001, member: 0 });
}
