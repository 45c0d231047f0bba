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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops where a value is missing")]
mod tests {
    use super::*;
    use crate::readings::{ColumnReadings, IDLE};
    use crate::spec::{Column, METRICS, Profile};
    use crate::time::{Step, TimeRange};

    const HEALTHY: [f64; METRICS] = [0.001, 0.002, 100.0, 0.0, 1e6, 1e8];

    /// Scores one step of one member with these readings.
    fn score(profile: &Profile, readings: [f64; METRICS]) -> (Entry, Option<f64>) {
        let table = ScoreTable::new(profile);
        let grid = Grid::within(TimeRange { start_ms: 0, end_ms: 1000 }, Step::from_millis(1000).unwrap());
        let member = Member::new("c", "m");
        let mut window = Window::unknown(grid, vec![member.clone()], &[]);
        for (metric, value) in Metric::ALL.into_iter().zip(readings) {
            window.row_mut(metric, 0)[0] = value;
        }
        let scores = score_window(&table, &window, &[(member, Life { first_ms: 0, last_ms: 0 })]);
        let code = scores.codes(0)[0];
        (table.look_up(code).clone(), table.scores()[code as usize])
    }

    #[test]
    fn every_combination_of_bands_scores_the_double_nearest_to_the_decimal() {
        // Expected scores from Python: `float(sum(Decimal(w) * p for …))` for each of the 24 combinations
        // of bands in the profile `seed`. The four integers are the points of WAL fsync, backend commit,
        // open files and leader changes.
        let expected = [
            ([0, 0, 0, 0], 1.0),
            ([0, 0, 0, 10], 4.0),
            ([0, 0, 10, 0], 2.0),
            ([0, 0, 10, 10], 5.0),
            ([0, 5, 0, 0], 2.0),
            ([0, 5, 0, 10], 5.0),
            ([0, 5, 10, 0], 3.0),
            ([0, 5, 10, 10], 6.0),
            ([0, 10, 0, 0], 3.0),
            ([0, 10, 0, 10], 6.0),
            ([0, 10, 10, 0], 4.0),
            ([0, 10, 10, 10], 7.0),
            ([10, 0, 0, 0], 4.0),
            ([10, 0, 0, 10], 7.0),
            ([10, 0, 10, 0], 5.0),
            ([10, 0, 10, 10], 8.0),
            ([10, 5, 0, 0], 5.0),
            ([10, 5, 0, 10], 8.0),
            ([10, 5, 10, 0], 6.0),
            ([10, 5, 10, 10], 9.0),
            ([10, 10, 0, 0], 6.0),
            ([10, 10, 0, 10], 9.0),
            ([10, 10, 10, 0], 7.0),
            ([10, 10, 10, 10], 10.0),
        ];
        for ([wal, commit, fds, leaders], score_expected) in expected {
            let reading = |points: i32, bad: f64, good: f64| if points == 0 { bad } else { good };
            let commit_reading = match commit {
                0 => 0.041,
                5 => 0.04,
                _ => 0.025,
            };
            let readings = [
                reading(wal, 0.0101, 0.01),
                commit_reading,
                reading(fds, 1025.0, 1024.0),
                reading(leaders, 6.0, 5.0),
                0.0,
                0.0,
            ];
            let (entry, got) = score(&Profile::seed(), readings);
            assert_eq!(got, Some(score_expected), "{readings:?}");
            assert_eq!(entry.points[..4], [wal, commit, fds, leaders].map(|p| Some(f64::from(p))));
        }
    }

    #[test]
    fn a_step_with_a_missing_reading_is_unscored_but_keeps_its_other_points() {
        for metric in Metric::ALL {
            let mut readings = HEALTHY;
            readings[metric.index()] = f64::NAN;
            let (entry, got) = score(&Profile::seed(), readings);
            assert_eq!(got, None, "{metric}");
            assert_eq!(entry.points.iter().filter(|p| p.is_none()).count(), 1);
        }
    }

    /// What a member's step counts as: `scored`, `idle` or `missing`.
    fn state_of(profile: &Profile, readings: [f64; METRICS]) -> &'static str {
        name(score(profile, readings).0.state())
    }

    fn name(state: StepState) -> &'static str {
        match state {
            StepState::Absent => "absent",
            StepState::Unknown => "missing",
            StepState::Idle => "idle",
            StepState::Scored(_) => "scored",
        }
    }

    /// A step is idle if an idle reading is the only reason that it has no score.
    #[test]
    fn a_step_is_idle_if_no_metric_with_a_weight_is_missing() {
        const NAN: f64 = f64::NAN;
        // Indices in `Metric::ALL` of the metrics to change; `wal` and `commit` are percentiles.
        let [wal, commit, fds] = [0, 1, 2];
        let with = |changes: &[(usize, f64)]| {
            let mut readings = HEALTHY;
            changes.iter().for_each(|&(metric, value)| readings[metric] = value);
            readings
        };
        for (changes, expected) in [
            (&[(wal, IDLE)][..], "idle"),
            (&[(commit, IDLE)], "idle"),
            (&[(wal, IDLE), (commit, IDLE)], "idle"),
            // Bands of the other metrics have no effect on whether a step is idle.
            (&[(wal, IDLE), (commit, 1.0), (fds, 5000.0)], "idle"),
            (&[(wal, IDLE), (commit, NAN)], "missing"),
            (&[(wal, NAN), (commit, IDLE)], "missing"),
            (&[(wal, IDLE), (commit, IDLE), (fds, NAN)], "missing"),
            (&[(wal, NAN)], "missing"),
            // A gauge and a counter cannot be idle.
            (&[(fds, IDLE)], "missing"),
            (&[(fds, IDLE), (wal, IDLE)], "missing"),
        ] {
            assert_eq!(state_of(&Profile::seed(), with(changes)), expected, "{changes:?}");
        }
        // The points of the other metrics stay, and the idle metric has none.
        let entry = score(&Profile::seed(), with(&[(wal, IDLE), (commit, 0.03), (fds, NAN)])).0;
        assert_eq!(entry.points, [None, Some(5.0), None, Some(10.0), Some(10.0), Some(10.0)]);
        assert_eq!(entry.idle, [true, false, false, false, false, false]);
        // A metric without a weight has no effect on the state, whether its reading is idle or missing.
        let without_wal = Profile::seed().without(&[Metric::WalFsync]).unwrap();
        assert_eq!(state_of(&without_wal, with(&[(wal, IDLE)])), "scored");
        assert_eq!(state_of(&without_wal, with(&[(wal, IDLE), (commit, IDLE)])), "idle");
        assert_eq!(state_of(&without_wal, with(&[(wal, NAN), (commit, IDLE)])), "idle");
        let without_both = without_wal.without(&[Metric::ALL[commit]]).unwrap();
        assert_eq!(state_of(&without_both, with(&[(wal, IDLE), (commit, IDLE)])), "scored");
    }

    /// A cluster's step is idle if it has no score and would have one if its idle members had scores. `s` is a scored
    /// member, `i` an idle one, `m` a missing one; the three letters expected are of worst, mean and quorum.
    #[test]
    fn a_cluster_is_idle_if_scores_of_its_idle_members_would_give_it_a_score() {
        let mut idle = HEALTHY;
        idle[0] = IDLE;
        let mut missing = HEALTHY;
        missing[1] = f64::NAN;
        let table = ScoreTable::new(&Profile::seed());
        for (members, expected) in [
            ("i", "iii"),
            ("m", "mmm"),
            ("si", "iii"),
            ("sm", "mmm"),
            ("im", "mmm"),
            ("sss", "sss"),
            ("ssi", "iis"),
            ("sii", "iii"),
            ("iii", "iii"),
            ("ssm", "mms"),
            // Quorum: one of three members has a score, and a score of the idle one would make a majority of two.
            ("sim", "mmi"),
            ("iim", "mmi"),
            ("smm", "mmm"),
            ("imm", "mmm"),
            ("ssim", "mmi"),
            ("simm", "mmm"),
            ("ssimm", "mmi"),
            ("sssim", "mms"),
        ] {
            for order in [members.to_owned(), members.chars().rev().collect()] {
                let readings = order.chars().map(|letter| match letter {
                    's' => HEALTHY,
                    'i' => idle,
                    _ => missing,
                });
                let scores = one_step(&table, &readings.collect::<Vec<_>>());
                let found: String = [Rollup::Worst, Rollup::Mean, Rollup::Quorum]
                    .into_iter()
                    .map(|rollup| &name(rollup.line(&table, &scores, 0..order.len())[0])[..1])
                    .collect();
                assert_eq!(found, expected, "{order}");
            }
        }
    }

    #[test]
    fn shares_are_relative_to_the_limit_and_without_a_limit_cost_nothing() {
        let profile = Profile::named("openshift").unwrap();
        let table = ScoreTable::new(&profile);
        assert_eq!(table.limits().collect::<Vec<_>>(), [Companion::MaxFds, Companion::Quota]);
        let points = |size: f64, quota: f64| {
            let grid = Grid::within(TimeRange { start_ms: 0, end_ms: 1000 }, Step::from_millis(1000).unwrap());
            let mut window = Window::unknown(grid, vec![Member::new("c", "m")], &[Companion::Quota]);
            window.row_mut(Metric::DbSize, 0)[0] = size;
            window.row_mut(Companion::Quota, 0)[0] = quota;
            let life = Life { first_ms: 0, last_ms: 0 };
            let scores = score_window(&table, &window, &[(Member::new("c", "m"), life)]);
            table.look_up(scores.codes(0)[0]).points[Metric::DbSize.index()]
        };
        let quota = 2_147_483_648.0;
        // The second size is exactly 75 % of the quota, and the third is the next double above it. The last
        // one is above 85 %.
        for (size, expected) in [(1e9, 10.0), (1_610_612_736.0, 8.0), (1_610_612_736.000_000_2, 5.0), (1.9e9, 0.0)] {
            assert_eq!(points(size, quota), Some(expected), "{size}");
        }
        assert_eq!(points(f64::INFINITY, quota), Some(0.0));
        assert_eq!(
            [-1.0, 0.0].map(|quota| points(1e12, quota)),
            [Some(10.0); 2],
            "without a quota the size costs nothing"
        );
        assert_eq!([points(f64::NAN, -1.0), points(1e9, f64::NAN)], [None; 2]);
        assert_eq!(points(f64::INFINITY, f64::INFINITY), None);
    }

    #[test]
    fn the_weight_of_a_metric_that_is_left_out_is_shared_by_the_others() {
        let profile = Profile::seed().without(&[Metric::DbSize]).unwrap();
        let mut readings = HEALTHY;
        readings[Metric::DbSize.index()] = f64::NAN;
        assert_eq!(score(&profile, readings).1, Some(10.0));
        readings[Metric::WalFsync.index()] = 1.0;
        // Expected value from Python: float(Fraction(65, 95) * 10)
        assert_eq!(score(&profile, readings).1, Some(6.842105263157895));
    }

    #[test]
    fn score_and_losses_add_up_to_ten_points() {
        let table = ScoreTable::new(&Profile::seed());
        // Per metric: its bands, full points, missing; and idle for the two percentiles.
        assert_eq!(table.len(), 4 * 5 * 3 * 3 * 2 * 2);
        for worth in table.entries.iter().filter_map(|e| e.worth) {
            assert_eq!(worth.score + worth.losses.iter().sum::<u64>(), 10 * table.denominator());
        }
    }

    fn rolled_up(rollup: Rollup, table: &ScoreTable, scores: &DayScores) -> Vec<Option<f64>> {
        let points = |state| match state {
            StepState::Scored(worth) => Some(table.points(worth.score)),
            _ => None,
        };
        rollup.line(table, scores, 0..scores.members.len()).into_iter().map(points).collect()
    }

    #[test]
    fn an_unscored_member_makes_its_cluster_unscored_and_an_absent_one_does_not() {
        let grid = Grid::within(TimeRange { start_ms: 0, end_ms: 4000 }, Step::from_millis(1000).unwrap());
        let table = ScoreTable::new(&Profile::seed());
        let members = [Member::new("c", "a"), Member::new("c", "b")];
        let mut metrics = Metric::ALL.map(ColumnReadings::of);
        for (readings, value) in metrics.iter_mut().zip(HEALTHY) {
            readings.merge_series(members[0].clone(), 4, 0, &[value; 4]);
            readings.merge_series(members[1].clone(), 4, 0, &[value, f64::NAN, value, f64::NAN]);
        }
        metrics[0].merge_series(members[1].clone(), 4, 2, &[1.0]);
        let window = Window::join(grid, Column::all().zip(metrics));
        let scores = score_window(&table, &window, &alive_on(&grid, &window.lives()));
        assert_eq!(rolled_up(Rollup::Worst, &table, &scores), [Some(10.0), None, Some(7.0), Some(10.0)]);
        // At the third step the scores are 10 and 7. Their mean is 8.5. A majority of two members is both of them,
        // so the quorum is 7.
        assert_eq!(rolled_up(Rollup::Mean, &table, &scores), [Some(10.0), None, Some(8.5), Some(10.0)]);
        assert_eq!(rolled_up(Rollup::Quorum, &table, &scores), [Some(10.0), None, Some(7.0), Some(10.0)]);
        assert_eq!(scores.codes(1)[3], ABSENT);
    }

    /// Scores a single step of one cluster; each array holds the readings of one member.
    fn one_step(table: &ScoreTable, members: &[[f64; METRICS]]) -> DayScores {
        let grid = Grid::within(TimeRange { start_ms: 0, end_ms: 1000 }, Step::from_millis(1000).unwrap());
        let names: Vec<Member> = (0..members.len()).map(|number| Member::new("c", &number.to_string())).collect();
        let mut window = Window::unknown(grid, names.clone(), &[]);
        for (index, readings) in members.iter().enumerate() {
            for (metric, value) in Metric::ALL.into_iter().zip(readings) {
                window.row_mut(metric, index)[0] = *value;
            }
        }
        let life = Life { first_ms: 0, last_ms: 0 };
        score_window(table, &window, &names.into_iter().map(|name| (name, life)).collect::<Vec<_>>())
    }

    /// Readings above all thresholds of the four metrics that have thresholds in `seed`. The
    /// other two readings are missing.
    const CRITICAL: [f64; METRICS] = [1.0, 1.0, 5000.0, 9.0, f64::NAN, f64::NAN];

    #[test]
    fn a_member_with_a_score_of_zero_is_the_worst_unless_another_one_is_unscored() {
        let without = [Metric::ClientTrafficIn, Metric::DbSize];
        let table = ScoreTable::new(&Profile::seed().without(&without).unwrap());
        let unscored = [f64::NAN; METRICS];
        for (members, expected) in [
            ([CRITICAL, HEALTHY], Some(0.0)),
            ([HEALTHY, CRITICAL], Some(0.0)),
            ([CRITICAL, unscored], None),
            ([unscored, CRITICAL], None),
        ] {
            assert_eq!(rolled_up(Rollup::Worst, &table, &one_step(&table, &members)), [expected], "{members:?}");
        }
    }

    #[test]
    fn the_first_of_members_with_the_same_worst_score_is_the_one_whose_losses_count() {
        let table = ScoreTable::new(&Profile::seed());
        let [mut slow, mut unstable] = [HEALTHY; 2];
        slow[Metric::WalFsync.index()] = 1.0;
        unstable[Metric::LeaderChanges.index()] = 9.0;
        // Both metrics have a weight of 0.3, so each member loses 3 of 10 points.
        for (members, expected) in [([slow, unstable], Metric::WalFsync), ([unstable, slow], Metric::LeaderChanges)] {
            let line = Rollup::Worst.line(&table, &one_step(&table, &members), 0..2);
            let [StepState::Scored(worth)] = line.as_slice() else { panic!("{line:?}") };
            let losses = Metric::ALL.map(|metric| table.points(worth.losses[metric.index()]));
            assert_eq!(losses, Metric::ALL.map(|metric| if metric == expected { 3.0 } else { 0.0 }));
        }
    }

    #[test]
    fn the_mean_of_four_members_is_a_quarter_of_their_sum() {
        let table = ScoreTable::new(&Profile::seed());
        let mut slow = HEALTHY;
        slow[Metric::WalFsync.index()] = 1.0;
        // The expected mean is (10 + 10 + 10 + 7) / 4.
        let scores = one_step(&table, &[HEALTHY, HEALTHY, slow, HEALTHY]);
        assert_eq!(rolled_up(Rollup::Mean, &table, &scores), [Some(9.25)]);
    }

    #[test]
    fn the_steps_after_restarts_of_several_members_are_joined_and_need_start_times() {
        let grid = Grid::within(TimeRange { start_ms: 0, end_ms: 600_000 }, Step::from_millis(60_000).unwrap());
        let table = ScoreTable::new(&Profile::seed());
        let alive = ["a", "b"].map(|name| (Member::new("c", name), Life { first_ms: 0, last_ms: 540_000 }));
        let members = alive.clone().map(|(member, _)| member).to_vec();
        let mut window = Window::unknown(grid, members.clone(), &[Companion::StartTime]);
        // The first process starts at 120 s, the second at 360 s. At step 7 (420 s), the first has been running for five
        // minutes, so its marked steps end before step 7.
        for (member, (step, started)) in [(2, 120.0), (6, 360.0)].into_iter().enumerate() {
            let row = window.row_mut(Companion::StartTime, member);
            row.fill(-1000.0);
            row[step..].fill(started);
        }
        let scores = score_window(&table, &window, &alive);
        for (members, expected) in [(0..1, 2..7), (1..2, 6..10), (0..2, 2..10)] {
            assert_eq!(scores.after_restart(members), Some(vec![expected]));
        }
        assert_eq!(score_window(&table, &Window::unknown(grid, members, &[]), &alive).after_restart(0..2), None);
    }

    #[test]
    fn steps_outside_the_requested_range_are_absent_even_within_a_life() {
        let grid = Grid::within(TimeRange { start_ms: 0, end_ms: 4000 }, Step::from_millis(1000).unwrap());
        let table = ScoreTable::new(&Profile::seed());
        let member = Member::new("c", "a");
        let mut window = Window::unknown(grid, vec![member.clone()], &[]);
        window.limit_to(&[TimeRange { start_ms: 1000, end_ms: 3000 }]);
        let scores = score_window(&table, &window, &[(member, Life { first_ms: 0, last_ms: 3000 })]);
        let is_absent: Vec<bool> = scores.codes(0).iter().map(|code| *code == ABSENT).collect();
        assert_eq!(is_absent, [true, false, false, true]);
    }
}
