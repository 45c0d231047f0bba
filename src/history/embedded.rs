//! Reads a day's file from memory, for the embedded sample.

use std::path::Path;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use bytes::Bytes;

use super::day_meta::meta_of;
use super::footer::{not_readings, open_content};
use super::read_day::{open_rows, read_rows};
use super::{DayMeta, HistoryError, MEMBER_COLUMNS};
use crate::readings::{Member, Window};
use crate::time::Grid;

/// A day's file in memory, with its footer already read.
#[derive(Debug)]
pub(crate) struct EmbeddedDay {
    name: String,
    content: Bytes,
    /// The contents of the footer.
    pub(crate) meta: DayMeta,
}

impl EmbeddedDay {
    /// Reads the footer of `content`; `name` stands for the path in errors.
    pub(crate) fn open(name: String, content: &'static [u8]) -> Result<Self, HistoryError> {
        let content = Bytes::from_static(content);
        let meta = meta_of(&open_content(content.clone(), Path::new(&name))?, Path::new(&name))?;
        Ok(Self { name, content, meta })
    }

    /// The size of the file in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.content.len() as u64
    }

    /// The readings of all members in the file, at the steps of the grid.
    pub(crate) fn read(&self, grid: Grid) -> Result<Window, HistoryError> {
        let path = Path::new(&self.name);
        let mut members = Vec::new();
        for batch in open_rows(open_content(self.content.clone(), path)?, path, &[])? {
            let batch = batch.map_err(|e| not_readings(path, &e))?;
            add_members(&mut members, &batch)
                .ok_or_else(|| not_readings(path, &"its columns have unexpected types"))?;
        }
        members.sort_unstable();
        members.dedup();
        let window = Window::unknown(grid, members, &self.meta.source.companions());
        read_rows(open_content(self.content.clone(), path)?, path, window)
    }
}

/// Adds the members of the rows to `members`; a member may be added more than once. `None` if the label columns are
/// missing or have other types.
fn add_members(members: &mut Vec<Member>, batch: &RecordBatch) -> Option<()> {
    let label = |name| batch.column_by_name(name)?.as_dictionary_opt::<Int32Type>();
    let (clusters, names) = (label(MEMBER_COLUMNS[1])?, label(MEMBER_COLUMNS[2])?);
    let (cluster, name) = (clusters.values().as_string_opt::<i32>()?, names.values().as_string_opt::<i32>()?);
    let mut last = None;
    for row in 0..batch.num_rows() {
        let keys = (clusters.key(row)?, names.key(row)?);
        if last.replace(keys) != Some(keys) {
            members.push(Member::new(cluster.value(keys.0), name.value(keys.1)));
        }
    }
    Some(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::history::day_file::tests::source;
    use crate::history::write_day;
    use crate::scratch::Scratch;
    use crate::spec::Metric;
    use crate::time::{Step, UtcDay};

    #[test]
    fn a_day_in_memory_has_all_its_members_even_one_with_a_single_reading() {
        let folder = Scratch::new();
        let path = folder.path().join("readings.parquet");
        let range = UtcDay::of(0).range();
        let grid = Grid::within(range, Step::from_millis(3_600_000).unwrap());
        let members = ["a", "b", "c"].map(|name| Member::new("c1", name));
        let mut window = Window::unknown(grid, members.to_vec(), &[]);
        for (member, steps) in [0..24, 7..8, 3..5].into_iter().enumerate() {
            window.row_mut(Metric::OpenFds, member)[steps].fill(60.0);
        }
        write_day(&path, &window, range, &source()).unwrap();
        let content = std::fs::read(&path).unwrap();
        let bytes = content.len() as u64;
        let day = EmbeddedDay::open("day".to_owned(), content.leak()).unwrap();
        assert_eq!(day.bytes(), bytes);
        let read = day.read(grid).unwrap();
        assert_eq!(read.members(), members);
        let known = [0, 1, 2].map(|m| read.row(Metric::OpenFds, m).iter().filter(|value| **value == 60.0).count());
        assert_eq!(known, [24, 1, 2]);
    }
}
