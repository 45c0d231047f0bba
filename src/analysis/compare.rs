//! Compares profiles on the same history: how many cells each profile colors red, yellow and green, and in
//! which cells the profiles disagree.

use std::collections::BTreeMap;

use polars::prelude::*;

use crate::text::named::named;
use crate::text::palette::{GREEN_FROM, RED_BELOW};
use crate::time::CellWidth;

named! {
    /// Color of a cell, by its mean score.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Shade {
        /// A mean of [`GREEN_FROM`] or more.
        Green = "green",
        /// A mean of at least [`RED_BELOW`], but below [`GREEN_FROM`].
        Yellow = "yellow",
        /// A mean below [`RED_BELOW`].
        Red = "red",
        /// A cell without any scored step.
        Unknown = "unknown",
    }
    listed
}

impl Shade {
    /// The shade of a cell with this mean; `None` is a cell without a score.
    pub(crate) fn of(mean: Option<f64>) -> Self {
        match mean {
            None => Self::Unknown,
            Some(mean) if mean < RED_BELOW => Self::Red,
            Some(mean) if mean < GREEN_FROM => Self::Yellow,
            Some(_) => Self::Green,
        }
    }
}

/// Adjacent cells on which the profiles disagree in the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Disagreement {
    pub(crate) start_ms: i64,
    /// End of the last cell, exclusive.
    pub(crate) end_ms: i64,
    /// The shade that each profile gives these cells, in the order of [`Comparison::profiles`].
    pub(crate) shades: Vec<Shade>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct ClusterComparison {
    pub(crate) cells: u64,
    /// For each profile, the number of cells of each shade, in the order of [`Shade::ALL`].
    pub(crate) shades: Vec<[u64; Shade::ALL.len()]>,
    /// Number of cells on which the profiles disagree.
    pub(crate) disputed: u64,
    /// The cells on which the profiles disagree, in order of time. Adjacent cells with the same shades are joined.
    pub(crate) disagreements: Vec<Disagreement>,
}

/// Comparison of the profiles for all clusters. [`Self::add`] adds cells as days are finished.
#[derive(Debug)]
pub(crate) struct Comparison {
    pub(crate) profiles: Vec<String>,
    pub(crate) clusters: BTreeMap<String, ClusterComparison>,
    width: CellWidth,
}

impl Comparison {
    pub(crate) fn new(profiles: Vec<String>, width: CellWidth) -> Self {
        Self { profiles, clusters: BTreeMap::new(), width }
    }

    pub(crate) fn cell_minutes(&self) -> u32 {
        self.width.minutes()
    }

    /// Adds finished cells of clusters: one frame for each profile, all with the same cells in the same order.
    ///
    /// Returns the rows of `profiles.csv`: `cluster`, `start`, `date`, `hour`, `minute`, `utc_offset_minutes`, then for
    /// each profile `…_mean`, `…_coverage` and `…_shade`, and last `agree`.
    pub(crate) fn add(&mut self, of_profiles: &[DataFrame]) -> PolarsResult<DataFrame> {
        let Some(first) = of_profiles.first() else { return Ok(DataFrame::empty()) };
        let keys = ["cluster", "start", "date", "hour", "minute", "utc_offset_minutes"];
        let mut columns = first.select(keys)?.into_columns();
        let mut shades: Vec<Vec<Shade>> = Vec::with_capacity(of_profiles.len());
        for (name, cells) in self.profiles.iter().zip(of_profiles) {
            let name = name.replace(" (", "_").replace(')', "");
            let mean = cells.column("mean")?;
            let shade: Vec<Shade> = mean.f64()?.iter().map(Shade::of).collect();
            columns.push(mean.clone().with_name(format!("{name}_mean").into()));
            columns.push(cells.column("coverage")?.clone().with_name(format!("{name}_coverage").into()));
            let words: StringChunked = shade.iter().map(|s| Some(s.name())).collect();
            columns.push(words.with_name(format!("{name}_shade").into()).into_column());
            shades.push(shade);
        }
        let by_cell: Vec<Vec<Shade>> = (0..first.height()).map(|row| shades.iter().map(|s| s[row]).collect()).collect();
        let agree: BooleanChunked = by_cell.iter().map(|shades| Some(all_equal(shades))).collect();
        columns.push(agree.with_name("agree".into()).into_column());
        self.count(first, by_cell)?;
        DataFrame::new_infer_height(columns)
    }

    fn count(&mut self, cells: &DataFrame, by_cell: Vec<Vec<Shade>>) -> PolarsResult<()> {
        let (clusters, starts) = (cells.column("cluster")?.str()?, cells.column("start")?.datetime()?.physical());
        let width_ms = i64::from(self.width.minutes()) * 60_000;
        for (row, shades) in by_cell.into_iter().enumerate() {
            let (Some(cluster), Some(start_ms)) = (clusters.get(row), starts.get(row)) else { continue };
            let of_cluster = self.clusters.entry(cluster.to_owned()).or_default();
            of_cluster.cells += 1;
            of_cluster.shades.resize(self.profiles.len(), [0; Shade::ALL.len()]);
            for (counts, shade) in of_cluster.shades.iter_mut().zip(&shades) {
                counts[*shade as usize] += 1;
            }
            if !all_equal(&shades) {
                of_cluster.dispute(Disagreement { start_ms, end_ms: start_ms + width_ms, shades });
            }
        }
        Ok(())
    }
}

impl ClusterComparison {
    fn dispute(&mut self, cell: Disagreement) {
        self.disputed += 1;
        match self.disagreements.last_mut() {
            Some(last) if last.end_ms == cell.start_ms && last.shades == cell.shades => last.end_ms = cell.end_ms,
            _ => self.disagreements.push(cell),
        }
    }
}

fn all_equal(shades: &[Shade]) -> bool {
    shades.windows(2).all(|pair| pair[0] == pair[1])
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::time::HOUR_MS;

    fn cells(means: &[Option<f64>]) -> DataFrame {
        let starts: Vec<i64> = (0..means.len() as i64).map(|hour| hour * HOUR_MS).collect();
        let start = Int64Chunked::new("start".into(), starts).into_datetime(TimeUnit::Milliseconds, None).into_column();
        let zeros = |name: &str| Column::new(name.into(), vec![0_i32; means.len()]);
        let mut columns = vec![Column::new("cluster".into(), vec!["c"; means.len()]), start];
        columns.extend(["date", "hour", "minute", "utc_offset_minutes"].map(zeros));
        columns.push(Column::new("mean".into(), means));
        columns.push(Column::new("coverage".into(), vec![1.0; means.len()]));
        DataFrame::new_infer_height(columns).unwrap()
    }

    #[test]
    fn thresholds_of_shades_belong_to_the_better_shade() {
        let shades = [4.999, 5.0, 8.999, 9.0].map(|mean| Shade::of(Some(mean)));
        assert_eq!(shades, [Shade::Red, Shade::Yellow, Shade::Yellow, Shade::Green]);
        assert_eq!(Shade::of(None), Shade::Unknown);
    }

    #[test]
    fn adjacent_hours_with_the_same_disagreement_are_joined() {
        let mut comparison = Comparison::new(vec!["a".into(), "b (changed)".into()], CellWidth::default());
        let [red, green] = [Some(1.0), Some(10.0)];
        let of_a = cells(&[green, red, red, red, None, red]);
        let of_b = cells(&[green, green, green, red, green, green]);
        let rows = comparison.add(&[of_a, of_b]).unwrap();
        assert_eq!(rows.column("agree").unwrap().bool().unwrap().sum(), Some(2));
        assert!(rows.column("b_changed_shade").is_ok());
        let found = &comparison.clusters["c"];
        assert_eq!((found.cells, found.disputed), (6, 4));
        assert_eq!(found.shades, [[1, 0, 4, 1], [5, 0, 1, 0]]);
        let stretches: Vec<_> =
            found.disagreements.iter().map(|d| (d.start_ms / HOUR_MS, d.end_ms / HOUR_MS, d.shades[0])).collect();
        assert_eq!(stretches, [(1, 3, Shade::Red), (4, 5, Shade::Unknown), (5, 6, Shade::Red)]);
    }
}
