//! Learners: members that do not vote. A cluster's score leaves them out.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::readings::Window;
use crate::spec::Companion;
use crate::time::stretches;

/// The learners of a day. A member is a learner exactly at the steps whose reading of `is_learner` is 1: its query looks
/// back one day, so a learner that misses scrapes stays one.
#[derive(Clone, Debug, Default)]
pub(super) struct Learners {
    /// For each member that is a learner at any step, by its index: those steps, as ascending ranges.
    steps: BTreeMap<usize, Vec<Range<usize>>>,
    /// For each member, the first step at which it is known to vote; empty without readings of `is_learner`.
    first_votes: Vec<Option<usize>>,
}

impl Learners {
    /// The learners among the members of a window.
    pub(super) fn of(window: &Window) -> Self {
        let mut learners = Self::default();
        if !window.companions().contains(&Companion::IsLearner) {
            return learners;
        }
        for member in 0..window.members().len() {
            let readings = window.row(Companion::IsLearner, member);
            learners.first_votes.push(readings.iter().position(|reading| *reading == 0.0));
            let steps = stretches((0..readings.len()).filter(|step| readings[*step] == 1.0));
            if !steps.is_empty() {
                learners.steps.insert(member, steps);
            }
        }
        learners
    }

    /// The steps at which a member is a learner, as ascending ranges.
    pub(super) fn steps(&self, member: usize) -> &[Range<usize>] {
        self.steps.get(&member).map_or(&[], Vec::as_slice)
    }

    /// Whether any of these members is a learner at any step.
    pub(super) fn any(&self, members: Range<usize>) -> bool {
        self.steps.range(members).next().is_some()
    }

    /// The first step at which a member is known to vote.
    pub(super) fn first_vote(&self, member: usize) -> Option<usize> {
        self.first_votes.get(member).copied().flatten()
    }
}
