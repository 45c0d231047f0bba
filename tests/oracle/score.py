"""Recomputes the scores, cells and exports of an output folder from its history, and compares them with ==.

usage: score.py DIR --step SECONDS [--time-zone ZONE] [--cell WIDTH] [--rollup ROLLUP] [--min-coverage SHARE]
       [--profile NAME] [--weight METRIC=SHARE].. [--band METRIC=BANDS].. [--without METRIC].. [--broken DATE]..
       [--asked START END]..

Steps outside the ranges of --asked (seconds, END exclusive; by default, everything) are not expected. The file of a
--broken day is unreadable: its readings are missing."""

import argparse
import csv
import hashlib
import json
from datetime import datetime, timezone
from pathlib import Path

import duckdb

import openmetrics
from cells import HEADER, TYPES, Folding, expected_cells
from csv_label import label
from folder import days, files, footer, has_column, source
from report import Report
from spec import BESIDE, COLUMNS, IDLE, IS_LEARNER, LINGERS, NAMES, restarted

RESTARTS = "steps_after_restart"


def lives(history, step):
    """(cluster, member) -> all its steps from first to last seen, in milliseconds."""
    alive = {}
    for ts, cluster, member, *readings in history:
        # NaN is an idle percentile, which a member may have for minutes after its last scrape.
        if any(r is not None and r == r for i, r in enumerate(readings[: len(NAMES)]) if i != LINGERS):
            first, last = alive.get((cluster, member), (ts, ts))
            alive[cluster, member] = (min(first, ts), max(last, ts))
    return {who: range(first, last + 1, step * 1000) for who, (first, last) in alive.items()}


def expected_scores(history, step, profile, knows_start=False, asked=None):
    """(ms, cluster, member) -> points, score, after_restart (None if the history has no start times)."""
    rows = {(ts, cluster, member): row for ts, cluster, member, *row in history}
    unknown = [None] * (len(NAMES) + len(BESIDE))
    scores = {}
    for (cluster, member), steps in lives(history, step).items():
        for ts in steps:
            if asked and not any(start * 1000 <= ts < end * 1000 for start, end in asked):
                continue
            row = rows.get((ts, cluster, member), unknown)
            readings, companions = row[: len(NAMES)], row[len(NAMES) :]
            worth, cap = profile.row(readings, companions), profile.cap(readings, companions)
            restart = restarted(ts, companions[-1], step) if knows_start else None
            scores[ts, cluster, member] = (*worth, profile.score(worth, cap), restart)
    return scores


def idle_steps(history, profile):
    """(ms, cluster, member) of the steps that have no score only because a percentile is idle."""
    split = len(NAMES)
    return {tuple(row[:3]) for row in history if profile.is_idle(row[3 : 3 + split], row[3 + split :])}


def cap_steps(history, profile):
    """(ms, cluster, member) of the steps with a cap -> its metric and score."""
    split = len(NAMES)
    caps = {tuple(row[:3]): profile.cap(row[3 : 3 + split], row[3 + split :]) for row in history}
    return {key: cap for key, cap in caps.items() if cap}


def learner_steps(history):
    """(ms, cluster, member) of the steps at which a member is a learner."""
    place = 3 + len(NAMES) + BESIDE.index(IS_LEARNER)
    return {tuple(row[:3]) for row in history if row[place] == 1}


def check_history(folder, history, step, broken, report):
    report.check("history: every row has a reading", [r[:3] for r in history if all(x is None for x in r[3:])])
    report.check("history: every step is a multiple of the step", [r[:3] for r in history if r[0] % (step * 1000)])
    for path in files(folder, "history", broken):
        types = dict(duckdb.sql(f"select column_name, column_type from (describe from {source(path)})").fetchall())
        is_nan = [f"coalesce(isnan({name}), false)" for name, type in types.items() if type == "DOUBLE"]
        rows = duckdb.sql(f"select ts, cluster, member from {source(path)} where {' or '.join(is_nan)}").fetchall()
        report.check(f"history: no reading of {path.parent.name} is NaN", rows)
        for reading, idle in IDLE.items():
            if idle in types:
                of = f"select count_if({idle}), count_if({idle} and {reading} is not null), bool_and({idle} is not null)"
                marked, with_value, is_whole = duckdb.sql(f"{of} from {source(path)}").fetchall()[0]
                wrong = [] if marked and not with_value and is_whole else [(marked, with_value, is_whole)]
                report.check(f"history: {idle} of {path.parent.name} marks readings without a value", wrong)


def check_cells(folder, folding, idle, caps, learners, report):
    scores = f"read_parquet('{folder}/scores/date=*/scores.parquet', hive_partitioning = false)"
    cells = expected_cells(scores, folding, idle, caps, learners)
    # Without restarts in the scores, the cells have none either.
    told = HEADER if has_column(folder, "scores", "after_restart") else [c for c in HEADER if c != RESTARTS]
    parquet = source(f"{folder}/heatmap.parquet")
    types = dict(duckdb.sql(f"select column_name, column_type from (describe from {parquet})").fetchall())
    wrong = [f"{c} is {types.get(c)} and not {TYPES[c]}" for c in told if c in TYPES and types.get(c) != TYPES[c]]
    report.check("heatmap.parquet: columns", [list(types)] if list(types) != told else [])
    report.check("heatmap.parquet: types", wrong)
    if list(types) != told:
        return
    columns = {"start": "epoch_ms(start) // 1000", "date": "date::varchar"}
    columns = [columns.get(c, c) if c in told else "null" for c in HEADER]
    found = duckdb.sql(f"select {', '.join(columns)} from {parquet}").fetchall()
    compare_rows("heatmap.parquet", cells, found, report)
    with open(f"{folder}/heatmap.csv", newline="", encoding="utf-8") as file:
        header, *rows = list(csv.reader(file))
    report.check("heatmap.csv: header", [header] if header != told else [])
    rows = [dict(zip(header, row, strict=True)) for row in rows]
    compare_rows("heatmap.csv", cells, [from_csv([row.get(c, "") for c in HEADER]) for row in rows], report)


def from_csv(row):
    number = lambda text: float(text) if text else None
    read = dict.fromkeys(HEADER, number)
    read |= dict.fromkeys(["level", "date"], str)
    read["cluster"] = label
    read["member"] = lambda text: label(text) or None
    read["worst_metric"] = lambda text: text or None
    read[RESTARTS] = lambda text: int(text) if text else None
    read |= dict.fromkeys(["hour", "minute", "utc_offset_minutes", "steps_scored", "steps_expected", "steps_idle"], int)
    read["start"] = lambda text: int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z").timestamp())
    read["uncertain"] = {"true": True, "false": False}.get
    return tuple(read[name](text) for name, text in zip(HEADER, row, strict=True))


def compare_rows(what, expected, found, report):
    key = lambda row: row[:4]
    report.compare(f"{what}: cells", {key(r): r for r in expected}, {key(r): r for r in found})
    report.check(f"{what}: order and no cell twice", [] if [*map(key, expected)] == [*map(key, found)] else [what])


def check_asked(folder, asked, report):
    """Compares the requested range in the manifest; if it has gaps, also the ranges between them."""
    found = json.loads(Path(folder, "manifest.json").read_text())["asked"]
    instants = [[datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") for at in range] for range in asked]
    wanted = {"start": instants[0][0], "end": instants[-1][1]}
    wanted |= {"ranges": [dict(zip(["start", "end"], pair)) for pair in instants]} if len(instants) > 1 else {}
    report.compare("manifest: requested range", wanted, {k: v for k, v in found.items() if k in ("start", "end", "ranges")})


def check_manifest(folder, step, folding, broken, report):
    manifest = json.loads(Path(folder, "manifest.json").read_text())
    said = {"time_zone": folding.zone, "cell": folding.cell, "rollup": folding.rollup}
    said["min_coverage"] = float(folding.min_coverage)
    wrong = [f"{name}: {manifest.get(name)!r}, not {value!r}" for name, value in said.items() if manifest.get(name) != value]
    report.check("manifest: cell width, time zone, rollup and coverage", wrong)
    entries = {entry["path"]: entry for entry in manifest["history"] + manifest["files"]}
    there = {str(p.relative_to(folder)) for p in Path(folder).rglob("*") if p.is_file()} - {"manifest.json"}
    # The manifest may or may not list an unreadable file.
    unreadable = {f"history/date={day}/readings.parquet" for day in broken}
    there, entries = there - unreadable, {path: entries[path] for path in entries.keys() - unreadable}
    report.check("manifest: lists every file and no other", there ^ entries.keys())
    wrong = []
    for name in there & entries.keys():
        content = Path(folder, name).read_bytes()
        if hashlib.sha256(content).hexdigest() != entries[name]["sha256"] or len(content) != entries[name]["bytes"]:
            wrong.append(f"{name}: {entries[name]}")
        if name.endswith(".parquet"):
            rows = duckdb.sql(f"select count(*) from {source(f'{folder}/{name}')}").fetchall()[0][0]
            wrong += [f"{name} has {rows} rows: {entries[name]}"] if rows != entries[name]["rows"] else []
    report.check("manifest: rows, bytes and hashes", wrong)
    footers = [footer(p) for p in files(folder, "history", broken)]
    report.check("history: the footer has version, step and queries", filter(None, (lacks(f, step) for f in footers)))


def lacks(footer, step):
    """What the footer of a history file lacks; None if it is complete."""
    if footer.get("etcd-heatmap.step_seconds") != str(step) or "etcd-heatmap.version" not in footer:
        return f"version or step of {step} s: {footer}"
    queries = json.loads(footer["etcd-heatmap.source"])["queries"]
    return None if queries and all(query["promql"] for query in queries.values()) else f"queries: {queries}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--step", type=int, required=True)
    parser.add_argument("--broken", action="append", default=[])
    parser.add_argument("--asked", action="append", nargs=2, type=int)
    Folding.add_flags(parser)
    asked = parser.parse_args()
    report, folding = Report(), Folding.of(asked)
    history = days(asked.folder, "history", COLUMNS, report, asked.broken, BESIDE)
    knows_start = has_column(asked.folder, "history", BESIDE[-1], asked.broken)
    check_history(asked.folder, history, asked.step, asked.broken, report)
    columns = [f"{name}_points" for name in NAMES] + ["score"]
    rows = days(asked.folder, "scores", columns, report, optional=["after_restart"])
    found = {tuple(row[:3]): tuple(row[3:]) for row in rows}
    report.compare("scores: steps", expected_scores(history, asked.step, folding.profile, knows_start, asked.asked), found)
    # Steps that were not asked for, and those outside of a member's life, have no row in the scores to join with.
    idle, caps = idle_steps(history, folding.profile), cap_steps(history, folding.profile)
    check_cells(asked.folder, folding, idle, caps, learner_steps(history), report)
    scored = {(cluster, member, ts // 1000): row[-2] for (ts, cluster, member), row in found.items()}
    scored = {key: value for key, value in scored.items() if value is not None}
    report.compare("openmetrics: samples", scored, openmetrics.read_all(asked.folder, report))
    if asked.asked:
        check_asked(asked.folder, asked.asked, report)
    check_manifest(asked.folder, asked.step, folding, asked.broken, report)
    report.close()


if __name__ == "__main__":
    main()
