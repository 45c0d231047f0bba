//! Settings of scores and cells, and of the checks of `--fail-below`.

use super::{Flag, Key, Shape};
use crate::config::Heading;
use crate::config::parse::{band_list, expected_members, list, lowest_score, min_duration, ok, share, weight_list};
use crate::score::Rollup;
use crate::spec::{Metric, Profile};
use crate::time::{CellWidth, Zone};

pub(super) static SCORING: [Key; 12] = [
    Key::text(
        "score.profile",
        "seed",
        Flag::new(Heading::Scoring, "profile", "NAME", "Thresholds and weights, such as seed or mixin")
            .common()
            .explained(
                "Thresholds and weights: seed (the replaced script), etcd-faq, mixin (etcd's alerts), openshift, fleet, \
                 operator (caps)",
            ),
        |text| ok(Profile::named(text)),
    ),
    Key::text(
        "score.weight",
        "",
        Flag::new(Heading::Scoring, "weight", "METRIC=SHARE", "Weight of one metric, such as wal_fsync=0.5")
            .explained("Weight, such as wal_fsync=0.5; the others share the rest. Repeatable"),
        |text| ok(weight_list(text)),
    )
    .of_shape(Shape::List),
    Key::text(
        "bands",
        "",
        Flag::new(Heading::Scoring, "band", "METRIC=BANDS", "Bands of one metric, such as wal_fsync=0.02:5,0.05:0")
            .explained(
                "Points above a threshold, THRESHOLD:POINTS: wal_fsync=0.02:5,0.05:0, db_size=80%:0 (of its \
                 limit), open_fds=none (always 10). Repeatable",
            ),
        |text| ok(band_list(text)),
    )
    .of_shape(Shape::PerMetric),
    Key::text(
        "score.without",
        "",
        Flag::new(Heading::Scoring, "without", "METRIC", "Leave out a metric; the others share its weight")
            .common()
            .listing(without_help),
        |text| ok(list::<Metric>(text)),
    )
    .of_shape(Shape::List),
    Key::text(
        "score.rollup",
        "worst",
        Flag::new(Heading::Scoring, "rollup", "ROLLUP", "Score of a cluster: worst, mean, or quorum")
            .common()
            .explained(
                "Score of a cluster: worst (its lowest member), mean (of its members), or quorum (reached by a \
                 majority)",
            ),
        |text| ok(text.parse::<Rollup>()),
    ),
    Key::text(
        "score.time_zone",
        "UTC",
        Flag::new(Heading::Scoring, "time-zone", "ZONE", "Time zone of days and hours")
            .common()
            .explained("Time zone of days and hours, such as Europe/Berlin"),
        |text| ok(text.parse::<Zone>()),
    ),
    Key::text(
        "score.cell",
        "1h",
        Flag::new(Heading::Scoring, "cell", "WIDTH", "Width of a cell: 15m, 30m, 1h, or 2h"),
        |text| ok(text.parse::<CellWidth>()),
    ),
    Key::text(
        "score.min_coverage",
        "0.5",
        Flag::new(Heading::Scoring, "min-coverage", "SHARE", "Cells with less coverage are marked uncertain")
            .explained("Cells with less coverage are uncertain, 0 to 1"),
        |text| ok(share(text)),
    )
    .of_shape(Shape::Number),
    Key::text(
        "score.min_duration",
        "1m",
        Flag::new(Heading::Scoring, "min-duration", "TIME", "Shortest low score that is an incident"),
        |text| ok(min_duration(text)),
    ),
    Key::text(
        "score.annotations",
        "",
        Flag::new(Heading::Scoring, "annotations", "FILE", "CSV of deploys and planned moves, to show beside findings"),
        |_| Ok(()),
    ),
    Key::text(
        "score.fail_below",
        "0",
        Flag::new(Heading::Scoring, "fail-below", "SCORE", "For CI: exit with 3 if a cell of a cluster is below this")
            .common()
            .explained(
                "For CI: exit with 3 if a cell's mean is below SCORE, or a cluster's coverage below \
                 --min-coverage; 0 is off",
            ),
        |text| ok(lowest_score(text)),
    )
    .of_shape(Shape::Number),
    Key::text(
        "score.expect_members",
        "",
        Flag::new(Heading::Scoring, "expect-members", "N", "Members per cluster, such as 3 or 3,edge=1"),
        |text| ok(expected_members(text)),
    )
    .of_shape(Shape::List),
];

/// The help of `--without`, with the names of all metrics.
fn without_help() -> String {
    let names = Metric::ALL.map(Metric::name);
    let (last, others) = names.split_last().expect("there are metrics");
    format!("Leave out {} or {last}; the others share its weight. Repeatable", others.join(", "))
}
