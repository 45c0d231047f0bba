"""Holds problems.csv, findings.csv, evidence.csv and rules.csv of an output folder to its scores and history, and to each
other.

usage: problems.py DIR

The losses of a cluster's problems must add up to the sum of (10 - score) × hours over its steps, which DuckDB computes from
scores/. Worst readings are looked up in history/."""

import csv
import json
import math
import re
import sys
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path

import duckdb

from csv_label import label
from folder import files
from report import Report
from spec import METRICS

SCORES = {
    "worst": "CASE WHEN count(score) = count(*) THEN min(score) END",
    "mean": "CASE WHEN count(score) = count(*) THEN avg(score) END",
    # The score that more than half of the members reach; members without one reach none.
    "quorum": "list_extract(list_sort(list(score), 'DESC', 'NULLS LAST'), count(*) // 2 + 1)",
}
NUMBER = re.compile(r"-?\d+(\.\d{1,2})?")
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
UNITS = {"", "points", "points x h", "min", "UTC", "ms", "bytes", "bytes/s", "bytes/day", "%"}
WHOLE = {"rank", "occurrences", "members_left", "members_expected", "finding"}
NUMBERS = {"hours_low", "points_hours_lost", "share_percent", "worst_value", "worst_limit", "lowest_score", "hours_unknown",
           "confidence_percent"}
TIMES = {"first_utc", "last_utc", "worst_time_utc", "start_utc", "end_utc"}
RESTS = {"scattered", "constant"}
SCALE = {"wal_fsync": 1000, "backend_commit": 1000}


def main():
    folder, report = Path(sys.argv[1]), Report()
    rollup = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["rollup"]
    for kind in ("history", "scores"):
        paths = ", ".join(f"'{path}'" for path in files(folder, kind))
        duckdb.sql(f"CREATE TABLE {kind} AS FROM read_parquet([{paths}], hive_partitioning = false)")
    tables = {name: read(folder / f"{name}.csv") for name in ("problems", "findings", "evidence", "rules")}
    problems, findings = tables["problems"], tables["findings"]
    for name, rows in tables.items():
        report.check(f"{name}.csv: numbers and times ({len(rows)} rows)", formats(rows))
    report.check("evidence.csv: values have units", units(tables["evidence"]))
    report.check(f"losses of problems add up, {rollup}", sums(problems, rollup))
    report.check("ranks and ids of problems", places(problems))
    report.check("each incident belongs to its problem", members_of(problems, findings))
    report.check("no orphans", orphans(tables))
    report.check("worst readings are in the history", readings(problems))
    report.close()


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return [{name: label(value) for name, value in row.items()} for row in csv.DictReader(file)]


def formats(rows):
    for row in rows:
        for name, value in row.items():
            pattern = re.compile(r"\d+") if name in WHOLE else NUMBER if name in NUMBERS else TIME if name in TIMES else None
            if pattern and value and not pattern.fullmatch(value):
                yield f"{name}: {value}"


def units(rows):
    for row in rows:
        unit, value = row["unit"], row["value"]
        pattern = TIME if unit == "UTC" else NUMBER if unit else re.compile(".+", re.DOTALL)
        if unit not in UNITS or not pattern.fullmatch(value):
            yield row
    if not any(NUMBER.fullmatch(row["value"]) and row["unit"] for row in rows):
        yield "no number with a unit"


def sums(problems, rollup):
    step = duckdb.sql("SELECT min(gap) FROM (SELECT epoch_ms(ts) - lag(epoch_ms(ts)) OVER "
                      "(PARTITION BY cluster, member ORDER BY ts) AS gap FROM scores)").fetchall()[0][0]
    expected = dict(duckdb.sql(
        f"SELECT cluster, coalesce(sum(10 - score), 0) * {step} / 3600000 FROM (SELECT cluster, {SCORES[rollup]} AS score "
        "FROM scores GROUP BY cluster, ts) GROUP BY cluster").fetchall())
    found = Counter()
    for row in problems:
        found[row["cluster"]] += float(row["points_hours_lost"])
    if not any(expected.values()):
        yield "nothing was lost, so nothing was compared"
    for cluster, lost in expected.items():
        if abs(found[cluster] - lost) > 0.01:
            yield f"{cluster}: {found[cluster]}, not {lost}"
        for row in problems:
            if row["cluster"] == cluster and lost:
                share = float(row["points_hours_lost"]) / lost * 100
                if abs(float(row["share_percent"]) - share) > 0.01 + 1 / lost:
                    yield f"{row['problem_id']}: {row['share_percent']} %, not {share}"


def places(problems):
    if [int(row["rank"]) for row in problems] != list(range(1, len(problems) + 1)):
        yield [row["rank"] for row in problems]
    if len({row["problem_id"] for row in problems}) < len(problems):
        yield "an id is not unique"
    for row in problems:
        if not row["problem_id"].startswith(f"{row['cluster']}/{row['cause']}/"):
            yield row["problem_id"]
        if not row["what_to_do"] or not row["documentation"] or " explain . " not in row["explain_command"]:
            yield f"{row['problem_id']}: no next step"
        if not row["first_utc"] < row["last_utc"]:
            yield f"{row['problem_id']}: {row['first_utc']} to {row['last_utc']}"


def members_of(problems, findings):
    count = Counter(row["problem_id"] for row in findings if row["kind"] == "incident")
    for row in problems:
        if row["schedule"] not in RESTS and count[row["problem_id"]] != int(row["occurrences"]):
            yield f"{row['problem_id']}: {row['occurrences']} occurrences, {count[row['problem_id']]} incidents"
    yield from (f"incident {row['finding']} has no problem" for row in findings
                if row["kind"] == "incident" and not row["problem_id"])


def orphans(tables):
    numbers = [row["finding"] for row in tables["findings"]]
    if numbers != [str(number + 1) for number in range(len(numbers))]:
        yield f"findings are numbered {numbers[:9]}"
    for name, key, of in (("findings", "problem_id", "problems"), ("findings", "rule", "rules"), ("evidence", "finding", "findings")):
        there = {row[key] for row in tables[of]}
        wanted = {row[key] for row in tables[name] if row[key] or key != "problem_id"}
        yield from (f"{key} {one!r} of {name}.csv is not in {of}.csv" for one in wanted - there)
    yield from (f"finding {one} has no evidence" for one in set(numbers) - {row["finding"] for row in tables["evidence"]})
    kinds = {row["rule"]: row["kind"] for row in tables["rules"]}
    yield from (f"{row['kind']} by rule {row['rule']}" for row in tables["findings"] if kinds.get(row["rule"]) != row["kind"])


def readings(problems):
    for row in problems:
        metric = row["worst_metric"]
        if not metric:
            continue
        at = datetime.fromisoformat(row["worst_time_utc"]).replace(tzinfo=timezone.utc)
        [(value,)] = duckdb.execute(f"SELECT max({METRICS[metric][0]}) FROM history WHERE cluster = ? AND member = ? AND "
                                    "epoch_ms(ts) // 1000 = ?", [row["cluster"], row["worst_member"], int(at.timestamp())]).fetchall()
        wanted = None if value is None else math.ceil(value * SCALE.get(metric, 1) * 100 - 1e-6) / 100
        if wanted is None or not math.isclose(wanted, float(row["worst_value"]), rel_tol=1e-12, abs_tol=1e-9):
            yield f"{row['problem_id']}: {metric} {row['worst_value']} {row['worst_unit']}, not {wanted}"
        if not row["first_utc"] <= row["worst_time_utc"] < row["last_utc"]:
            yield f"{row['problem_id']}: worst at {row['worst_time_utc']}"


if __name__ == "__main__":
    main()
