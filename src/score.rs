//! Computes scores: a window of readings goes in, and a code per member and step comes out.
//!
//! Each reading falls into a band, so a step has only as many possible results as there are combinations of
//! bands and of the cap that applies. Each combination has a number, its *code*. Points, score and losses of every code are computed once, in
//! integers ([`ScoreTable`]), so scoring a step means finding its code. [`Rollup`] then turns the members of a
//! cluster into one result per step. Aggregation over time belongs to `heatmap`.

mod caps;
mod learners;
mod restart;
mod rollup;
mod table;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests;

pub use rollup::Rollup;
pub use table::{ABSENT, Entry, ScoreTable, StepState, Worth};

use std::borrow::Cow;
use std::ops::Range;

use crate::readings::{Life, Lives, Member, PartialSteps, Votes, Window};
use crate::spec::{Companion, Metric};
use crate::time::{Grid, stretches, union};
use learners::Learners;

/// The scores of one day: a code for each member and step.
#[derive(Clone, Debug)]
pub struct DayScores {
    /// The steps of the day.
    pub grid: Grid,
    /// The members that are expected on this day, sorted.
    pub members: Vec<Member>,
    codes: Vec<u16>,
    /// For each member, the steps shortly after a restart. `None` if the history has no start times.
    restarts: Option<Vec<Vec<Range<usize>>>>,
    learners: Learners,
    /// Steps with partial responses.
    pub partial: PartialSteps,
}

impl DayScores {
    /// The codes of one member, one per step; [`ABSENT`] where the member is not expected.
    pub fn codes(&self, member: usize) -> &[u16] {
        let len = self.grid.len();
        &self.codes[member * len..(member + 1) * len]
    }

    /// The steps after a restart of any of these members, as ascending ranges;
    /// `None` if the history has no start times.
    pub fn after_restart(&self, members: Range<usize>) -> Option<Vec<Range<usize>>> {
        self.restarts.as_ref().map(|restarts| union(restarts[members].iter().flatten()))
    }

    /// Like [`Self::after_restart`], but without the steps at which such a member is a learner: those of a cluster.
    pub fn after_restart_of_voters(&self, members: Range<usize>) -> Option<Vec<Range<usize>>> {
        if !self.learners.any(members.clone()) {
            return self.after_restart(members);
        }
        let votes = |member: usize, step: &usize| !self.learner_steps(member).iter().any(|steps| steps.contains(step));
        let of_member = |member: usize| {
            let marked = self.after_restart(member..member + 1)?;
            Some(stretches(marked.into_iter().flatten().filter(|step| votes(member, step))))
        };
        members.map(of_member).collect::<Option<Vec<_>>>().map(|marked| union(marked.iter().flatten()))
    }

    /// The steps at which a member is a learner, as ascending ranges. They are among the expected steps only in part: the
    /// reading goes on for a day after the last scrape.
    pub fn learner_steps(&self, member: usize) -> &[Range<usize>] {
        self.learners.steps(member)
    }

    /// Adds since when the members of this day vote. Days must come in order.
    pub fn add_votes(&self, votes: &mut Votes) {
        for (index, member) in self.members.iter().enumerate() {
            let at = |step: usize| self.grid.at(step);
            let learner_ms = self.learner_steps(index).first().map(|steps| at(steps.start));
            votes.add(member, learner_ms, self.learners.first_vote(index).map(at));
        }
    }

    /// The codes of one member as its cluster's score counts them: [`ABSENT`] where it is a learner as well.
    pub fn voting_codes(&self, member: usize) -> Cow<'_, [u16]> {
        let mut codes = Cow::Borrowed(self.codes(member));
        for steps in self.learner_steps(member) {
            codes.to_mut()[steps.clone()].fill(ABSENT);
        }
        codes
    }

    /// Whether the step of the cluster has a partial response.
    pub fn is_partial(&self, cluster: &str, step: usize) -> bool {
        self.partial.of_cluster(cluster).iter().any(|steps| steps.contains(&step))
    }

    /// The clusters, each as the range of its members' indices.
    pub fn clusters(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let mut from = 0;
        self.members.chunk_by(|a, b| a.cluster == b.cluster).map(move |chunk| {
            from += chunk.len();
            from - chunk.len()..from
        })
    }
}

/// The members that are expected at one or more steps of the grid. Each has its first and last seen in the whole
/// history, not only on the grid.
pub fn alive_on(grid: &Grid, lives: &Lives) -> Vec<(Member, Life)> {
    lives
        .iter()
        .filter(|(_, life)| !grid.indices_between(life.first_ms, life.last_ms).is_empty())
        .map(|(member, life)| (member.clone(), *life))
        .collect()
}

/// Scores a window. `alive` must list the window's members in the same order. A step gets the code [`ABSENT`] if
/// it is before the member's first seen, after its last seen, or was never requested.
pub fn score_window(table: &ScoreTable, window: &Window, alive: &[(Member, Life)]) -> DayScores {
    let len = window.grid().len();
    let mut codes = vec![0_u16; alive.len() * len];
    let mut restarts = window.companions().contains(&Companion::StartTime).then(Vec::new);
    for (index, (member, life)) in alive.iter().enumerate() {
        debug_assert_eq!(*member, window.members()[index]);
        let row = &mut codes[index * len..(index + 1) * len];
        for metric in Metric::ALL {
            table.add_metric(metric, window, index, row);
        }
        table.add_cap(window, index, row);
        let lived = window.grid().indices_between(life.first_ms, life.last_ms);
        let outside = [0..lived.start, lived.end..len];
        for steps in outside.iter().chain(window.unasked()) {
            row[steps.clone()].fill(ABSENT);
        }
        if let Some(restarts) = &mut restarts {
            restarts.push(restart::steps_after(window.grid(), window.row(Companion::StartTime, index), lived));
        }
    }
    let partial = window.partial().clone();
    let (members, learners) = (window.members().to_vec(), Learners::of(window));
    DayScores { grid: *window.grid(), members, codes, restarts, learners, partial }
}
