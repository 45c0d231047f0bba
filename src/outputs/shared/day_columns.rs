//! Which column of a day's row a cell stands in, for tables with days down and hours across.
//!
//! A local time that comes twice on an autumn night has two columns, `02:00` and `02:00 (2)`; the
//! second is there where any day of the table needs it. On a spring night `02:00` stays empty.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::folder::{FolderError, MANIFEST, Manifest};
use crate::heatmap::{Cell, Folding, Line};
use crate::outputs::OutputError;
use crate::time::{DAY_MS, HOUR_MS, UtcDay};

/// Clocks change on a quarter of an hour, and no cell is narrower.
const QUARTER_MS: i64 = HOUR_MS / 4;

/// Minutes after local midnight, and how often the clock has shown them before on that day.
type Slot = (u32, usize);

/// The columns of all days of a heat map.
#[derive(Debug)]
pub(in crate::outputs) struct DayColumns {
    folding: Folding,
    slots: Vec<Slot>,
    /// The first instants of a day's cells, in order; worked out when the day is first met.
    days: RefCell<BTreeMap<UtcDay, Vec<(i64, u32)>>>,
}

impl DayColumns {
    /// The columns that these lines need; `out` is for the error of a folder that was not scored.
    pub(in crate::outputs) fn of(out: &Path, manifest: &Manifest, lines: &[Line]) -> Result<Self, OutputError> {
        let folding = manifest.folding().ok_or_else(|| FolderError::NoCells {
            path: out.join(MANIFEST),
            reason: "it does not say how cells were cut".to_owned(),
        })?;
        let width = folding.width.minutes();
        let mut columns = Self { folding, slots: Vec::new(), days: RefCell::default() };
        let mut slots: BTreeSet<Slot> = (0..24 * 60 / width).map(|place| (place * width, 0)).collect();
        slots.extend(lines.iter().flat_map(|line| &line.cells).map(|cell| columns.slot(cell)));
        columns.slots = slots.into_iter().collect();
        Ok(columns)
    }

    /// How the cells were cut.
    pub(in crate::outputs) fn folding(&self) -> Folding {
        self.folding
    }

    /// What stands above each column.
    pub(in crate::outputs) fn headings(&self) -> impl Iterator<Item = String> {
        self.slots.iter().map(|&(minute, before)| match before {
            0 => format!("{:02}:{:02}", minute / 60, minute % 60),
            _ => format!("{:02}:{:02} ({})", minute / 60, minute % 60, before + 1),
        })
    }

    /// How many there are.
    pub(in crate::outputs) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The column of a cell that [`DayColumns::of`] has seen.
    pub(in crate::outputs) fn place(&self, cell: &Cell) -> usize {
        let place = self.slot(cell);
        self.slots.partition_point(|slot| *slot < place)
    }

    /// How many hours a local day has: 24, or what the clocks made of it.
    pub(in crate::outputs) fn hours_of(&self, date: UtcDay) -> f64 {
        let begins = |date| self.starts(date).first().map_or(date.start_ms(), |&(start, _)| start);
        (begins(UtcDay::of(date.start_ms() + DAY_MS)) - begins(date)) as f64 / HOUR_MS as f64
    }

    fn slot(&self, cell: &Cell) -> Slot {
        let minute = u32::from(cell.hour) * 60 + u32::from(cell.minute);
        let is_before = |&&(start, at): &&(i64, u32)| at == minute && start < cell.start_ms;
        (minute, self.starts(cell.date).iter().filter(is_before).count())
    }

    /// Taken from the zone and not from the cells: a member may have been born in the second 02:00.
    fn starts(&self, date: UtcDay) -> std::cell::Ref<'_, Vec<(i64, u32)>> {
        if !self.days.borrow().contains_key(&date) {
            self.days.borrow_mut().insert(date, self.work_out(date));
        }
        std::cell::Ref::map(self.days.borrow(), |days| &days[&date])
    }

    fn work_out(&self, date: UtcDay) -> Vec<(i64, u32)> {
        // Zones reach from 12 hours behind UTC to 14 ahead.
        let around =
            (date.start_ms() - 16 * HOUR_MS..date.start_ms() + DAY_MS + 16 * HOUR_MS).step_by(QUARTER_MS as usize);
        let cells = around.map(|ms| self.folding.zone.cell_at(ms, self.folding.width));
        let mut starts: Vec<_> = cells
            .filter(|cell| UtcDay::from(cell.date) == date)
            .map(|cell| (cell.start_ms, cell.minute_of_day))
            .collect();
        starts.dedup();
        starts
    }
}

/// The cells of a line by local day.
pub(in crate::outputs) fn days(line: &Line) -> impl Iterator<Item = &[Cell]> {
    line.cells.chunk_by(|a, b| a.date == b.date)
}
