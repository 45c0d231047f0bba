//! How the scores of a cluster's members become the score of the cluster.

use std::cmp::Reverse;
use std::ops::Range;

use super::{ABSENT, DayScores, ScoreTable, StepState, Worth};
use crate::spec::METRICS;
use crate::text::named::named;

named! {
    /// Which member, or what of all of them, stands for a cluster at a step.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub enum Rollup {
        /// The worst of its members; unknown as soon as one of them is unknown.
        #[default]
        Worst = "worst",
        /// The mean of its members; unknown as soon as one of them is unknown.
        Mean = "mean",
        /// The score that a majority of its members reaches; an unknown member reaches none.
        Quorum = "quorum",
    }
    parsed "no rollup is called"
}

impl Rollup {
    /// What it is, to follow "its score at a step is".
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Worst => "that of its worst member, and unknown while one of them is unknown",
            Self::Mean => "the mean of its members, and unknown while one of them is unknown",
            Self::Quorum => "the one that a majority of its members reaches",
        }
    }

    /// Whose score it is, to follow "the health of a cluster,".
    pub const fn of_members(self) -> &'static str {
        match self {
            Self::Worst => "that of its worst member",
            Self::Mean => "the mean of its members",
            Self::Quorum => "what a majority of its members reaches",
        }
    }

    /// The cluster at each step of the day, from its members with these indices.
    pub fn line(self, table: &ScoreTable, scores: &DayScores, members: Range<usize>) -> Vec<StepState> {
        match self {
            Self::Worst => worst(table, scores, members),
            Self::Mean => each_step(table, scores, members, |worths| mean(table, worths)),
            Self::Quorum => each_step(table, scores, members, quorum),
        }
    }
}

/// The worst member is one of the codes: no arithmetic, a member at a time.
fn worst(table: &ScoreTable, scores: &DayScores, members: Range<usize>) -> Vec<StepState> {
    // An unknown member outranks the worst known one: it could be worse still.
    let rank: Vec<u64> = table.entries.iter().map(|e| e.worth.map_or(0, |w| w.score + 1)).collect();
    let rank = |code: u16| rank.get(code as usize).copied().unwrap_or(u64::MAX);
    let mut standing = vec![ABSENT; scores.grid.len()];
    for member in members {
        for (stands, &code) in standing.iter_mut().zip(scores.codes(member)) {
            if rank(code) < rank(*stands) {
                *stands = code;
            }
        }
    }
    standing.into_iter().map(|code| table.state(code)).collect()
}

/// Calls `roll` with the living members at each step, `None` for those that are unknown.
fn each_step(
    table: &ScoreTable,
    scores: &DayScores,
    members: Range<usize>,
    mut roll: impl FnMut(&mut [Option<Worth>]) -> Option<Worth>,
) -> Vec<StepState> {
    let mut alive: Vec<Option<Worth>> = Vec::with_capacity(members.len());
    let roll_step = |step: usize| {
        alive.clear();
        alive.extend(members.clone().filter_map(|member| match table.state(scores.codes(member)[step]) {
            StepState::Absent => None,
            StepState::Unknown => Some(None),
            StepState::Scored(worth) => Some(Some(worth)),
        }));
        match alive.as_mut_slice() {
            [] => StepState::Absent,
            alive => roll(alive).map_or(StepState::Unknown, StepState::Scored),
        }
    };
    (0..scores.grid.len()).map(roll_step).collect()
}

/// The mean loss of each metric, rounded to the integers' unit (a billionth of a point for weights
/// that add up to 1); the score is what they leave, so that score and losses still add up to ten.
fn mean(table: &ScoreTable, members: &mut [Option<Worth>]) -> Option<Worth> {
    let count = members.len() as u64;
    let mut losses = [0; METRICS];
    for worth in members {
        for (total, loss) in losses.iter_mut().zip((*worth)?.losses) {
            *total += loss;
        }
    }
    let losses = losses.map(|total| (total + count / 2) / count);
    Some(Worth { score: 10 * table.denominator() - losses.iter().sum::<u64>(), losses })
}

/// Of n members the (n / 2 + 1)-th best: that score, and every lower one, a majority reaches.
fn quorum(members: &mut [Option<Worth>]) -> Option<Worth> {
    // The sort is stable: equals stay in the order of the members, the unknown come last.
    members.sort_by_key(|worth| Reverse(worth.map(|w| w.score)));
    members[members.len() / 2]
}
