//! Tests of the causes of leader changes and of critical conditions in histories that say who led, at a step of 15 seconds.

use super::tests::{FIRST, Made};
use super::{Cause, Finding, Findings, Kind, ProblemCause};
use crate::spec::METRICS;
use crate::time::HOUR_MS;

const HEALTHY: [f64; METRICS] = [0.001, 0.002, 100.0, 0.0, 1e6, 1e9];
const DOWN: [f64; METRICS] = [f64::NAN; METRICS];
/// Until ten o'clock m0 leads, then m1.
const MOVED: f64 = 10.0;
const MINUTE: f64 = 1.0 / 60.0;
const LED: [f64; 2] = [1.0, 1.0];
const FOLLOWED: [f64; 2] = [0.0, 1.0];
const LOST: [f64; 2] = [0.0, 0.0];

fn led(member: usize, at: f64) -> [f64; 2] {
    if member == usize::from(at >= MOVED) { LED } else { FOLLOWED }
}

/// The history, with the change counted by all members.
fn found(
    readings: &dyn Fn(usize, f64) -> [f64; METRICS],
    leaders: &dyn Fn(usize, f64) -> [f64; 2],
    started: &dyn Fn(usize, f64) -> f64,
) -> Findings {
    let counted = |member: usize, at: f64| {
        let mut readings = readings(member, at);
        if !readings[3].is_nan() && at >= MOVED {
            readings[3] += 1.0;
        }
        readings
    };
    Made { step_ms: 15_000, leaders: Some(leaders), started, ..Made::of(1, &counted) }.find()
}

/// The only leader change.
fn change(found: &Findings) -> &Finding {
    let changes: Vec<&Finding> = found.iter().filter(|finding| finding.kind == Kind::LeaderChange).collect();
    assert_eq!(changes.len(), 1, "{changes:?}");
    changes[0]
}

fn causes(found: &Findings) -> Vec<ProblemCause> {
    found.problems().iter().map(|problem| problem.cause).collect()
}

fn always(_: usize, _: f64) -> f64 {
    -99.0
}

#[test]
fn a_change_without_any_trouble_is_a_planned_move() {
    let found = found(&|_, _| HEALTHY, &led, &always);
    let change = change(&found);
    assert_eq!(
        (change.cause, &change.members[..]),
        (Some(Cause::PlannedMove), &["m0".to_owned(), "m1".to_owned()][..])
    );
    assert_eq!(causes(&found), []);
    // The first step of the new leader.
    assert_eq!(change.start_ms, FIRST + 10 * HOUR_MS - 15_000);
}

#[test]
fn a_change_is_not_called_planned_if_steps_are_too_far_apart_to_see_a_hang() {
    let counted = |_, at: f64| [0.001, 0.002, 100.0, f64::from(u8::from(at >= MOVED)), 1e6, 1e9];
    let found = Made { leaders: Some(&led), ..Made::of(1, &counted) }.find();
    assert_eq!(change(&found).cause, Some(Cause::Unexplained));
}

#[test]
fn a_slow_disk_explains_a_change_only_on_the_member_that_led_and_while_it_was_slow() {
    // Over five minutes, p99 shows a disk that was slow from `from` on until five minutes after it has recovered.
    let slow = |which: usize, from: f64, to: f64| {
        move |member, at: f64| {
            let is_slow = member == which && (from..to + 5.0 * MINUTE).contains(&at);
            if is_slow { [0.8, 0.9, 100.0, 0.0, 1e6, 1e9] } else { HEALTHY }
        }
    };
    let minutes = |minutes: f64| MOVED + minutes * MINUTE;
    let cause = |which, from, to| change(&found(&slow(which, minutes(from), minutes(to)), &led, &always)).cause;
    assert_eq!(cause(0, -3.0, 2.0), Some(Cause::SlowDisk));
    // It shows only after the change.
    assert_eq!(cause(0, 1.5, 4.0), Some(Cause::SlowDisk));
    assert_eq!(cause(1, -3.0, 2.0), Some(Cause::PlannedMove), "a follower's disk");
    assert_eq!(cause(0, -9.0, -2.0), Some(Cause::PlannedMove), "recovered two minutes before");
}

#[test]
fn a_silent_leader_hung_or_restarted_and_a_follower_explains_nothing() {
    let silent = |which: usize| {
        move |member, at: f64| {
            let is_down = member == which && (MOVED - 0.001..MOVED + MINUTE).contains(&at);
            if is_down { DOWN } else { HEALTHY }
        }
    };
    let hung = found(&silent(0), &led, &always);
    assert_eq!(change(&hung).cause, Some(Cause::ProcessStopped));
    assert!(
        change(&hung)
            .says
            .ends_with("m0, which led, sent no samples for 60 s and was the same process afterwards: it hung")
    );
    assert_eq!(causes(&hung), [ProblemCause::MemberWithoutData]);
    let again = |member, at: f64| if member == 0 && at >= MOVED + MINUTE { MOVED + 0.9 * MINUTE } else { -99.0 };
    let restarted = found(&silent(0), &led, &again);
    assert_eq!((change(&restarted).cause, causes(&restarted)), (Some(Cause::Restart), vec![ProblemCause::Restart]));
    let follower = found(&silent(2), &led, &always);
    assert_eq!(change(&follower).cause, Some(Cause::Unexplained));
    // A restart of the leader long after it lost the leadership.
    let later = |member, at: f64| if member == 0 && at >= MOVED + 5.0 * MINUTE { MOVED + 4.9 * MINUTE } else { -99.0 };
    assert_eq!(change(&found(&|_, _| HEALTHY, &led, &later)).cause, Some(Cause::PlannedMove));
}

#[test]
fn a_leader_that_is_cut_off_is_a_matter_of_the_network() {
    let cut_off = |member, at: f64| match member {
        0 if (MOVED..MOVED + MINUTE).contains(&at) => LOST,
        _ => led(member, at),
    };
    let found = found(&|_, _| HEALTHY, &cut_off, &always);
    assert_eq!(change(&found).cause, Some(Cause::Network));
    let [problem] = found.problems() else { panic!("{:?}", found.problems()) };
    assert_eq!((problem.cause, &problem.members[..]), (ProblemCause::NoLeader, &["m0".to_owned()][..]));
    assert_eq!((problem.first_ms(), problem.last_ms()), (FIRST + 10 * HOUR_MS, FIRST + 10 * HOUR_MS + 60_000));
    assert!(problem.impact > 0.0 && problem.lost == 0.0);
}

#[test]
fn a_cluster_without_a_leader_has_lost_its_quorum() {
    let nobody = |_, at: f64| if (MOVED..MOVED + MINUTE).contains(&at) { LOST } else { [f64::NAN, 1.0] };
    let found = found(&|_, _| HEALTHY, &nobody, &always);
    let [incident] = &found.incidents()[..] else { panic!("{:?}", found.incidents()) };
    assert!(
        incident.says.contains("knew no leader for 60 s") && incident.says.contains("0 of 3 members left, quorum lost")
    );
}
