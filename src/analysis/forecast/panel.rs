//! The recent history as evenly spaced columns: readings of each member, and the score of each cluster.
//!
//! Days are added in any order. A slot of the panel is as long as a step of the history, or 5 minutes if the step is
//! shorter: models would learn nothing more from it, because the percentiles are those of five minutes.

use std::sync::Arc;

use crate::readings::{Life, Lives, Member, Window};
use crate::score::{DayScores, Rollup, ScoreTable, StepState};
use crate::spec::{COLUMNS, Column, Companion, Metric};
use crate::time::{HOUR_MS, Step, TimeRange};

/// The shortest slot, 5 minutes.
const SHORTEST_SLOT_MS: i64 = 300_000;

/// The companions that a panel reads besides the metrics, as far as the history has them.
pub const COMPANIONS: [Companion; 3] = [Companion::Quota, Companion::MaxFds, Companion::StartTime];

/// The columns of all members, and the scores of all clusters, at the slots of a range.
#[derive(Clone, Debug)]
pub struct Panel {
    /// The start of the first slot, milliseconds since 1970.
    pub start_ms: i64,
    /// The length of a slot in milliseconds; an hour is a multiple of it.
    pub slot_ms: i64,
    /// The number of slots.
    pub len: usize,
    /// The members, sorted by cluster and name.
    pub members: Vec<MemberColumns>,
    /// The clusters, sorted by name.
    pub clusters: Vec<ClusterScores>,
}

/// The readings of one member: for each column the last reading of each slot, NaN if missing or idle.
#[derive(Clone, Debug)]
pub struct MemberColumns {
    /// The member.
    pub member: Member,
    columns: [Vec<f64>; COLUMNS],
}

impl MemberColumns {
    /// The readings of a column.
    pub fn readings(&self, column: impl Into<Column>) -> &[f64] {
        &self.columns[column.into().index()]
    }
}

/// The scores of one cluster in each slot.
#[derive(Clone, Debug)]
pub struct ClusterScores {
    /// The cluster.
    pub cluster: Arc<str>,
    /// The members of the cluster, as a range of the panel's.
    pub members: std::ops::Range<usize>,
    sums: Vec<f64>,
    scored: Vec<u32>,
    expected: Vec<u32>,
}

impl ClusterScores {
    /// The number of slots.
    pub fn len(&self) -> usize {
        self.sums.len()
    }

    /// Whether there is no slot.
    pub fn is_empty(&self) -> bool {
        self.sums.is_empty()
    }

    /// The mean score of some slots, 0 to 10; `None` without a scored step.
    pub fn mean(&self, slots: std::ops::Range<usize>) -> Option<f64> {
        let scored: u32 = self.scored[slots.clone()].iter().sum();
        (scored > 0).then(|| self.sums[slots].iter().sum::<f64>() / f64::from(scored))
    }

    /// The share of the expected steps of some slots that have a score; 0 if none is expected.
    pub fn coverage(&self, slots: std::ops::Range<usize>) -> f64 {
        let [scored, expected] = [&self.scored, &self.expected].map(|counts| counts[slots.clone()].iter().sum::<u32>());
        if expected == 0 { 0.0 } else { f64::from(scored) / f64::from(expected) }
    }
}

impl Panel {
    /// An empty panel for the members that were seen in a range. It starts at a whole hour, and ends with the last slot that
    /// the range reaches into.
    pub fn new(range: TimeRange, step: Step, lives: &Lives) -> Self {
        let slot_ms = slot(step);
        let start_ms = range.start_ms.div_euclid(HOUR_MS) * HOUR_MS;
        let len = usize::try_from((range.end_ms - start_ms + slot_ms - 1).div_euclid(slot_ms)).unwrap_or(0);
        let seen = |life: &Life| life.first_ms < range.end_ms && life.last_ms >= range.start_ms;
        let members: Vec<MemberColumns> = lives
            .iter()
            .filter(|(_, life)| seen(life))
            .map(|(member, _)| MemberColumns {
                member: member.clone(),
                columns: std::array::from_fn(|_| vec![f64::NAN; len]),
            })
            .collect();
        let mut clusters: Vec<ClusterScores> = Vec::new();
        for (index, MemberColumns { member, .. }) in members.iter().enumerate() {
            match clusters.last_mut().filter(|last| last.cluster == member.cluster) {
                Some(last) => last.members.end = index + 1,
                None => clusters.push(ClusterScores {
                    cluster: Arc::from(&*member.cluster),
                    members: index..index + 1,
                    sums: vec![0.0; len],
                    scored: vec![0; len],
                    expected: vec![0; len],
                }),
            }
        }
        Self { start_ms, slot_ms, len, members, clusters }
    }

    /// Adds a day of readings and scores. Members that the panel does not have are ignored.
    pub fn add(&mut self, window: &Window, scores: &DayScores, table: &ScoreTable, rollup: Rollup) {
        let slots: Vec<Option<usize>> =
            (0..window.grid().len()).map(|step| self.slot_of(window.grid().at(step))).collect();
        for (index, member) in window.members().iter().enumerate() {
            let Ok(place) = self.members.binary_search_by(|known| known.member.cmp(member)) else { continue };
            let held = Column::all().filter(|c| c.companion().is_none_or(|c| window.companions().contains(&c)));
            for column in held {
                let own = &mut self.members[place].columns[column.index()];
                for (slot, reading) in slots.iter().zip(window.row(column, index)) {
                    if let Some(slot) = slot.filter(|_| !reading.is_nan()) {
                        own[slot] = *reading;
                    }
                }
            }
        }
        for members in scores.clusters() {
            let name = &scores.members[members.start].cluster;
            let Some(own) = self.clusters.iter_mut().find(|known| *known.cluster == **name) else { continue };
            for (slot, state) in slots.iter().zip(rollup.line(table, scores, members)) {
                let Some(slot) = *slot else { continue };
                own.expected[slot] += u32::from(state != StepState::Absent);
                if let StepState::Scored(worth) = state {
                    own.sums[slot] += table.points(worth.score);
                    own.scored[slot] += 1;
                }
            }
        }
    }

    /// Drops the slots after the last one with a reading of a metric.
    pub fn trim(&mut self) {
        let last = |member: &MemberColumns| {
            Metric::ALL.into_iter().filter_map(|m| member.readings(m).iter().rposition(|r| !r.is_nan())).max()
        };
        self.len = self.members.iter().filter_map(last).max().map_or(0, |last| last + 1);
        for member in &mut self.members {
            member.columns.iter_mut().for_each(|column| column.truncate(self.len));
        }
        for cluster in &mut self.clusters {
            cluster.sums.truncate(self.len);
            cluster.scored.truncate(self.len);
            cluster.expected.truncate(self.len);
        }
    }

    /// The start of a slot, which may lie after the last one, milliseconds since 1970.
    pub fn at_ms(&self, slot: usize) -> i64 {
        self.start_ms + slot as i64 * self.slot_ms
    }

    /// The number of slots in an hour.
    pub fn hour(&self) -> usize {
        (HOUR_MS / self.slot_ms) as usize
    }

    fn slot_of(&self, ms: i64) -> Option<usize> {
        usize::try_from((ms - self.start_ms).div_euclid(self.slot_ms)).ok().filter(|slot| *slot < self.len)
    }
}

/// The shortest divisor of an hour in whole minutes that is at least as long as a step and as [`SHORTEST_SLOT_MS`].
fn slot(step: Step) -> i64 {
    let longer = |minutes: &i64| 60 % minutes == 0 && minutes * 60_000 >= step.millis().max(SHORTEST_SLOT_MS);
    (1..=60).find(longer).map_or(HOUR_MS, |minutes| minutes * 60_000)
}
