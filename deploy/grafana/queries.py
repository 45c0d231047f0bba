"""PromQL of the panels. It works on series of the textfile, of the recording rules, and of an imported backfill."""

CLUSTER = 'cluster=~"$cluster"'
EVERY_CLUSTER = 'cluster!=""'
MEMBER = f'{CLUSTER},member=~"$member"'
# The score of a cluster, from rules and backfills, and from a textfile.
RECORDED, LIVE = "cluster:etcd_score:worst", "etcd_cluster_score_worst"

# The hour that starts at the time of the sample, without its end: each cell is at the start of its hour, and the
# current hour is shown as well. The millisecond excludes the first sample of the next hour.
THIS_HOUR = "offset -59m59s999ms"


def hour(function, series, window="1h"):
    return f"{function}({series}[{window}] {THIS_HOUR})"


def of_members(score, clusters):
    """The lowest score of a cluster's members if the cluster's own score was not recorded, as after an import of only
    `etcd_score`.

    Empty if a live writer reports unknown members itself, if the cluster's own score existed within a week, or if a
    member of the last day has no score: such an hour must not be green."""
    seen = hour("present_over_time", f"etcd_score{{{clusters}}}", "1d")
    known = hour("present_over_time", f"etcd_score{{{clusters}}}")
    live = hour("present_over_time", f"etcd_score_unknown{{{clusters}}}")
    recorded = of_cluster("present_over_time", clusters, "1w")
    return f"""{score}
  unless on (cluster) ({seen} unless on (cluster, member) {known})
  unless on (cluster) {live}
  unless on (cluster) {recorded}"""


def of_cluster(function, clusters, window="1h"):
    """A function over the scores of clusters: of recording rules, backfills and textfiles of version 0.1.0, which have
    one name, and of textfiles, which have another. The label keeps the two apart where all other labels are equal."""
    recorded, live = (hour(function, f"{name}{{{clusters}}}", window) for name in (RECORDED, LIVE))
    return f'({recorded} or label_replace({live}, "from", "textfile", "", ""))'


def unknown(by, selector):
    """NaN for members that report an unknown score, so that no panel paints them green."""
    return f"NaN * max by ({by}) ({hour('max_over_time', f'etcd_score_unknown{{{selector}}}')} == 1)"


# The whole range, every five minutes, at any step of the panel. Old and new samples can have different intervals, and
# this one gives all times the same weight.
WHOLE_RANGE = "[$__range:5m] @ end()"


def lost(name, selector, by):
    """Points lost over the range, in samples of five minutes; of two writers, the larger loss."""
    series = f"{name}{{{selector}}}{WHOLE_RANGE}"
    return f"max by ({by}) (10 * count_over_time({series}) - sum_over_time({series}))"


def lost_by_member(selector):
    """The loss of each member. Time in which a live writer reports an unknown score counts as 10 points."""
    unscored = f"max by (cluster, member) (10 * sum_over_time(etcd_score_unknown{{{selector}}}{WHOLE_RANGE}))"
    return f"""sum by (cluster, member) (
      {lost("etcd_score", selector, "cluster, member")}
      or
      label_replace({unscored}, "from", "unknown", "", "")
    )"""


def top(by, query, loss):
    """The ten rows that lost most over the whole range, so that a panel has the same rows at every step."""
    return f"""(
{query}
)
and on ({by})
  topk(10, {loss})"""


def cluster_min(clusters):
    members = f"min by (cluster) ({hour('min_over_time', f'etcd_score{{{clusters}}}')})"
    return f"""min by (cluster) {of_cluster("min_over_time", clusters)}
or
{of_members(members, clusters)}
or
{unknown("cluster", clusters)}"""


CLUSTER_MIN = cluster_min(CLUSTER)
WORST_CLUSTERS = top(
    "cluster", cluster_min(EVERY_CLUSTER), f"max by (cluster) ({lost_by_member(EVERY_CLUSTER)})",
)

WORST_MEMBER = f"(min by (cluster) (last_over_time(etcd_score{{{CLUSTER}}}[1m])))[1h:1m]"

# `sum` divided by `count`, because a cluster can have two series in an hour: backfilled and live, or from two nodes.
SUM, COUNT = (of_cluster(function, CLUSTER) for function in ("sum_over_time", "count_over_time"))
CLUSTER_MEAN = f"""sum by (cluster) {SUM} / sum by (cluster) {COUNT}
or
{of_members(f"avg_over_time({WORST_MEMBER} {THIS_HOUR})", CLUSTER)}
or
{unknown("cluster", CLUSTER)}"""

MEMBER_MIN = top(
    "cluster, member",
    f"""min by (cluster, member) ({hour("min_over_time", f"etcd_score{{{MEMBER}}}")})
or
{unknown("cluster, member", MEMBER)}""",
    lost_by_member(MEMBER),
)

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
SCORED = f"max by (cluster, member) (count_over_time({SCORE}{WHOLE_RANGE}))"
NEVER_SCORED = f"max by (cluster, member) (0 * count_over_time({UNKNOWN}{WHOLE_RANGE}))"
COVERAGE = f"""((
  max by (cluster, member) ({hour("count_over_time", UNKNOWN, "1h:1m")} - {hour("sum_over_time", UNKNOWN, "1h:1m")})
  or
  max by (cluster, member) ({hour("count_over_time", SCORE, "1h:1m")})
) / 60)
and on (cluster, member)
  bottomk(10, {SCORED} or {NEVER_SCORED})"""

LOWEST_NOW = f"min(etcd_score{{{CLUSTER}}})"
UNKNOWN_NOW = f"sum(max by (cluster, member) (etcd_score_unknown{{{CLUSTER}}}))"
SCORE_AGE = f"time() - max(timestamp(etcd_score{{{CLUSTER}}}))"

OF_METRIC = "cluster, member, metric"
POINTS = top(
    OF_METRIC,
    f"min by ({OF_METRIC}) ({hour('min_over_time', f'etcd_points{{{MEMBER}}}')})",
    lost("etcd_points", MEMBER, OF_METRIC),
)
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


# Gauges of `etcd-heatmap forecast`. A forecast from old readings is unknown, not healthy; the alerts have the same limit.
GENERATED = "etcd_forecast_generated_timestamp_seconds"


def fresh(gauge, *labels):
    """A gauge of forecasts that are less than three hours old; `labels` are its own, which the time of a forecast lacks."""
    return f"{gauge} and ignoring ({', '.join(labels)}) time() - {GENERATED} < 3 * 3600"


def of_horizons(name):
    return f"max by (cluster, horizon) ({fresh(f'{name}{{{CLUSTER}}}', 'cluster', 'horizon')})"


PROBABILITY, USUAL = of_horizons("etcd_breach_probability"), of_horizons("etcd_breach_base_rate")
# Beyond 90 days, a forecast gives no date.
UNTIL_QUOTA = fresh(f'etcd_db_quota_seconds{{{CLUSTER},bound="median"}}', "cluster", "member", "bound")
UNTIL_QUOTA = f"sort(clamp_max(min by (cluster, member) ({UNTIL_QUOTA}), 90 * 86400))"
SKILL = f"min by (horizon) ({fresh('etcd_forecast_skill', 'horizon')})"
FORECAST_AGE = f"time() - max by (instance) ({GENERATED})"


# Labels of etcd's own series. As in the score, the job is the cluster of series without the label `cluster`. Other
# installations name them otherwise: change these constants and generate the dashboards again.
OWN_CLUSTER, OWN_MEMBER = "cluster", "instance"
OF_MEMBER = f'{OWN_MEMBER}=~"$member"'
IS_ETCD = "etcd_server_has_leader"


def own(name, *matchers, function=None):
    """Series of etcd members, or a function over Grafana's rate interval of them, with the label `cluster`.

    Every process has series such as process_*, so only targets that also have a metric of etcd count."""
    found = []
    for cluster in (f'{OWN_CLUSTER}=~"$cluster"', f'{OWN_CLUSTER}="",job=~"$cluster"'):
        series = f"{name}{{{','.join([cluster, *matchers])}}}"
        one = f"{function}({series}[$__rate_interval])" if function else series
        found.append(one if name.startswith("etcd_") else f"{one} and on ({OWN_CLUSTER}, job, {OWN_MEMBER}) {IS_ETCD}")
    labelled, of_job = found
    return f"""(
  {labelled}
  or
  label_replace({of_job}, "{OWN_CLUSTER}", "$1", "job", "(.+)")
)"""


BY_CLUSTER, BY_MEMBER = f"by ({OWN_CLUSTER})", f"by ({OWN_CLUSTER}, {OWN_MEMBER})"

# These queries, and what counts as a failed RPC, are those of etcd's mixin (contrib/mixin/dashboards/targets.libsonnet).
FAILED = "Unknown|FailedPrecondition|ResourceExhausted|Internal|Unavailable|DataLoss|DeadlineExceeded"
UNARY = 'grpc_type="unary"'
WITH_LEADER = f"sum {BY_CLUSTER} {own(IS_ETCD)}"
SCRAPED = f"count {BY_CLUSTER} {own(IS_ETCD)}"
RPCS = f"sum {BY_CLUSTER} {own('grpc_server_started_total', UNARY, function='rate')}"
HANDLED = own("grpc_server_handled_total", UNARY, f'grpc_code=~"{FAILED}"', function="rate")
FAILED_RPCS = f"sum by ({OWN_CLUSTER}, grpc_code) {HANDLED}"
ROUND_TRIPS = own("etcd_network_peer_round_trip_time_seconds_bucket", OF_MEMBER, function="rate")
PEER_ROUND_TRIP = f"histogram_quantile(0.99, sum by ({OWN_CLUSTER}, {OWN_MEMBER}, le) {ROUND_TRIPS})"
MEMORY = f"max {BY_MEMBER} {own('process_resident_memory_bytes', OF_MEMBER)}"

# Annotations. The value of the first is the time at which Grafana draws it, in milliseconds.
RESTARTS = f"1000 * max {BY_MEMBER} {own('process_start_time_seconds', OF_MEMBER)}"
# A restart resets the counter of its member, which is no change of the leader.
LEADER_CHANGES = f"""max {BY_CLUSTER} (
  {own("etcd_server_leader_changes_seen_total", function="changes")} > 0
  unless on ({OWN_CLUSTER}, job, {OWN_MEMBER}) {own("process_start_time_seconds", function="changes")} > 0
  unless on ({OWN_CLUSTER}, job, {OWN_MEMBER}) time() - {own("process_start_time_seconds")} < 300
)"""

# A member that never had a score is only in the second series.
KNOWN_OR_NOT = '__name__=~"etcd_score|etcd_score_unknown"'
CLUSTERS = f"label_values({{{KNOWN_OR_NOT}}}, cluster)"
MEMBERS = f"label_values({{{KNOWN_OR_NOT},{CLUSTER}}}, member)"
PROFILES = "label_values(etcd_threshold, profile)"
