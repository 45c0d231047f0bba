//! Computes the score of a cluster from the scores of its members.

use std::borrow::Cow;
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

    /// Like [`Self::line`], as codes; `None` if the score of a cluster may be one that no code stands for, or learners do
    /// not count.
    pub fn codes(self, table: &ScoreTable, scores: &DayScores, members: Range<usize>) -> Option<Vec<u16>> {
        let has_codes = self == Self::Worst && !scores.learners.any(members.clone());
        has_codes.then(|| worst(table, scores.grid.len(), &voters(scores, members)))
    }

    /// The state of the cluster at each step of the day, from the members with these indices.
    ///
    /// A step is idle if the cluster has no score, and would have one if its idle members had scores. Learners do not
    /// count: a cluster is unscored while all expected members are learners.
    pub fn line(self, table: &ScoreTable, scores: &DayScores, members: Range<usize>) -> Vec<StepState> {
        let (len, voters) = (scores.grid.len(), voters(scores, members.clone()));
        let mut line = match self {
            Self::Worst => worst(table, len, &voters).into_iter().map(|code| table.state(code)).collect(),
            Self::Mean => each_step(table, len, &voters, |worths| mean(table, worths)),
            Self::Quorum => each_step(table, len, &voters, quorum),
        };
        for member in members {
            for step in scores.learner_steps(member).iter().cloned().flatten() {
                if line[step] == StepState::Absent && scores.codes(member)[step] != ABSENT {
                    line[step] = StepState::Unknown;
                }
            }
        }
        line
    }
}

/// The codes of these members, [`ABSENT`] where they are learners.
fn voters(scores: &DayScores, members: Range<usize>) -> Vec<Cow<'_, [u16]>> {
    members.map(|member| scores.voting_codes(member)).collect()
}

/// The code of the worst member at each step. Compares codes by the ranks of their scores, one member after
/// another, without arithmetic on scores.
fn worst(table: &ScoreTable, len: usize, members: &[Cow<'_, [u16]>]) -> Vec<u16> {
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
    let mut standing = vec![ABSENT; len];
    for codes in members {
        for (stands, &code) in standing.iter_mut().zip(codes.iter()) {
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
    len: usize,
    members: &[Cow<'_, [u16]>],
    mut roll: impl FnMut(&mut [StepState]) -> StepState,
) -> Vec<StepState> {
    let mut alive: Vec<StepState> = Vec::with_capacity(members.len());
    let roll_step = |step: usize| {
        alive.clear();
        let states = members.iter().map(|codes| table.state(codes[step]));
        alive.extend(states.filter(|state| *state != StepState::Absent));
        if alive.is_empty() { StepState::Absent } else { roll(&mut alive) }
    };
    (0..len).map(roll_step).collect()
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::readings::{IDLE, Life, Member, Window};
    use crate::score::score_window;
    use crate::spec::{Companion, Metric, Profile};
    use crate::time::{Grid, Step, TimeRange};

    const NAN: f64 = f64::NAN;

    /// Scores one step after another with the profile `seed`. A member has one letter a step: `s` scores 10, `b` 7 for a
    /// slow WAL, `i` is idle, `m` is missing, `-` is not expected yet; a capital is that of a learner.
    fn scored(table: &ScoreTable, members: &[&str], companions: &[Companion]) -> DayScores {
        let steps = members[0].len();
        let range = TimeRange { start_ms: 0, end_ms: steps as i64 * 60_000 };
        let grid = Grid::within(range, Step::from_millis(60_000).unwrap());
        let names: Vec<Member> = (0..members.len()).map(|number| Member::new("c", &number.to_string())).collect();
        let mut window = Window::unknown(grid, names.clone(), companions);
        let mut alive = Vec::new();
        for (index, letters) in members.iter().enumerate() {
            for (step, letter) in letters.chars().enumerate() {
                let wal = match letter.to_ascii_lowercase() {
                    's' => 0.001,
                    'b' => 0.02,
                    'i' => IDLE,
                    _ => NAN,
                };
                for (metric, value) in Metric::ALL.into_iter().zip([wal, 0.002, 100.0, 0.0, 1e6, 1e8]) {
                    window.row_mut(metric, index)[step] = value;
                }
                if companions.contains(&Companion::IsLearner) {
                    window.row_mut(Companion::IsLearner, index)[step] = f64::from(letter.is_ascii_uppercase());
                }
                if companions.contains(&Companion::StartTime) {
                    window.row_mut(Companion::StartTime, index)[step] = -1e6;
                }
            }
            let first = letters.find(|letter| letter != '-').unwrap() as i64;
            let life = Life { first_ms: first * 60_000, last_ms: grid.last_ms() };
            alive.push((names[index].clone(), life));
        }
        score_window(table, &window, &alive)
    }

    /// The cluster's score at each step: a number, `idle`, `missing` or `absent`.
    fn line(rollup: Rollup, members: &[&str], companions: &[Companion]) -> Vec<String> {
        let table = ScoreTable::new(&Profile::seed());
        let scores = scored(&table, members, companions);
        let text = |state| match state {
            StepState::Scored(worth) => table.points(worth.score).to_string(),
            StepState::Idle => "idle".to_owned(),
            StepState::Unknown => "missing".to_owned(),
            StepState::Absent => "absent".to_owned(),
        };
        rollup.line(&table, &scores, 0..members.len()).into_iter().map(text).collect()
    }

    /// Expected scores by hand: those of the members that are no learners.
    #[test]
    fn a_learner_does_not_count_whatever_its_state() {
        // One column is one step.
        let members = [
            "sssssSb", //
            "ssbsiSs", //
            "BMIBMBS",
        ];
        for (rollup, expected) in [
            (Rollup::Worst, ["10", "10", "7", "10", "idle", "missing", "7"]),
            (Rollup::Mean, ["10", "10", "8.5", "10", "idle", "missing", "8.5"]),
            (Rollup::Quorum, ["10", "10", "7", "10", "idle", "missing", "7"]),
        ] {
            assert_eq!(line(rollup, &members, &[Companion::IsLearner]), expected, "{rollup}");
        }
        // Without readings of it, nobody is a learner. The quorum of three is two.
        let all = line(Rollup::Worst, &members, &[]);
        assert_eq!(all, ["7", "missing", "idle", "7", "missing", "7", "7"]);
        assert_eq!(line(Rollup::Quorum, &members, &[]), ["10", "10", "7", "10", "idle", "10", "10"]);
    }

    #[test]
    fn a_learner_counts_from_its_promotion_on_and_alone_makes_its_cluster_unscored_not_absent() {
        let learner = [Companion::IsLearner];
        assert_eq!(line(Rollup::Worst, &["sss", "-Bb"], &learner), ["10", "10", "7"]);
        // The only member of its cluster, before it is expected, as a learner, and after its promotion.
        for rollup in Rollup::ALL {
            assert_eq!(line(rollup, &["-SMIs"], &learner), ["absent", "missing", "missing", "missing", "10"]);
        }
        let table = ScoreTable::new(&Profile::seed());
        let codes = |letters| scored(&table, &[letters], &learner).codes(0).to_vec();
        assert_eq!(codes("SB"), codes("sb"), "its own scores stay");
    }

    #[test]
    fn a_restart_of_a_learner_marks_the_member_and_not_its_cluster() {
        let table = ScoreTable::new(&Profile::seed());
        let companions = [Companion::StartTime, Companion::IsLearner];
        let mut scores = scored(&table, &["ssssss", "SSSsss"], &companions);
        scores.restarts = Some(vec![vec![0..1], vec![1..5]]);
        let own = 1..5;
        assert_eq!(scores.after_restart(1..2), Some(vec![own]));
        assert_eq!(scores.after_restart_of_voters(0..2), Some(vec![0..1, 3..5]));
        scores.restarts = None;
        assert_eq!(scores.after_restart_of_voters(0..2), None);
    }
}
