"""Checks the dashboards as Grafana reads them.

`grafana.py schema FILE …`        checks the types of all fields against Grafana's own schema package
`grafana.py layout FILE …`        checks ids, positions, descriptions, colors and data sources
`grafana.py series`               prints test series as OpenMetrics, as textfile, rules and imports leave them
`grafana.py answers URL FILE …`   sends all queries of the dashboards to the Prometheus at URL with those series"""

import json
import math
import re
import sys
from datetime import datetime, timezone
from urllib.parse import urlencode
from urllib.request import urlopen

import grafana_series as expected
from prometheus import ask

GREY, RED = "#9e9e9e", "#d73027"
VARIABLE = {"type": "prometheus", "uid": "${datasource}"}
HOURLY_HEATMAP = "marcusolsson-hourly-heatmap-panel"
NOW = expected.START + (expected.MINUTES - 1) * 60


class Check:
    def __init__(self):
        self.wrong = 0

    def that(self, holds, words):
        if not holds:
            self.wrong += 1
            print(words)

    def same(self, found, wanted, what):
        for key in sorted(found.keys() | wanted.keys(), key=str):
            one, other = found.get(key), wanted.get(key)
            near = one is not None and other is not None and math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
            self.that(near, f"{what} {key}: {one}, expected {other}")


def dashboards(paths):
    for path in paths:
        with open(path, encoding="utf-8") as file:
            yield json.load(file)


def schema(paths):
    # Imported here because only this subcommand needs the package.
    import grafana_schema

    check = Check()
    for content in dashboards(paths):
        for fault in grafana_schema.faults(content):
            check.that(False, fault)
    return check


def layout(paths):
    check = Check()
    for content in dashboards(paths):
        panels = content["panels"]
        ids = [panel["id"] for panel in panels]
        check.that(len(set(ids)) == len(ids), f"{content['uid']}: ids repeat: {ids}")
        check.that(content["id"] is None, f"{content['uid']}: an exported dashboard must not have an id")
        taken = set()
        for panel in panels:
            name, place = f"{content['uid']}: {panel['title']!r}", panel["gridPos"]
            cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
            check.that(not cells & taken and place["x"] + place["w"] <= 24, f"{name} overlaps a panel or the edge")
            taken |= cells
            check.that(panel["title"], f"{name} has no title")
            if panel["type"] != "row":
                of_panel(check, panel, name)
        for one in sources(content):
            check.that(one == VARIABLE, f"{content['uid']}: a data source is {one}")
        of_names(check, content)
        kinds = [each["name"] for each in content["templating"]["list"] if each["type"] == "datasource"]
        check.that(kinds == ["datasource"], f"{content['uid']}: variables of data sources: {kinds}")
    return check


def of_names(check, content):
    """Titles for people, one cluster to begin with, and annotations with the same query for all versions of Grafana."""
    for panel in content["panels"]:
        title = panel["title"]
        check.that("_" not in title, f"{content['uid']}: the title {title!r} is no words")
        ten = any(re.search(r"(top|bottom)k\(10, ", target["expr"]) for target in panel.get("targets", []))
        check.that(ten == ("10" in title), f"{content['uid']}: the title {title!r} does not say how many rows it shows")
    for each in content["templating"]["list"]:
        if each["name"] == "cluster":
            # With All, Grafana begins with All.
            check.that(not each["includeAll"] and "current" not in each, f"{content['uid']}: begins with {each}")
    for each in content["annotations"]["list"]:
        same = (each["expr"], each["step"]) == (each["target"]["expr"], each["target"]["interval"])
        check.that(same, f"{content['uid']}: {each['name']} has two queries")


def of_panel(check, panel, name):
    words = panel["description"]
    unit = re.search("second|score|point|number|bytes|share|no unit", words, re.IGNORECASE)
    check.that(len(words) > 40 and unit, f"{name} has no description with its unit: {words!r}")
    check.that(panel.get("datasource") == VARIABLE, f"{name} has no data source")
    check.that(all("vector(0)" not in target["expr"] for target in panel["targets"]), f"{name} shows missing values as zero")
    defaults = panel["fieldConfig"]["defaults"]
    grey = {m["options"]["match"]: m["options"]["result"] for m in defaults["mappings"]}
    for match in ("null", "nan"):
        shown = grey.get(match, {})
        check.that((shown.get("text"), shown.get("color")) == ("unknown", GREY), f"{name} shows {match} as {shown}")
    if panel["type"] == HOURLY_HEATMAP:
        custom = defaults["custom"]
        colours = custom["thresholds"]
        check.that(custom["colorPalette"] == "custom" and custom["nullValueColor"] == GREY, f"{name} has the wrong colors")
        check.that(colours["mode"] == "absolute" and [step["value"] for step in colours["steps"]] == [0, 5, 10],
                   f"{name} has the wrong thresholds: {colours}")
        # The plugin treats a minimum of 0 as "automatic".
        check.that(bool(defaults["min"]), f"{name} has a minimum that the plugin ignores")
    else:
        check.that(not defaults.get("custom", {}).get("spanNulls"), f"{name} draws through gaps")
        if "thresholds" in defaults:
            check.that(colour(panel, None) == GREY, f"{name} has a color for missing values")


def sources(part):
    if isinstance(part, dict):
        yield from (each for key, each in part.items() if key == "datasource")
    for each in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from sources(each)


def colour(panel, value):
    found = None
    for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]:
        if step["value"] is None or (value is not None and value >= step["value"]):
            found = step["color"]
    return found


def escaped(value):
    """A value of a variable, or several, as a regular expression."""
    if isinstance(value, str):
        return re.sub(r"([\\.^$|?*+()\[\]{}])", r"\\\\\1", value)
    return "(" + "|".join(map(escaped, value)) + ")"


def filled(text, choice, step):
    """Replaces variables as Grafana's Prometheus data source does: All has its own expression, names are escaped."""
    values = {name: value if value == EVERY else escaped(value) for name, value in choice.items()}
    # Series have a sample a minute.
    interval = {"__interval": f"{step}s", "__rate_interval": f"{max(step + 60, 240)}s"}
    values |= interval | {"__range": f"{expected.MINUTES * 60}s"}
    # `$1` belongs to label_replace, not to Grafana.
    return re.sub(r"\$\{?([a-z_]+)(?::\w+\})?\}?", lambda match: values[match[1]], text)


def answer(url, panel, target, choice):
    """Yields (labels, second, value) of a query; ranges are aligned as Grafana aligns them."""
    step = 3600 if panel.get("interval") == "1h" else 120
    query = filled(target["expr"], choice, step)
    if target["instant"]:
        for each in ask(url, "query", query=query, time=NOW):
            yield each["metric"], NOW, float(each["value"][1])
        return
    for each in ask(url, "query_range", query=query, start=expected.START // step * step, end=NOW // step * step, step=step):
        for second, value in each["values"]:
            yield each["metric"], int(second), float(value)


EVERY = ".+"
# All clusters, one by one, because the dashboard has no All for them.
ALL = {"cluster": list(expected.MEMBERS), "member": EVERY, "profile": "every"}
ONE = ALL | {"cluster": "c1", "member": "a"}
DOTTED = ALL | {"cluster": "c2", "member": "10.0.0.3:2379"}


def answers(url, *paths):
    check = Check()
    for content in dashboards(paths):
        panels = {panel["title"]: panel for panel in content["panels"] if panel["type"] != "row"}
        asked = [(panel["title"], panel, target) for panel in panels.values() for target in panel["targets"]]
        asked += [(each["name"], {}, {**each["target"], "instant": False}) for each in content["annotations"]["list"]]
        for name, panel, target in asked:
            for choice in (ALL, ONE, DOTTED):
                answered = any(True for _ in answer(url, panel, target, choice))
                check.that(answered, f"{name} {target['refId']} for {choice}: no answer")
        members = {member for members in expected.MEMBERS.values() for member in members}
        variables(check, url, content, ALL, members)
        variables(check, url, content, ONE, {"a", "b"})
        CELLS[content["uid"]](check, url, panels)
        annotations(check, url, content["annotations"]["list"])
    return check


def variables(check, url, content, choice, members):
    wanted = {"cluster": set(expected.MEMBERS), "member": members, "profile": {"seed", "every"}}
    for each in content["templating"]["list"]:
        if each["type"] == "query":
            match, label = re.fullmatch(r"label_values\((.+), (\w+)\)", filled(each["query"], choice, 60)).groups()
            asked = urlencode({"match[]": match, "start": expected.START, "end": NOW})
            with urlopen(f"{url}/api/v1/label/{label}/values?{asked}", timeout=60) as found:
                values = set(json.load(found)["data"])
            check.that(values == wanted[each["name"]], f"${each['name']} offers {values}")


def cells(url, panel, choice, *names):
    """(numbers, NaNs) of a panel's first query, by the given labels and the hour."""
    numbers, unknown = {}, set()
    for labels, second, value in answer(url, panel, panel["targets"][0], choice):
        at = (*(labels[name] for name in names), (second - expected.START) // 3600)
        if math.isnan(value):
            unknown.add(at)
        else:
            numbers[at] = value
    return numbers, unknown


def by_hour(table):
    names = {of: of if isinstance(of, tuple) else (of,) for of in table}
    return {(*names[of], hour): value for of, hours in table.items() for hour, value in hours.items()}


def core(check, url, panels):
    said = {(cluster, hour) for cluster, _, hour in expected.SAID_UNKNOWN}
    for title, shown in (("All clusters: worst score of each hour, top 10 by loss", expected.WORST_CLUSTERS),
                         ("Day by hour", set(expected.MEMBERS))):
        # The first shows all clusters, whichever is selected.
        numbers, unknown = cells(url, panels[title], ALL if title == "Day by hour" else ONE, "cluster")
        check.same(numbers, by_hour({of: expected.CLUSTER_MIN.get(of, {}) for of in shown}), title)
        check.that(unknown == said, f"{title}: unknown are {unknown}")
    day_by_hour(check, url, panels["Day by hour"])
    members(check, url, panels["Members: worst score of each hour, top 10 by loss"])
    coverage(check, url, panels["Members: coverage of each hour, the 10 with the lowest"])
    points(check, url, panels)
    limits(check, url, panels)
    etcd(check, url, panels)
    forecast(check, url, panels)
    stats = {
        "Lowest known score": 8.8, "Members without a score": 2, "Age of the newest score": 0, "Age of the last success": 20,
    }
    for title, wanted in stats.items():
        [(_, _, value)] = answer(url, panels[title], panels[title]["targets"][0], ALL)
        check.that(value == wanted, f"{title}: {value}, expected {wanted}")


def members(check, url, panel):
    """All members of each cluster that has at most ten; of a cluster with more, and of all, those that lost most."""
    for cluster in expected.MEMBERS:
        numbers, unknown = cells(url, panel, ALL | {"cluster": cluster}, "cluster", "member")
        of_cluster = {of: hours for of, hours in expected.MEMBER_MIN.items() if of[0] == cluster}
        if cluster == "many":
            of_cluster = {of: hours for of, hours in of_cluster.items() if of[1] in expected.WORST_OF_MANY}
        check.same(numbers, by_hour(of_cluster), f"worst of the hour in {cluster}")
        check.that(unknown == {at for at in expected.SAID_UNKNOWN if at[0] == cluster}, f"unknown members: {unknown}")
    numbers, unknown = cells(url, panel, ALL, "cluster", "member")
    # f and d have no score for 36 and 30 hours; each of m05 to m12 lost at least 0.5 points for 36 hours.
    worst = {("c3", "f"), ("c2", "d"), *(("many", f"m{number:02}") for number in range(5, 13))}
    rows = {at[:2] for at in (*numbers, *unknown)}
    check.that(rows == worst, f"the ten members that lost most are {sorted(rows)}")


def day_by_hour(check, url, panel):
    """Checks that the labels for day and hour match the time of each sample."""
    for labels, second, _ in answer(url, panel, panel["targets"][0], ALL):
        at = datetime.fromtimestamp(second, timezone.utc)
        row = f"{labels['cluster']} {at:%Y-%m-%d}"
        check.that((labels["row"], labels["hour"]) == (row, f"{at:%H}"), f"{at}: {labels}")


def coverage(check, url, panel):
    for cluster in expected.MEMBERS:
        numbers, _ = cells(url, panel, ALL | {"cluster": cluster}, "cluster", "member")
        edges = {place: value for place, value in numbers.items() if (place[0], place[2]) in expected.EDGES}
        check.that(all(0.8 <= value <= 1 for value in edges.values()), f"hours in which a gap begins: {edges}")
        shown = {place[1] for place in numbers}
        if cluster == "many":
            check.that("m01" in shown and len(shown) == 10, f"the ten with the lowest coverage: {sorted(shown)}")
        of_cluster = {of: hours for of, hours in expected.COVERAGE.items()
                      if of[0] == cluster and (of[1] in shown or cluster != "many")}
        wanted = {place: value for place, value in by_hour(of_cluster).items() if (place[0], place[2]) not in expected.EDGES}
        check.same({place: value for place, value in numbers.items() if place not in edges}, wanted, "coverage")
    check.that(colour(panel, 0) == colour(panel, 0.05) == RED, "an hour without data is not red")


def points(check, url, panels):
    panel = panels["Metrics: fewest points of each hour, top 10 by loss"]
    numbers, _ = cells(url, panel, ALL | {"cluster": "c1"}, "member", "metric")
    rows = {at[:2] for at in numbers}
    check.that(("a", "wal_fsync") in rows and len(rows) == 10, f"ten rows of points: {sorted(rows)}")
    numbers, _ = cells(url, panel, ONE, "metric")
    known = [hour for hour in expected.HOURS if hour not in (20, 21)]
    wanted = {(metric, hour): 10 for metric in expected.METRICS for hour in known} | {("wal_fsync", 3): 0}
    check.same(numbers, wanted, "points")
    panel = panels["Points lost, by metric"]
    lost = [(labels["metric"], value) for labels, _, value in answer(url, panel, panel["targets"][0], ONE)]
    # The member lost all 10 points in 10 minutes; the writer was down for 130 minutes.
    check.that(lost[0][0] == "wal_fsync", f"not sorted by lost points: {lost}")
    wanted = {metric: 0 for metric in expected.METRICS} | {"wal_fsync": 0.3 * 10 * 10 / (expected.MINUTES - 130)}
    check.same(dict(lost), wanted, "points lost")


def limits(check, url, panels):
    """Checks shares of a limit: of the lowest limit shown; a quota below 0 means no quota."""
    for title, member, wanted in [
        ("Database size", EVERY, {0.8 * 2 * expected.GIB}),
        ("Database size", "b", {0.8 * 8 * expected.GIB}),
        ("Database size", "d", set()),
        ("Open file descriptors", EVERY, {0.8 * 65536}),
    ]:
        asked = answer(url, panels[title], panels[title]["targets"][2], ALL | {"member": member})
        found = {value for _, _, value in asked}
        check.that(found == wanted, f"share of {title} for {member}: {found}, expected {wanted}")
    panel = panels["Backend commit p99"]
    asked = answer(url, panel, panel["targets"][1], ALL | {"profile": "seed"})
    found = {(labels["points"], value) for labels, _, value in asked}
    check.that(found == {("5", 0.025), ("0", 0.04)}, f"thresholds of the seed: {found}")


def etcd(check, url, panels):
    """Checks the series of etcd itself: by the label `cluster` or the job, without those of other processes."""
    def values(title, choice, *names, target=0):
        found = {}
        for labels, second, value in answer(url, panels[title], panels[title]["targets"][target], choice):
            # Prometheus extrapolates rates at the beginning of a series and after a restart.
            if second > expected.START + (expected.RESTARTED + 10) * 60:
                found.setdefault(tuple(labels.get(name) for name in names), set()).add(round(value, 9))
        return found

    both = ALL | {"cluster": ["c1", "c2"]}
    dotted = "10.0.0.3:2379"
    for title, target, names, wanted in [
        ("Members with a leader", 0, ["cluster"], {("c1",): {1, 2}, ("c2",): {1}}),
        ("Members with a leader", 1, ["cluster"], {("c1",): {2}, ("c2",): {1}}),
        ("Failed RPCs", 0, ["cluster", "grpc_code"], {("c1", "Unavailable"): {0.2}, ("c2", "Unavailable"): {0.1}}),
        ("RPC rate", 0, ["cluster"], {("c1",): {20}, ("c2",): {10}}),
        ("Peer round trip p99", 0, ["cluster", "instance"],
         {("c1", "a"): {0.019}, ("c1", "b"): {0.019}, ("c2", dotted): {0.019}}),
        ("Resident memory", 0, ["cluster", "instance"],
         {(cluster, member): {expected.MEMORY[member]} for cluster, member in (("c1", "a"), ("c1", "b"), ("c2", dotted))}),
    ]:
        found = values(title, both, *names, target=target)
        check.that(found == wanted, f"{title}: {found}, expected {wanted}")
    found = values("Resident memory", ONE, "cluster", "instance")
    check.that(set(found) == {("c1", "a")}, f"memory of one member: {set(found)}")


def annotations(check, url, found):
    queries = {each["name"]: {**each["target"], "instant": False} for each in found}
    if not queries:
        return
    check.that(set(queries) == {"Restarts", "Leader changes"}, f"annotations: {set(queries)}")
    started = {}
    for labels, _, value in answer(url, {}, queries["Restarts"], ALL):
        started.setdefault(labels["instance"], set()).add(value / 1000)
    check.that(started == expected.STARTED, f"processes started: {started}")
    # For short and for long ranges. Grafana draws the range in which the window holds the change.
    for panel, step in ({}, 120), ({"interval": "1h"}, 3600):
        changes = {}
        for labels, second, _ in answer(url, panel, queries["Leader changes"], ALL):
            changes.setdefault(labels["cluster"], []).append(second)
        check.that(set(changes) == {"c1", "c2"}, f"clusters with leader changes: {set(changes)}")
        for cluster, seconds in changes.items():
            begin = expected.START + expected.CHANGED[cluster] * 60
            late = max(step + 60, 240)
            inside = begin <= min(seconds) and max(seconds) <= begin + late and min(seconds) - begin < step
            check.that(inside, f"{cluster} changed its leader at {begin}: {seconds}")


def hourly(check, url, panels):
    wanted = {"$cluster: worst of the hour": expected.CLUSTER_MIN, "$cluster: mean of the hour": expected.CLUSTER_MEAN}
    for title, of_clusters in wanted.items():
        for cluster in expected.MEMBERS:
            numbers, _ = cells(url, panels[title], ALL | {"cluster": cluster}, "cluster")
            check.same(numbers, by_hour({cluster: of_clusters.get(cluster, {})}), title)
        seconds = {second for _, second, _ in answer(url, panels[title], panels[title]["targets"][0], ALL)}
        check.that(not any(second % 60 for second in seconds), f"{title}: samples off the minute")
    forecast(check, url, panels)


def forecast(check, url, panels):
    """Forecasts of two nodes, of which one stopped: its forecast counts for three hours more."""
    ends = expected.START + expected.LAST_OF_STOPPED * 60 + 3 * 3600
    for target, factor, stopped in (0, 1, 0.75), (1, 0.5, 0.625):
        found = {}
        panel = panels["Probability of red"]
        for labels, second, value in answer(url, panel, panel["targets"][target], ALL | {"cluster": ["c1", "c2"]}):
            found.setdefault((labels["cluster"], labels["horizon"], second >= ends), set()).add(value)
        wanted = {
            (cluster, horizon, after): {share * factor if after else stopped}
            for cluster in ("c1", "c2") for horizon, share in expected.PROBABILITY.items() for after in (False, True)
        }
        check.that(found == wanted, f"Probability of red, {target}: {found}, expected {wanted}")

    def last(title, *names):
        return {tuple(labels[name] for name in names): value for labels, _, value in
                answer(url, panels[title], panels[title]["targets"][0], ALL)}

    quotas = {of: min(days, 90) * 86400 for of, days in expected.DAYS_TO_QUOTA.items()}
    check.same(last("Time until the quota", "cluster", "member"), quotas, "seconds until the quota")
    skill = {(horizon,): skill for horizon, skill in expected.SKILL.items()}
    check.same(last("Skill of the forecast", "horizon"), skill, "skill")
    ages = {("node1:9100",): NOW - (expected.START + 35 * 3600), ("node2:9100",): NOW - (expected.START + 26 * 3600)}
    check.same(last("Age of the forecast", "instance"), ages, "age of the forecast")
    panel = panels["Skill of the forecast"]
    check.that(colour(panel, 0) == colour(panel, -0.125) == RED != colour(panel, 0.4), "a forecast of no use is not red")


CELLS = {"etcd-heatmap": core, "etcd-heatmap-hourly": hourly}


def main():
    command, *arguments = sys.argv[1:]
    if command == "series":
        sys.stdout.writelines(expected.openmetrics())
        return
    check = {"schema": schema, "layout": layout}[command](arguments) if command != "answers" else answers(*arguments)
    print(f"{command}: {check.wrong} wrong")
    sys.exit(check.wrong > 0)


if __name__ == "__main__":
    main()
