//! The readings of each cell of a cluster, for charts and for the worst reading of a stretch: the median over all its
//! members and steps, the maximum, and the member that had it.
//!
//! Days are reduced in parallel ([`DayReadings`]) and added in order of time ([`ReadingCells::add`]). Medians and
//! maxima are stored as `f32`, so they have 7 significant digits, more than any output shows. A cell takes 68 bytes, and 10
//! for each column of evidence, but cells are compressed until a cluster is asked for.

mod day;
mod packed;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests;

pub(crate) use day::DayReadings;

use std::sync::Arc;

use crate::readings::{Lives, Member};
use crate::spec::{Column, Companion, Metric};
use packed::PackedReadings;

/// The evidence that has charts, each with a title. Who leads, and who is a learner, are names and not amounts; limits are
/// thresholds.
const CHARTED: [(Companion, &str); 13] = [
    (Companion::HasLeader, "a member without a leader"),
    (Companion::PeerRoundTrip, "round trip between members p99"),
    (Companion::HeartbeatFailures, "heartbeats not sent in time"),
    (Companion::PeerSendFailures, "failed messages to members"),
    (Companion::ProposalsPending, "waiting proposals"),
    (Companion::ProposalsFailed, "failed proposals"),
    (Companion::SlowApplies, "applies above 100 ms"),
    (Companion::SlowReadIndexes, "reads confirmed too late"),
    (Companion::DbInUse, "database without free pages"),
    (Companion::Defragmenting, "time spent on defragmentation"),
    (Companion::Snapshotting, "time spent on sending snapshots"),
    (Companion::ResidentMemory, "memory"),
    (Companion::GrpcErrors, "gRPC errors of the server"),
];

/// The title of evidence that has a chart.
pub(crate) fn title_of_evidence(companion: Companion) -> Option<&'static str> {
    CHARTED.iter().find(|(charted, _)| *charted == companion).map(|(_, title)| *title)
}

/// The evidence with a chart among these columns of a history, in the order of the charts.
pub(crate) fn charted(held: &[Companion]) -> Vec<Companion> {
    CHARTED.iter().map(|(companion, _)| *companion).filter(|companion| held.contains(companion)).collect()
}

/// The readings of every cell of every cluster.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ReadingCells {
    /// The metrics, then the evidence: one [`Spread`] each in every cell.
    columns: Vec<Column>,
    clusters: Vec<PackedReadings>,
}

/// The readings of every cell of a cluster, in columns.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ClusterReadings {
    pub(crate) cluster: Arc<str>,
    /// The members ever seen, sorted; [`Spread::member`] is an index into this list.
    pub(crate) members: Vec<Arc<str>>,
    starts: Vec<i64>,
    columns: Vec<SpreadColumns>,
}

/// One entry per cell; NaN if the cell has no reading.
#[derive(Clone, Debug, Default, PartialEq)]
struct SpreadColumns {
    p50: Vec<f32>,
    max: Vec<f32>,
    member: Vec<u16>,
}

/// Median and maximum of a column in a cell, over all members and steps with a reading, in the column's unit. The knowledge of
/// a leader is turned around, so that 1 is bad: the member had none.
///
/// Compare them with a threshold as `f32`: widened to `f64`, 0.025 would exceed 0.025.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) p50: f32,
    pub(crate) max: f32,
    /// The member with the maximum, the first by name if several have it: an index into [`ClusterReadings::members`].
    pub(crate) member: u16,
}

impl ReadingCells {
    /// The clusters of these members, without any cell, for the metrics and this evidence.
    pub(crate) fn new(lives: &Lives, evidence: &[Companion]) -> Self {
        let members: Vec<&Member> = lives.iter().map(|(member, _)| member).collect();
        let columns = columns(evidence);
        let clusters = members.chunk_by(|a, b| a.cluster == b.cluster);
        let clusters =
            clusters.map(|members| PackedReadings::new(ClusterReadings::new(members, columns.len()))).collect();
        Self { columns, clusters }
    }

    /// The evidence in the cells.
    pub(crate) fn evidence(&self) -> impl Iterator<Item = Companion> + '_ {
        self.columns.iter().filter_map(|column| column.companion())
    }

    /// Adds the next day; days must come in order of time.
    pub(crate) fn add(&mut self, day: DayReadings) {
        for part in day.clusters {
            if let Ok(index) = self.clusters.binary_search_by(|known| known.cluster().cmp(&part.cluster)) {
                self.clusters[index].add(&part.members, part.cells);
            }
        }
    }

    /// Completes the last cells. Call it after the last day.
    #[must_use]
    pub(crate) fn finish(mut self) -> Self {
        self.clusters.iter_mut().for_each(PackedReadings::finish);
        self
    }

    /// The readings of a cluster, uncompressed.
    pub(crate) fn cluster(&self, name: &str) -> Option<ClusterReadings> {
        let index = self.clusters.binary_search_by(|known| known.cluster().cmp(name)).ok()?;
        Some(self.clusters[index].unpacked())
    }
}

/// The metrics, then the evidence.
fn columns(evidence: &[Companion]) -> Vec<Column> {
    Metric::ALL.into_iter().map(Column::Metric).chain(evidence.iter().copied().map(Column::Companion)).collect()
}

impl ClusterReadings {
    fn new(members: &[&Member], columns: usize) -> Self {
        Self {
            cluster: members[0].cluster.clone(),
            members: members.iter().map(|member| member.member.clone()).collect(),
            starts: Vec::new(),
            columns: vec![SpreadColumns::default(); columns],
        }
    }

    /// When the cells with a reading start, in order of time, milliseconds since 1970.
    pub(crate) fn starts(&self) -> &[i64] {
        &self.starts
    }

    /// A column's readings in the cell with this place in [`Self::starts`]; `None` if it has none.
    pub(crate) fn spread(&self, column: usize, cell: usize) -> Option<Spread> {
        self.columns[column].at(cell)
    }

    fn clear(&mut self) {
        self.starts.clear();
        for SpreadColumns { p50, max, member } in &mut self.columns {
            p50.clear();
            max.clear();
            member.clear();
        }
    }
}

impl SpreadColumns {
    fn push(&mut self, spread: Option<Spread>) {
        self.p50.push(spread.map_or(f32::NAN, |spread| spread.p50));
        self.max.push(spread.map_or(f32::NAN, |spread| spread.max));
        self.member.push(spread.map_or(0, |spread| spread.member));
    }

    fn at(&self, index: usize) -> Option<Spread> {
        let (p50, max, member) = (self.p50[index], self.max[index], self.member[index]);
        (!max.is_nan()).then_some(Spread { p50, max, member })
    }
}
