//! Lines in a packed form, for outputs that need all cells: they unpack one line after the other.

use std::sync::Arc;

use super::{Cell, Line};
use crate::spec::{METRICS, Metric};
use crate::time::UtcDay;

/// Cells that are compressed together. Later cells stay as they are: 35 kB of a line.
const PART: usize = 256;

/// All cells of a cluster or member, in the order in which they were added. A cell of a long line takes about 20 bytes
/// instead of 136.
#[derive(Clone, Debug)]
pub(crate) struct PackedLine {
    pub(crate) cluster: Arc<str>,
    /// The member; `None` for the cluster itself.
    pub(crate) member: Option<Arc<str>>,
    /// [`PART`] cells each, compressed.
    parts: Vec<Box<[u8]>>,
    open: Vec<Cell>,
}

impl PackedLine {
    pub(crate) fn new(cluster: Arc<str>, member: Option<Arc<str>>) -> Self {
        Self { cluster, member, parts: Vec::new(), open: Vec::new() }
    }

    pub(crate) fn push(&mut self, cell: Cell) {
        self.open.push(cell);
        if self.open.len() == PART {
            self.parts.push(packed(&self.open));
            self.open.clear();
        }
    }

    /// The number of cells.
    pub(crate) fn len(&self) -> usize {
        self.parts.len() * PART + self.open.len()
    }

    /// The cells in order of time.
    pub(crate) fn cells(&self) -> Vec<Cell> {
        let mut cells = Vec::with_capacity(self.len());
        self.parts.iter().for_each(|part| unpack(part, &mut cells));
        cells.extend_from_slice(&self.open);
        cells.sort_by_key(|cell| cell.start_ms);
        cells
    }

    /// The line with its cells in order of time.
    pub(crate) fn line(&self) -> Line {
        Line { cluster: self.cluster.clone(), member: self.member.clone(), cells: self.cells() }
    }
}

/// Bits of the flags of a cell.
const HAS_MEAN: u8 = 1;
const HAS_MIN: u8 = 2;
const HAS_LOSSES: u8 = 4;
const HAS_RESTARTS: u8 = 8;
const IS_UNCERTAIN: u8 = 16;

/// The fields that are written as differences.
const INSTANTS: [fn(&Cell) -> i64; 2] = [|cell| cell.start_ms, |cell| cell.date.start_ms()];

/// Writes one field of each cell after the other, which compresses better than one cell after the other: most fields change
/// rarely. [`unpack`] must match.
fn packed(cells: &[Cell]) -> Box<[u8]> {
    let mut bytes = Vec::new();
    for instant in INSTANTS {
        let mut before_ms = 0;
        put(&mut bytes, cells, |cell| (instant(cell) - std::mem::replace(&mut before_ms, instant(cell))).to_le_bytes());
    }
    put(&mut bytes, cells, |cell| [cell.hour]);
    put(&mut bytes, cells, |cell| [cell.minute]);
    put(&mut bytes, cells, |cell| cell.offset_minutes.to_le_bytes());
    put(&mut bytes, cells, |cell| [flags(cell)]);
    put(&mut bytes, cells, |cell| cell.mean.unwrap_or_default().to_le_bytes());
    put(&mut bytes, cells, |cell| cell.min.unwrap_or_default().to_le_bytes());
    put(&mut bytes, cells, |cell| cell.scored.to_le_bytes());
    put(&mut bytes, cells, |cell| cell.expected.to_le_bytes());
    put(&mut bytes, cells, |cell| cell.idle.to_le_bytes());
    put(&mut bytes, cells, |cell| cell.after_restart.unwrap_or_default().to_le_bytes());
    put(&mut bytes, cells, |cell| cell.partial.to_le_bytes());
    put(&mut bytes, cells, |cell| [cell.worst.map_or(0, |metric| metric.index() as u8 + 1)]);
    for index in 0..METRICS {
        put(&mut bytes, cells, |cell| cell.losses.unwrap_or_default()[index].to_le_bytes());
    }
    zstd::bulk::compress(&bytes, 1).expect("memory takes all").into()
}

fn flags(cell: &Cell) -> u8 {
    let flags = [
        (cell.mean.is_some(), HAS_MEAN),
        (cell.min.is_some(), HAS_MIN),
        (cell.losses.is_some(), HAS_LOSSES),
        (cell.after_restart.is_some(), HAS_RESTARTS),
        (cell.uncertain, IS_UNCERTAIN),
    ];
    flags.into_iter().filter(|(is_set, _)| *is_set).map(|(_, flag)| flag).sum()
}

/// Appends the cells that [`packed`] wrote.
fn unpack(part: &[u8], to: &mut Vec<Cell>) {
    let bytes = zstd::bulk::decompress(part, PART * size_of::<Cell>()).expect("it was compressed here");
    let from = to.len();
    to.resize(from + PART, Cell::BLANK);
    let (mut rest, cells) = (bytes.as_slice(), &mut to[from..]);
    let (rest, mut start_ms, mut date_ms) = (&mut rest, 0, 0);
    take(rest, cells, |cell, value| {
        start_ms += i64::from_le_bytes(value);
        cell.start_ms = start_ms;
    });
    take(rest, cells, |cell, value| {
        date_ms += i64::from_le_bytes(value);
        cell.date = UtcDay::of(date_ms);
    });
    take(rest, cells, |cell, [hour]| cell.hour = hour);
    take(rest, cells, |cell, [minute]| cell.minute = minute);
    take(rest, cells, |cell, value| cell.offset_minutes = i32::from_le_bytes(value));
    take(rest, cells, |cell, [flags]| set_flags(cell, flags));
    take(rest, cells, |cell, value| cell.mean = cell.mean.map(|_| f64::from_le_bytes(value)));
    take(rest, cells, |cell, value| cell.min = cell.min.map(|_| f64::from_le_bytes(value)));
    take(rest, cells, |cell, value| cell.scored = u32::from_le_bytes(value));
    take(rest, cells, |cell, value| cell.expected = u32::from_le_bytes(value));
    take(rest, cells, |cell, value| cell.idle = u32::from_le_bytes(value));
    take(rest, cells, |cell, value| cell.after_restart = cell.after_restart.map(|_| u32::from_le_bytes(value)));
    take(rest, cells, |cell, value| cell.partial = u32::from_le_bytes(value));
    take(rest, cells, |cell, [worst]| cell.worst = Metric::ALL.into_iter().nth(usize::from(worst).wrapping_sub(1)));
    for index in 0..METRICS {
        take(rest, cells, |cell, value| {
            if let Some(losses) = &mut cell.losses {
                losses[index] = f64::from_le_bytes(value);
            }
        });
    }
}

fn set_flags(cell: &mut Cell, flags: u8) {
    let has = |flag: u8| flags & flag != 0;
    cell.mean = has(HAS_MEAN).then_some(0.0);
    cell.min = has(HAS_MIN).then_some(0.0);
    cell.losses = has(HAS_LOSSES).then_some([0.0; METRICS]);
    cell.after_restart = has(HAS_RESTARTS).then_some(0);
    cell.uncertain = has(IS_UNCERTAIN);
}

fn put<const N: usize>(bytes: &mut Vec<u8>, cells: &[Cell], mut field: impl FnMut(&Cell) -> [u8; N]) {
    cells.iter().for_each(|cell| bytes.extend_from_slice(&field(cell)));
}

/// Sets one field of each cell from the next bytes.
fn take<const N: usize>(rest: &mut &[u8], cells: &mut [Cell], mut set: impl FnMut(&mut Cell, [u8; N])) {
    let (values, after) = rest.split_at(N * cells.len());
    *rest = after;
    cells.iter_mut().zip(values.as_chunks().0).for_each(|(cell, value)| set(cell, *value));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::HOUR_MS;

    /// Cells whose fields differ from each other and from cell to cell.
    fn cell(index: usize) -> Cell {
        let (number, real) = (index as u32, index as f64);
        Cell {
            start_ms: -40 * HOUR_MS + index as i64 * HOUR_MS,
            date: UtcDay::from_days(index as i32 / 24 - 2),
            hour: (index % 24) as u8,
            minute: (index % 4 * 15) as u8,
            offset_minutes: 330 - index as i32,
            mean: (!index.is_multiple_of(3)).then_some(real / 3.0),
            min: (!index.is_multiple_of(5)).then_some(real / 7.0),
            scored: number + 1,
            expected: number + 2,
            idle: number + 3,
            uncertain: index % 2 == 1,
            after_restart: (!index.is_multiple_of(7)).then_some(number + 4),
            partial: u32::MAX - number,
            worst: Metric::ALL.into_iter().nth(index % (METRICS + 1)),
            losses: (!index.is_multiple_of(11))
                .then(|| std::array::from_fn(|metric| (real + 1.0) / (metric as f64 + 13.0))),
        }
    }

    #[test]
    fn unpacked_cells_are_those_that_were_added_in_order_of_time() {
        for count in [0, 1, PART - 1, PART, PART + 1, 3 * PART + 5] {
            let cells: Vec<Cell> = (0..count).map(cell).collect();
            let mut line = PackedLine::new("c".into(), Some("m".into()));
            cells.iter().cloned().for_each(|cell| line.push(cell));
            assert_eq!((line.len(), line.cells() == cells), (count, true), "{count}");
            let mut line = PackedLine::new("c".into(), None);
            cells.iter().rev().cloned().for_each(|cell| line.push(cell));
            assert_eq!(line.line(), Line { cluster: "c".into(), member: None, cells });
        }
    }
}
