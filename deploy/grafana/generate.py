#!/usr/bin/env python3
"""Generates both dashboards: `python3 deploy/grafana/generate.py [FOLDER]`, by default into dashboards/ in its folder.

To change a dashboard, edit this file, panels.py or queries.py, run this script, and commit its output. A test compares
the two."""

import json
import sys
from pathlib import Path

import queries
from panels import (
    GREY, HOURLY, LINE, annotation, bars, curves, dashboard, dashed, data_source_variable, field, heat, hour_by_hour,
    number, over_time, panel, renamed, row, score_field, share_field, steps, variable,
)

HERE = "/d/etcd-heatmap?var-datasource=${datasource}&var-cluster=${__field.labels.cluster}"
OF_CLUSTER = [
    {"title": "Select ${__field.labels.cluster}", "url": HERE + "&var-member=$__all&${__url_time_range}"}
]
OF_MEMBER = [
    {"title": "Only ${__field.labels.member}", "url": HERE + "&var-member=${__field.labels.member}&${__url_time_range}"}
]
FROM_HOURLY = "/d/etcd-heatmap?${datasource:queryparam}&${cluster:queryparam}&${__url_time_range}"

SCALE = "Score from 0 (red) through 5 (yellow) to 10 (green), on an absolute scale; gray is unknown."
LOSS = "Loss: points below 10 × time; time without a score counts as 10 points."
BLUE = "#5794f2"
# `--max-age` of `etcd-heatmap textfile`.
AGE_LIMIT = steps([(0, heat(10)), (300, heat(0))])
DAY = 86_400
FILLED = {"lineWidth": 0, "fillOpacity": 100}

# Name, title, description, Grafana's unit, and the limit of which a profile may judge a share.
METRICS = [
    ("wal_fsync", "WAL fsync p99", "WAL fsync, p99 over 5 minutes, in seconds", "s", None),
    ("backend_commit", "Backend commit p99", "Backend commit, p99 over 5 minutes, in seconds", "s", None),
    ("open_fds", "Open file descriptors", "Open file descriptors, as a number", "none", "max_fds"),
    ("leader_changes", "Leader changes per day", "Leader changes within the last day, as a number", "none", None),
    ("client_traffic_in", "Client traffic in", "Traffic from clients, over 5 minutes, in bytes per second", "binBps", None),
    ("db_size", "Database size", "Database size, in bytes", "bytes", "quota"),
]
LEGENDS = [(name, title) for name, title, *_ in METRICS]


def overview():
    return row(
        "Overview",
        number(
            "Lowest known score",
            "Lowest score of any member of the selected clusters right now, 0 to 10. Members without a score are not "
            "included; the next panel counts them.",
            (6, 4), (queries.LOWEST_NOW, ""), score_field(), colour="none",
        ),
        number(
            "Members without a score",
            "Number of members of the selected clusters that have no score right now. A backfill has no data for this.",
            (6, 4), (queries.UNKNOWN_NOW, ""), field("none", steps([(0, heat(10)), (1, GREY)])),
        ),
        number(
            "Age of the newest score",
            "Seconds since the newest sample of etcd_score, from the textfile or from recording rules; unknown after "
            "five minutes without a sample.",
            (6, 4), (queries.SCORE_AGE, ""), field("s", AGE_LIMIT),
        ),
        number(
            "Age of the last success",
            "Seconds since the last successful evaluation of `etcd-heatmap textfile`, by node; red after its "
            "--max-age of five minutes. Empty with recording rules, which have no such writer.",
            (6, 4), (queries.SUCCESS_AGE, "{{instance}}"), field("s", AGE_LIMIT),
        ),
        hour_by_hour(
            "All clusters: worst score of each hour, top 10 by loss",
            "Lowest score of a cluster's worst member in the hour that starts there, for the ten clusters whose worst "
            f"member lost most over the range. {LOSS} {SCALE} Click a cell to select its cluster for all other panels. "
            "A full-width panel has room for a month; the table below holds more.",
            (24, 9), (queries.WORST_CLUSTERS, "{{cluster}}"), score_field(FILLED, links=OF_CLUSTER),
        ),
        day_by_hour(),
    )


def day_by_hour():
    name, label = "row\\hour", "cluster and day"
    order = [name, *(f"{hour:02}" for hour in range(24))]
    transformations = [
        {"id": "groupingToMatrix",
         "options": {"columnField": "hour", "rowField": "row", "valueField": "Value", "emptyValue": "null"}},
        {"id": "sortBy", "options": {"fields": {}, "sort": [{"field": name, "desc": False}]}},
        # Without this order, a range that starts in the afternoon would start with the columns of the afternoon.
        {"id": "organize",
         "options": {"excludeByName": {}, "renameByName": {name: label},
                     "indexByName": {column: place for place, column in enumerate(order)}}},
    ]
    text = {"matcher": {"id": "byName", "options": label},
            "properties": [{"id": "custom.cellOptions", "value": {"type": "auto"}}, {"id": "custom.width", "value": 220}]}
    cells = {"align": "center", "cellOptions": {"type": "color-background", "mode": "basic"}}
    return panel(
        "table", "Day by hour",
        f"A row for each selected cluster and day, a column for each hour (UTC): lowest score of the cluster's worst member. "
        f"{SCALE}",
        (24, 10), over_time((queries.DAY_HOUR, ""), format="table"), score_field(cells, overrides=[text]),
        {"showHeader": True, "cellHeight": "sm"}, transformations=transformations, **HOURLY,
    )


def metrics():
    return row("The six metrics", *(of_metric(*metric) for metric in METRICS))


def of_metric(name, title, what, unit, limit):
    asked = [(queries.reading(name), "{{cluster}} {{member}}"), (queries.thresholds(name), "above: {{points}} points")]
    shares = ""
    if limit:
        asked.append((queries.shares(name, limit), "above: {{points}} points (share of {{of}})"))
        shares = f" Shares are of the lowest {limit} among the members shown."
    lines = [dashed(query, heat(0)) for query in "BC"[: len(asked) - 1]]
    return curves(
        title,
        f"{what}, by member. Dashed: thresholds of the profile, with the points of a reading above them.{shares}",
        (8, 8), over_time(*asked), field(unit, custom=LINE, overrides=lines),
    )


def forecast():
    """What `etcd-heatmap forecast` expects, and how far to trust it."""
    return row(
        "Forecast",
        curves(
            "Probability of red",
            "Probability, as a share of 1, that the mean score of some hour is below 5 within the horizon, by cluster. Dashed: "
            "the share of earlier forecasts after which the cluster became red. Unknown while the forecast is three hours "
            "old or older. From etcd-heatmap forecast.",
            (12, 8),
            over_time((queries.PROBABILITY, "{{cluster}} within {{horizon}}"), (queries.USUAL, "usual {{cluster}} {{horizon}}")),
            field("percentunit", custom=LINE, min=0, max=1, overrides=[dashed("B", GREY)]),
        ),
        bars(
            "Time until the quota",
            "Seconds until the database of a member reaches its quota, by the median of its growth; 90 days is not within "
            "90 days. A member whose readings, quota or history are missing is not shown.",
            (6, 8), (queries.UNTIL_QUOTA, "{{cluster}} {{member}}"),
            field("s", steps([(0, heat(0)), (7 * DAY, heat(5)), (30 * DAY, heat(10))]), min=0, max=90 * DAY),
        ),
        number(
            "Skill of the forecast",
            "Brier skill of the probabilities, a number, by horizon: 1 is perfect, and at 0 or less (red) they are no "
            "better than the usual rate. Empty if there are too few red hours to judge it.",
            (3, 8), (queries.SKILL, "{{horizon}}"),
            field("none", steps([(-1e9, heat(0)), (1e-9, heat(10))]), decimals=2),
        ),
        number(
            "Age of the forecast",
            "Seconds since the last reading that the forecast was made from, by node; red from three hours on, when the "
            "alerts on it end.",
            (3, 8), (queries.FORECAST_AGE, "{{instance}}"), field("s", steps([(0, heat(10)), (3 * 3600, heat(0))])),
        ),
    )


def members():
    return row(
        "Members",
        hour_by_hour(
            "Members: worst score of each hour, top 10 by loss",
            "Lowest score of the member in the hour that starts there, for the ten members of the selected clusters "
            f"that lost most over the range. {LOSS} {SCALE} Click a cell to show only its member.",
            (24, 9), (queries.MEMBER_MIN, "{{cluster}} {{member}}"), score_field(FILLED, links=OF_MEMBER),
        ),
        hour_by_hour(
            "Metrics: fewest points of each hour, top 10 by loss",
            "Points, 0 (red) to 10 (green), of a metric of a member, before weighting; gray is unknown. Of the six rows "
            "of each member, the ten with the greatest loss over the range (points below 10 × time) are shown.",
            (16, 9), (queries.POINTS, "{{cluster}} {{member}} {{metric}}"), score_field(FILLED),
        ),
        bars(
            "Points lost, by metric",
            "Points of the score (0 to 10) that each metric cost on average, over the range and the members shown, "
            "weighted by the profile. An import brings no weights: the points are then not weighted.",
            (8, 9), (queries.POINTS_LOST, "{{metric}}"),
            field("none", steps([(0, BLUE)]), overrides=renamed(LEGENDS), min=0, max=10, decimals=2),
        ),
        hour_by_hour(
            "Members: coverage of each hour, the 10 with the lowest",
            "Share of the minutes of an hour in which the member had a score, 0 to 100 %, for the ten members of the "
            "selected clusters with a score in the smallest part of the range; the current hour counts as a whole hour. "
            "Gray: no data for the member. If only etcd_score was imported, gaps under five minutes are not visible.",
            (24, 9), (queries.COVERAGE, "{{cluster}} {{member}}"), share_field(FILLED),
        ),
    )


def etcd():
    """What etcd's mixin shows besides the six metrics, from etcd's own series."""
    member = f"{{{{{queries.OWN_CLUSTER}}}}} {{{{{queries.OWN_MEMBER}}}}}"
    cluster = f"{{{{{queries.OWN_CLUSTER}}}}}"
    own = "From etcd's own series."
    return row(
        "Leader, requests, network and memory",
        curves(
            "Members with a leader",
            "Number of members that have a leader, and of all members that are scraped, by cluster. A member without "
            f"a leader serves no writes. {own}",
            (8, 8),
            over_time((queries.WITH_LEADER, f"with a leader {cluster}"), (queries.SCRAPED, f"scraped {cluster}")),
            field("none", custom=LINE, min=0),
        ),
        curves(
            "RPC rate", f"Unary RPCs started per second, by cluster. {own}",
            (8, 8), over_time((queries.RPCS, cluster)), field("reqps", custom=LINE),
        ),
        curves(
            "Failed RPCs",
            "Unary RPCs per second that failed on the side of the server, by cluster and gRPC code. A code appears "
            f"when etcd first returns it. {own}",
            (8, 8), over_time((queries.FAILED_RPCS, f"{cluster} {{{{grpc_code}}}}")), field("reqps", custom=LINE),
        ),
        curves(
            "Peer round trip p99", f"Round trip between members, p99 over all peers of a member, in seconds. {own}",
            (12, 8), over_time((queries.PEER_ROUND_TRIP, member)), field("s", custom=LINE),
        ),
        curves(
            "Resident memory", f"Resident memory of the etcd process, in bytes, by member. {own}",
            (12, 8), over_time((queries.MEMORY, member)), field("bytes", custom=LINE),
        ),
    )


def annotations():
    member, cluster = f"{{{{{queries.OWN_MEMBER}}}}}", f"{{{{{queries.OWN_CLUSTER}}}}}"
    return [
        annotation("Restarts", BLUE, queries.RESTARTS, f"{member} of {cluster} started", useValueForTime=True),
        annotation("Leader changes", "#b877d9", queries.LEADER_CHANGES, f"{cluster} changed its leader"),
    ]


def writer():
    age = field("s", AGE_LIMIT, LINE | {"thresholdsStyle": {"mode": "line"}})
    # Thresholds are drawn as lines; they do not color the curves.
    age["defaults"]["color"] = {"mode": "palette-classic"}
    return row(
        "Textfile writer",
        curves(
            "Age",
            "Seconds since the last success, and since the instant for which the scores were computed, by node. The "
            "line is the --max-age of five minutes, after which the scores are removed.",
            (8, 7),
            over_time((queries.SUCCESS_AGE, "success {{instance}}"), (queries.EVALUATED_AGE, "scores {{instance}}")), age,
        ),
        curves(
            "Duration", "Seconds that the last evaluation took, by node.",
            (6, 7), over_time((queries.DURATION, "{{instance}}")), field("s", custom=LINE),
        ),
        curves(
            "Evaluations",
            "Number of evaluations, and of failed ones, within Grafana's rate interval.",
            (6, 7), over_time((queries.EVALUATIONS, "all {{instance}}"), (queries.FAILURES, "failed {{instance}}")),
            field("none", custom=LINE),
        ),
        number(
            "Writers", "Version and profile of each writer, by node; the value is always 1 and has no unit.",
            (4, 7), (queries.WRITERS, "{{version}} {{profile}} {{instance}}"), field("none", steps([(1, BLUE)])),
            colour="none", text="name",
        ),
    )


def hourly(title, calculation, query, what):
    """A panel of the hourly heatmap plugin, which replaces a minimum of 0 by its own. Only a custom palette with
    absolute thresholds ignores the minimum; it also has a color for missing values, which other palettes paint red."""
    palette = {
        "colorPalette": "custom", "colorSpace": "rgb", "invertPalette": False, "nullValueColor": GREY,
        "groupBy": 60, "calculation": calculation,
        "thresholds": {"mode": "absolute", "steps": [{"value": score, "color": heat(score)} for score in (0, 5, 10)]},
    }
    # The plugin accepts a minimum just above 0, so that the legend has the same absolute scale as the cells.
    fields = field("none", custom=palette, min=0.001, max=10, decimals=1)
    options = {
        "from": "0", "to": "0", "regions": [], "showCellBorder": True, "showTooltip": True, "showLegend": True,
        "showValueIndicator": True, "legendGradientQuality": "low",
    }
    return panel(
        "marcusolsson-hourly-heatmap-panel", title,
        f"{what} One column per day, one row per hour, in the dashboard's time zone. {SCALE}",
        (12, 12), over_time((query, "{{cluster}}")), fields, options,
        links=[{"title": "Metrics and members", "type": "link", "url": FROM_HOURLY}], **HOURLY,
    )


def dashboards():
    shared = [data_source_variable(), variable("cluster", "Cluster", queries.CLUSTERS, every=False)]
    core = [
        *shared, variable("member", "Member", queries.MEMBERS),
        variable("profile", "Thresholds of profile", queries.PROFILES, every=False, several=False),
    ]
    cells = row(
        "$cluster",
        hourly("$cluster: worst of the hour", "min", queries.CLUSTER_MIN, "Lowest score of the worst member."),
        hourly("$cluster: mean of the hour", "mean", queries.CLUSTER_MEAN, "Mean of the scores of the worst member."),
    )
    cells[0]["repeat"] = "cluster"
    return [
        dashboard(
            "etcd-heatmap", "etcd heat map", "When was which etcd cluster unhealthy, and why? Needs no plugin.",
            core, overview() + metrics() + forecast() + members() + etcd() + writer(), annotations(),
        ),
        dashboard(
            "etcd-heatmap-hourly", "etcd heat map (hourly heatmap panel)",
            "Uses the archived plugin marcusolsson-hourly-heatmap-panel, for Grafana versions that still load it.",
            shared, cells + forecast(),
        ),
    ]


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "dashboards"
    for each in dashboards():
        text = json.dumps(each, indent=2, ensure_ascii=False) + "\n"
        (folder / f"{each['uid']}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
