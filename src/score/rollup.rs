//! Computes the score of a cluster from the scores of its members.

use std::cmp::Reverse;
use std::ops::Range;

use super::{ABSENT, DayScores, Entry, ScoreTable, StepState, Worth};
use crate::spec::METRICS;
use crate::text::named::named;

named! {
    /// How the score of a cluster at a step is computed from its members.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub enum Rollup {
        /// The lowest score of a member; unscored if any member is unscored, unless another one has a score of 0 in a
        /// profile with a cap of 0.
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

    /// Like [`Self::line`], as codes; `None` if the score of a cluster may be one that no code stands for.
    pub fn codes(self, table: &ScoreTable, scores: &DayScores, members: Range<usize>) -> Option<Vec<u16>> {
        (self == Self::Worst).then(|| worst(table, scores, members))
    }

    /// The state of the cluster at each step of the day, from the members with these indices.
    ///
    /// A step is idle if the cluster has no score, and would have one if its idle members had scores.
    pub fn line(self, table: &ScoreTable, scores: &DayScores, members: Range<usize>) -> Vec<StepState> {
        match self {
            Self::Worst => worst(table, scores, members).into_iter().map(|code| table.state(code)).collect(),
            Self::Mean => each_step(table, scores, members, |worths| mean(table, worths)),
            Self::Quorum => each_step(table, scores, members, quorum),
        }
    }
}

/// The code of the worst member at each step. Compares codes by the ranks of their scores, one member after
/// another, without arithmetic on scores.
fn worst(table: &ScoreTable, scores: &DayScores, members: Range<usize>) -> Vec<u16> {
    // An unscored member ranks below every scored one, because its actual score could be the lowest. A missing member
    // ranks below an idle one: the cluster is idle only if no member is missing. With a cap of 0, a profile asks for
    // outages, and a member that has 0 is one whatever an unscored member is worth: no score is lower.
    let zero_is_worst = table.has_cap_of_zero();
    let rank = |entry: &Entry| match entry.state() {
        StepState::Scored(worth) if zero_is_worst && worth.score == 0 => 0,
        StepState::Absent | StepState::Unknown => 1,
        StepState::Idle => 2,
        StepState::Scored(worth) => worth.score + 3,
    };
    let rank: Vec<u64> = table.entries.iter().map(rank).collect();
    let rank = |code: u16| rank.get(code as usize).copied().unwrap_or(u64::MAX);
    let mut standing = vec![ABSENT; scores.grid.len()];
    for member in members {
        for (stands, &code) in standing.iter_mut().zip(scores.codes(member)) {
            if rank(code) < rank(*stands) {
                *stands = code;
            }
        }
    }
    standing
}

/// Computes the state of the cluster at each step. `roll` gets the states of the expected members, which are never
/// empty and never `Absent`. A step without expected members is absent.
fn each_step(
    table: &ScoreTable,
    scores: &DayScores,
    members: Range<usize>,
    mut roll: impl FnMut(&mut [StepState]) -> StepState,
) -> Vec<StepState> {
    let mut alive: Vec<StepState> = Vec::with_capacity(members.len());
    let roll_step = |step: usize| {
        alive.clear();
        let states = members.clone().map(|member| table.state(scores.codes(member)[step]));
        alive.extend(states.filter(|state| *state != StepState::Absent));
        if alive.is_empty() { StepState::Absent } else { roll(&mut alive) }
    };
    (0..scores.grid.len()).map(roll_step).collect()
}

/// The mean of the members. The mean loss of each metric is rounded to an integer (in billionths of a point if the
/// weights add up to 1). The score is ten points minus these losses, so score and losses still add up to ten.
fn mean(table: &ScoreTable, members: &mut [StepState]) -> StepState {
    let count = members.len() as u64;
    let mut losses = [0; METRICS];
    let mut unscored = None;
    for state in members {
        match state {
            StepState::Scored(worth) => losses.iter_mut().zip(worth.losses).for_each(|(total, loss)| *total += loss),
            StepState::Idle => unscored = unscored.or(Some(StepState::Idle)),
            StepState::Unknown | StepState::Absent => unscored = Some(StepState::Unknown),
        }
    }
    let losses = losses.map(|total| (total + count / 2) / count);
    let score = |losses: [u64; METRICS]| 10 * table.denominator() - losses.iter().sum::<u64>();
    unscored.unwrap_or_else(|| StepState::Scored(Worth { score: score(losses), losses }))
}

/// The highest score that a majority of the members reaches. In descending order, it is the one at index `len
/// / 2` (an integer division).
fn quorum(members: &mut [StepState]) -> StepState {
    // The sort is stable, so equal scores keep the order of the members. Idle members come after scored ones, and
    // missing members last: if the majority is reached only by counting idle members, the cluster is idle.
    members.sort_by_key(|state| match state {
        StepState::Scored(worth) => (0, Reverse(worth.score)),
        StepState::Idle => (1, Reverse(0)),
        StepState::Unknown | StepState::Absent => (2, Reverse(0)),
    });
    members[members.len() / 2]
}
