//! The cells of the script: when the offset of a time zone from UTC changed, and the width of a cell.

use crate::heatmap::Folding;
use crate::time::Zone;

/// The range whose clock changes the script lists, in seconds since 1970: etcd has metrics since 2015.
const FROM_S: i64 = 1_420_070_400;
const UNTIL_S: i64 = 2_524_608_000;
/// The end of the last stretch: the year 10000, like the default of `until`.
const FOREVER_S: i64 = 253_402_300_800;

/// The parts of the script that depend on the time zone and the width of a cell.
pub(super) struct ClockSql {
    /// The rows of the table `clock`.
    pub(super) rows: String,
    /// Seconds in a slot: a part of an hour of the clock in which no cell begins or ends.
    pub(super) slot: i64,
    /// Seconds in a cell.
    pub(super) width: i64,
}

impl ClockSql {
    pub(super) fn of(folding: Folding) -> Self {
        let width = i64::from(folding.width.minutes()) * 60;
        let changes = folding.zone.changes(FROM_S, UNTIL_S);
        let offsets = [folding.zone.offset_ms(FROM_S * 1000) / 1000];
        let offsets: Vec<i64> = offsets.into_iter().chain(changes.iter().map(|&(_, offset)| offset)).collect();
        let begins: Vec<i64> = [0].into_iter().chain(changes.iter().map(|&(at, _)| at)).collect();
        let ends = begins.iter().skip(1).copied().chain([FOREVER_S]);
        let rows =
            begins.iter().zip(ends).zip(&offsets).map(|((begin, end), offset)| format!("({begin}, {end}, {offset})"));
        // Cells begin at multiples of the width in local time, and at changes.
        let slot =
            begins.iter().chain(&offsets).fold(width, |slot, &second| greatest_common_divisor(slot, second.abs()));
        Self { rows: super::wrapped(rows, ", ", 4), slot, width }
    }
}

fn greatest_common_divisor(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// What the script says of cells and clusters.
pub(super) fn defines(folding: Folding) -> String {
    let zone = if folding.zone == Zone::default() { "UTC".to_owned() } else { folding.zone.to_string() };
    format!("cells of {} in {zone}; the score of a cluster is {}", folding.width, folding.rollup.of_members())
}
