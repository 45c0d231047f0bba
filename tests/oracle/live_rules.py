"""Compares the recorded series of a running Prometheus with scores/ and openmetrics/ of the same time.

usage: live_rules.py URL DIR

DIR was scored at a step of one second, about as often as the server scrapes and evaluates. Rules are not evaluated at
whole seconds, so a recorded value must equal that of a step next to the evaluation. The step before that counts too: a
sample has the time at which its scrape began, but rules see it only when the scrape has ended."""

import math
import sys
import time
from pathlib import Path

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from folder import days
from prometheus import ask
from report import Report

WORST = "cluster:etcd_score:worst"
# A series with fewer samples than this has not been tested.
FEWEST = 10


def main():
    url, folder = sys.argv[1:]
    report = Report()
    scores = {(c, m, ts // 1000): score for ts, c, m, score in days(folder, "scores", ["score"], report)}
    worst = {}
    for path in Path(folder).glob("openmetrics/*.om"):
        for family in text_string_to_metric_families(path.read_text(encoding="utf-8")):
            worst |= {(s.labels["cluster"], int(float(s.timestamp))): s.value for s in family.samples if s.name == WORST}
    # Steps of a cluster: every step at which any of its members is expected, scored or not.
    worst = {(c, t): worst.get((c, t)) for c, _, t in scores}
    unknown = {key: float(score is None) for key, score in scores.items()}
    for name, expected in (("etcd_score", scores), ("etcd_score_unknown", unknown), (WORST, worst)):
        compare(report, name, expected, recorded(url, name))
    report.check("steps with and without a score", [] if {0, 1} <= set(unknown.values()) else ["no step is unscored, or all are"])
    report.close()


def recorded(url, name):
    """The raw samples of a series, by cluster, member (if it has that label), and time."""
    found = {}
    for series in ask(url, "query", query=f"{name}[10m]", time=time.time()):
        labels = series["metric"]
        of = tuple(labels[label] for label in ("cluster", "member") if label in labels)
        assert len(labels) == len(of) + 1, labels
        found |= {(*of, float(second)): float(value) for second, value in series["values"]}
    return found


def compare(report, name, expected, found):
    wrong, compared = [], {}
    for (*of, t), value in sorted(found.items()):
        around = [(*of, math.floor(t) + second) for second in (-1, 0, 1)]
        if all(key in expected for key in around):
            compared[tuple(of)] = compared.get(tuple(of), 0) + 1
            allowed = {expected[key] for key in around}
            wrong += [] if value in allowed else [f"{of} at {t}: {value} is not one of {allowed}"]
    few = [of for of in {tuple(of) for *of, _ in expected} if compared.get(of, 0) < FEWEST]
    report.check(f"{name}: {sum(compared.values())} samples equal to scores/", wrong)
    report.check(f"{name}: at least {FEWEST} samples of every series", few)


if __name__ == "__main__":
    main()
