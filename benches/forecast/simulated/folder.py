"""Writes history/ in the layout of a pull, and truth.csv."""

import csv
import json
from datetime import datetime, timezone
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from .cluster import COMPANIONS, METRICS
from .noise import DAY, HOUR

NAMES = ("wal_fsync", "backend_commit", "open_fds", "leader_changes", "client_traffic_in", "db_size")
# A day that 0.1.0 pulled. Its footer has the schema that a reader expects, with dictionaries for cluster and member.
SAMPLE = Path(__file__).parents[3] / "notebooks-data/sample/history/date=2026-10-01/readings.parquet"
# Points lost of 10 by each metric above each threshold: the profile `seed`.
SEED = {"wal_fsync_seconds": 0.3, "backend_commit_seconds": 0.2, "open_fds": 0.1, "leader_changes": 0.3}
# With `--weight wal_fsync=0.6`, the other metrics share 0.4 as they shared 0.7.
DISK_ALONE = {name: weight * 0.4 / 0.7 for name, weight in SEED.items()} | {"wal_fsync_seconds": 0.6}
THRESHOLDS = (
    ("wal_over_10ms", "wal_fsync_seconds", 0.01),
    ("commit_over_25ms", "backend_commit_seconds", 0.025),
    ("commit_over_40ms", "backend_commit_seconds", 0.04),
    ("fds_over_1024", "open_fds", 1024),
    ("sixth_election", "leader_changes", 5),
)
TRUTH = ["set", "cluster", "member", "kind", "start", "end", "peak_wal_seconds", "first_threshold_crossing"]
TRUTH += [name for name, _, _ in THRESHOLDS] + ["first_red_hour", "red_hours", "quota_at", "note"]
# Rows of the truth that are no faults, and therefore have no crossings.
ORDINARY = {"character", "level_shift", "sawtooth", "growth", "bulk_load", "defragmentation"}


def write_history(folder, grid, clusters):
    """Writes the readings, by cluster and member (sorted), as one file for each UTC day. Returns the rows."""
    footer = dict(duckdb.sql(f"select decode(key), decode(value) from parquet_kv_metadata('{SAMPLE}')").fetchall())
    source = json.loads(footer["etcd-heatmap.source"]) | {"step_seconds": grid.step, "url": "http://simulated:9090"}
    kept = {key: footer[key] for key in ("etcd-heatmap.version", "ARROW:schema")}
    frames = [frame(grid, *names, columns) for names, columns in sorted(clusters.items())]
    total, a_day = 0, DAY // grid.step
    for day in range(grid.days):
        steps = slice(day * a_day, (day + 1) * a_day)
        rows = pl.concat([frame[steps] for frame in frames])
        rows = rows.filter(pl.any_horizontal(pl.col(METRICS).is_not_null()))
        begin = grid.start + day * DAY
        life = rows.group_by("cluster", "member").agg(first=pl.col("ts").min(), last=pl.col("ts").max())
        life = life.sort("cluster", "member").iter_rows()
        lives = [[*names, millis(first), millis(last)] for *names, first, last in life]
        counts = rows.select(pl.col(METRICS + COMPANIONS).count()).row(0)
        footer_values = {"step_seconds": grid.step, "source": source, "lives_ms": lives}
        footer_values |= {"range_ms": [begin * 1000, (begin + DAY) * 1000]}
        footer_values |= {"known": dict(zip([*NAMES, "quota", "max_fds", "start_time"], counts))}
        metadata = {f"etcd-heatmap.{key}": json.dumps(value) for key, value in footer_values.items()} | kept
        path = Path(folder, "history", f"date={date(begin)}", "readings.parquet")
        path.parent.mkdir(parents=True, exist_ok=True)
        rows.write_parquet(path, metadata=metadata)
        total += len(rows)
    return total


def frame(grid, cluster, member, columns):
    """The readings of a member as a table, null where they are missing."""
    ts = pl.Series("ts", grid.at * 1000).cast(pl.Datetime("ms", "UTC"))
    named = {"cluster": pl.lit(cluster), "member": pl.lit(member)}
    rows = pl.DataFrame({"ts": ts, **columns}).fill_nan(None)
    return rows.with_columns(**named).select("ts", "cluster", "member", *columns)


def millis(instant):
    return round(instant.timestamp() * 1000)


def date(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d")


def instant(seconds):
    return datetime.fromtimestamp(int(seconds), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def lost(columns, weights):
    """The points that a member loses at each step, NaN without a score. Rounded, as the score is an exact decimal."""
    wal, commit = columns["wal_fsync_seconds"], columns["backend_commit_seconds"]
    above = weights["wal_fsync_seconds"] * 10 * (wal > 0.01)
    above += weights["backend_commit_seconds"] * (5.0 * (commit > 0.025) + 5.0 * (commit > 0.04))
    above += weights["open_fds"] * 10 * (columns["open_fds"] > 1024)
    above += weights["leader_changes"] * 10 * (columns["leader_changes"] > 5)
    missing = np.any([np.isnan(columns[name]) for name in METRICS], axis=0)
    return np.where(missing, np.nan, np.round(above, 9))


def red_hours(grid, members, weights):
    """For each hour of a cluster, whether its mean score is below 5. A step needs the score of every member."""
    worst = np.max([lost(columns, weights) for columns in members], axis=0)
    hours = worst.reshape(-1, HOUR // grid.step)
    scored = ~np.isnan(hours)
    mean = np.where(scored, hours, 0).sum(axis=1) / np.maximum(scored.sum(axis=1), 1)
    return scored.any(axis=1), mean > 5 + 1e-9


def write_truth(path, name, grid, truth, clusters, red):
    """Writes a row for each fault: start, end, and the first readings above each threshold."""
    with open(path, "w", newline="") as file:
        rows = csv.DictWriter(file, TRUTH, restval="", lineterminator="\n", extrasaction="raise")
        rows.writeheader()
        for row in sorted(truth, key=lambda row: (row["cluster"], row["start"], row["member"])):
            found = {} if row["kind"] in ORDINARY else crossings(grid, row, clusters, red[row["cluster"]])
            row = {"set": name, **row, **found}
            for key in ("start", "end", "quota_at"):
                if row.get(key, "") != "":
                    row[key] = instant(row[key])
            rows.writerow({key: f"{value:.4f}" if isinstance(value, float) else value for key, value in row.items()})


def crossings(grid, row, clusters, red):
    """The first readings above each threshold between start and end of a fault, and its red hours."""
    columns = clusters[row["cluster"], row["member"]]
    during = (grid.at >= row["start"]) & (grid.at <= row["end"])
    found = {}
    for name, metric, threshold in THRESHOLDS:
        above = np.flatnonzero(during & (columns[metric] > threshold))
        if len(above):
            found[name] = instant(grid.at[above[0]])
    if found:
        found["first_threshold_crossing"] = min(found.values())
    first, last = int((row["start"] - grid.start) // HOUR), int((row["end"] - grid.start) // HOUR)
    hours = np.flatnonzero(red[max(first, 0) : last + 1]) + max(first, 0)
    if len(hours):
        found["first_red_hour"] = instant(grid.start + hours[0] * HOUR)
    return found | {"red_hours": len(hours)}
