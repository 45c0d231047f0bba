//! Rounds of defragmentations on synthetic days, with and without etcd's own count of them.

use super::super::tests::{Evident, Made};
use super::super::{Findings, Kind};
use crate::spec::{Companion, METRICS};

/// Readings of a database of this size.
fn of_size(size: f64) -> [f64; METRICS] {
    [0.001, 0.002, 100.0, 0.0, 1e6, size]
}

const GIB: f64 = 1_073_741_824.0;
const MIB: f64 = 1_048_576.0;

fn said(findings: &Findings) -> Vec<&str> {
    findings.iter().filter(|f| f.kind == Kind::Defragmentation).map(|f| f.says.as_str()).collect()
}

/// Members are defragmented 10 minutes apart from 5:00 on, and again from 5:50 on, from 400 MiB to 100 MiB (plus 1 MiB for
/// each member).
fn twice(member: usize, at: f64) -> [f64; METRICS] {
    let own = 5.0 + member as f64 / 6.0;
    let free = (own..own + 0.25).contains(&at) || at >= own + 5.0 / 6.0;
    of_size((if free { 100.0 } else { 400.0 } + member as f64) * MIB)
}

#[test]
fn a_member_that_is_defragmented_again_begins_another_round() {
    let found = Made::of(1, &twice).find();
    let once = "the databases of 3 members of c were defragmented: m0 400.00 MiB → 100.00 MiB, m1 401.00 MiB → 101.00 MiB, \
                m2 402.00 MiB → 102.00 MiB; 900.00 MiB freed in all";
    assert_eq!(said(&found), [once; 2]);
    let members: Vec<usize> =
        found.iter().filter(|f| f.kind == Kind::Defragmentation).map(|f| f.members.len()).collect();
    assert_eq!(members, [3, 3]);
}

#[test]
fn a_round_of_many_members_has_ranges_and_one_of_a_single_member_its_sizes() {
    let found = Made { members: 5, ..Made::of(1, &twice) }.find();
    let five = "the databases of 5 members of c were defragmented: 400.00 MiB to 404.00 MiB → 100.00 MiB to 104.00 MiB; 1.46 \
                GiB freed in all";
    assert_eq!(said(&found), [five; 2]);
    let found = Made { members: 1, ..Made::of(1, &twice) }.find();
    assert_eq!(said(&found), ["the database of m0 of c was defragmented: 400.00 MiB → 100.00 MiB"; 2]);
    let took =
        |f: &super::Finding| f.evidence.iter().find(|(name, _)| name == "took").map(|(_, value)| value.to_string());
    let first = found.iter().find(|f| f.kind == Kind::Defragmentation).and_then(took);
    assert_eq!(first.as_deref(), Some("not in the history"));
}

/// The share of five minutes that a defragmentation of 30 s takes, while it shows, at steps of a minute.
fn thirty_seconds(begins: &[f64], at: f64) -> f64 {
    let minutes = |begin: &&f64| ((at - **begin) * 60.0).round();
    0.1 * begins.iter().filter(|begin| (0.0..5.0).contains(&minutes(begin))).count() as f64
}

#[test]
fn what_etcd_counted_is_a_defragmentation_even_if_it_freed_little() {
    // At 7:00 it frees 2 %, at 9:00 nothing, because clients write, and at 11:00 a quarter.
    let readings = |_, at: f64| {
        of_size(match at {
            ..7.0 => GIB,
            7.0..9.0 => 0.98 * GIB,
            9.0..11.0 => 0.99 * GIB,
            _ => 0.75 * GIB,
        })
    };
    let counted = |_, at: f64| thirty_seconds(&[7.0, 9.0, 11.0], at);
    let evidence: &[Evident<'_>] = &[(Companion::Defragmenting, &counted)];
    let minutely = |evidence| Made { members: 1, step_ms: 60_000, evidence, ..Made::of(1, &readings) }.find();
    let with = minutely(evidence);
    assert_eq!(
        said(&with),
        [
            "the database of m0 of c was defragmented: 1.00 GiB → 1003.52 MiB in about 30 s; it freed less than 5 %",
            "the database of m0 of c was defragmented: 1003.52 MiB → 1013.76 MiB in about 30 s; it freed less than 5 %",
            "the database of m0 of c was defragmented: 1013.76 MiB → 768.00 MiB in about 30 s",
        ]
    );
    // Without the count, only the drop of a quarter shows.
    let without = minutely(&[]);
    assert_eq!(said(&without), ["the database of m0 of c was defragmented: 1013.76 MiB → 768.00 MiB"]);
}

#[test]
fn a_counted_defragmentation_may_lie_near_a_restart_or_across_midnight() {
    let readings = |_, at: f64| of_size(if at < 24.0 { GIB } else { GIB / 2.0 });
    let started = |_, at: f64| if at < 24.05 { -99.0 } else { 24.04 };
    let counted = |_, at: f64| thirty_seconds(&[24.0], at);
    let find =
        |evidence| Made { members: 1, step_ms: 60_000, started: &started, evidence, ..Made::of(2, &readings) }.find();
    assert_eq!(said(&find(&[])), [""; 0], "the member may have started with another file");
    let with = find(&[(Companion::Defragmenting, &counted)]);
    assert_eq!(said(&with), ["the database of m0 of c was defragmented: 1.00 GiB → 512.00 MiB in about 30 s"]);
}

#[test]
fn a_defragmentation_before_the_history_is_none_of_it() {
    let readings = |_, _: f64| of_size(GIB);
    let counted = |_, at: f64| if at < 0.05 { 0.1 } else { 0.0 };
    let evidence: &[Evident<'_>] = &[(Companion::Defragmenting, &counted)];
    let found = Made { members: 1, step_ms: 60_000, evidence, ..Made::of(1, &readings) }.find();
    assert_eq!(said(&found), [""; 0]);
}
