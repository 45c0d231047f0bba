use super::*;

const HOUR: i64 = 3_600_000;

/// A cluster whose members were first and last seen at these hours, over this many days, at a step of five minutes.
fn cluster(days: i64, lives: &[(i64, i64)], expected: Option<usize>) -> Membership {
    let step = Step::from_millis(300_000).unwrap_or_else(|e| panic!("{e}"));
    let range = TimeRange { start_ms: 0, end_ms: days * DAY_MS };
    let life = |(index, &(first, last)): (usize, &(i64, i64))| {
        let last_ms = (last * HOUR).min(range.end_ms - step.millis());
        (format!("m{index}"), Life { first_ms: first * HOUR, last_ms })
    };
    Membership::new("c".to_owned(), lives.iter().enumerate().map(life).collect(), step, range, expected)
}

/// Start and end in hours, and the number of members left, of each shortage.
fn short(membership: &Membership) -> Vec<(i64, i64, usize)> {
    let hours = |ms: i64| (ms + HOUR / 2) / HOUR;
    let shortages = membership.shortages().into_iter();
    shortages.map(|s| (hours(s.range.start_ms), hours(s.range.end_ms), s.staffing.left)).collect()
}

#[test]
fn shortages_are_the_stretches_with_fewer_members_than_expected() {
    let full = (0, 99);
    assert_eq!(short(&cluster(3, &[full, full, (0, 12)], Some(3))), [(12, 72, 2)]);
    assert_eq!(short(&cluster(3, &[full, full, (0, 12)], None)), []);
    assert_eq!(short(&cluster(3, &[full, full, full], Some(3))), []);
    assert_eq!(short(&cluster(3, &[full, full, (0, 12), (14, 99)], Some(3))), [(12, 14, 2)], "replaced");
    assert_eq!(short(&cluster(3, &[full, (0, 20), (0, 12)], Some(3))), [(12, 20, 2), (20, 72, 1)]);
    assert_eq!(short(&cluster(3, &[(0, 20), (0, 20)], Some(2))), [(20, 72, 0)], "the cluster ended");
    assert_eq!(short(&cluster(3, &[(24, 99), (24, 99)], Some(2))), [], "before it was first seen, nothing is expected");
    assert_eq!(short(&cluster(3, &[(24, 99), (30, 99)], Some(2))), [(24, 30, 1)]);
    assert_eq!(short(&cluster(3, &[full, full, (0, 12)], Some(1))), []);
}

#[test]
fn a_cluster_expected_by_name_and_never_seen_is_short_for_the_whole_history() {
    let expected = ExpectedMembers::parse(["c=1", "edge=2", "lab=0"]).unwrap_or_else(|e| panic!("{e}"));
    let range = TimeRange { start_ms: 0, end_ms: DAY_MS };
    let all = shortages(&[cluster(1, &[(0, 99)], Some(1))], range, &expected, CellWidth::default());
    assert_eq!(all.len(), 1);
    let never = &all[0];
    assert_eq!((never.cluster.as_str(), never.range, never.is_seen), ("edge", range, false));
    assert_eq!(never.staffing, Staffing { left: 0, expected: 2 });
}

#[test]
fn a_replacement_within_a_cell_is_no_shortage_for_the_gate() {
    let expected = ExpectedMembers::parse(["2"]).unwrap_or_else(|e| panic!("{e}"));
    let range = TimeRange { start_ms: 0, end_ms: DAY_MS };
    let replaced = [cluster(1, &[(0, 99), (0, 12), (13, 99)], Some(2))];
    let within = |width: &str| {
        let width = width.parse().unwrap_or_else(|e| panic!("{e}"));
        shortages(&replaced, range, &expected, width).len()
    };
    assert_eq!((within("30m"), within("1h"), within("2h")), (1, 0, 0), "55 minutes with one member");
    let late = [cluster(1, &[(0, 99), (0, 23)], Some(2))];
    assert_eq!(shortages(&late, range, &expected, "2h".parse().unwrap_or_else(|e| panic!("{e}"))).len(), 1, "open");
}

#[test]
fn the_note_counts_members_that_went_and_suggests_what_to_expect() {
    let full = (0, 99);
    let gone = cluster(3, &[full, full, (0, 12)], None);
    let said = "1 member went and never came back (see findings); --expect-members 3 makes this fail";
    assert_eq!(note(std::slice::from_ref(&gone)).as_deref(), Some(said));
    let mut other = cluster(3, &[full; 5], None);
    other.cluster = "other".to_owned();
    assert_eq!(note(std::slice::from_ref(&other)), None);
    let said = "1 member went and never came back (see findings); --expect-members c=3 makes this fail";
    assert_eq!(note(&[gone, other]).as_deref(), Some(said));
    let two = cluster(3, &[full, full, full, (0, 12), (0, 30)], None);
    let said = "2 members went and never came back (see findings); --expect-members 5 makes these fail";
    assert_eq!(note(&[two]).as_deref(), Some(said));
    assert_eq!(note(&[cluster(3, &[full, full, (0, 12)], Some(3))]), None, "the gate reports it");
    assert_eq!(note(&[cluster(3, &[full, full, (0, 12), (13, 99)], None)]), None, "replaced");
}

#[test]
fn a_member_went_at_the_latest_when_the_look_back_lost_its_last_sample() {
    let minute = Step::from_millis(60_000).unwrap_or_else(|e| panic!("{e}"));
    let range = TimeRange { start_ms: 0, end_ms: DAY_MS };
    let member = |last_minute: i64| Life { first_ms: 0, last_ms: last_minute * 60_000 };
    // Prometheus returns b's last sample at 12:04 but not at 12:05, so b sent it at 12:00 at the latest.
    let lives = vec![("a".to_owned(), member(23 * 60 + 59)), ("b".to_owned(), member(12 * 60 + 4))];
    let departures = Membership::new("c".to_owned(), lives, minute, range, None).departures();
    assert_eq!((departures[0].went_ms, departures[0].left_ms), (12 * HOUR, 12 * HOUR + 5 * 60_000));
    let coarse = cluster(1, &[(0, 99), (0, 12)], None).departures();
    assert_eq!(coarse[0].went_ms, 12 * HOUR);
}

#[test]
fn many_members_take_each_others_places_once_each() {
    // Every day for 60 days, a member comes and goes 20 hours later; the next one takes its place after 4 more hours.
    // With the two members that stay, the cluster has three.
    let lives: Vec<(i64, i64)> = (0..60).map(|day| (day * 24, day * 24 + 20)).chain([(0, 9999); 2]).collect();
    let membership = cluster(61, &lives, None);
    let departures = membership.departures();
    assert!(departures[..59].iter().all(|d| matches!(d.outcome, Outcome::Replaced { .. })), "{departures:?}");
    assert_eq!(departures.len(), 60);
    assert!(departures[59].is_open() && departures[59].members == ["m59"]);
    assert_eq!(membership.expected_at(i64::MAX), 3);
}
