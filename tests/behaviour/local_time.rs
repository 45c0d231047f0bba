//! Cells in local time: days with 23 and 25 hours, and offsets that are not whole hours.
//!
//! Expected numbers of cells and steps come from the published rules of the zones. The oracle computes every cell from
//! Python's zone files.

use crate::support::{
    Cell, Folder, HOUR, History, METRICS, Metrics, START, assert_same, autumn, cells, etcd_heatmap, mix, oracle,
    prometheus_of, sample_is_scored_exactly, spring,
};

/// Steps per hour, at five minutes each.
const STEPS: u32 = 12;

/// The cells of one cluster, without those of its members, on one local day.
fn day_of(folder: &Folder, cluster: &str, date: &str) -> Vec<Cell> {
    let cells = cells(&folder.text("audit/heatmap.csv"));
    cells.into_iter().filter(|c| c.member.is_none() && c.cluster == cluster && c.date == date).collect()
}

/// Start, offset and expected steps of the cells that begin at this local hour and minute.
fn at(cells: &[Cell], hour: u32, minute: u32) -> Vec<(&str, i32, u32)> {
    let found = cells.iter().filter(|cell| (cell.hour, cell.minute) == (hour, minute));
    found.map(|cell| (cell.start.as_str(), cell.utc_offset_minutes, cell.expected)).collect()
}

fn steps(cells: &[Cell]) -> u32 {
    cells.iter().map(|cell| cell.expected).sum()
}

#[test]
fn a_day_has_25_cells_when_clocks_go_back_two_of_them_at_02_00() {
    let folder = autumn().is_scored_exactly(&["--time-zone", "Europe/Berlin"]);
    let day = day_of(&folder, "c", "2026-10-25");
    let hours: Vec<_> = day.iter().map(|cell| cell.hour).collect();
    assert_eq!(hours, [&[0, 1, 2], &(2..24).collect::<Vec<_>>()[..]].concat());
    assert_eq!(
        at(&day, 2, 0),
        [("2026-10-25T00:00:00Z", 120, STEPS), ("2026-10-25T01:00:00Z", 60, STEPS)],
        "first in summer time, then in winter time"
    );
    assert!(day.iter().all(|cell| cell.expected == STEPS), "every hour is complete: {day:?}");
}

#[test]
fn a_day_has_23_cells_when_clocks_go_forward() {
    let folder = spring().is_scored_exactly(&["--time-zone", "Europe/Berlin"]);
    let day = day_of(&folder, "c", "2026-03-29");
    let hours: Vec<_> = day.iter().map(|cell| cell.hour).collect();
    assert_eq!(hours, [&[0, 1], &(3..24).collect::<Vec<_>>()[..]].concat(), "there is no 02:00");
    assert_eq!(at(&day, 1, 0), [("2026-03-29T00:00:00Z", 60, STEPS)]);
    assert_eq!(at(&day, 3, 0), [("2026-03-29T01:00:00Z", 120, STEPS)]);
    assert!(day.iter().all(|cell| cell.expected == STEPS), "every hour is complete: {day:?}");
}

#[test]
fn a_cell_of_two_hours_is_split_where_clocks_change() {
    let flags = ["--time-zone", "Europe/Berlin", "--cell", "2h"];
    let back = day_of(&autumn().is_scored_exactly(&flags), "c", "2026-10-25");
    // 02:00 to 03:00 in summer time, then 02:00 to 04:00 in winter time.
    assert_eq!(at(&back, 2, 0), [("2026-10-25T00:00:00Z", 120, STEPS), ("2026-10-25T01:00:00Z", 60, 2 * STEPS)]);
    assert_eq!((back.len(), steps(&back)), (13, 25 * STEPS));

    let forward = day_of(&spring().is_scored_exactly(&flags), "c", "2026-03-29");
    // There is no 02:00: the cell starts at the change, when clocks show 03:00.
    assert_eq!(at(&forward, 3, 0), [("2026-03-29T01:00:00Z", 120, STEPS)]);
    assert_eq!((forward.len(), steps(&forward)), (12, 23 * STEPS));
}

#[test]
fn with_a_half_hour_offset_a_cell_spans_two_utc_days() {
    let folder = sample_is_scored_exactly(&["--time-zone", "Asia/Kolkata"]);
    let day = day_of(&folder, "c01", "2026-10-02");
    assert_eq!(at(&day, 5, 0), [("2026-10-01T23:30:00Z", 330, STEPS)], "one cell with half an hour on each UTC day");
    assert_eq!((day.len(), steps(&day)), (24, 24 * STEPS));
    assert_eq!(day[0].start, "2026-10-01T18:30:00Z");
    // The history starts and ends at 05:30 local time, so its first and last cells have half their steps.
    let (first, last) = (day_of(&folder, "c01", "2026-10-01"), day_of(&folder, "c01", "2026-10-15"));
    assert_eq!(at(&first, 5, 0), [("2026-09-30T23:30:00Z", 330, STEPS / 2)]);
    assert_eq!(at(&last, 5, 0), [("2026-10-14T23:30:00Z", 330, STEPS / 2)]);
    assert_eq!((first.len(), last.len()), (19, 6));
}

#[test]
fn lord_howe_skips_and_repeats_half_an_hour() {
    let hourly = ["--time-zone", "Australia/Lord_Howe"];
    let forward = day_of(&sample_is_scored_exactly(&hourly), "c01", "2026-10-04");
    // At 02:00 clocks go forward to 02:30: the rest of that hour is one cell.
    assert_eq!(at(&forward, 1, 0), [("2026-10-03T14:30:00Z", 630, STEPS)]);
    assert_eq!(at(&forward, 2, 30), [("2026-10-03T15:30:00Z", 660, STEPS / 2)]);
    assert_eq!((forward.len(), steps(&forward)), (24, 24 * STEPS - STEPS / 2));

    let back = day_of(&spring().is_scored_exactly(&hourly), "c", "2026-04-05");
    // At 02:00 clocks go back to 01:30.
    assert_eq!(at(&back, 1, 0), [("2026-04-04T14:00:00Z", 660, STEPS)]);
    assert_eq!(at(&back, 1, 30), [("2026-04-04T15:00:00Z", 630, STEPS / 2)]);
    assert_eq!((back.len(), steps(&back)), (25, 24 * STEPS + STEPS / 2));

    for (width, hour, minute, expected) in [
        ("15m", 1, 30, vec![("2026-04-04T14:30:00Z", 660, 3), ("2026-04-04T15:00:00Z", 630, 3)]),
        ("30m", 1, 30, vec![("2026-04-04T14:30:00Z", 660, 6), ("2026-04-04T15:00:00Z", 630, 6)]),
        ("2h", 0, 0, vec![("2026-04-04T13:00:00Z", 660, 24)]),
        ("2h", 1, 30, vec![("2026-04-04T15:00:00Z", 630, 6)]),
    ] {
        let folder = spring().is_scored_exactly(&[&hourly[..], &["--cell", width]].concat());
        let day = day_of(&folder, "c", "2026-04-05");
        assert_eq!(at(&day, hour, minute), expected, "{width}");
        assert_eq!(steps(&day), 24 * STEPS + STEPS / 2, "{width}");
    }
}

#[test]
fn a_change_at_midnight_moves_the_start_or_end_of_a_day() {
    let beirut = day_of(&spring().is_scored_exactly(&["--time-zone", "Asia/Beirut"]), "c", "2026-03-29");
    assert_eq!(beirut[0].clock(), (1, 0, 180), "the day starts at 01:00: {beirut:?}");
    assert_eq!((beirut[0].start.as_str(), beirut.len()), ("2026-03-28T22:00:00Z", 23));

    let santiago = spring().is_scored_exactly(&["--time-zone", "America/Santiago"]);
    let saturday = day_of(&santiago, "c", "2026-04-04");
    assert_eq!(
        at(&saturday, 23, 0),
        [("2026-04-05T02:00:00Z", -180, STEPS), ("2026-04-05T03:00:00Z", -240, STEPS)],
        "the day has its last hour twice"
    );
    let sunday = day_of(&santiago, "c", "2026-04-05");
    assert_eq!(sunday[0].clock(), (0, 0, -240));
}

#[test]
fn cell_sets_the_width_of_cells() {
    for (width, minutes) in [("15m", 15), ("30m", 30), ("1h", 60), ("2h", 120)] {
        let folder = spring().is_scored_exactly(&["--time-zone", "Asia/Kathmandu", "--cell", width]);
        // Kathmandu is 5:45 h ahead of UTC, so that no hourly cell starts at a full UTC hour.
        let day = day_of(&folder, "c", "2026-04-01");
        let clocks: Vec<_> = day.iter().map(Cell::clock).collect();
        let expected: Vec<_> = (0..24 * 60).step_by(minutes).map(|m| (m as u32 / 60, m as u32 % 60, 345)).collect();
        assert_eq!(clocks, expected, "{width}");
        assert!(day.iter().all(|cell| cell.expected == minutes as u32 / 5), "{width}: {day:?}");
    }
}

#[test]
fn cells_narrower_than_the_step_exist_only_where_a_step_falls() {
    let mut metrics = Metrics::every(1800);
    for metric in METRICS {
        let labels = r#"cluster="c",job="etcd",instance="m1""#;
        metrics.recorded(metric, labels, START..START + 6 * HOUR, |_| 0.001);
    }
    let (prometheus, folder) = (prometheus_of(&metrics.text()), Folder::new("narrow"));
    let (url, out, end) = (prometheus.url(), folder.at("audit"), (START + 6 * HOUR).to_string());
    let flags = ["--time-zone", "Asia/Kathmandu", "--cell", "15m"];
    let range = ["--start", &START.to_string(), "--end", &end, "--step", "30m"];
    etcd_heatmap(&[&["backfill", "--quiet", "--url", &url, "--out", &out], &range[..], &flags].concat()).succeeds();
    oracle("score.py", &[&[out.as_str(), "--step", "1800"], &flags[..]].concat());
    let minutes: Vec<_> = day_of(&folder, "c", "2026-10-01").iter().map(|cell| (cell.minute, cell.expected)).collect();
    assert_eq!(minutes, [(45, 1), (15, 1)].repeat(6));
}

/// Zones with unusual rules: offsets of quarters of an hour, the greatest offsets, changes by two hours or half an
/// hour, changes at midnight, and southern summers.
const ZONES: [&str; 24] = [
    "Africa/Cairo",
    "America/Los_Angeles",
    "America/Nuuk",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Tokyo",
    "Atlantic/Azores",
    "Australia/Adelaide",
    "Australia/Eucla",
    "Australia/Lord_Howe",
    "Etc/GMT+12",
    "Europe/Berlin",
    "Europe/Dublin",
    "Europe/London",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "Pacific/Marquesas",
    "UTC",
];

#[test]
fn random_zones_widths_and_ranges_give_the_cells_of_the_oracle() {
    for seed in 0..12 {
        let pick = |what: u64, among: usize| (mix(seed * 16 + what) % among as u64) as usize;
        let zone = ZONES[(pick(0, 2) + 2 * seed as usize) % ZONES.len()];
        let flags = [
            ["--time-zone", zone],
            ["--cell", ["15m", "30m", "1h", "2h"][pick(1, 4)]],
            ["--rollup", ["worst", "mean", "quorum"][pick(2, 3)]],
            ["--min-coverage", ["0", "0.5", "0.75", "1"][pick(3, 4)]],
        ]
        .concat();
        // Clocks change on the second day and before the last one, so most ranges include a change.
        let mut days = spring().days();
        days.truncate(days.len() - pick(4, 4));
        days.drain(..pick(5, 4));
        if pick(6, 4) == 0 {
            days.remove(1);
        }
        println!("{flags:?} on {days:?}");
        spring().only(&days).is_scored_exactly(&flags);
    }
}

#[test]
fn by_default_cells_are_utc_hours_of_the_worst_member() {
    let explicit = ["--time-zone", "UTC", "--cell", "1h", "--rollup", "worst", "--min-coverage", "0.5"];
    let default = spring().is_scored_exactly(&[]);
    assert_same(&default.tree("audit"), &spring().is_scored_exactly(&explicit).tree("audit"));
    let day = day_of(&default, "c", "2026-04-01");
    assert!(day.iter().map(Cell::clock).eq((0..24).map(|hour| (hour, 0, 0))), "{day:?}");
}

#[test]
fn zone_and_width_change_neither_the_number_of_steps_nor_the_samples() {
    let utc = sample_is_scored_exactly(&[]);
    let flags = ["--time-zone", "Pacific/Chatham", "--cell", "30m", "--rollup", "mean", "--min-coverage", "0.9"];
    let elsewhere = sample_is_scored_exactly(&flags);
    let sums = |folder: &Folder| {
        let cells = cells(&folder.text("audit/heatmap.csv"));
        let of_members: Vec<_> = cells.into_iter().filter(|cell| cell.member.is_some()).collect();
        (steps(&of_members), of_members.iter().map(|cell| cell.scored).sum::<u32>())
    };
    assert_eq!(sums(&utc), sums(&elsewhere), "each step is counted once");
    assert_same(&utc.tree("audit/openmetrics"), &elsewhere.tree("audit/openmetrics"));
}

#[test]
fn a_cell_with_coverage_below_min_coverage_is_uncertain() {
    const M1: &str = r#"cluster="c",job="etcd",instance="m1""#;
    // Four hours with a coverage of 1, 0.75, 0.5 and 0.
    let mut metrics = Metrics::every(300);
    let end = START + 4 * HOUR;
    for metric in METRICS {
        metrics.recorded(metric, M1, START..end, |second| {
            let (hour, minute) = ((second - START) / HOUR, (second - START) % HOUR / 60);
            if metric == "open_fds" && minute >= [60, 45, 30, 0][hour as usize] { f64::NAN } else { 0.001 }
        });
    }
    let history = History::pull(&prometheus_of(&metrics.text()), START, end);
    for (minimum, expected) in [
        (None, [false, false, false, true]),
        (Some("0"), [false; 4]),
        (Some("0.5"), [false, false, false, true]),
        (Some("0.51"), [false, false, true, true]),
        (Some("0.75"), [false, false, true, true]),
        (Some("1"), [false, true, true, true]),
    ] {
        let flags = minimum.map_or(vec![], |minimum| vec!["--min-coverage", minimum]);
        let folder = history.is_scored_exactly(&flags);
        let uncertain: Vec<_> = day_of(&folder, "c", "2026-10-01").iter().map(|cell| cell.uncertain).collect();
        assert_eq!(uncertain, expected, "--min-coverage {minimum:?}");
    }
}
