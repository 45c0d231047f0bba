//! Computes the score of a cluster from the scores of its members.

use std::cmp::Reverse;
use std::ops::Range;

use super::{ABSENT, DayScores, ScoreTable, StepState, Worth};
use crate::spec::METRICS;
use crate::text::named::named;

named! {
    /// How the score of a cluster at a step is computed from its members.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub enum Rollup {
        /// The lowest score of a member; unscored if any member is unscored.
        #[default]
        Worst = "worst",
        /// The mean score of the members; unscored if any member is unscored.
        Mean = "mean",
        /// The highest score that a majority of the members reaches. An unscored member counts as below any score.
        Quorum = "quorum",
    }
    parsed "unknown rollup"
}

impl Rollup {
    /// Text that completes a sentence such as "its score at a step is …".
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Worst => "the lowest score of its members; unscored while a member is unscored",
            Self::Mean => "the mean score of its members; unscored while a member is unscored",
            Self::Quorum => "the highest score that a majority of its members reaches",
        }
    }

    /// Short text that completes "the health of a cluster, …".
    pub const fn of_members(self) -> &'static str {
        match self {
            Self::Worst => "that of its worst member",
            Self::Mean => "the mean of its members",
            Self::Quorum => "what a majority of its members reaches",
        }
    }

    /// The state of the cluster at each step of the day, from the members with these indices.
    pub fn line(self, table: &ScoreTable, scores: &DayScores, members: Range<usize>) -> Vec<StepState> {
        match self {
            Self::Worst => worst(table, scores, members),
            Self::Mean => each_step(table, scores, members, |worths| mean(table, worths)),
            Self::Quorum => each_step(table, scores, members, quorum),
        }
    }
}

/// The state of the worst member at each step. Compares codes by the ranks of their scores, one member after
/// another, without arithmetic on scores.
fn worst(table: &ScoreTable, scores: &DayScores, members: Range<usize>) -> Vec<StepState> {
    // An unscored member ranks below the lowest score, because its actual score could be lower.
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

/// Computes the state of the cluster at each step. `roll` gets the result of each expected member, `None` for an
/// unscored one. A step without expected members is absent.
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

/// The mean of the members. The mean loss of each metric is rounded to an integer (in billionths of a point if the
/// weights add up to 1). The score is ten points minus these losses, so score and losses still add up to ten.
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

/// The highest score that a majority of the members reaches. In descending order, it is the one at index `len
/// / 2` (an integer division).
fn quorum(members: &mut [Option<Worth>]) -> Option<Worth> {
    // The sort is stable, so equal scores keep the order of the members. Unscored members come last.
    members.sort_by_key(|worth| Reverse(worth.map(|w| w.score)));
    members[members.len() / 2]
}
