//! Any text as values on the command line: bands, weights, steps, instants, days, time zones. A formatted value must
//! parse as the same value.

#![no_main]

use std::fmt::{Debug, Display};
use std::str::FromStr;

use libfuzzer_sys::fuzz_target;
use under_test::spec::{Bands, Metric, Profile, WEIGHT_ONE, parse_weight};
use under_test::time::{CellWidth, DAY_MS, Grid, Step, TimeRange, UtcDay, Zone, format_instant, parse_instant};

/// 2026-10-01.
const NOW_MS: i64 = 1_790_812_800_000;

fuzz_target!(|text: &str| {
    comes_back::<Bands>(text);
    comes_back::<Step>(text);
    comes_back::<CellWidth>(text);
    comes_back::<Zone>(text);
    comes_back::<UtcDay>(text);
    comes_back::<Metric>(text);
    if let Ok(weight) = parse_weight(text) {
        assert!(weight <= WEIGHT_ONE);
        assert_eq!(parse_weight(&(weight as f64 / WEIGHT_ONE as f64).to_string()), Ok(weight));
    }
    if let Ok(bands) = text.parse::<Bands>() {
        assert!(bands.list.windows(2).all(|pair| pair[0].above < pair[1].above && pair[0].points > pair[1].points));
        let _ = Profile::seed().with_bands(Metric::DbSize, bands);
    }
    // Two instants as --start and --end.
    let (start, end) = text.split_once("..").unwrap_or((text, "now"));
    if let (Some(start), Some(end)) = (instant(start), instant(end)) {
        for step in [1_000, 7_000, 60_000, 3_600_000] {
            resolves(start, end, Step::from_millis(step).expect("whole seconds"));
        }
    }
});

fn comes_back<T: FromStr + Display + PartialEq + Debug>(text: &str) {
    let Ok(value) = text.parse::<T>() else { return };
    let shown = value.to_string();
    assert_eq!(shown.parse::<T>().ok().as_ref(), Some(&value), "{text:?} is shown as {shown}");
}

fn instant(text: &str) -> Option<i64> {
    let ms = parse_instant(text, NOW_MS).ok();
    // RFC 3339 has only years of four digits.
    if let Some(ms) = ms.filter(|ms| (-62_167_219_200_000..253_402_300_800_000).contains(ms)) {
        assert_eq!(parse_instant(&format_instant(ms), NOW_MS), Ok(ms), "{text:?} is shown as {}", format_instant(ms));
    }
    let berlin: Zone = "Europe/Berlin".parse().expect("a zone");
    if let Ok(ms) = berlin.parse_instant(text, NOW_MS) {
        for width in ["15m", "30m", "1h", "2h"] {
            let width: CellWidth = width.parse().expect("a width");
            let cell = berlin.cell_at(ms, width);
            assert!(cell.start_ms <= ms && ms - cell.start_ms < i64::from(width.minutes()) * 60_000, "{ms}: {cell:?}");
        }
    }
    ms
}

fn resolves(start_ms: i64, end_ms: i64, step: Step) {
    let Ok(range) = TimeRange::resolve(start_ms, end_ms, step, NOW_MS) else { return };
    assert!(start_ms <= range.start_ms && range.start_ms < range.end_ms && range.end_ms <= NOW_MS + step.millis());
    let days = range.days();
    let first = days.clone().next().expect("a range that is not empty touches a day");
    assert!(first.start_ms() <= range.start_ms && range.start_ms < first.start_ms() + DAY_MS);
    let grid = Grid::within(range, step);
    // A range that ends at midnight ends before its last step is over, unless the step divides a day.
    assert_eq!(grid.first_ms(), range.start_ms);
    assert!(grid.last_ms() < range.end_ms && range.end_ms <= grid.last_ms() + step.millis());
    assert_eq!(grid.index_of(grid.last_ms()), Some(grid.len() - 1));
}
