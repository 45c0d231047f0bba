"""Compares the samples that a VictoriaMetrics holds, as it exports them, with scores/ of an output folder.

usage: exported.py URL DIR [--emit worst,points] [--label NAME=VALUE ...]"""

import argparse
import json
import urllib.parse
import urllib.request
from collections import Counter

from emitted import samples
from folder import days
from report import Report
from spec import NAMES


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("folder")
    parser.add_argument("--emit", default="")
    parser.add_argument("--label", action="append", default=[])
    asked = parser.parse_args()
    report = Report()
    emit = {"scores", *filter(None, asked.emit.split(","))}
    extra = dict(label.split("=", 1) for label in asked.label)
    scores = days(asked.folder, "scores", ["score", *(f"{name}_points" for name in NAMES)], report)
    expected = {
        (family, tuple(sorted((labels | extra).items())), second * 1000): value
        for family, labels, second, value in samples(scores, emit)
    }
    found, times = {}, Counter()
    form = {"match[]": '{__name__=~"etcd_.*|cluster:etcd_.*"}', "start": "0"}
    with urllib.request.urlopen(f"{asked.url}/api/v1/export", urllib.parse.urlencode(form).encode()) as answer:
        for line in answer:
            series = json.loads(line)
            family = series["metric"].pop("__name__")
            for ms, value in zip(series["timestamps"], series["values"], strict=True):
                key = family, tuple(sorted(series["metric"].items())), ms
                found[key] = value
                times[key] += 1
    report.compare("samples as the server exports them", expected, found)
    report.check("no sample twice", [key for key, count in times.items() if count > 1])
    report.close()


if __name__ == "__main__":
    main()
