//! `--rollup worst`, `mean` and `quorum`: every combination of healthy, bad, unscored and absent members that matters,
//! with cells that the Python oracle confirms.

use std::sync::OnceLock;

use crate::support::{
    Cell, Folder, HOUR, History, METRICS, Metrics, START, bad_and_healthy, cells, prometheus_of, spring,
};

/// The state of a member in one hour.
#[derive(Clone, Copy, PartialEq)]
enum State {
    Healthy,
    /// This metric exceeds its threshold.
    Bad(&'static str),
    Unknown,
    /// One reading is missing in the second half of the hour.
    HalfUnknown,
    /// All readings are missing until the end, so the member is not expected.
    Gone,
}

use State::{Bad, Gone, HalfUnknown, Healthy, Unknown};

/// In byte order, in which `m10` comes before `m7`.
const MEMBERS: [&str; 5] = ["m10", "m11", "m7", "m8", "m9"];
/// A bad metric that costs three points.
const WAL: State = Bad("wal_fsync");
/// Another bad metric that costs three points.
const LEADER: State = Bad("leader_changes");
/// A bad metric that costs one point.
const COMMIT: State = Bad("backend_commit");

/// One row per hour, one column per member.
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

/// The hourly cells of the cluster with this rollup, after the oracle has confirmed them.
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
                    // Only one reading is missing: without any reading the member would not be expected.
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
fn worst_is_the_lowest_member_and_unscored_while_any_member_is() {
    let hours = hours("worst");
    let [all, bad, slow] = [Some(10.0), Some(7.0), Some(9.0)];
    assert_eq!(means(&hours), [all, bad, None, None, None, None, bad, slow, slow, slow, bad, bad]);
    assert_eq!((hours[7].scored, hours[7].expected), (6, 12));
}

#[test]
fn quorum_ignores_a_minority_of_bad_and_unscored_members() {
    let hours = hours("quorum");
    let quorum = &means(&hours)[..8];
    assert_eq!(quorum[..3], [Some(10.0); 3], "four of five are healthy, three are a majority");
    assert_eq!(quorum[3], Some(10.0), "three of five are healthy, one is bad and one unscored");
    assert_eq!(quorum[4], Some(7.0), "a majority of 10, 10, 7, 7 and an unscored member reaches 7");
    assert_eq!(quorum[5], None, "two scored members of five are not a majority");
    assert_eq!(quorum[6], Some(7.0), "three of four are a majority");
    assert_eq!(quorum[7], Some(9.5), "half an hour of 10 with four scored members, then half an hour of 9 with three");
    assert!(hours.iter().all(|cell| cell.expected == 12), "{hours:?}");
    let scored: Vec<_> = hours.iter().map(|cell| cell.scored).collect();
    assert_eq!(scored, [12, 12, 12, 12, 12, 0, 12, 12, 12, 12, 12, 12]);
    // The losses are those of the member whose score the cluster has.
    assert_eq!((hours[3].worst_metric.as_str(), hours[4].worst_metric.as_str()), ("", "wal_fsync"));
}

#[test]
fn mean_weights_all_members_equally_and_is_unscored_while_any_member_is() {
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
        // Losses of one and two thirds of a point, rounded to a billionth.
        Some(9.666666667),
        Some(9.333333333),
        Some(8.0),
        Some(8.0),
    ];
    assert_eq!(means(&hours), expected);
    assert_eq!((hours[7].scored, hours[7].expected), (6, 12));
    assert_eq!(
        hours[10].worst_metric, "wal_fsync",
        "of two metrics with equal losses the first in the specification is reported"
    );
}

#[test]
fn of_members_with_equal_scores_the_first_by_name_determines_the_losses() {
    for rollup in ["worst", "quorum"] {
        let hours = hours(rollup);
        let worst: Vec<_> = hours[10..].iter().map(|cell| (cell.mean, cell.worst_metric.as_str())).collect();
        assert_eq!(worst, [(Some(7.0), "leader_changes"), (Some(7.0), "wal_fsync")], "--rollup {rollup}");
    }
}

#[test]
fn the_rollup_does_not_change_the_cells_of_members() {
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
