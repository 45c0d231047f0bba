//! The readings of a cluster while days are added, in a packed form: a year of a cluster with evidence takes 1.7 MB otherwise.

use std::sync::Arc;

use super::day::{DayCell, Part};
use super::{ClusterReadings, Spread, SpreadColumns};

/// Cells that are compressed together. Later cells stay as they are.
const PART: usize = 256;

/// The readings of every cell of a cluster, which grow day by day.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PackedReadings {
    /// [`PART`] cells each, compressed.
    parts: Vec<Box<[u8]>>,
    /// The cells after those in `parts`.
    latest: ClusterReadings,
    /// A cell that UTC midnight cuts, until the next day adds its second part.
    open: Option<DayCell>,
}

impl PackedReadings {
    /// No cells yet; `empty` has the cluster's name, members and columns.
    pub(super) fn new(empty: ClusterReadings) -> Self {
        Self { parts: Vec::new(), latest: empty, open: None }
    }

    pub(super) fn cluster(&self) -> &str {
        &self.latest.cluster
    }

    /// Adds the cells of the next day. They give members by their index in `members`.
    pub(super) fn add(&mut self, members: &[Arc<str>], cells: Vec<DayCell>) {
        let known = &self.latest.members;
        let index = |member: &Arc<str>| known.binary_search(member).ok().and_then(|i| u16::try_from(i).ok());
        // A cluster with more than 65,535 members is not real; the members beyond have no name here.
        let indices: Vec<u16> = members.iter().map(|member| index(member).unwrap_or(u16::MAX)).collect();
        for mut cell in cells {
            cell.rename(&indices);
            match self.open.take() {
                Some(mut first) if first.start_ms == cell.start_ms => {
                    first.merge(cell);
                    self.push(first);
                    continue;
                }
                Some(first) => self.push(first),
                None => {}
            }
            if cell.continues {
                self.open = Some(cell);
            } else {
                self.push(cell);
            }
        }
    }

    fn push(&mut self, cell: DayCell) {
        self.push_spreads(cell.start_ms, cell.columns.into_iter().map(|part| part.map(Part::spread)));
    }

    fn push_spreads(&mut self, start_ms: i64, spreads: impl Iterator<Item = Option<Spread>>) {
        self.latest.starts.push(start_ms);
        for (columns, spread) in self.latest.columns.iter_mut().zip(spreads) {
            columns.push(spread);
        }
        if self.latest.starts.len() == PART {
            self.parts.push(packed(&self.latest));
            self.latest.clear();
        }
    }

    /// Completes the last cell.
    pub(super) fn finish(&mut self) {
        if let Some(last) = self.open.take() {
            self.push(last);
        }
    }

    pub(super) fn unpacked(&self) -> ClusterReadings {
        let mut all = ClusterReadings { starts: Vec::new(), ..self.latest.clone() };
        all.clear();
        self.parts.iter().for_each(|part| unpack(part, &mut all));
        all.starts.extend_from_slice(&self.latest.starts);
        for (columns, latest) in all.columns.iter_mut().zip(&self.latest.columns) {
            columns.p50.extend_from_slice(&latest.p50);
            columns.max.extend_from_slice(&latest.max);
            columns.member.extend_from_slice(&latest.member);
        }
        all
    }
}

/// Writes the differences of the starts, then column after column. [`unpack`] must match.
fn packed(cells: &ClusterReadings) -> Box<[u8]> {
    let mut bytes = Vec::new();
    let mut before_ms = 0;
    let changes = cells.starts.iter().map(|start_ms| start_ms - std::mem::replace(&mut before_ms, *start_ms));
    put(&mut bytes, &changes.map(i64::to_le_bytes).collect::<Vec<_>>());
    for SpreadColumns { p50, max, member } in &cells.columns {
        for reals in [p50, max] {
            put(&mut bytes, &reals.iter().map(|value| value.to_le_bytes()).collect::<Vec<_>>());
        }
        put(&mut bytes, &member.iter().map(|value| value.to_le_bytes()).collect::<Vec<_>>());
    }
    zstd::bulk::compress(&bytes, 1).expect("memory takes all").into()
}

/// Appends the cells that [`packed`] wrote.
fn unpack(part: &[u8], to: &mut ClusterReadings) {
    let bytes_a_cell = size_of::<i64>() + to.columns.len() * (2 * size_of::<f32>() + size_of::<u16>());
    let bytes = zstd::bulk::decompress(part, PART * bytes_a_cell).expect("it was compressed here");
    let mut rest = bytes.as_slice();
    let mut start_ms = 0;
    to.starts.extend(take(&mut rest).map(|change| {
        start_ms += i64::from_le_bytes(change);
        start_ms
    }));
    for columns in &mut to.columns {
        columns.p50.extend(take(&mut rest).map(f32::from_le_bytes));
        columns.max.extend(take(&mut rest).map(f32::from_le_bytes));
        columns.member.extend(take(&mut rest).map(u16::from_le_bytes));
    }
}

/// Writes the first byte of each value, then the second of each, and so on: the bytes of exponents repeat, those of the last
/// digits do not.
fn put<const N: usize>(bytes: &mut Vec<u8>, values: &[[u8; N]]) {
    (0..N).for_each(|place| bytes.extend(values.iter().map(|value| value[place])));
}

/// The next [`PART`] values.
fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> impl Iterator<Item = [u8; N]> + 'a {
    let (values, after) = rest.split_at(N * PART);
    *rest = after;
    (0..PART).map(move |index| std::array::from_fn(|place| values[place * PART + index]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::HOUR_MS;

    const COLUMNS: usize = 3;

    fn spread(column: usize, cell: usize) -> Option<Spread> {
        let (p50, max) = (cell as f32 / (column as f32 + 3.0), 1e9 / (cell as f32 + 1.0));
        (!cell.is_multiple_of(column + 2)).then_some(Spread { p50, max, member: (cell * 257 % 65_536) as u16 })
    }

    #[test]
    fn unpacked_readings_are_those_that_were_added() {
        for count in [0, 1, PART - 1, PART, PART + 1, 3 * PART + 5] {
            let columns = vec![SpreadColumns::default(); COLUMNS];
            let empty = ClusterReadings { cluster: "c".into(), members: vec!["m".into()], starts: Vec::new(), columns };
            let mut packed = PackedReadings::new(empty);
            // A gap every ten hours.
            let start = |cell: usize| (cell + cell / 10) as i64 * HOUR_MS - 7;
            for cell in 0..count {
                packed.push_spreads(start(cell), (0..COLUMNS).map(|column| spread(column, cell)));
            }
            let unpacked = packed.unpacked();
            assert_eq!((&*unpacked.cluster, unpacked.members.len()), ("c", 1));
            assert_eq!(unpacked.starts(), (0..count).map(start).collect::<Vec<_>>());
            for column in 0..COLUMNS {
                assert!(
                    (0..count).all(|cell| unpacked.spread(column, cell) == spread(column, cell)),
                    "{count} {column}"
                );
            }
        }
    }
}
