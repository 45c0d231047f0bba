//! What is said of free pages: at the end of a history, of a full database, and of one that grows.

use super::super::tests::{Evident, Made};
use super::super::{Finding, Findings, Kind, ProblemCause};
use crate::spec::{Companion, METRICS};

const GIB: f64 = 1_073_741_824.0;

fn of_size(size: f64) -> [f64; METRICS] {
    [0.001, 0.002, 100.0, 0.0, 1e6, size]
}

fn of_kind(findings: &Findings, kind: Kind) -> Vec<&Finding> {
    findings.iter().filter(|finding| finding.kind == kind).collect()
}

fn told(finding: &Finding, name: &str) -> Option<String> {
    finding.evidence.iter().find(|(n, _)| n == name).map(|(_, value)| value.to_string())
}

#[test]
fn fragmented_databases_say_what_a_defragmentation_would_free() {
    let readings = |_, _: f64| of_size(2.0 * GIB);
    // At most 37.5 % of 2 GiB is in use, a little less at each further member.
    let in_use = |member: usize, at: f64| if at < 20.0 { 1.5 * GIB } else { (0.75 - member as f64 / 8.0) * GIB };
    let evidence: &[Evident<'_>] = &[(Companion::DbInUse, &in_use)];
    let says = |members| {
        let found = Made { members, evidence, ..Made::of(1, &readings) }.find();
        let found = of_kind(&found, Kind::Fragmentation);
        assert_eq!(found.len(), 1);
        assert_eq!(told(found[0], "m0_since").as_deref(), Some("2026-01-05T20:00:00Z"));
        found[0].says.clone()
    };
    assert_eq!(says(1), "a defragmentation of m0 of c would free 1.25 GiB (62 % of 2.00 GiB)");
    assert_eq!(
        says(2),
        "defragmentations of 2 members of c would free 2.62 GiB: m0 1.25 GiB (62 % of 2.00 GiB), m1 1.38 GiB (68 % of 2.00 \
         GiB)"
    );
    assert_eq!(says(4), "defragmentations of 4 members of c would free 5.75 GiB: 62 % to 81 % of each");
    let found = Made { members: 1, ..Made::of(1, &readings) }.find();
    assert_eq!(of_kind(&found, Kind::Fragmentation), Vec::<&Finding>::new(), "the history has no size in use");
}

/// A quota of 2 GiB, which the database reaches to 99 % at 10:00.
fn full(free_again: f64, in_use: Option<[f64; 2]>) -> Findings {
    let readings = move |_, at: f64| of_size(if (10.0..free_again).contains(&at) { 1.98 * GIB } else { GIB });
    let quota = |_, _: f64| 2.0 * GIB;
    let [first, last] = in_use.unwrap_or_default();
    let used = move |_, at: f64| if at < 10.5 { first } else { last };
    let evidence: &[Evident<'_>] = &[(Companion::Quota, &quota), (Companion::DbInUse, &used)];
    let evidence = if in_use.is_some() { evidence } else { &evidence[..1] };
    Made { members: 1, evidence, ..Made::of(1, &readings) }.find()
}

#[test]
fn a_full_database_says_whether_a_defragmentation_is_enough() {
    let said = |findings: &Findings| {
        let incident = findings.incidents()[0].clone();
        let problem = &findings.problems()[0];
        assert_eq!(problem.cause, ProblemCause::DatabaseFull);
        (incident.says.split("soon will").last().map(str::to_owned), problem.reading_text())
    };
    let both = |action: &str| (Some(format!("; {action}")), Some(format!("reached 99 % of its quota; {action}")));
    // What counts is the time at which it became full. Later it may have been compacted.
    let closed = full(11.0, Some([1.485 * GIB, 0.1 * GIB]));
    assert_eq!(said(&closed), both("a defragmentation would have freed 25 % of its size (506.88 MiB)"));
    assert!(closed.incidents()[0].says.contains("was within 2 % of its quota, up to 99 %, for 1 h: etcd refuses"));
    assert_eq!(told(closed.incidents()[0], "m0_size_in_use").as_deref(), Some("1.49 GiB"));
    let crowded = full(11.0, Some([1.9 * GIB, 0.1 * GIB]));
    assert_eq!(said(&crowded), both("95 % of its size is in use: compact old revisions before defragmenting"));
    // If it is still full at the end, what counts is now.
    let open = full(99.0, Some([1.98 * GIB, 0.5 * GIB]));
    assert_eq!(said(&open), both("a defragmentation would free 74 % of its size (1.48 GiB)"));
    let unknown = full(11.0, None);
    assert_eq!(said(&unknown), (Some(String::new()), Some("reached 99 % of its quota".to_owned())));
    assert_eq!(told(unknown.incidents()[0], "size_in_use").as_deref(), Some("not in the history"));
}

#[test]
fn a_growing_database_says_how_full_it_is_and_what_would_make_room() {
    // 1,090,000,000 of 2,147,483,648 bytes on the tenth day.
    let readings = |_, at: f64| of_size(1e9 + 1e7 * (at / 24.0).floor());
    let says = |in_use: Option<f64>| {
        let used = move |_, _: f64| in_use.unwrap_or_default();
        let evidence: &[Evident<'_>] = &[(Companion::DbInUse, &used)];
        let evidence = if in_use.is_some() { evidence } else { &[] };
        let found = Made { evidence, ..Made::of(10, &readings) }.find();
        let growth = of_kind(&found, Kind::Growth)[0].clone();
        (growth.says.clone(), told(&growth, "size_in_use"))
    };
    let (none, evidence) = says(None);
    assert!(
        none.starts_with("the database of m0 of c, at 50.7 % of its quota of 2.00 GiB, grows by 9.54 MiB a day"),
        "{none}"
    );
    assert!(none.ends_with(')') && !none.contains("defragment"), "{none}");
    assert_eq!(evidence.as_deref(), Some("not in the history"));
    let (free, evidence) = says(Some(6.54e8));
    assert!(free.ends_with("; a defragmentation would free 40 % of its size (415.80 MiB)"), "{free}");
    assert_eq!(evidence.as_deref(), Some("623.70 MiB"));
    let (used, _) = says(Some(1.0792e9));
    assert!(used.ends_with("; 99 % of its size is in use: compact old revisions before defragmenting"), "{used}");
}
