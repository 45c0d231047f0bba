"""Compares live scores in a Prometheus, from a textfile, with those of a later backfill of the same instants.

usage: live.py URL DIR FROM TO NODE

URL scraped the node_exporter NODE (its `instance`), whose textfile `etcd-heatmap textfile` wrote; DIR is the output folder
of a backfill at a step that divides the loop's --every. FROM and TO are seconds since 1970. Every sample is paired with the
etcd_heatmap_evaluation_timestamp_seconds of its own scrape, which is the instant that it was computed for."""

import sys

from folder import days
from prometheus import ask
from report import Report
from spec import NAMES

CHUNK = 600
EVALUATED = "etcd_heatmap_evaluation_timestamp_seconds"
FAMILIES = ["etcd_score", "etcd_points", "etcd_score_unknown", "etcd_cluster_score_worst"]


def main():
    url, folder, start, end, node = sys.argv[1:]
    report = Report()
    found, wrong, instants = live(url, int(start), int(end), node)
    report.check("live: labels, and one value per instant", wrong)
    expected = {key: value for key, value in backfilled(folder, report).items() if key[0] in instants}
    seen = {at for at, *_ in expected}
    report.check("live: every instant is in the backfill", sorted(instants - seen))
    report.compare("live: all series of all instants", expected, found)
    unknown = sum(1 for (_, family, *_), value in found.items() if family == "etcd_score_unknown" and value == 1)
    print(f"instants {len(instants)}, samples {len(found)}, unknown {unknown}")
    report.close()


def live(url, start, end, node):
    """(instant, family, cluster, member, metric) -> scraped value; the faults found; and all instants."""
    evaluated = {at: int(value) for labels, at, value in samples(url, EVALUATED, start, end, node)}
    found, wrong = {}, []
    for family in FAMILIES:
        for labels, at, value in samples(url, family, start, end, node):
            of = labels.keys() - {"__name__", "job", "instance", "cluster", "member", "metric"}
            if of or at not in evaluated:
                wrong.append(f"{labels} at {at}: {sorted(of)}")
                continue
            key = (evaluated[at], family, labels["cluster"], labels.get("member", ""), labels.get("metric", ""))
            if found.setdefault(key, value) != value:
                wrong.append(f"{key}: {found[key]} and {value}")
    return found, wrong, set(evaluated.values())


def samples(url, family, start, end, node):
    """(labels, second, value) of the raw samples. Range edges fall between samples, so each sample is read once."""
    for begin in range(start, end, CHUNK):
        seconds = min(CHUNK, end - begin)
        query = f'{{__name__="{family}",instance="{node}"}}[{seconds}s]'
        for series in ask(url, "query", query=query, time=begin + seconds - 0.0005):
            for at, value in series["values"]:
                yield series["metric"], at, float(value)


def backfilled(folder, report):
    """The same from the backfill. An unscored member has points and etcd_score_unknown, but no score."""
    rows, clusters = {}, {}
    columns = ["score", *(f"{name}_points" for name in NAMES)]
    for ts, cluster, member, score, *points in days(folder, "scores", columns, report):
        at = ts // 1000
        for name, value in zip(NAMES, points):
            if value is not None:
                rows[at, "etcd_points", cluster, member, name] = value
        if score is not None:
            rows[at, "etcd_score", cluster, member, ""] = score
        rows[at, "etcd_score_unknown", cluster, member, ""] = float(score is None)
        clusters.setdefault((at, cluster), []).append(score)
    for (at, cluster), scores in clusters.items():
        if None not in scores:
            rows[at, "etcd_cluster_score_worst", cluster, "", ""] = min(scores)
    return rows


if __name__ == "__main__":
    main()
