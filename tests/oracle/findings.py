"""Works out the figures of findings from the history and the scores in DIR: slopes and exact tests with SciPy,
lowest and lost scores and the drops of databases with DuckDB.

usage: findings.py DIR CSV [--least KIND=COUNT]…
CSV is what `etcd-heatmap findings --csv` printed; scores are those of the rollup worst.
"""

import argparse
import csv
import math
import re
from datetime import datetime, timedelta

import duckdb
from scipy.stats import fisher_exact, theilslopes

from folder import files
from report import Report

COUNTS = re.compile(r"(\d+) of (\d+) bad, (\d+) of (\d+) other hours, p (\S+), corrected ([^;\s]+)")
LOOKS = re.compile(r"corrected for (\d+) looks")
DROP = re.compile(r"(\d+) B to (\d+) B at (\S+)")
DEFAULT_QUOTA = 2**31


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("csv")
    parser.add_argument("--least", action="append", default=[])
    asked = parser.parse_args()
    for kind in ("history", "scores"):
        paths = ", ".join(f"'{path}'" for path in files(asked.folder, kind))
        duckdb.sql(f"CREATE TABLE {kind} AS FROM read_parquet([{paths}], hive_partitioning = false)")
    step = duckdb.sql("SELECT min(gap) FROM (SELECT epoch_ms(ts) - lag(epoch_ms(ts)) OVER "
                      "(PARTITION BY cluster, member ORDER BY ts) AS gap FROM history)").fetchall()[0][0]
    with open(asked.csv, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    report = Report()
    for least in asked.least:
        kind, count = least.split("=")
        found = sum(row["kind"] == kind for row in rows)
        report.check(f"at least {least}", [] if found >= int(count) else [f"only {found}"])
    checks = {"growth": growth, "recurrence": recurrence, "defragmentation": defragmentation}
    for kind, check in checks.items():
        report.check(kind, [wrong for row in rows if row["kind"] == kind for wrong in check(row)])
    measured = [row for row in rows if row["kind"] in ("incident", "leader_change")]
    report.check("lowest and lost scores", [wrong for row in measured for wrong in scores(row, step)])
    ranks = [int(row["rank"]) for row in rows if row["rank"]]
    lost = [-float(row["lost_points_hours"] or 0) for row in sorted(rows, key=lambda r: int(r["rank"] or 0)) if row["rank"]]
    wrong = [] if sorted(ranks) == list(range(1, len(ranks) + 1)) and lost == sorted(lost) else [f"{ranks} {lost}"]
    report.check("ranks of incidents follow what they lost", wrong)
    report.close()


def evidence(row):
    return dict(part.split("=", 1) for part in row["evidence"].split("; "))


def differs(what, expected, told, places=1e-6):
    if not math.isclose(float(told), expected, rel_tol=places, abs_tol=places):
        yield f"{what}: {told} instead of {expected}"


def millis(text):
    return round(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


def growth(row):
    told = evidence(row)
    days = duckdb.execute(
        "SELECT epoch_ms(ts) // 86400000 AS day, median(db_size_bytes), max(quota) FROM (SELECT *, "
        f"{'quota_bytes' if has_quota() else 'NULL'} AS quota FROM history) WHERE cluster = ? AND member = ? AND "
        "epoch_ms(ts) >= ? AND epoch_ms(ts) < ? GROUP BY day ORDER BY day",
        [row["cluster"], row["members"], millis(row["start"]), millis(row["end"])]).fetchall()
    first, last = days[0][0], days[-1]
    slope = theilslopes([size for _, size, _ in days], [day - first for day, *_ in days], 0.95)
    yield from differs("slope", slope.slope, told["slope_bytes_per_day"], 1e-4)
    low, high = told["slope_interval_bytes_per_day"].removesuffix(" (95 %)").split(" to ")
    yield from differs("low", slope.low_slope, low, 1e-4)
    yield from differs("high", slope.high_slope, high, 1e-4)
    quota = last[2] or DEFAULT_QUOTA
    yield from differs("quota", quota, told["quota_bytes"])
    dates = [utc_date(last[0] + 0.5 + (quota - last[1]) / s) for s in (slope.slope, slope.high_slope, slope.low_slope)]
    if [told["reached"], *told["reached_between"].split(" and ")] != dates:
        yield f"dates {told['reached']}, {told['reached_between']} instead of {dates}"
    if not slope.low_slope > 0:
        yield f"the interval {slope} holds 0"


def utc_date(day):
    return (datetime(1970, 1, 1) + timedelta(days=day)).strftime("%Y-%m-%d")


def has_quota():
    return "quota_bytes" in duckdb.sql("FROM history").columns


def recurrence(row):
    looks = int(LOOKS.search(row["evidence"])[1])
    for bad, looked_at, others_bad, others, p, corrected in COUNTS.findall(row["evidence"]):
        bad, looked_at, others_bad, others = map(int, (bad, looked_at, others_bad, others))
        table = [[bad, looked_at - bad], [others_bad, others - others_bad]]
        expected = fisher_exact(table, alternative="greater").pvalue
        # Three digits are told.
        yield from differs(f"p of {table}", 1, float(p) / expected, 1e-2)
        yield from differs(f"corrected p of {table}", 1, float(corrected) / min(1, expected * looks), 1e-2)


def defragmentation(row):
    for member in row["members"].split("; "):
        before, after, at = DROP.search(evidence(row)[member]).groups()
        sizes = duckdb.execute(
            "SELECT db_size_bytes FROM history WHERE cluster = ? AND member = ? AND epoch_ms(ts) <= ? AND "
            "db_size_bytes IS NOT NULL ORDER BY ts DESC LIMIT 2", [row["cluster"], member, millis(at)]).fetchall()
        if sizes != [(float(after),), (float(before),)]:
            yield f"{member} at {at}: {before} to {after} instead of {sizes}"


def scores(row, step):
    lowest, lost = duckdb.execute(
        "SELECT min(score), sum(10 - score) * ? / 3600000 FROM (SELECT ts, CASE WHEN bool_and(score IS NOT NULL) THEN "
        "min(score) END AS score FROM scores WHERE cluster = ? AND epoch_ms(ts) >= ? AND epoch_ms(ts) < ? GROUP BY ts)",
        [step, row["cluster"], millis(row["start"]), millis(row["end"])]).fetchall()[0]
    if lowest is None:
        if row["lost_points_hours"]:
            yield f"{row['cluster']} {row['start']}: lost {row['lost_points_hours']}, and its score is unknown throughout"
        return
    yield from differs(f"lowest of {row['cluster']} {row['start']}", lowest, row["lowest_score"])
    yield from differs(f"lost of {row['cluster']} {row['start']}", lost, row["lost_points_hours"])


if __name__ == "__main__":
    main()
