//! Since when members vote: learners do not.

use std::collections::BTreeMap;

use super::{Life, Lives, Member};

/// Since when each member votes, as far as a history shows who is a learner. A member whose first known reading is that of
/// a learner votes from its first other reading on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Votes(BTreeMap<Member, Option<i64>>);

impl Votes {
    /// The members that began as learners, each with the step at which it first voted; `None` if it never did.
    pub fn of(learners: impl IntoIterator<Item = (Member, Option<i64>)>) -> Self {
        Self(learners.into_iter().collect())
    }

    /// Adds a day: the first step at which a member was a learner, and the first at which it was known to vote. Days must
    /// come in order.
    pub fn add(&mut self, member: &Member, learner_ms: Option<i64>, votes_ms: Option<i64>) {
        let is_first = |learner_ms: i64| votes_ms.is_none_or(|votes_ms| learner_ms < votes_ms);
        match self.0.get_mut(member) {
            Some(from_ms) => *from_ms = from_ms.or(votes_ms),
            None if learner_ms.is_some_and(is_first) => drop(self.0.insert(member.clone(), votes_ms)),
            // It has always voted.
            None if votes_ms.is_some() => drop(self.0.insert(member.clone(), Some(i64::MIN))),
            None => {}
        }
    }

    /// The members that began as learners, each with the step at which it first voted; `None` if it never did.
    pub fn learners(&self) -> impl Iterator<Item = (&Member, Option<i64>)> {
        self.0.iter().map(|(member, from_ms)| (member, *from_ms)).filter(|(_, from_ms)| *from_ms != Some(i64::MIN))
    }

    /// The members that voted, each from then on.
    pub fn voters(&self, lives: &Lives) -> Lives {
        let mut voters = Lives::default();
        for (member, life) in lives.iter() {
            if let Some(from_ms) = self.0.get(member).copied().unwrap_or(Some(i64::MIN)) {
                let first_ms = life.first_ms.max(from_ms).min(life.last_ms);
                voters.add(member.clone(), Life { first_ms, ..*life });
            }
        }
        voters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_learner_votes_from_its_promotion_on_and_a_voter_from_the_start() {
        let [always, promoted, overnight, never, silent] = ["a", "b", "c", "d", "e"].map(|name| Member::new("c", name));
        let mut votes = Votes::default();
        let none = (None, None);
        for (member, days) in [
            // A voter that is demoted stays one: etcd has no way back.
            (&always, [(None, Some(0)), (Some(100), None), none]),
            (&promoted, [(Some(5), Some(60)), (None, Some(100)), none]),
            (&overnight, [(Some(5), None), none, (None, Some(200))]),
            (&never, [(Some(5), None), (Some(100), None), none]),
            (&silent, [none; 3]),
        ] {
            days.into_iter().for_each(|(learner_ms, votes_ms)| votes.add(member, learner_ms, votes_ms));
        }
        let mut lives = Lives::default();
        for member in [&always, &promoted, &overnight, &never, &silent] {
            lives.add(member.clone(), Life { first_ms: 5, last_ms: 300 });
        }
        let of = |votes: &Votes| -> Vec<(String, i64)> {
            votes.voters(&lives).iter().map(|(member, life)| (member.member.to_string(), life.first_ms)).collect()
        };
        let expected = [("a", 5), ("b", 60), ("c", 200), ("e", 5)].map(|(name, first_ms)| (name.to_owned(), first_ms));
        assert_eq!(of(&votes), expected);
        // As a manifest holds them.
        let kept = Votes::of(votes.learners().map(|(member, from_ms)| (member.clone(), from_ms)));
        assert_eq!(of(&kept), expected);
        let learners: Vec<_> = kept.learners().map(|(member, from_ms)| (&*member.member, from_ms)).collect();
        assert_eq!(learners, [("b", Some(60)), ("c", Some(200)), ("d", None)]);
    }
}
