//! Cells around the clock changes of all time zones. The changes come from Python's zoneinfo
//! (`tests/oracle/transitions.py`); the expected cells follow from them by arithmetic.

use super::*;

const CHANGES: &str = include_str!("transitions.csv");

/// The expected cell that contains second `t`: its start in seconds, and the local minute of the day at its start.
/// `offset` is the UTC offset at `t`, in effect since second `since`.
fn expected(t: i64, offset: i64, since: i64, width: i64) -> (i64, u32) {
    let local = t + offset;
    let start = (local - local.rem_euclid(width) - offset).max(since);
    (start, ((start + offset).rem_euclid(86_400) / 60) as u32)
}

#[test]
fn cells_around_every_clock_change_start_where_the_clock_says_so() {
    let widths: Vec<CellWidth> = ["15m", "30m", "1h", "2h"].map(|width| width.parse().unwrap()).to_vec();
    let mut looked_at = 0;
    for line in CHANGES.lines() {
        let (name, numbers) = line.split_once(',').unwrap();
        let [at, before, after] = numbers.split(',').map(|n| n.parse().unwrap()).collect::<Vec<i64>>()[..] else {
            panic!("{line}");
        };
        let zone: Zone = name.parse().unwrap();
        for (width, minutes) in widths.iter().map(|width| (*width, i64::from(width.minutes()))) {
            for t in (at - 7200..at + 7200).step_by(900).chain([at - 1, at, at + 1]) {
                let (offset, since) = if t < at { (before, i64::MIN) } else { (after, at) };
                let cell = zone.cell_at(t * 1000, width);
                let found = (cell.start_ms / 1000, cell.minute_of_day, i64::from(cell.utc_offset_minutes));
                let (start, minute) = expected(t, offset, since, minutes * 60);
                assert_eq!(found, (start, minute, offset / 60), "{line}: {width} at {t}");
                looked_at += 1;
            }
        }
    }
    assert!(looked_at > 50_000, "{looked_at}");
}

#[test]
fn every_clock_change_since_2015_is_listed() {
    // 1 January of 2015 and of 2026, between which the file has all changes of its zones.
    let (from, until) = (1_420_070_400, 1_767_225_600);
    let mut expected = std::collections::BTreeMap::<&str, Vec<(i64, i64)>>::new();
    for line in CHANGES.lines() {
        let fields: Vec<&str> = line.split(',').collect();
        let listed = expected.entry(fields[0]).or_default();
        let (at, after) = (fields[1].parse().unwrap(), fields[3].parse().unwrap());
        listed.extend((at > from).then_some((at, after)));
    }
    assert!(expected.len() > 50, "{}", expected.len());
    for (name, changes) in expected {
        let zone: Zone = name.parse().unwrap();
        assert_eq!(zone.changes(from, until), changes, "{name}");
    }
}
