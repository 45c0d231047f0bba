//! The digit of a code that stands for the cap that applies.

use super::table::share_of_limit;
use crate::readings::Window;
use crate::spec::{Cap, Companion, Condition, Metric, Profile};

/// The highest digit of a code: 0 if no cap applies, else the place of the lowest one in the list, plus 1. A profile without
/// caps has only the 0, so its codes are those of its bands.
#[derive(Clone, Debug)]
pub(super) struct CapDigit {
    /// The lowest first; of equal ones, the first of the profile.
    list: Vec<(Metric, Cap)>,
    stride: u16,
}

impl CapDigit {
    /// The digit above `stride`, the number of codes without it.
    pub(super) fn new(profile: &Profile, stride: u16) -> Self {
        Self { list: profile.caps(), stride }
    }

    /// How many values the digit has.
    pub(super) fn values(&self) -> u16 {
        self.list.len() as u16 + 1
    }

    /// All caps, the lowest first.
    pub(super) fn list(&self) -> &[(Metric, Cap)] {
        &self.list
    }

    /// The place in the list of the cap that a code stands for.
    pub(super) fn place(&self, code: u16) -> Option<usize> {
        (code / self.stride).checked_sub(1).map(usize::from)
    }

    /// Adds the digit to the codes of one member.
    pub(super) fn add(&self, window: &Window, member: usize, codes: &mut [u16]) {
        if self.list.is_empty() {
            return;
        }
        let mut digits = vec![0_u16; codes.len()];
        // The lowest cap is the first of the list: it comes last, and replaces the others.
        for (place, (metric, cap)) in self.list.iter().enumerate().rev() {
            let is_read = |column: Companion| window.companions().contains(&column);
            if cap.columns(*metric).all(is_read) {
                let applies = applies(window, member, *metric, cap.condition);
                digits
                    .iter_mut()
                    .zip(applies)
                    .filter(|(_, applies)| *applies)
                    .for_each(|(digit, _)| *digit = place as u16 + 1);
            }
        }
        codes.iter_mut().zip(digits).for_each(|(code, digit)| *code += self.stride * digit);
    }
}

/// At each step, whether the condition of a cap holds. Comparisons with NaN, a missing or idle reading, are false.
fn applies(window: &Window, member: usize, metric: Metric, condition: Condition) -> Vec<bool> {
    match condition {
        Condition::NoLeader => window.row(Companion::HasLeader, member).iter().map(|has| *has == 0.0).collect(),
        Condition::Above { threshold, of_limit, on_leader } => {
            let readings = window.row(metric, member);
            let mut above: Vec<bool> = match metric.limit().filter(|_| of_limit) {
                None => readings.iter().map(|reading| *reading > threshold).collect(),
                Some(limit) => {
                    let shares = readings.iter().zip(window.row(limit, member)).map(|(&r, &l)| share_of_limit(r, l));
                    shares.map(|share| share > threshold).collect()
                }
            };
            if on_leader {
                let leads = window.row(Companion::IsLeader, member).iter().map(|leads| *leads == 1.0);
                above.iter_mut().zip(leads).for_each(|(above, leads)| *above &= leads);
            }
            above
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use crate::readings::{IDLE, Life, Member, Window};
    use crate::score::{Entry, Rollup, ScoreTable, StepState, score_window};
    use crate::spec::{Column, Companion, METRICS, Metric, Profile};
    use crate::time::{Grid, Step, TimeRange};

    use Companion::{HasLeader, IsLeader, MaxFds, Quota};
    use Metric::{BackendCommit, DbSize, LeaderChanges, OpenFds, WalFsync};

    const NAN: f64 = f64::NAN;
    const READ: [Companion; 4] = [Quota, MaxFds, IsLeader, HasLeader];

    /// One step of a healthy follower, with some readings replaced.
    fn window(members: &[&[(Column, f64)]], companions: &[Companion]) -> Window {
        let grid = Grid::within(TimeRange { start_ms: 0, end_ms: 1000 }, Step::from_millis(1000).unwrap());
        let names = (0..members.len()).map(|number| Member::new("c", &number.to_string())).collect();
        let mut window = Window::unknown(grid, names, companions);
        for (index, changes) in members.iter().enumerate() {
            let metrics = Metric::ALL.into_iter().map(Column::from).zip([0.001, 0.002, 100.0, 0.0, 1e6, 1e8]);
            let others = READ.into_iter().map(Column::from).zip([1e9, 1000.0, 0.0, 1.0]);
            for (column, value) in metrics.chain(others).chain(changes.iter().copied()) {
                if column.companion().is_none_or(|companion| companions.contains(&companion)) {
                    window.row_mut(column, index)[0] = value;
                }
            }
        }
        window
    }

    fn scored(table: &ScoreTable, window: &Window) -> crate::score::DayScores {
        let life = Life { first_ms: 0, last_ms: 0 };
        let alive: Vec<(Member, Life)> = window.members().iter().map(|member| (member.clone(), life)).collect();
        score_window(table, window, &alive)
    }

    /// The entry of one member, and its score.
    fn score(profile: &Profile, changes: &[(Column, f64)], companions: &[Companion]) -> (Entry, Option<f64>) {
        let table = ScoreTable::new(profile);
        let entry = table.look_up(scored(&table, &window(&[changes], companions)).codes(0)[0]).clone();
        let points = entry.worth.map(|worth| {
            assert_eq!(worth.score + worth.losses.iter().sum::<u64>(), 10 * table.denominator(), "{changes:?}");
            table.points(worth.score)
        });
        (entry, points)
    }

    fn column(column: impl Into<Column>, value: f64) -> (Column, f64) {
        (column.into(), value)
    }

    /// Expected scores from decimals in Python: `Profile.score` of tests/oracle/spec.py with the same readings.
    #[test]
    fn scores_of_operator_are_those_of_decimal_arithmetic() {
        let profile = Profile::named("operator").unwrap();
        let of = |metric: Metric, value| column(metric, value);
        let by = |companion: Companion, value| column(companion, value);
        for (changes, expected) in [
            (vec![], Some(10.0)),
            (vec![by(HasLeader, 0.0)], Some(0.0)),
            (vec![by(HasLeader, NAN)], Some(10.0)),
            // At the threshold a cap does not apply yet, and on a follower or an unknown member neither.
            (vec![of(WalFsync, 0.1), by(IsLeader, 1.0)], Some(8.75)),
            (vec![of(WalFsync, 0.11), by(IsLeader, 1.0)], Some(4.0)),
            (vec![of(WalFsync, 0.11)], Some(7.5)),
            (vec![of(WalFsync, 0.11), by(IsLeader, NAN)], Some(7.5)),
            (vec![of(WalFsync, 0.6)], Some(6.0)),
            (vec![of(WalFsync, 1.5)], Some(4.0)),
            (vec![of(WalFsync, 0.02), of(BackendCommit, 0.03)], Some(7.75)),
            // A score that is lower than the cap stays.
            (vec![of(WalFsync, 0.6), of(BackendCommit, 0.3)], Some(5.5)),
            (vec![of(OpenFds, 801.0)], Some(6.0)),
            (vec![of(OpenFds, 991.0)], Some(4.0)),
            (vec![of(DbSize, 9.5e8)], Some(9.5)),
            (vec![of(DbSize, 9.6e8)], Some(6.0)),
            (vec![of(DbSize, 9.991e8)], Some(0.0)),
            (vec![of(DbSize, 1e9)], Some(0.0)),
            (vec![of(DbSize, 2e9), by(Quota, -1.0)], Some(10.0)),
            (vec![of(DbSize, 1e9), by(Quota, NAN)], None),
            (vec![of(LeaderChanges, 4.0)], Some(8.25)),
            (vec![of(LeaderChanges, 6.0)], Some(6.5)),
            (vec![of(LeaderChanges, 6.0), of(WalFsync, 0.2), of(BackendCommit, 0.2)], Some(2.0)),
            // A cap of 0 needs no other readings; one above 0 is no score.
            (vec![by(HasLeader, 0.0), of(WalFsync, NAN)], Some(0.0)),
            (vec![by(HasLeader, 0.0), of(WalFsync, IDLE), of(BackendCommit, 0.2)], Some(0.0)),
            (vec![of(DbSize, 1e9), of(BackendCommit, IDLE)], Some(0.0)),
            (vec![of(WalFsync, 1.5), of(BackendCommit, NAN)], None),
        ] {
            assert_eq!(score(&profile, &changes, &READ).1, expected, "{changes:?}");
        }
    }

    #[test]
    fn a_cap_costs_its_own_metric_what_it_takes() {
        let profile = Profile::named("operator").unwrap();
        let losses = |changes: &[(Column, f64)]| {
            let table = ScoreTable::new(&profile);
            let worth = score(&profile, changes, &READ).0.worth.unwrap();
            Metric::ALL.map(|metric| table.points(worth.losses[metric.index()]))
        };
        // By hand: 0.25 × 10 for wal_fsync, and 3.5 more down to 4.
        assert_eq!(losses(&[column(WalFsync, 0.2), column(IsLeader, 1.0)]), [6.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        // wal_fsync costs 2.5 by its points; the cap of leader_changes takes the other 7.5.
        assert_eq!(losses(&[column(WalFsync, 0.2), column(HasLeader, 0.0)]), [2.5, 0.0, 0.0, 7.5, 0.0, 0.0]);
        // A missing reading costs nothing of its own.
        assert_eq!(losses(&[column(WalFsync, NAN), column(HasLeader, 0.0)]), [0.0, 0.0, 0.0, 10.0, 0.0, 0.0]);
        // Two caps of 0: the first in the order of metrics.
        assert_eq!(losses(&[column(DbSize, 1e9), column(HasLeader, 0.0)]), [0.0, 0.0, 0.0, 9.0, 0.0, 1.0]);
        // The lower of two caps, although the other one is of an earlier metric.
        assert_eq!(losses(&[column(WalFsync, 0.6), column(OpenFds, 995.0)]), [2.5, 0.0, 3.5, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn a_cap_whose_column_was_not_pulled_does_not_apply() {
        let profile = Profile::named("operator").unwrap();
        let changes = [column(WalFsync, 0.2), column(IsLeader, 1.0), column(HasLeader, 0.0)];
        let (entry, points) = score(&profile, &changes, &[Quota, MaxFds]);
        assert_eq!((entry.cap, points), (None, Some(7.5)));
        assert_eq!(score(&profile, &changes, &[Quota, MaxFds, IsLeader]).1, Some(4.0));
    }

    #[test]
    fn a_metric_without_a_weight_has_no_caps() {
        let profile = Profile::named("operator").unwrap().without(&[LeaderChanges]).unwrap();
        assert_eq!(score(&profile, &[column(HasLeader, 0.0)], &READ).1, Some(10.0));
        assert!(!profile.caps().iter().any(|(metric, _)| *metric == LeaderChanges));
    }

    #[test]
    fn profiles_without_caps_have_no_digit_for_them() {
        for (name, codes) in [("seed", 720), ("openshift", 5 * 4 * 3 * 3 * 2 * 5)] {
            let table = ScoreTable::new(&Profile::named(name).unwrap());
            assert_eq!((table.len(), table.caps().len(), table.has_cap_of_zero()), (codes, 0, false), "{name}");
        }
        let operator = ScoreTable::new(&Profile::named("operator").unwrap());
        assert_eq!(operator.len(), 5 * 5 * 3 * 4 * 2 * 4 * (1 + operator.caps().len()));
        assert_eq!(operator.companions(), READ);
    }

    /// The cluster's state: its score, or whether it is idle or missing.
    fn of_cluster(profile: &Profile, rollup: Rollup, members: &[&[(Column, f64)]]) -> (Option<f64>, [u64; METRICS]) {
        let table = ScoreTable::new(profile);
        let scores = scored(&table, &window(members, &READ));
        match rollup.line(&table, &scores, 0..members.len())[0] {
            StepState::Scored(worth) => (Some(table.points(worth.score)), worth.losses),
            _ => (None, [0; METRICS]),
        }
    }

    #[test]
    fn a_member_that_a_cap_holds_at_zero_makes_its_cluster_zero_even_while_another_one_is_unscored() {
        let operator = Profile::named("operator").unwrap();
        let cut_off = [column(HasLeader, 0.0)];
        let down = Metric::ALL.map(|metric| column(metric, NAN));
        for members in [[&cut_off[..], &down, &[]], [&down, &[], &cut_off]] {
            assert_eq!(of_cluster(&operator, Rollup::Worst, &members).0, Some(0.0));
            assert_eq!(of_cluster(&operator, Rollup::Mean, &members).0, None);
            assert_eq!(of_cluster(&operator, Rollup::Quorum, &members).0, Some(0.0));
        }
        // A cap above 0 does not decide: the other member may be worse.
        let slow = [column(WalFsync, 1.5)];
        assert_eq!(of_cluster(&operator, Rollup::Worst, &[&slow, &down]).0, None);
        assert_eq!(of_cluster(&operator, Rollup::Worst, &[&slow, &[]]).0, Some(4.0));
        // Of two members with 0, the first one's losses count.
        let full = [column(DbSize, 1e9)];
        let (_, losses) = of_cluster(&operator, Rollup::Worst, &[&full, &cut_off]);
        assert!(losses[DbSize.index()] > 0 && losses[LeaderChanges.index()] == 0, "{losses:?}");
    }
}
