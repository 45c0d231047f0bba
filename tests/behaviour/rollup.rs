//! How members become a cluster: the worst of them, their mean, or what a majority reaches.

use std::sync::OnceLock;

use crate::support::{
    Cell, Folder, HOUR, History, METRICS, Metrics, START, bad_and_healthy, cells, prometheus_of, spring,
};

/// What is wrong with a member.
#[derive(Clone, Copy, PartialEq)]
enum State {
    Healthy,
    /// This metric is bad.
    Bad(&'static str),
    Unknown,
    /// Unknown in the second half of the hour.
    HalfUnknown,
    /// It does not exist any more.
    Gone,
}

use State::{Bad, Gone, HalfUnknown, Healthy, Unknown};

/// In byte order, in which 10 comes before 7.
const MEMBERS: [&str; 5] = ["m10", "m11", "m7", "m8", "m9"];
/// Costs three points.
const WAL: State = Bad("wal_fsync");
/// Costs three points too.
const LEADER: State = Bad("leader_changes");
/// Costs one point.
const COMMIT: State = Bad("backend_commit");

/// Hour after hour, member after member.
const HOURS: [[State; 5]; 12] = [
    [Healthy, Healthy, Healthy, Healthy, Healthy],
    [WAL, Healthy, Healthy, Healthy, Healthy],
    [Healthy, Unknown, Healthy, Healthy, Healthy],
    [WAL, Unknown, Healthy, Healthy, Healthy],
    [WAL, Unknown, WAL, Healthy, Healthy],
    [Unknown, Unknown, Unknown, Healthy, Healthy],
    [WAL, WAL, Healthy, Healthy, Gone],
    [COMMIT, HalfUnknown, Healthy, Healthy, Gone],
    [COMMIT, Healthy, Healthy, Gone, Gone],
    [COMMIT, COMMIT, Healthy, Gone, Gone],
    [LEADER, WAL, Healthy, Gone, Gone],
    [WAL, LEADER, Healthy, Gone, Gone],
];

/// The hours of the one cluster with this rollup, which the oracle has confirmed.
fn hours(rollup: &str) -> Vec<Cell> {
    static SHARED: OnceLock<History> = OnceLock::new();
    let end = START + HOURS.len() as i64 * HOUR;
    let history = SHARED.get_or_init(|| History::pull(&prometheus_of(&history().text()), START, end));
    let folder: Folder = history.is_scored_exactly(&["--rollup", rollup]);
    let hours: Vec<_> =
        cells(&folder.text("audit/heatmap.csv")).into_iter().filter(|cell| cell.member.is_none()).collect();
    assert!(hours.iter().map(|cell| cell.hour).eq(0..HOURS.len() as u32), "one cell an hour: {hours:?}");
    hours
}

fn history() -> Metrics {
    let mut metrics = Metrics::every(300);
    for (place, member) in MEMBERS.into_iter().enumerate() {
        let labels = format!(r#"cluster="c",job="etcd",instance="{member}""#);
        for metric in METRICS {
            let (bad, healthy) = bad_and_healthy(metric);
            metrics.recorded(metric, &labels, START..START + HOURS.len() as i64 * HOUR, |second| {
                let since = second - START;
                match HOURS[(since / HOUR) as usize][place] {
                    Bad(which) if which == metric => bad,
                    // A member of which nothing is known any more has gone; so one reading stays known.
                    Unknown if metric == "open_fds" => f64::NAN,
                    HalfUnknown if metric == "open_fds" && since % HOUR >= HOUR / 2 => f64::NAN,
                    Gone => f64::NAN,
                    _ => healthy,
                }
            });
        }
    }
    metrics
}

fn means(hours: &[Cell]) -> Vec<Option<f64>> {
    hours.iter().map(|cell| cell.mean).collect()
}

#[test]
fn the_worst_member_stands_for_its_cluster_and_an_unknown_one_could_be_worse() {
    let hours = hours("worst");
    let [all, bad, slow] = [Some(10.0), Some(7.0), Some(9.0)];
    assert_eq!(means(&hours), [all, bad, None, None, None, None, bad, slow, slow, slow, bad, bad]);
    assert_eq!((hours[7].scored, hours[7].expected), (6, 12));
}

#[test]
fn a_quorum_outvotes_one_bad_member_and_one_unknown() {
    let hours = hours("quorum");
    let quorum = &means(&hours)[..8];
    assert_eq!(quorum[..3], [Some(10.0); 3], "four of five are healthy, three are a majority");
    assert_eq!(quorum[3], Some(10.0), "three of five are healthy beside a bad and an unknown one");
    assert_eq!(quorum[4], Some(7.0), "of 10, 10, 7, 7 and an unknown one a majority reaches 7");
    assert_eq!(quorum[5], None, "two known ones of five are no majority");
    assert_eq!(quorum[6], Some(7.0), "of four three are a majority");
    assert_eq!(quorum[7], Some(9.5), "of four 10, then of three known ones 9, half an hour each");
    assert!(hours.iter().all(|cell| cell.expected == 12), "{hours:?}");
    let scored: Vec<_> = hours.iter().map(|cell| cell.scored).collect();
    assert_eq!(scored, [12, 12, 12, 12, 12, 0, 12, 12, 12, 12, 12, 12]);
    // What it lost is that of the member that stands for it.
    assert_eq!((hours[3].worst_metric.as_str(), hours[4].worst_metric.as_str()), ("", "wal_fsync"));
}

#[test]
fn the_mean_of_members_counts_each_of_them_and_is_unknown_while_one_of_them_is() {
    let hours = hours("mean");
    let expected = [
        Some(10.0),
        Some(9.4),
        None,
        None,
        None,
        None,
        Some(8.5),
        Some(9.75),
        // A third of a point and two thirds, rounded to a billionth.
        Some(9.666666667),
        Some(9.333333333),
        Some(8.0),
        Some(8.0),
    ];
    assert_eq!(means(&hours), expected);
    assert_eq!((hours[7].scored, hours[7].expected), (6, 12));
    assert_eq!(
        hours[10].worst_metric, "wal_fsync",
        "both metrics cost the same; the first of the specification is told"
    );
}

#[test]
fn among_equal_members_the_first_by_name_stands_for_the_cluster() {
    for rollup in ["worst", "quorum"] {
        let hours = hours(rollup);
        let worst: Vec<_> = hours[10..].iter().map(|cell| (cell.mean, cell.worst_metric.as_str())).collect();
        assert_eq!(worst, [(Some(7.0), "leader_changes"), (Some(7.0), "wal_fsync")], "--rollup {rollup}");
    }
}

#[test]
fn members_have_the_same_cells_however_they_are_rolled_up() {
    let of_members = |rollup: &str| {
        let flags = ["--rollup", rollup, "--without", "open_fds"];
        let csv = spring().is_scored_exactly(&flags).text("audit/heatmap.csv");
        csv.lines().filter(|line| line.starts_with("member")).map(str::to_owned).collect::<Vec<_>>()
    };
    let worst = of_members("worst");
    assert!(!worst.is_empty());
    assert_eq!(worst, of_members("mean"));
    assert_eq!(worst, of_members("quorum"));
}
