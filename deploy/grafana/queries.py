"""PromQL of the panels. It works on series of the textfile, of the recording rules, and of an imported backfill."""

CLUSTER = 'cluster=~"$cluster"'
MEMBER = f'{CLUSTER},member=~"$member"'
# The score of a cluster, from rules and backfills, and from a textfile.
RECORDED, LIVE = "cluster:etcd_score:worst", "etcd_cluster_score_worst"

# The hour that starts at the time of the sample, without its end: each cell is at the start of its hour, and the
# current hour is shown as well. The millisecond excludes the first sample of the next hour.
THIS_HOUR = "offset -59m59s999ms"


def hour(function, series, window="1h"):
    return f"{function}({series}[{window}] {THIS_HOUR})"


def of_members(score):
    """The lowest score of a cluster's members if the cluster's own score was not recorded, as after an import of only
    `etcd_score`.

    Empty if a live writer reports unknown members itself, if the cluster's own score existed within a week, or if a
    member of the last day has no score: such an hour must not be green."""
    seen = hour("present_over_time", f"etcd_score{{{CLUSTER}}}", "1d")
    known = hour("present_over_time", f"etcd_score{{{CLUSTER}}}")
    live = hour("present_over_time", f"etcd_score_unknown{{{CLUSTER}}}")
    recorded = of_cluster("present_over_time", "1w")
    return f"""{score}
  unless on (cluster) ({seen} unless on (cluster, member) {known})
  unless on (cluster) {live}
  unless on (cluster) {recorded}"""


def of_cluster(function, window="1h"):
    """A function over the scores of clusters: of recording rules, backfills and textfiles of version 0.1.0, which have
    one name, and of textfiles, which have another. The label keeps the two apart where all other labels are equal."""
    recorded, live = (hour(function, f"{name}{{{CLUSTER}}}", window) for name in (RECORDED, LIVE))
    return f'({recorded} or label_replace({live}, "from", "textfile", "", ""))'


def unknown(by, selector):
    """NaN for members that report an unknown score, so that no panel paints them green."""
    return f"NaN * max by ({by}) ({hour('max_over_time', f'etcd_score_unknown{{{selector}}}')} == 1)"


CLUSTER_MIN = f"""min by (cluster) {of_cluster("min_over_time")}
or
{of_members(f"min by (cluster) ({hour('min_over_time', f'etcd_score{{{CLUSTER}}}')})")}
or
{unknown("cluster", CLUSTER)}"""

WORST_MEMBER = f"(min by (cluster) (last_over_time(etcd_score{{{CLUSTER}}}[1m])))[1h:1m]"

# `sum` divided by `count`, because a cluster can have two series in an hour: backfilled and live, or from two nodes.
CLUSTER_MEAN = f"""sum by (cluster) {of_cluster("sum_over_time")} / sum by (cluster) {of_cluster("count_over_time")}
or
{of_members(f"avg_over_time({WORST_MEMBER} {THIS_HOUR})")}
or
{unknown("cluster", CLUSTER)}"""

MEMBER_MIN = f"""min by (cluster, member) ({hour("min_over_time", f"etcd_score{{{MEMBER}}}")})
or
{unknown("cluster, member", MEMBER)}"""

# The table needs labels for rows and columns, so day and hour become labels.
DAY_HOUR = f"""label_join(
  ({CLUSTER_MIN})
  * on () group_left (hour)
  label_replace(count_values("hour", hour()), "hour", "0$1", "hour", "(.)")
  * on () group_left (day)
  label_replace(
    count_values("day", year() * 10000 + month() * 100 + day_of_month()),
    "day", "$1-$2-$3", "day", "(....)(..)(..)"
  ),
  "row", " ", "cluster", "day"
)"""

# The share of minutes with a score in an hour; of two writers, the larger share. A backfill has no
# `etcd_score_unknown`, so its scores are counted. There is no operator inside a subquery, because that took eight times
# as long.
UNKNOWN, SCORE = f"etcd_score_unknown{{{MEMBER}}}", f"etcd_score{{{MEMBER}}}"
COVERAGE = f"""(
  max by (cluster, member) ({hour("count_over_time", UNKNOWN, "1h:1m")} - {hour("sum_over_time", UNKNOWN, "1h:1m")})
  or
  max by (cluster, member) ({hour("count_over_time", SCORE, "1h:1m")})
) / 60"""

LOWEST_NOW = f"min(etcd_score{{{CLUSTER}}})"
UNKNOWN_NOW = f"sum(max by (cluster, member) (etcd_score_unknown{{{CLUSTER}}}))"
SCORE_AGE = f"time() - max(timestamp(etcd_score{{{CLUSTER}}}))"

POINTS = f"min by (cluster, member, metric) ({hour('min_over_time', f'etcd_points{{{MEMBER}}}')})"
# Points lost of 10, times the weight. Imported points have no weights, and count with weight 1.
POINTS_LOST = (
    f"sort_desc(avg by (metric) (10 - avg_over_time(etcd_points{{{MEMBER}}}[$__range]))"
    f' * on (metric) (max by (metric) (etcd_weight{{profile="$profile"}}) or 0 * avg by (metric) (etcd_points{{{MEMBER}}}) + 1))'
)


def reading(metric):
    return f'max by (cluster, member) (etcd_reading{{{MEMBER},metric="{metric}"}})'


def thresholds(metric):
    return f'max by (points) (etcd_threshold{{profile="$profile",metric="{metric}",of=""}})'


def shares(metric, limit):
    """Thresholds that are shares of a limit, as readings, for the lowest limit shown. A quota below 0 is ignored."""
    share = f'max by (points, of) (etcd_threshold{{profile="$profile",metric="{metric}",of="{limit}"}})'
    return f'{share} * on () group_left () min(etcd_reading{{{MEMBER},metric="{limit}"}} > 0)'


SUCCESS_AGE = "time() - max by (instance) (etcd_heatmap_last_success_timestamp_seconds)"
EVALUATED_AGE = "time() - max by (instance) (etcd_heatmap_evaluation_timestamp_seconds)"
DURATION = "max by (instance) (etcd_heatmap_evaluation_duration_seconds)"
EVALUATIONS = "sum by (instance) (increase(etcd_heatmap_evaluations_total[$__rate_interval]))"
FAILURES = "sum by (instance) (increase(etcd_heatmap_evaluation_failures_total[$__rate_interval]))"
WRITERS = "max by (instance, version, profile) (etcd_heatmap_info)"

# A member that never had a score is only in the second series.
KNOWN_OR_NOT = '__name__=~"etcd_score|etcd_score_unknown"'
CLUSTERS = f"label_values({{{KNOWN_OR_NOT}}}, cluster)"
MEMBERS = f"label_values({{{KNOWN_OR_NOT},{CLUSTER}}}, member)"
PROFILES = "label_values(etcd_threshold, profile)"
