"""Runs the script of `etcd-heatmap sql` on small histories and compares its scores and cells with Python's.

usage: sql.py SCRIPT DIR [FLAG].., with the flags of `etcd-heatmap sql`

Several histories are written to DIR: without companion columns, with them, and with them in only some files. Their
readings are on the thresholds of the profile, next to them, or missing."""

import argparse
import json
import math
import random
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import duckdb

from cells import HEADER, Folding, as_table, expected_cells, insert
from report import Report
from score import cap_steps, expected_scores, idle_steps, learner_steps
from spec import BESIDE, COLUMNS, HAS_LEADER, IDLE, IS_LEADER, IS_LEARNER, LIMITS, METRICS, NAMES

DAY = 86_400
START = 1_790_812_800  # 2026-10-01
MEMBERS = [("a", "m10"), ("a", "m7"), ("a", "m8"), ("b", "m1")]
QUOTAS = [2147483648.0, 2147483648.0, 1000.0, -1.0, 0.0, math.inf, None]
FDS = [65536.0, 65536.0, 1024.0, 0.0, None]
# Metrics to leave out: one named in a variable of the script, and one that the pull left out.
LEFT_OUT, NOT_PULLED = "wal_fsync", "db_size"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("script")
    parser.add_argument("folder")
    Folding.add_flags(parser)
    folding, report = Folding.of(asked := parser.parse_args()), Report()
    profile = folding.profile
    script = Path(asked.script).read_text(encoding="utf-8")
    everything = [BESIDE] * 3
    for name, step, columns in [
        ("no companion", 300, [[]] * 3),
        ("all companions", 300, everything),
        ("all companions, a step longer than a restart", 600, everything),
        ("companions of the last day", 300, [[], [], BESIDE]),
        ("companions of the first days", 300, [BESIDE, BESIDE[1:4], []]),
    ]:
        rows = history(profile, step, columns)
        write(asked.folder, rows, step, columns)
        knows_start = any(BESIDE[-1] in of_day for of_day in columns)
        compare(name, script, asked.folder, (rows, step, knows_start), folding, [], report)
    place = 3 + NAMES.index(NOT_PULLED)
    rows = [(*row[:place], None, *row[place + 1 :]) for row in rows]
    write(asked.folder, rows, step, columns, [name for name in NAMES if name != NOT_PULLED])
    weights = profile.weights | dict.fromkeys([LEFT_OUT, NOT_PULLED], 0)
    left_out = replace(folding, profile=replace(profile, weights=weights))
    compare("metrics left out", script, asked.folder, (rows, step, knows_start), left_out, [LEFT_OUT], report)
    report.close()


def history(profile, step, columns):
    """Rows of three days, the first and last one incomplete: mostly healthy readings, and some of every other kind."""
    chance = random.Random(7)
    rows = []
    for who, (cluster, member) in enumerate(MEMBERS):
        first = START + who * 7 * step
        for ts in range(first, START + 3 * DAY - (len(MEMBERS) - who) * 11 * 3600, step):
            if chance.random() < 0.02:
                continue
            limits = {"quota_bytes": chance.choice(QUOTAS), "max_fds": chance.choice(FDS)}
            young = ts - chance.choice([0.5, 299.5, 299.999, 300, 599, 600, 601, 5000, 1e6])
            limits["start_time_seconds"] = young if chance.random() < 0.9 else None
            # Every third hour is healthy throughout, so that some cells lose no points.
            trouble = 0.03 if ts // 3600 % 3 else 0
            limits[HAS_LEADER] = 0.0 if chance.random() < trouble else chance.choice([1.0, 1.0, 1.0, None])
            limits[IS_LEADER] = chance.choice([0.0, 1.0, None])
            # A member is a learner for hours, at some steps without a reading; in other hours all of a cluster are.
            learns = ts // 3600 % 5 == who or ts // 3600 % 24 == 9
            limits[IS_LEARNER] = chance.choice([float(learns)] * 9 + [None])
            there = columns[(ts - START) // DAY]
            beside = [limits[name] if name in there else None for name in BESIDE]
            readings = [reading(profile, name, limits, chance, trouble) for name in NAMES]
            readings = readings_of_idle_hours(readings, ts, who)
            if any(value is not None for value in readings):
                rows.append((ts * 1000, cluster, member, *readings, *beside))
    return rows


def readings_of_idle_hours(readings, ts, who):
    """From 05:00, wal_fsync of most members is idle, and from 06:00 of all. From 07:00, backend_commit is idle, and one
    member also lacks open_fds."""
    hour, wal, commit, fds = ts // 3600 % 24, *map(NAMES.index, ["wal_fsync", "backend_commit", "open_fds"])
    if hour == 6 or (hour == 5 and who != 1):
        readings[wal] = math.nan
    if hour == 7:
        readings[commit] = math.nan
        readings[fds] = None if who == 2 else readings[fds]
    return readings


def reading(profile, name, limits, chance, trouble):
    of_limit, bands = profile.bands[name]
    if chance.random() < trouble / 3:
        return None
    if METRICS[name][0] in IDLE and chance.random() < trouble:
        return math.nan
    if chance.random() < trouble:
        return math.inf
    limit = (limits[LIMITS[name]] or 1000.0) if of_limit else 1.0
    if not bands or math.isinf(limit) or chance.random() > 6 * trouble:
        return 1e-5
    caps = [cap.above for cap in profile.caps.get(name, []) if cap.above is not None and cap.of_limit == of_limit]
    at = chance.choice([threshold for threshold, _ in bands] + caps) * limit
    return chance.choice([at, math.nextafter(at, math.inf), math.nextafter(at, 0), at * 1.01])


def write(folder, rows, step, columns, pulled=NAMES):
    """Writes history/ in the layout of a pull."""
    said = json.dumps({"step_seconds": step, "queries": {name: {"form": "raw", "promql": "x"} for name in pulled}})
    for day, of_day in enumerate(columns):
        since = START + day * DAY
        path = Path(folder, f"history/date={datetime.fromtimestamp(since, timezone.utc):%Y-%m-%d}/readings.parquet")
        path.parent.mkdir(parents=True, exist_ok=True)
        names = COLUMNS + BESIDE
        doubles = "".join(f", {name} double" for name in names) + "".join(f", {name} boolean" for name in IDLE.values())
        duckdb.sql(f"create or replace table day (ts timestamptz, cluster varchar, member varchar{doubles})")
        mine = [on_disk(row) for row in rows if since * 1000 <= row[0] < (since + DAY) * 1000]
        insert("day", mine)
        # A day without any idle reading has no column for them.
        idle = [name for place, name in enumerate(IDLE.values()) if any(row[place - len(IDLE)] for row in mine)]
        kept = ", ".join(["ts", "cluster", "member"] + COLUMNS + of_day + idle)
        duckdb.sql(f"copy (select {kept} from day order by cluster, member, ts) to '{path}'"
                   f" (format parquet, kv_metadata {{'etcd-heatmap.step_seconds': '{step}',"
                   f" 'etcd-heatmap.source': '{said}'}})")


def on_disk(row):
    """A row as it is stored: microseconds, an idle reading as null, and whether each percentile is idle."""
    is_idle = lambda value: value is not None and math.isnan(value)  # noqa: E731
    values = [None if is_idle(value) else value for value in row[3:]]
    return (row[0] * 1000, *row[1:3], *values, *(is_idle(row[3 + COLUMNS.index(name)]) for name in IDLE))


def columns_of(rows):
    """Whether each of the columns beside the metrics has any value."""
    return [any(value is not None for value in column) for column in list(zip(*rows))[-len(BESIDE):]]


def compare(name, script, folder, history, folding, left_out, report):
    rows, step, knows_start = history
    engine = duckdb.connect()
    engine.execute("SET TimeZone = 'UTC'")
    engine.execute("SET VARIABLE audit = ?", [folder])
    engine.execute("SET VARIABLE without = ?::VARCHAR[]", [left_out])
    engine.execute(script)
    expected = expected_scores(rows, step, folding.profile, knows_start)
    points = ", ".join(f"{metric}_points" for metric in NAMES)
    found = engine.sql(f"SELECT epoch_ms(ts), cluster, member, {points}, score, after_restart FROM scores()").fetchall()
    report.compare(f"{name}: scores", expected, {row[:3]: row[3:] for row in found})
    report.check(f"{name}: no step twice", [f"{len(found)} rows"] if len(found) != len(expected) else [])
    points, restarts = {row[:-2] for row in expected.values()}, {row[-1] for row in expected.values()}
    poor = len(points) < 5 or restarts != ({False, True} if knows_start else {None})
    report.check(f"{name}: there is something to compare", [f"{points}, {restarts}"] if poor else [])

    as_table("given", expected)
    cells = engine.sql("FROM cells()")
    report.check(f"{name}: columns of the cells", [cells.columns] if cells.columns != HEADER else [])
    special = {"start": "epoch_ms(start) // 1000", "date": "CAST(date AS VARCHAR)"}
    found = engine.sql(f"SELECT {', '.join(special.get(column, column) for column in HEADER)} FROM cells()").fetchall()
    caps = cap_steps(rows, folding.profile)
    report.check(f"{name}: caps apply", [name] if folding.profile.caps and any(columns_of(rows)) and not caps else [])
    expected = expected_cells("given", folding, idle_steps(rows, folding.profile), caps, learner_steps(rows))
    # Without a limit that the profile needs, nothing has a score, and no step is idle.
    counts = {row[-1] for row in expected}
    is_scored = any(row[HEADER.index("steps_scored")] for row in expected)
    report.check(f"{name}: cells with idle steps", [f"{counts}"] if is_scored and len(counts) < 3 else [])
    key = lambda row: row[:4]
    report.compare(f"{name}: cells", {key(row): row for row in expected}, {key(row): row for row in found})
    report.check(f"{name}: order of the cells", [name] if [*map(key, expected)] != [*map(key, found)] else [])


if __name__ == "__main__":
    main()
