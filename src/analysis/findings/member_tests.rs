//! Tests of the rules on members that are down, leave, are replaced, or never came.

use super::tests::{DISK, HEALTHY, Made, NOTHING, found_hours, slow};
use super::*;
use crate::spec::METRICS;

fn unknown(is_unknown: bool) -> [f64; METRICS] {
    if is_unknown { [f64::NAN; METRICS] } else { HEALTHY }
}

#[test]
fn a_member_that_is_down_is_an_incident_but_an_outage_of_the_monitoring_is_not() {
    let down = |member, at: f64| unknown(member == 0 && (5.0..6.0).contains(&at));
    assert_eq!(found_hours(&Made::of(1, &down).find(), Kind::Incident), [(5.0, 6.0, None)]);
    // One step is enough.
    let shortly = |member, at: f64| unknown(member == 0 && (5.0..5.05).contains(&at));
    assert_eq!(found_hours(&Made::of(1, &shortly).find(), Kind::Incident), [(5.0, 5.0 + 1.0 / 12.0, None)]);
    let all = |_, at: f64| unknown((5.0..6.0).contains(&at));
    assert_eq!(found_hours(&Made::of(1, &all).find(), Kind::Incident), NOTHING);
}

/// First and last seen of each member, in hours: those in `others` (index, first, last), and start
/// to end for the rest.
fn lives_but(others: &[(usize, f64, f64)]) -> impl Fn(usize) -> (f64, f64) {
    move |member| {
        others.iter().find(|(index, ..)| *index == member).map_or((0.0, 1e6), |&(_, first, last)| (first, last))
    }
}

fn healthy(_: usize, _: f64) -> [f64; METRICS] {
    HEALTHY
}

/// The sentences of the incidents, by rank, for healthy members that are first and last seen as in `lives`.
fn said(days: i64, members: usize, lives: &[(usize, f64, f64)], expected: &[&str]) -> Vec<String> {
    let life = lives_but(lives);
    let found = Made { members, life: &life, expected, ..Made::of(days, &healthy) }.find();
    found.incidents().iter().map(|finding| finding.says.clone()).collect()
}

#[test]
fn a_member_that_goes_for_good_is_an_incident_whatever_remains_of_the_history() {
    let expected = "m0 went on 2026-01-05 at 22:00 and never came back: 2 of 3 members since; no fault tolerance: one \
                    more failure stops writes";
    for days in [1, 3, 10] {
        assert_eq!(said(days, 3, &[(0, 0.0, 22.0)], &[]), [expected], "{days} days");
    }
    // A member last seen less than ten minutes before the end may still come back.
    assert_eq!(said(1, 3, &[(0, 0.0, 23.9)], &[]), [""; 0]);
    let life = lives_but(&[(0, 0.0, 22.0)]);
    let found = Made { life: &life, ..Made::of(3, &healthy) }.find();
    assert_eq!(found_hours(&found, Kind::Incident), [(22.0, 72.0, None)], "until the end of the history");
    let incident = found.incidents()[0];
    let of = |name: &str| incident.evidence.iter().find(|(n, _)| n == name).map(|(_, value)| value.to_string());
    assert_eq!(
        ["members_left", "members_expected", "quorum"].map(of).each_ref().map(|text| text.as_deref()),
        [Some("2"), Some("3"), Some("2 of 3")]
    );
    assert_eq!((incident.lost, incident.rank), (None, Some(1)));
}

#[test]
fn even_sizes_lost_quorum_and_deliberate_scaling_are_incidents() {
    let shrinking = said(4, 4, &[(3, 0.0, 10.0), (2, 0.0, 40.0)], &[]);
    assert_eq!(
        shrinking,
        [
            "m2 went on 2026-01-06 at 16:00 and never came back: 2 of 4 members since; quorum lost (3 of 4 needed) \
             unless they were removed from etcd (4 members tolerate 1 failure, like 3)",
            "m3 went on 2026-01-05 at 10:00 and never came back: 3 of 4 members until 2026-01-06 at 16:05, 2 \
             at the end; no fault tolerance unless it was removed from etcd (4 members tolerate 1 failure, like 3)",
        ],
        "the smaller margin ranks first"
    );
    let scaled = said(4, 5, &[(3, 0.0, 10.0), (4, 0.0, 10.0)], &[]);
    let both = "m3, m4 went on 2026-01-05 at 10:00 and never came back: 3 of 5 members since; no fault tolerance \
                unless they were removed from etcd";
    assert_eq!(scaled, [both]);
    assert_eq!(said(4, 5, &[(3, 0.0, 10.0), (4, 0.0, 10.0)], &["3"]), [""; 0], "three are enough");
    let two = said(4, 3, &[(1, 0.0, 10.0), (2, 0.0, 30.0)], &[]);
    assert!(two[0].contains("m2 went") && two[0].contains("1 of 3 members since; quorum lost"), "{two:?}");
}

#[test]
fn a_member_replaced_within_a_day_is_an_incident_of_its_own_kind() {
    assert_eq!(said(4, 4, &[(0, 0.0, 10.0), (3, 11.0, 1e6)], &[]), ["m0 of c was replaced by m3 (55 min gap)"]);
    assert_eq!(said(4, 4, &[(0, 0.0, 10.0), (3, 10.1, 1e6)], &[]), [""; 0], "within minutes");
    // The new member came half an hour before the old one went.
    assert_eq!(said(4, 4, &[(0, 0.0, 10.0), (3, 9.5, 1e6)], &[]), [""; 0]);
    let late = "m0 went on 2026-01-05 at 10:00 and never came back: 2 of 3 members until m3 came on 2026-01-08 at 10:00; \
                no fault tolerance: one more failure stops writes";
    assert_eq!(said(9, 4, &[(0, 0.0, 10.0), (3, 82.0, 1e6)], &[]), [late]);
    // Two members went and one came: it replaces only one of them.
    let half = said(9, 6, &[(0, 0.0, 10.0), (1, 0.0, 10.0), (5, 12.0, 1e6)], &[]);
    assert_eq!(half.len(), 2, "{half:?}");
    assert!(
        half[0].starts_with("m1 went")
            && half[0].contains("3 of 5 members until")
            && half[1].contains("replaced by m5")
    );
    let rolled = [(0, 0.0, 10.0), (1, 0.0, 30.0), (2, 0.0, 50.0), (3, 10.5, 1e6), (4, 30.5, 1e6), (5, 50.5, 1e6)];
    assert!(said(9, 6, &rolled, &[]).iter().all(|says| says.contains("was replaced by")));
}

#[test]
fn a_member_that_joins_later_in_the_first_hour_does_not_excuse_one_that_goes() {
    // m1 is first seen a step later, for example because Prometheus started then.
    let says = said(3, 3, &[(1, 0.1, 1e6), (2, 0.0, 0.8)], &[]);
    assert!(says.len() == 1 && says[0].contains("m2 went") && says[0].contains("2 of 3 members since"), "{says:?}");
}

#[test]
fn a_cluster_that_ends_is_one_incident() {
    let all = [(0, 0.0, 10.0), (1, 0.0, 10.0), (2, 0.0, 10.05)];
    assert_eq!(
        said(3, 3, &all, &[]),
        ["no member of c since 2026-01-05 at 10:00: m0, m1, m2 never came back; nothing else was seen since: the \
          monitoring may have been down"]
    );
    assert!(said(3, 1, &[(0, 0.0, 10.0)], &[])[0].starts_with("no member of c since 2026-01-05 at 10:00: m0 never"));
    let one_by_one = said(3, 3, &[(0, 0.0, 10.0), (1, 0.0, 40.0), (2, 0.0, 40.0)], &[]);
    assert_eq!(one_by_one.len(), 2, "{one_by_one:?}");
    assert!(one_by_one[0].contains("m0 went on 2026-01-05 at 10:00 and never came back: 2 of 3 members until"));
}

#[test]
fn members_that_never_came_are_an_incident_if_they_are_expected() {
    assert_eq!(
        said(2, 2, &[], &["3"]),
        ["c had 2 of 3 members from 2026-01-05 at 00:00 to the end; no fault tolerance: one more failure stops writes"]
    );
    assert_eq!(said(2, 2, &[], &["3", "c=2"]), [""; 0]);
    let joined = said(3, 3, &[(2, 30.0, 1e6)], &["c=3"]);
    assert!(
        joined[0].starts_with("c had 2 of 3 members from 2026-01-05 at 00:00 until m2 came on 2026-01-06 at 06:00")
    );
    assert_eq!(said(2, 3, &[], &["other=1"]), ["no member of other was ever seen: 1 member expected"]);
    let smaller = said(3, 2, &[(1, 0.0, 10.0)], &["3"]);
    assert_eq!(smaller.len(), 2, "{smaller:?}");
    assert!(smaller[0].contains("m1 went") && smaller[0].contains("1 of 3 members since; quorum lost"), "{smaller:?}");
}

#[test]
fn a_member_that_goes_during_an_outage_of_the_monitoring_or_while_another_is_down_is_reported_so() {
    let outage = |_, at: f64| unknown((10.0..12.0).contains(&at));
    let life = lives_but(&[(0, 0.0, 9.95)]);
    let found = Made { life: &life, ..Made::of(3, &outage) }.find();
    let says = &found.incidents()[0].says;
    assert!(says.starts_with("m0 went on 2026-01-05 at 09:57 and never came back: 2 of 3 members since"), "{says}");
    assert!(says.ends_with("nothing was seen of c until 2026-01-05 at 12:00"), "{says}");

    let down = |member, at: f64| unknown(member == 1 && (20.0..21.0).contains(&at));
    let life = lives_but(&[(0, 0.0, 10.0)]);
    let found = Made { life: &life, ..Made::of(3, &down) }.find();
    let says: Vec<&str> = found.incidents().iter().map(|finding| finding.says.as_str()).collect();
    assert!(says[0].ends_with("1 of 3 left when m1 was down as well, from 2026-01-05 at 20:00"), "{says:?}");
    assert_eq!(says[1], "m1 of c sent no metrics for 1 h: 1 of 3 members left, quorum lost (2 needed)");
}

#[test]
fn a_missing_member_ranks_before_hours_with_a_low_score() {
    let readings = |member, at: f64| slow(member == 1 && (5.0..9.0).contains(&at));
    let life = lives_but(&[(0, 0.0, 30.0)]);
    let found = Made { life: &life, ..Made::of(3, &readings) }.find();
    let ranked: Vec<_> = found.incidents().iter().map(|finding| (finding.rank, finding.metric)).collect();
    assert_eq!(ranked, [(Some(1), None), (Some(2), DISK)]);
}
