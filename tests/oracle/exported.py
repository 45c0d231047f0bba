"""Compares the samples that VictoriaMetrics exports with scores/ of an output folder.

usage: exported.py URL DIR [--emit worst,points] [--label NAME=VALUE ...]

VictoriaMetrics stores 12 significant digits, so values that agree to eleven digits count as equal."""

import argparse
import json
import math
import urllib.parse
import urllib.request
from collections import Counter

from emitted import arguments, wanted
from report import Report


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("folder")
    asked, emit, extra = arguments(parser)
    report = Report()
    expected = wanted(asked.folder, emit, extra, report)
    found, times = {}, Counter()
    form = {"match[]": '{__name__=~"etcd_.*|cluster:etcd_.*"}', "start": "0"}
    with urllib.request.urlopen(f"{asked.url}/api/v1/export", urllib.parse.urlencode(form).encode()) as answer:
        for line in answer:
            series = json.loads(line)
            family = series["metric"].pop("__name__")
            for ms, value in zip(series["timestamps"], series["values"], strict=True):
                key = family, tuple(sorted(series["metric"].items())), ms / 1000
                found[key] = value
                times[key] += 1
    found = {key: near(expected.get(key), value) for key, value in found.items()}
    report.compare("samples as the server exports them", expected, found)
    report.check("no sample twice", [key for key, count in times.items() if count > 1])
    report.close()


def near(expected, found):
    return expected if expected is not None and math.isclose(expected, found, rel_tol=1e-11) else found


if __name__ == "__main__":
    main()
