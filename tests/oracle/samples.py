"""Compares the raw samples of etcd_score that a Prometheus holds with the scores of an output folder.

usage: samples.py URL DIR"""

import sys

from folder import days
from prometheus import ask
from report import Report

DAY = 86_400


def main():
    url, folder = sys.argv[1:]
    report = Report()
    expected = {
        (cluster, member, ts // 1000): score
        for ts, cluster, member, score in days(folder, "scores", ["score"], report)
        if score is not None
    }
    first, last = (edge(t for _, _, t in expected) for edge in (min, max))
    found = {}
    # A range query also returns values between samples, because it looks back 5 minutes. An instant query for a
    # range vector returns the raw samples. It asks at half seconds, where there are no samples, because Prometheus 2
    # and 3 differ in whether the start of a range belongs to it.
    for midnight in range(first // DAY * DAY, last + 1, DAY):
        for series in ask(url, "query", query="etcd_score[1d]", time=midnight + DAY - 0.5):
            labels = series["metric"]
            for second, value in series["values"]:
                found[labels["cluster"], labels["member"], second] = float(value)
            extra = labels.keys() - {"__name__", "cluster", "member"}
            report.check("samples: labels", extra) if extra else None
    report.compare("samples: etcd_score as the second Prometheus holds it", expected, found)
    report.close()


if __name__ == "__main__":
    main()
