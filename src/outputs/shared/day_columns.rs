//! Column of a cell in tables with one row per day and one column per time of day.
//!
//! A local time that occurs twice when clocks go back has two columns, `02:00` and `02:00 (2)`; the second exists only
//! if a day of the table needs it. When clocks go forward, `02:00` stays empty.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::folder::{FolderError, MANIFEST, Manifest};
use crate::heatmap::{Cell, Folding, PackedLine};
use crate::outputs::OutputError;
use crate::time::{DAY_MS, HOUR_MS, UtcDay};

/// Interval of the search for the cells of a day: clocks change by multiples of 15 minutes,
/// and no cell is narrower.
const QUARTER_MS: i64 = HOUR_MS / 4;

/// Local clock time as a minute of the day, and the number of earlier cells of that day
/// that have the same clock time.
type Slot = (u32, usize);

/// The columns of all days of a heat map.
#[derive(Debug)]
pub(in crate::outputs) struct DayColumns {
    folding: Folding,
    slots: Vec<Slot>,
    /// For each day, the cells in order: when each one starts, and the minute of the day at which its column
    /// begins. Computed when first needed.
    days: RefCell<BTreeMap<UtcDay, Vec<(i64, u32)>>>,
}

impl DayColumns {
    /// The columns for the cells of these lines. Fails if the manifest in `out` shows that the folder was not scored.
    pub(in crate::outputs) fn of(out: &Path, manifest: &Manifest, lines: &[PackedLine]) -> Result<Self, OutputError> {
        let folding = manifest.folding().ok_or_else(|| FolderError::NoCells {
            path: out.join(MANIFEST),
            reason: "it does not record the width and time zone of cells".to_owned(),
        })?;
        let width = folding.width.minutes();
        let mut columns = Self { folding, slots: Vec::new(), days: RefCell::default() };
        let mut slots: BTreeSet<Slot> = (0..24 * 60 / width).map(|place| (place * width, 0)).collect();
        for line in lines {
            slots.extend(line.cells().iter().map(|cell| columns.slot(cell)));
        }
        columns.slots = slots.into_iter().collect();
        Ok(columns)
    }

    /// Width, time zone and rollup of the cells.
    pub(in crate::outputs) fn folding(&self) -> Folding {
        self.folding
    }

    /// The heading of each column, such as `02:00` or `02:00 (2)`.
    pub(in crate::outputs) fn headings(&self) -> impl Iterator<Item = String> {
        self.slots.iter().map(|&(minute, before)| match before {
            0 => format!("{:02}:{:02}", minute / 60, minute % 60),
            _ => format!("{:02}:{:02} ({})", minute / 60, minute % 60, before + 1),
        })
    }

    pub(in crate::outputs) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The index of a cell's column. The cell must be one of those given to [`DayColumns::of`].
    pub(in crate::outputs) fn place(&self, cell: &Cell) -> usize {
        let place = self.slot(cell);
        self.slots.partition_point(|slot| *slot < place)
    }

    /// Length of a local day in hours: 24, or another number such as 23 or 25 on a day when clocks change.
    pub(in crate::outputs) fn hours_of(&self, date: UtcDay) -> f64 {
        let begins = |date| self.starts(date).first().map_or(date.start_ms(), |&(start, _)| start);
        (begins(UtcDay::of(date.start_ms() + DAY_MS)) - begins(date)) as f64 / HOUR_MS as f64
    }

    fn slot(&self, cell: &Cell) -> Slot {
        let minute = self.column_of(u32::from(cell.hour) * 60 + u32::from(cell.minute));
        let is_before = |&&(start, at): &&(i64, u32)| at == minute && start < cell.start_ms;
        (minute, self.starts(cell.date).iter().filter(is_before).count())
    }

    /// The minute of the day at which the column of a cell begins: `minute`, at which the cell begins, rounded down to
    /// the cell width. They differ only where a clock change starts a cell in the middle of a column.
    fn column_of(&self, minute: u32) -> u32 {
        let width = self.folding.width.minutes();
        minute / width * width
    }

    /// The start and the column of each cell of a day. They come from the time zone rather than from the cells,
    /// because a member may first be seen in the second 02:00, which belongs in the column `02:00 (2)`.
    fn starts(&self, date: UtcDay) -> std::cell::Ref<'_, Vec<(i64, u32)>> {
        if !self.days.borrow().contains_key(&date) {
            self.days.borrow_mut().insert(date, self.work_out(date));
        }
        std::cell::Ref::map(self.days.borrow(), |days| &days[&date])
    }

    fn work_out(&self, date: UtcDay) -> Vec<(i64, u32)> {
        // Time zones range from UTC-12 to UTC+14, so 16 hours before and after the UTC day cover the local day.
        let around =
            (date.start_ms() - 16 * HOUR_MS..date.start_ms() + DAY_MS + 16 * HOUR_MS).step_by(QUARTER_MS as usize);
        let cells = around.map(|ms| self.folding.zone.cell_at(ms, self.folding.width));
        let mut starts: Vec<_> = cells
            .filter(|cell| UtcDay::from(cell.date) == date)
            .map(|cell| (cell.start_ms, self.column_of(cell.minute_of_day)))
            .collect();
        starts.dedup();
        starts
    }
}

/// The cells of a line, grouped by local day.
pub(in crate::outputs) fn days(cells: &[Cell]) -> impl Iterator<Item = &[Cell]> {
    cells.chunk_by(|a, b| a.date == b.date)
}
