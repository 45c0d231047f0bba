"""Compares the output of `etcd-heatmap explain` for one cell with the readings and scores in it.

usage: explain.py DIR TEXT --cluster NAME --start SECONDS --end SECONDS [--profile NAME] [--except MEMBER].."""

import argparse
import math
import re
from fractions import Fraction
from pathlib import Path

import duckdb

from folder import has_column
from report import Report
from shown import exact, loss
from spec import BESIDE, LIMITS, METRICS, Profile

LIMIT_NAMES = {"quota_bytes": "quota", "max_fds": "max_fds"}

ROW = re.compile(
    r"  (?P<metric>\w+) +(?P<median>unknown|[\d.]+(?: \S+)?) {2,}(?P<max>unknown|[\d.]+(?: \S+)?)"
    r" +(?P<known>\d+)/(?P<expected>\d+) +(?P<weight>[\d.]+) +(?P<cost>[\d.?]+)(?:  (?P<points>[^;]*))?"
    r"(?:; highest is interpolated between (?P<lower>[\d.]+) and (?P<upper>[\d.]+) ms)?"
    r"(?:; highest is (?P<share>[\d.]+) % of (?P<limit>\w+))?")


def up(value, decimals):
    """Rounds a reading up, so that one above a threshold never looks like it. A reading is the result of arithmetic with
    doubles, so what is above by less than 1e-12 of it is not above."""
    parts = 10**decimals
    return f"{math.ceil(Fraction(value) * parts * (1 - Fraction(1, 10**12))) / parts:.{decimals}f}"


SHOWN = {
    "wal_fsync": lambda v: up(Fraction(str(v)) * 1000, 2) + " ms",
    "backend_commit": lambda v: up(Fraction(str(v)) * 1000, 2) + " ms",
    "open_fds": lambda v: f"{v:g}",
    "leader_changes": lambda v: f"{v:g}",
    "client_traffic_in": lambda v: up(Fraction(str(v)) / 1024, 1) + " KiB/s",
    "db_size": lambda v: up(Fraction(str(v)) / 1024**2, 1) + " MiB",
}
# Bucket bounds of etcd's disk histograms in ms: 14 powers of two from 1 ms.
BOUNDS = [0] + [2**i for i in range(14)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("text")
    parser.add_argument("--cluster", required=True)
    parser.add_argument("--start", type=int, required=True)
    parser.add_argument("--end", type=int, required=True)
    parser.add_argument("--profile", default="seed")
    parser.add_argument("--except", dest="left_out", action="append", default=[])
    asked = parser.parse_args()
    profile = Profile.named(asked.profile)
    told = blocks(Path(asked.text).read_text(encoding="utf-8"))
    expected = {}
    for (member,) in query(asked, "scores", "DISTINCT member", "TRUE"):
        if member in asked.left_out:
            continue
        expected |= {(member, row["metric"]): row for row in lines(asked, profile, member)}
    report = Report()
    report.compare("explain: rows of members", expected, told)
    report.close()


def blocks(text):
    """(member, metric) -> its printed row."""
    found = {}
    for block in text.split("\nmember ")[1:]:
        member = block.split(": ")[0]
        rows = [match.groupdict() for match in map(ROW.fullmatch, block.splitlines()) if match]
        found |= {(member, row["metric"]): row for row in rows}
    return found


def query(asked, table, select, where, *parameters):
    files = f"{asked.folder}/{table}/*/*.parquet"
    sql = (f"SELECT {select} FROM read_parquet('{files}', hive_partitioning = false)"
           f" WHERE cluster = ? AND epoch(ts) >= ? AND epoch(ts) < ? AND {where}")
    return duckdb.execute(sql, [asked.cluster, asked.start, asked.end, *parameters]).fetchall()


def lines(asked, profile, member):
    """The rows that must be printed for a member."""
    ((alive,),) = query(asked, "scores", "count(*)", "member = ?", member)
    rows = []
    for name, (column, _, _) in METRICS.items():
        weight = profile.weights[name] / sum(profile.weights.values())
        ((known, median, highest),) = query(
            asked, "history", f"count({column}), quantile_cont({column}, 0.5), max({column})", "member = ?", member)
        ((cost,),) = query(
            asked, "scores", f"avg({weight} * (10 - {name}_points)) FILTER (score IS NOT NULL)", "member = ?", member)
        beside = [c if has_column(asked.folder, "history", c) else f"null as {c}" for c in BESIDE]
        columns = ", ".join([column, *beside])
        readings = query(asked, "history", columns, f"member = ? AND {column} IS NOT NULL", member)
        got = [p for p in (profile.points(name, reading, beside) for reading, *beside in readings) if p is not None]
        limit = LIMITS[name] if profile.bands[name][0] else None
        shares = [r / dict(zip(BESIDE, beside))[limit] for r, *beside in readings] if limit else []
        bucket = bucket_of(highest) if name in ("wal_fsync", "backend_commit") and highest is not None else (None, None)
        rows.append({
            "metric": name,
            "median": "unknown" if median is None else SHOWN[name](median),
            "max": "unknown" if highest is None else SHOWN[name](highest),
            "known": str(known),
            "expected": str(alive),
            "weight": f"{float(weight):.3f}",
            "cost": "?" if cost is None else loss(exact(cost, 10**6)),
            "points": ", ".join(band(profile, name, worth, got) for worth in sorted(set(got), reverse=True)) or None,
            "lower": bucket[0],
            "upper": bucket[1],
            "share": up(Fraction(str(max(shares))) * 100, 1) if shares else None,
            "limit": LIMIT_NAMES[limit] if shares else None,
        })
    return rows


def band(profile, name, worth, got):
    of_limit, bands = profile.bands[name]
    above = [threshold for threshold, points in bands if points == worth]
    text = f"{worth} at {got.count(worth)}"
    if above and of_limit:
        return f"{text} (above {above[0] * 100:g}% of {LIMIT_NAMES[LIMITS[name]]})"
    return f"{text} (above {SHOWN[name](above[0])})" if above else text


def bucket_of(seconds):
    for lower, upper in zip(BOUNDS, BOUNDS[1:]):
        if seconds <= upper / 1000:
            return str(lower), str(upper)
    return None, None


if __name__ == "__main__":
    main()
