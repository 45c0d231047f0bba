//! Two leaders at once, even sizes, and learners, on synthetic days.

use super::super::tests::{Evident, Made};
use super::super::{Finding, Findings, Kind};
use super::*;
use crate::spec::{Companion, METRICS};

const HEALTHY: [f64; METRICS] = [0.001, 0.002, 100.0, 0.0, 1e6, 1e9];

fn healthy(_: usize, _: f64) -> [f64; METRICS] {
    HEALTHY
}

fn of_kind(findings: &Findings, kind: Kind) -> Vec<&Finding> {
    findings.iter().filter(|finding| finding.kind == kind).collect()
}

fn said(findings: &Findings, kind: Kind) -> Vec<&str> {
    of_kind(findings, kind).into_iter().map(|finding| finding.says.as_str()).collect()
}

/// `m0` leads, and `m1` as well from 5:00 for so many minutes, at steps of a minute.
fn two_for(minutes: f64, readings: &dyn Fn(usize, f64) -> [f64; METRICS]) -> Findings {
    let leads = |member, at: f64| {
        let also = member == 1 && (0.0..minutes).contains(&((at - 5.0) * 60.0).round());
        [f64::from(u8::from(member == 0 || also)), 1.0]
    };
    Made { leaders: Some(&leads), step_ms: 60_000, ..Made::of(1, readings) }.find()
}

#[test]
fn two_leaders_for_two_steps_in_a_row_are_a_finding() {
    assert_eq!(said(&two_for(1.0, &healthy), Kind::TwoLeaders), [""; 0]);
    let found = two_for(2.0, &healthy);
    let expected = "m0 and m1 of c led at the same time for 2 min: two clusters under one name, or a partition";
    assert_eq!(said(&found, Kind::TwoLeaders), [expected]);
    let evidence: Vec<String> =
        of_kind(&found, Kind::TwoLeaders)[0].evidence.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(
        evidence,
        [
            "at_the_same_time=2 min",
            "stretches=1",
            "m0_from=2026-01-05T05:00:00Z",
            "m0_until=2026-01-05T05:01:00Z",
            "m1_from=2026-01-05T05:00:00Z",
            "m1_until=2026-01-05T05:01:00Z",
        ]
    );
}

#[test]
fn a_leader_that_died_does_not_lead_in_the_look_back_after_its_last_sample() {
    // m0 sends nothing from 5:05 on, as it seems: it died at 5:00 at the earliest, and m1 leads since 5:00.
    let dead = |member: usize, at: f64| if member == 0 && at >= 5.08 { [f64::NAN; METRICS] } else { HEALTHY };
    assert_eq!(said(&two_for(600.0, &dead), Kind::TwoLeaders), [""; 0]);
    let later = |member: usize, at: f64| if member == 0 && at >= 5.18 { [f64::NAN; METRICS] } else { HEALTHY };
    assert_eq!(said(&two_for(600.0, &later), Kind::TwoLeaders).len(), 1);
}

#[test]
fn two_leaders_most_of_the_time_are_two_clusters_which_elect_now_and_then() {
    let leads = |member, at: f64| {
        // The second cluster is without a leader for five minutes, and m1 leads it then.
        let second = if at < 12.0 { 2 } else { 1 };
        let leads = member == 0 || (member == second && !(12.0..12.09).contains(&at));
        [f64::from(u8::from(leads)), 1.0]
    };
    let found = Made { leaders: Some(&leads), ..Made::of(1, &healthy) }.find();
    let says = said(&found, Kind::TwoLeaders);
    assert_eq!(says.len(), 1, "{says:?}");
    let expected = "m0, m1 and m2 of c led at the same time for 23 h 50 min: two clusters under one name; give \
                    --cluster-label a label that tells them apart";
    assert_eq!(says[0], expected);
}

#[test]
fn ports_of_the_same_hosts_tell_two_clusters_apart() {
    let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let kops = names(&["10.0.0.1:4001", "10.0.0.1:4002", "10.0.0.2:4001", "10.0.0.2:4002"]);
    let both = Some(["4001".to_owned(), "4002".to_owned()]);
    assert_eq!(ports(&kops, &names(&["10.0.0.1:4001", "10.0.0.2:4002"])), both);
    assert_eq!(ports(&kops, &names(&["10.0.0.1:4001", "10.0.0.2:4001"])), None, "one of them has no leader");
    let one = names(&["10.0.0.1:4001", "10.0.0.1:4002", "10.0.0.2:4001"]);
    assert_eq!(ports(&one, &names(&["10.0.0.1:4001", "10.0.0.1:4002"])), None, "a host has one member");
    assert_eq!(ports(&names(&["a", "b"]), &names(&["a", "b"])), None);
    let local = names(&["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"]);
    assert_eq!(ports(&local, &names(&["127.0.0.1:1", "127.0.0.1:2"])), None, "a cluster on one machine");
}

#[test]
fn names_of_leaders_are_counted_if_there_are_many() {
    let names: Vec<String> = ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
    assert_eq!(named(&names[..2]), "a and b");
    assert_eq!(named(&names[..3]), "a, b and c");
    assert_eq!(named(&names), "a, b and 3 more members");
}

/// The sentences about even sizes, for members with these first and last hours.
fn even(days: i64, lives: &[(f64, f64)], expected: &[&str]) -> Vec<String> {
    let life = |member: usize| lives[member];
    let found = Made { members: lives.len(), life: &life, expected, ..Made::of(days, &healthy) }.find();
    said(&found, Kind::ClusterSize).into_iter().map(str::to_owned).collect()
}

#[test]
fn an_even_number_of_members_for_a_day_or_at_the_end_is_told_with_what_it_tolerates() {
    let all = (0.0, 1e6);
    assert_eq!(even(2, &[all; 3], &[]), [""; 0]);
    assert_eq!(
        even(2, &[all; 4], &[]),
        ["c ran with 4 members since 2026-01-05 at 00:00: 4 members tolerate 1 failure, like 3"]
    );
    assert_eq!(
        even(2, &[all; 2], &[]),
        ["c ran with 2 members since 2026-01-05 at 00:00: 2 members tolerate no failure, like 1"]
    );
    // From three to five: four for 20 hours are a step on the way, four for 30 hours are not.
    let grows = |hours: f64| even(4, &[all, all, all, (10.0, 1e6), (10.0 + hours, 1e6)], &[]);
    assert_eq!(grows(20.0), [""; 0]);
    let expected = "c ran with 4 members for 1 d 6 h from 2026-01-05 at 10:00: 4 members tolerate 1 failure, like 3";
    assert_eq!(grows(30.0), [expected]);
    // A fourth member since an hour before the end, or since half an hour.
    assert_eq!(even(2, &[all, all, all, (47.0, 1e6)], &[]).len(), 1);
    assert_eq!(even(2, &[all, all, all, (47.5, 1e6)], &[]), [""; 0]);
    // Two of three are a cluster with a missing member, unless two are expected.
    assert_eq!(even(3, &[all, all, (0.0, 10.0)], &[]), [""; 0]);
    assert_eq!(even(3, &[all, all, (0.0, 10.0)], &["2"]).len(), 1);
}

#[test]
fn learners_do_not_count_among_the_members_that_vote() {
    let all = (0.0, 1e6);
    let lives = [all, all, all, (10.0, 1e6)];
    let life = |member: usize| lives[member];
    // m3 is a learner until its promotion at 40:00; m2 is down for an hour at 20:00.
    let learner = |promoted: f64| move |member: usize, at: f64| f64::from(u8::from(member == 3 && at < promoted));
    let down = |away: usize| {
        move |member: usize, at: f64| {
            if member == away && (20.0..21.0).contains(&at) { [f64::NAN; METRICS] } else { HEALTHY }
        }
    };
    let find = |promoted: f64, away: usize, is_known: bool| {
        let (learner, down) = (learner(promoted), down(away));
        let evidence: &[Evident<'_>] = &[(Companion::IsLearner, &learner)];
        let evidence = if is_known { evidence } else { &[] };
        let found = Made { members: 4, life: &life, evidence, ..Made::of(3, &down) }.find();
        let incident = found.incidents().first().map(|finding| finding.says.clone());
        (
            incident.unwrap_or_default(),
            said(&found, Kind::ClusterSize).into_iter().map(str::to_owned).collect::<Vec<_>>(),
        )
    };
    let (incident, even) = find(99.0, 2, true);
    assert_eq!(incident, "m2 of c sent no metrics for 1 h: 2 of 3 members left, no fault tolerance");
    assert_eq!(even, [""; 0], "three voting members and a learner");
    let (incident, even) = find(40.0, 2, true);
    assert_eq!(incident, "m2 of c sent no metrics for 1 h: 2 of 3 members left, no fault tolerance");
    assert_eq!(even, ["c ran with 4 voting members since 2026-01-06 at 16:00: 4 members tolerate 1 failure, like 3"]);
    let (incident, _) = find(99.0, 3, true);
    let expected = "m3 of c sent no metrics for 1 h: 3 of 3 members left, 1 more failure tolerated (m3 is a learner and does not vote)";
    assert_eq!(incident, expected);
    // Without the evidence, four members vote.
    let (incident, even) = find(99.0, 2, false);
    assert_eq!(incident, "m2 of c sent no metrics for 1 h: 3 of 4 members left, no fault tolerance");
    assert_eq!(even.len(), 1);
}
