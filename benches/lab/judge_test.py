#!/usr/bin/env python3
"""Tests of the judge on a run made by hand: a perfect audit holds the bars, and each fault of an audit misses them.

usage: judge_test.py
"""

import csv
import datetime
import gzip
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
START, END, SCRAPE, STEP = 1_800_000_000, 1_800_000_900, 2, 15
M1, M2, M3 = "127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"
SETTINGS = """#!/bin/sh
cat <<TOML
[weights]
wal_fsync = 0.5
db_size = 0
[bands]
wal_fsync = "0.5:5, 1:0"
db_size = "95%:0"
open_fds = "none"
TOML
"""
COLUMNS = ["wal_fsync", "up", "has_leader", "start_time"]
FINDING = ["finding", "problem_id", "kind", "members", "start_utc", "end_utc", "cause"]
PROBLEM = ["problem_id", "cause", "members", "schedule", "first_utc", "last_utc"]


def utc(seconds):
    at = datetime.datetime.fromtimestamp(START + seconds, datetime.timezone.utc)
    return at.strftime("%Y-%m-%d %H:%M:%S")


def write(path, columns, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *rows])


def reading(second, member):
    """m1 has slow fsyncs from 100 to 160, m2 is killed at 401 and back at 440."""
    down = member == M2 and 401 <= second < 440
    slow = member == M1 and 100 <= second < 160
    started = 440 if member == M2 and second >= 440 else 0
    values = [0.8 if slow else 0.001, 1, 1, START + started]
    return ["", 0, "", ""] if down else values


def run(folder):
    """Labels and readings."""
    with gzip.open(folder / "readings.csv.gz", "wt", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["at", "instance", *COLUMNS])
        for second in range(0, END - START + 1, SCRAPE):
            rows.writerows([START + second, member, *reading(second, member)] for member in (M1, M2, M3))
    fault = lambda kind, member, start, end, changes: {
        "kind": kind, "members": [member], "start": START + start, "end": START + end, "detail": {},
        "leader_changes": [{"at": START + at, "from": member, "to": M3} for at in changes],
    }
    faults = [
        fault("slow_follower", M1, 60, 160, []), fault("kill_leader", M2, 401, 440, [403]),
        fault("move_leader", M3, 700, 700, [700]),
    ]
    facts = {
        "scrape_seconds": SCRAPE, "start": START, "end": END, "members": {M1: "m1", M2: "m2", M3: "m3"},
        "changes_in_calm": [], "faults": faults,
    }
    (folder / "labels.json").write_text(json.dumps(facts), encoding="utf-8")


def perfect():
    return {
        "disk": ["1", "p1", "incident", M1, 105, 165, ""],
        "down": ["2", "p2", "incident", M2, 405, 450, ""],
        "killed": ["3", "", "leader_change", M2, 405, 420, "restart"],
        "moved": ["4", "", "leader_change", "", 690, 705, "planned_move"],
    }


def judged(folder, findings):
    """The judge's exit code and last line."""
    audit = folder / "audit"
    audit.mkdir(exist_ok=True)
    rows = [[*row[:4], utc(row[4]), utc(row[5]), row[6]] for row in findings.values()]
    write(audit / "findings.csv", FINDING, rows)
    cause = {"p1": "slow_disk", "p2": "member_without_data", "p3": "slow_disk"}
    write(audit / "problems.csv", PROBLEM, [[name, kind, "", "once", utc(0), utc(9)] for name, kind in cause.items()])
    write(audit / "evidence.csv", ["finding", "name", "value"], [["3", "changes", "1"], ["4", "changes", "1"]])
    command = [sys.executable, "-B", HERE / "judge.py", folder, "--program", folder / "program", "--audit", f"mixin={audit}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, done.stdout.splitlines()[-1]


def changed(name, **fields):
    """The perfect audit with one finding changed, or without it."""
    findings = perfect()
    for field, value in fields.items():
        findings[name][{"members": 3, "start": 4, "cause": 6}[field]] = value
    if not fields:
        del findings[name]
    return findings


def main():
    cases = [
        ("perfect", perfect(), 0),
        ("no problem for the slow disk", changed("disk"), 1),
        ("the wrong member", changed("disk", members=M3), 1),
        ("one member too many", changed("disk", members=f"{M1}; {M3}"), 1),
        ("a step and a scrape late", changed("disk", start=117), 0),
        ("later", changed("disk", start=118), 1),
        ("a scrape early", changed("disk", start=98), 0),
        ("earlier", changed("disk", start=97), 1),
        ("no cause", changed("moved", cause="unexplained"), 1),
        ("a wrong cause", changed("killed", cause="slow_disk"), 1),
        ("a change not found", changed("killed"), 1),
        ("a problem in the calm", {**perfect(), "x": ["5", "p3", "incident", M3, 600, 630, ""]}, 1),
        ("a leader change in the calm", {**perfect(), "x": ["5", "", "leader_change", "", 600, 615, "unexplained"]}, 1),
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "program").write_text(SETTINGS, encoding="utf-8")
        os.chmod(folder / "program", 0o755)
        run(folder)
        failed = 0
        for what, findings, wanted in cases:
            code, line = judged(folder, findings)
            if code != wanted:
                failed += 1
                print(f"{what}: exit code {code} instead of {wanted}: {line}")
    print(f"{len(cases) - failed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
