"""Compares openmetrics/*.om with scores/: every family, every sample, and the entry of each file in the manifest.

usage: emitted.py DIR --block-hours N [--emit worst,points] [--label NAME=VALUE ...]

The files are read by the Prometheus project's own parser, which rejects duplicate and out-of-order samples."""

import argparse
import json
import re
from datetime import datetime, timezone
from pathlib import Path

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from folder import days
from report import Report
from spec import NAMES

NAME = re.compile(r"etcd_score-(\d{8}T\d{6}Z)-(\d{8}T\d{6}Z)\.om")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--block-hours", type=int, required=True)
    asked, emit, extra = arguments(parser)
    report = Report()
    expected = wanted(asked.folder, emit, extra, report)
    found, blocks = {}, []
    for path in sorted(Path(asked.folder).glob("openmetrics/*")):
        blocks.append(read(path, asked.block_hours * 3600, found, report))
    report.compare("openmetrics: samples of all families", expected, found)
    manifest = json.loads(Path(asked.folder, "manifest.json").read_text())["openmetrics"]
    report.check("manifest: blocks", [] if manifest["blocks"] == blocks else [manifest["blocks"], blocks])
    said = {"block_hours": asked.block_hours, "emit": [f for f in ("scores", "worst", "points") if f in emit], "labels": extra}
    report.check("manifest: what was asked", [k for k, v in said.items() if manifest[k] != v])
    report.close()


def arguments(parser):
    """The parsed arguments, the families to emit, and the extra labels."""
    parser.add_argument("--emit", default="")
    parser.add_argument("--label", action="append", default=[])
    asked = parser.parse_args()
    emit = {"scores", *filter(None, asked.emit.split(","))}
    return asked, emit, dict(label.split("=", 1) for label in asked.label)


def wanted(folder, emit, extra, report):
    """(family, labels, second) -> value of every sample that must be in the files."""
    scores = days(folder, "scores", ["score", *(f"{name}_points" for name in NAMES)], report)
    return {
        (family, tuple(sorted((labels | extra).items())), second): value
        for family, labels, second, value in samples(scores, emit)
    }


def samples(scores, emit):
    """(family, labels, second, value) of every sample that follows from the scores."""
    clusters = {}
    for ts, cluster, member, score, *points in scores:
        second, labels = ts // 1000, {"cluster": cluster, "member": member}
        clusters.setdefault((cluster, second), []).append(score)
        if score is not None:
            yield "etcd_score", labels, second, score
        if "points" in emit:
            for name, worth in zip(NAMES, points):
                if worth is not None:
                    yield "etcd_points", labels | {"metric": name}, second, worth
    if "worst" in emit:
        for (cluster, second), members in clusters.items():
            # An unscored member may be the worst one, so the cluster has no score either.
            if None not in members:
                yield "cluster:etcd_score:worst", {"cluster": cluster}, second, min(members)


def read(path, width, found, report):
    """Adds the samples of a file to `found`. Returns the entry that the manifest must have for its block."""
    start, end = (int(datetime.strptime(t, "%Y%m%dT%H%M%S%z").timestamp()) for t in NAME.fullmatch(path.name).groups())
    wrong = [] if start % width == 0 and end - start == width else [f"{start} to {end}"]
    series, seconds = set(), []
    for family in text_string_to_metric_families(path.read_text("utf-8")):
        wrong += [] if family.type == "gauge" and family.documentation else [f"{family.name}: {family.type}"]
        for sample in family.samples:
            who, second = (sample.name, tuple(sorted(sample.labels.items()))), int(float(sample.timestamp))
            wrong += [] if start <= second < end else [f"{second} is outside the window"]
            wrong += [f"{who} {second} is there twice"] if (*who, second) in found else []
            found[(*who, second)] = sample.value
            series.add(who)
            seconds.append(second)
    report.check(f"{path.name}: its window is a TSDB block of the ladder", wrong)
    name = f"openmetrics/{path.name}"
    return {"path": name, "series": len(series), "samples": len(seconds), "first": min(seconds), "last": max(seconds)}


if __name__ == "__main__":
    main()
