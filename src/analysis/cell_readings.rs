//! The readings of each cell of a cluster, for charts and for the worst reading of a stretch: the median over all its
//! members and steps, the maximum, and the member that had it.
//!
//! Days are reduced in parallel ([`DayReadings`]) and added in order of time ([`ReadingCells::add`]). A cell takes 64
//! bytes: a year of 20 clusters in hours takes 11 MB. Medians and maxima are stored as `f32`, so they have 7 significant
//! digits, more than any output shows.

mod day;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests;

pub(crate) use day::DayReadings;

use std::sync::Arc;

use crate::readings::{Lives, Member};
use crate::spec::{METRICS, Metric};
use crate::time::{CellWidth, TimeRange};
use day::DayCell;

/// The readings of every cell of every cluster.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ReadingCells {
    width: CellWidth,
    clusters: Vec<ClusterReadings>,
}

/// The readings of every cell of a cluster, in columns.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ClusterReadings {
    pub(crate) cluster: Arc<str>,
    /// The members ever seen, sorted; [`Spread::member`] is an index into this list.
    pub(crate) members: Vec<Arc<str>>,
    starts: Vec<i64>,
    columns: [SpreadColumns; METRICS],
    /// A cell that UTC midnight cuts, until the next day adds its second part.
    open: Option<DayCell>,
}

/// One entry per cell; NaN if the cell has no reading.
#[derive(Clone, Debug, Default, PartialEq)]
struct SpreadColumns {
    p50: Vec<f32>,
    max: Vec<f32>,
    member: Vec<u16>,
}

/// The readings of one cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct CellReadings {
    pub(crate) start_ms: i64,
    /// In the order of [`Metric::ALL`]; `None` if the cell has no reading of the metric.
    pub(crate) metrics: [Option<Spread>; METRICS],
}

/// Median and maximum of a metric in a cell, over all members and steps with a reading, in the metric's unit.
///
/// Compare them with a threshold as `f32`: widened to `f64`, 0.025 would exceed 0.025.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) p50: f32,
    pub(crate) max: f32,
    /// The member with the maximum, the first by name if several have it: an index into [`ClusterReadings::members`].
    pub(crate) member: u16,
}

/// The highest reading of a stretch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Worst {
    /// In the metric's unit, with 7 significant digits.
    pub(crate) value: f64,
    /// The member that had it.
    pub(crate) member: Arc<str>,
    /// Start of the cell that contains it.
    pub(crate) start_ms: i64,
}

impl ReadingCells {
    /// The clusters of these members, without any cell. The cells of all days to add must have this width.
    pub(crate) fn new(lives: &Lives, width: CellWidth) -> Self {
        let members: Vec<&Member> = lives.iter().map(|(member, _)| member).collect();
        let clusters = members.chunk_by(|a, b| a.cluster == b.cluster).map(ClusterReadings::new);
        Self { width, clusters: clusters.collect() }
    }

    /// Adds the next day; days must come in order of time.
    pub(crate) fn add(&mut self, day: DayReadings) {
        for part in day.clusters {
            if let Ok(index) = self.clusters.binary_search_by(|known| known.cluster.cmp(&part.cluster)) {
                self.clusters[index].add(&part.members, part.cells);
            }
        }
    }

    /// Completes the last cells. Call it after the last day.
    #[must_use]
    pub(crate) fn finish(mut self) -> Self {
        self.clusters.iter_mut().for_each(ClusterReadings::finish);
        self
    }

    /// The clusters in byte order, including those without any cell.
    pub(crate) fn clusters(&self) -> &[ClusterReadings] {
        &self.clusters
    }

    /// The readings of a cluster.
    pub(crate) fn cluster(&self, name: &str) -> Option<&ClusterReadings> {
        let index = self.clusters.binary_search_by(|known| (*known.cluster).cmp(name)).ok()?;
        Some(&self.clusters[index])
    }

    /// The highest reading of a metric in the cells of a cluster that overlap any of these spans; the earliest if several
    /// cells have it. A cell is considered as a whole, so the reading may lie up to one cell outside the spans.
    pub(crate) fn worst_in(&self, cluster: &str, metric: Metric, spans: &[TimeRange]) -> Option<Worst> {
        let of = self.cluster(cluster)?;
        let worst = spans.iter().filter_map(|span| of.worst_within(metric, *span, self.width));
        let (index, max) = worst.reduce(|one, other| {
            // Spans may be in any order, and a cell may overlap two of them.
            if other.1 > one.1 || (other.1 == one.1 && other.0 < one.0) { other } else { one }
        })?;
        let member = of.members.get(usize::from(of.columns[metric.index()].member[index]))?;
        Some(Worst { value: shortest(max), member: member.clone(), start_ms: of.starts[index] })
    }
}

impl ClusterReadings {
    fn new(members: &[&Member]) -> Self {
        Self {
            cluster: members[0].cluster.clone(),
            members: members.iter().map(|member| member.member.clone()).collect(),
            starts: Vec::new(),
            columns: Default::default(),
            open: None,
        }
    }

    /// The cells with a reading, in order of time.
    pub(crate) fn cells(&self) -> impl ExactSizeIterator<Item = CellReadings> + '_ {
        (0..self.starts.len()).map(|index| CellReadings {
            start_ms: self.starts[index],
            metrics: std::array::from_fn(|metric| self.columns[metric].at(index)),
        })
    }

    /// Adds the cells of the next day, whose member indices refer to `members`.
    fn add(&mut self, members: &[Arc<str>], cells: Vec<DayCell>) {
        let index = |member: &Arc<str>| self.members.binary_search(member).ok().and_then(|i| u16::try_from(i).ok());
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
        self.starts.push(cell.start_ms);
        for (columns, part) in self.columns.iter_mut().zip(cell.metrics) {
            let spread = part.map(day::Part::spread);
            columns.p50.push(spread.map_or(f32::NAN, |spread| spread.p50));
            columns.max.push(spread.map_or(f32::NAN, |spread| spread.max));
            columns.member.push(spread.map_or(0, |spread| spread.member));
        }
    }

    fn finish(&mut self) {
        if let Some(last) = self.open.take() {
            self.push(last);
        }
        self.starts.shrink_to_fit();
        for columns in &mut self.columns {
            columns.p50.shrink_to_fit();
            columns.max.shrink_to_fit();
            columns.member.shrink_to_fit();
        }
    }

    /// Index and maximum of the first cell with the highest maximum among those that overlap the span.
    fn worst_within(&self, metric: Metric, span: TimeRange, width: CellWidth) -> Option<(usize, f32)> {
        let width_ms = i64::from(width.minutes()) * 60_000;
        let max = &self.columns[metric.index()].max;
        // A cell ends where the next one starts, at the latest: a change of the clocks can cut it short.
        let from = self.starts.partition_point(|start| *start <= span.start_ms).saturating_sub(1);
        let starts = self.starts[from..].iter().take_while(|start| **start < span.end_ms).enumerate();
        let overlapping = starts.filter(|(_, start)| **start + width_ms > span.start_ms);
        let known = overlapping.map(|(offset, _)| (from + offset, max[from + offset])).filter(|(_, max)| !max.is_nan());
        known.reduce(|one, other| if other.1 > one.1 { other } else { one })
    }
}

impl SpreadColumns {
    fn at(&self, index: usize) -> Option<Spread> {
        let (p50, max, member) = (self.p50[index], self.max[index], self.member[index]);
        (!max.is_nan()).then_some(Spread { p50, max, member })
    }
}

/// The `f64` with the shortest decimal that the `f32` stands for: 0.04, not 0.03999999910593033.
fn shortest(value: f32) -> f64 {
    value.to_string().parse().unwrap_or_else(|_| f64::from(value))
}
