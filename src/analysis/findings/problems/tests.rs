//! Tests of problems on synthetic histories: what belongs together, and that losses add up.

use super::super::tests::{Made, slow};
use super::super::{Finding, Findings, Kind, ProblemCause};
use super::{Problem, Shape, Verdict};
use crate::score::Rollup;
use crate::spec::METRICS;

const MINUTE: f64 = 1.0 / 60.0;

/// Σ (10 − score) × hours of the cluster with rollup `worst`, by the table of the profile `seed` written out by hand: an
/// implementation that shares nothing with the program's. `None` readings leave a step without a score.
fn lost_by_hand(days: i64, members: usize, readings: &dyn Fn(usize, f64) -> [f64; METRICS]) -> f64 {
    let step = 5.0 * MINUTE;
    let of_member = |[wal, commit, fds, leader, traffic, size]: [f64; METRICS]| {
        let any_missing = [wal, commit, fds, leader, traffic, size].iter().any(|reading| reading.is_nan());
        let commit = if commit > 0.04 {
            2.0
        } else if commit > 0.025 {
            1.0
        } else {
            0.0
        };
        let of = |is_bad, points| if is_bad { points } else { 0.0 };
        (!any_missing).then_some(of(wal > 0.01, 3.0) + commit + of(fds > 1024.0, 1.0) + of(leader > 5.0, 3.0))
    };
    let steps = 0..days * 24 * 12;
    let at = |index: i64| index as f64 * step;
    let of_step = |index: i64| {
        let losses: Option<Vec<f64>> = (0..members).map(|member| of_member(readings(member, at(index)))).collect();
        losses.map_or(0.0, |losses| losses.into_iter().fold(0.0, f64::max))
    };
    steps.map(|index| of_step(index) * step).sum()
}

fn lost(found: &Findings) -> f64 {
    found.problems().iter().map(|problem| problem.lost).sum()
}

fn of_cause(found: &Findings, cause: ProblemCause) -> Vec<&Problem> {
    found.problems().iter().filter(|problem| problem.cause == cause).collect()
}

fn incident_of(found: &Findings) -> &Finding {
    found.incidents()[0]
}

/// A bad evening: a slow disk in two stretches and a blip, open files at the same time on another member, a storm, and
/// a member that sends nothing for a while.
fn bad_evening(member: usize, at: f64) -> [f64; METRICS] {
    let disk =
        member == 0 && ((20.0..20.5).contains(&at) || (20.75..21.5).contains(&at) || (30.0..30.05).contains(&at));
    let wal = if disk { 0.02 } else { 0.001 };
    let fds = if member == 1 && (21.0..23.0).contains(&at) { 2000.0 } else { 100.0 };
    let leader = if (26.0..40.0).contains(&at) { 7.0 } else { 0.0 };
    if member == 2 && (44.0..45.0).contains(&at) {
        return [f64::NAN; METRICS];
    }
    [wal, if disk { 0.03 } else { 0.002 }, fds, leader, 1e6, 1e9]
}

#[test]
fn the_losses_of_problems_add_up_to_those_of_the_cluster() {
    let found = Made::of(3, &bad_evening).find();
    let by_hand = lost_by_hand(3, 3, &bad_evening);
    assert!((lost(&found) - by_hand).abs() < 1e-9, "{} and {by_hand}", lost(&found));
    assert!((found.clusters()[0].lost - by_hand).abs() < 1e-9);
    let shares: f64 = found.problems().iter().filter_map(|problem| problem.share).sum();
    assert!((shares - 1.0).abs() < 1e-9, "{shares}");
    for rollup in [Rollup::Mean, Rollup::Quorum] {
        let found = Made { rollup, ..Made::of(3, &bad_evening) }.find();
        assert!((lost(&found) - found.clusters()[0].lost).abs() < 1e-9, "{rollup}");
    }
}

#[test]
fn a_step_costs_the_worst_member_and_each_loss_is_counted_once() {
    let found = Made::of(3, &bad_evening).find();
    let disk = of_cause(&found, ProblemCause::SlowDisk);
    // From 21:00 to 21:30 the disk of m0 costs 4 points and the open files of m1 would cost 1: only the disk counts.
    let (hours, blip) = (0.5 + 0.75, 5.0 * MINUTE);
    assert_eq!(disk.len(), 2, "an incident, and a blip: {disk:?}");
    assert!((disk[0].lost - 4.0 * hours).abs() < 1e-9, "{disk:?}");
    assert_eq!((disk[1].shape.clone(), disk[1].occurrences), (Shape::Scattered, 1));
    assert!((disk[1].lost - 4.0 * blip).abs() < 1e-9, "{disk:?}");
    let files = of_cause(&found, ProblemCause::FileDescriptors);
    assert!((files[0].lost - 1.5).abs() < 1e-9, "{files:?}");
    assert_eq!(files[0].members, ["m1"]);
}

#[test]
fn a_sentence_gives_the_time_below_and_not_the_span_and_names_the_largest_loss() {
    let gaps = |member, at: f64| {
        let is_bad = member == 1 && ((5.0..5.2).contains(&at) || (5.5..5.7).contains(&at) || (6.0..6.2).contains(&at));
        [if is_bad { 0.02 } else { 0.001 }, if is_bad { 0.03 } else { 0.002 }, 100.0, 0.0, 1e6, 1e9]
    };
    let found = Made::of(1, &gaps).find();
    let incident = incident_of(&found);
    // Three stretches of three steps of 5 minutes.
    let says = "c was low for 45 min within 1 h 15 min: WAL fsync p99 of m1 above 10 ms (lowest score 6, usually 10)";
    assert_eq!(incident.says, says);
    let told = |name: &str| incident.evidence.iter().find(|(n, _)| n == name).map(|(_, value)| value.to_string());
    assert_eq!(
        ["low_for", "wal_fsync_lost", "backend_commit_lost"].map(told).each_ref().map(|text| text.as_deref()),
        [Some("45 min"), Some("2.25 points x h"), Some("0.75 points x h")]
    );
    assert_eq!(incident.lost, Some(3.0));
}

#[test]
fn a_blip_of_another_member_does_not_lengthen_an_incident() {
    let blip = |member, at: f64| slow(if member == 0 { (5.0..5.5).contains(&at) } else { (5.9..5.95).contains(&at) });
    let found = Made { members: 2, ..Made::of(1, &blip) }.find();
    let hours = (incident_of(&found).end_ms - incident_of(&found).start_ms) / 60_000;
    assert_eq!(hours, 30, "minutes");
    let same = |member, at: f64| slow(member == 0 && ((5.0..5.5).contains(&at) || (5.9..5.95).contains(&at)));
    let found = Made { members: 2, ..Made::of(1, &same) }.find();
    let incident = incident_of(&found);
    assert_eq!((incident.end_ms - incident.start_ms) / 60_000, 60, "the same cause on the same member");
    assert!(incident.says.starts_with("c was low for 35 min within 1 h:"), "{}", incident.says);
}

#[test]
fn a_storm_ranks_by_the_day_that_it_costs() {
    let readings = |member, at: f64| {
        // Seven elections within an hour count for 24 hours; a slow disk for 4 hours.
        let leader = if (10.0..34.0).contains(&at) { 7.0 } else { 0.0 };
        let wal = if member == 0 && (50.0..54.0).contains(&at) { 0.02 } else { 0.001 };
        [wal, 0.002, 100.0, leader, 1e6, 1e9]
    };
    let found = Made::of(3, &readings).find();
    let first = &found.problems()[0];
    assert_eq!((first.cause, first.low_ms / 3_600_000), (ProblemCause::LeaderInstability, 24));
    assert!((first.lost - 72.0).abs() < 1e-9, "3 points for 24 hours: {}", first.lost);
    assert_eq!(incident_of(&found).lost, Some(72.0));
}

#[test]
fn an_outage_without_fault_tolerance_is_worse_than_an_hour_at_yellow() {
    let down = |member, at: f64| {
        let mut readings = slow(member == 1 && (30.0..34.0).contains(&at));
        if member == 0 && (5.0..9.0).contains(&at) {
            readings = [f64::NAN; METRICS];
        }
        readings
    };
    let found = Made::of(2, &down).find();
    let first = &found.problems()[0];
    assert_eq!(first.cause, ProblemCause::MemberWithoutData);
    assert_eq!(first.staffing.map(|s| (s.left, s.expected)), Some((2, 3)));
    assert_eq!((first.low_ms, first.unknown_ms), (4 * 3_600_000, 4 * 3_600_000));
    // As if the score were 4: 6 points × 4 hours, more than 5 points × 4 hours at a yellow score of 5.
    assert!((first.impact - 24.0).abs() < 1e-9 && first.lost.abs() < 1e-9, "{first:?}");
    assert!(first.impact_text().starts_with("2 of 3 members left, no fault tolerance"), "{}", first.impact_text());
}

#[test]
fn incidents_at_the_hours_of_a_schedule_are_one_problem_and_others_another() {
    let readings = |member, at: f64| {
        let daily = member == 0 && (2.0..4.0).contains(&(at % 24.0));
        let once = member == 1 && (100.0..103.0).contains(&at);
        slow(daily || once)
    };
    let found = Made::of(8, &readings).find();
    let disk = of_cause(&found, ProblemCause::SlowDisk);
    let shapes: Vec<(&Shape, usize)> = disk.iter().map(|problem| (&problem.shape, problem.occurrences)).collect();
    let daily = Shape::Scheduled("daily 02:00 to 04:00 UTC".to_owned());
    assert_eq!(shapes, [(&daily, 8), (&Shape::Once, 1)]);
    assert_eq!(
        (disk[0].members.as_slice(), disk[1].members.as_slice()),
        (&["m0".to_owned()][..], &["m1".to_owned()][..])
    );
    let recurrence = found.iter().find(|f| f.kind == Kind::Recurrence);
    assert_eq!(recurrence.and_then(|f| f.problem.as_ref()), Some(&disk[0].id));
    assert!(found.incidents().iter().all(|f| f.problem.is_some()), "every incident belongs to a problem");
}

#[test]
fn a_member_that_went_for_good_is_a_problem_of_its_own_and_counts_for_a_week() {
    let down = |member, at: f64| match member == 1 && (5.0..7.0).contains(&at) {
        true => [f64::NAN; METRICS],
        false => slow(false),
    };
    let life = |member| if member == 0 { (0.0, 48.0) } else { (0.0, 1e6) };
    let found = Made { life: &life, ..Made::of(20, &down) }.find();
    let absent = of_cause(&found, ProblemCause::MemberWithoutData);
    let members: Vec<&str> = absent.iter().map(|problem| problem.members[0].as_str()).collect();
    assert_eq!(members, ["m0", "m1"]);
    // 2 of 3 left: like a score of 4, for a week of the 18 days, and for 2 hours.
    let (for_good, for_a_while) = (6.0 * 7.0 * 24.0, 6.0 * 2.0);
    assert!((absent[0].impact - for_good).abs() < 1e-9 && (absent[1].impact - for_a_while).abs() < 1e-9, "{absent:?}");
    assert_eq!(Verdict::of(found.clusters()).sentence(), "c needs attention");
}

#[test]
fn a_loss_that_is_usual_is_one_constant_problem() {
    let always = |member, _: f64| {
        let [wal, commit, _, leader, traffic, size] = slow(false);
        [wal, commit, if member == 2 { 2000.0 } else { 100.0 }, leader, traffic, size]
    };
    let found = Made::of(2, &always).find();
    let [problem] = found.problems() else { panic!("{:?}", found.problems()) };
    assert_eq!((&problem.shape, problem.members.as_slice()), (&Shape::Constant, &["m2".to_owned()][..]));
    assert!((problem.lost - 48.0).abs() < 1e-9, "{}", problem.lost);
    let worst = problem.worst.as_ref().map(|worst| (worst.value, &*worst.member));
    assert_eq!((worst, problem.threshold.as_deref()), (Some((2000.0, "m2")), Some("1024")));
}

#[test]
fn the_worst_reading_is_that_of_the_costliest_metric_within_the_problem() {
    let readings = |member, at: f64| {
        let wal = if member == 0 && (5.0..6.0).contains(&at) { 0.02 + at / 1000.0 } else { 0.001 };
        // Later and higher, but only a blip: not part of the incident.
        let wal = if member == 1 && (9.0..9.05).contains(&at) { 0.9 } else { wal };
        [wal, 0.002, 100.0, 0.0, 1e6, 1e9]
    };
    let found = Made::of(1, &readings).find();
    let incident = of_cause(&found, ProblemCause::SlowDisk)[0];
    let worst = incident.worst.as_ref().map(|worst| (worst.at_ms - super::super::tests::FIRST, &*worst.member));
    assert_eq!(worst, Some(((5 * 60 + 55) * 60_000, "m0")));
    let text = "WAL fsync p99 up to 26 ms on m0 (threshold 10 ms)";
    assert_eq!(incident.reading_text().as_deref(), Some(text));
}

#[test]
fn the_verdict_counts_hours_clusters_and_problems() {
    // Four hours at 3 points are 0.25 points on average, over two days.
    let readings = |member, at: f64| slow(member == 0 && (2.0..6.0).contains(&at));
    let found = Made::of(2, &readings).find();
    let verdict = Verdict::of(found.clusters());
    // WAL fsync costs 3 points: exactly 7, which is not below 7.
    assert_eq!((verdict.below_7, verdict.problems, verdict.clusters), (0, 1, 1));
    assert_eq!(verdict.sentence(), "c needs attention");
    let a_step_less = |member, at: f64| slow(member == 0 && (2.0..5.9).contains(&at));
    let found = Made::of(2, &a_step_less).find();
    assert_eq!(Verdict::of(found.clusters()).sentence(), "the cluster needs no attention");
    let healthy = Made::of(2, &|_, _| slow(false)).find();
    assert_eq!(Verdict::of(healthy.clusters()).sentence(), "the cluster needs no attention");
    assert!(healthy.problems().is_empty());
}
