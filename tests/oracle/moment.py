"""Compares the output of `etcd-heatmap explain --instant` with the readings and scores of a folder.

usage: moment.py DIR --cluster NAME --step SECONDS [--profile NAME] [--member NAME] SECOND=TEXT.."""

import argparse
import re
from pathlib import Path

import polars

from explain import BOUNDS, SHOWN, up
from folder import files
from report import Report
from spec import BESIDE, LIMITS, METRICS, Profile

AROUND = 300
# Name -> column of the history, and how it is shown.
COUNT, RATE, FLAG = (lambda v: f"{v:g}"), (lambda v: up(str(v), 2) + "/s"), (lambda v: "yes" if v > 0 else "no")
BYTES, MILLISECONDS = SHOWN["db_size"], SHOWN["wal_fsync"]
COMPANIONS = {
    "quota": ("quota_bytes", BYTES),
    "max_fds": ("max_fds", COUNT),
    "peer_round_trip": ("peer_round_trip_seconds", MILLISECONDS),
    "heartbeat_failures": ("heartbeat_failures_per_second", RATE),
    "peer_send_failures": ("peer_send_failures_per_second", RATE),
    "proposals_pending": ("proposals_pending", COUNT),
    "proposals_failed": ("proposals_failed_per_second", RATE),
    "slow_applies": ("slow_applies_per_second", RATE),
    "slow_read_indexes": ("slow_read_indexes_per_second", RATE),
    "is_leader": ("is_leader", FLAG),
    "is_learner": ("is_learner", FLAG),
    "has_leader": ("has_leader", FLAG),
    "db_in_use": ("db_in_use_bytes", BYTES),
    "defragmenting": ("defragmenting_share", lambda v: up(str(v * 100), 1) + " %"),
    "snapshotting": ("snapshotting_share", lambda v: up(str(v * 100), 1) + " %"),
    "resident_memory": ("resident_memory_bytes", BYTES),
    "grpc_errors": ("grpc_errors_per_second", RATE),
}
SHOW = {name: (METRICS[name][0], SHOWN[name]) for name in METRICS} | COMPANIONS
LIMIT_NAMES = {"quota_bytes": "quota", "max_fds": "max_fds"}
VALUE = r"(?:unknown|idle|yes|no|-|[\d.]+(?: \S+|/s)?)"
ROW = re.compile(rf"  (\w+) +({VALUE}) {{2,}}({VALUE}) {{2,}}({VALUE}) +(\d+/\d+)(?:  (.+))?")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--cluster", required=True)
    parser.add_argument("--step", type=int, required=True)
    parser.add_argument("--profile", default="seed")
    parser.add_argument("--member")
    parser.add_argument("texts", nargs="+")
    asked = parser.parse_args()
    history, scores = (rows(asked, kind) for kind in ("history", "scores"))
    report = Report()
    for one in asked.texts:
        second, path = one.split("=", 1)
        text = Path(path).read_text(encoding="utf-8")
        at = int(second) // asked.step * asked.step
        reach = AROUND // asked.step * asked.step
        around = [row for row in history if at - reach <= row["second"] <= at + reach]
        # Steps before the history and after it are not looked at.
        expected = {row["second"] for row in scores}
        steps = len([second for second in range(at - reach, at + reach + 1, asked.step) if second in expected])
        here = [row for row in scores if row["second"] == at and asked.member in (None, row["member"])]
        compare(report, Profile.named(asked.profile), text, (at, steps), around, here)
    report.close()


def rows(asked, kind):
    """The cluster's rows of history/ or scores/, each with its second."""
    table = polars.concat([polars.read_parquet(file) for file in files(asked.folder, kind)], how="diagonal_relaxed")
    table = table.filter(polars.col("cluster").cast(polars.String) == asked.cluster)
    return table.with_columns(polars.col("ts").dt.epoch("s").alias("second")).to_dicts()


def compare(report, profile, text, place, around, here):
    at, steps = place
    printed = text.split("\nmember ")
    report.compare(f"{at}: who led", {"led": led(around)}, {"led": re.search(r"who led: (.*)", printed[0])[1]})
    expected = {row["member"]: shown_score(row["score"]) for row in here}
    heads = [re.match(r"(\S+): (no score|score [\d.]+)", block).groups() for block in printed[1:]]
    versions = {row["member"]: row["server_version"] for row in around if row["second"] == at and row.get("server_version")}
    versions = {member: f"etcd {v // 10**6:.0f}.{v // 1000 % 1000:.0f}.{v % 1000:.0f}" for member, v in versions.items()}
    shown = {block.split(": ")[0]: match[0] for block in printed[1:] if (match := re.search(r"etcd [\d.]+(?=, started|$)", block.split("\n")[0]))}
    if versions or shown:
        report.compare(f"{at}: versions", {member: v for member, v in versions.items() if member in expected}, shown)
    report.compare(f"{at}: scores of members", expected, dict(heads))
    rows = {}
    for block in printed[1:]:
        found = [match.groups() for match in map(ROW.fullmatch, block.splitlines()) if match]
        rows |= {(block.split(": ")[0], name): rest for name, *rest in found}
    wanted = {}
    for member in expected:
        own = [row for row in around if row["member"] == member]
        wanted |= {(member, name): row for name, row in member_rows(profile, at, steps, own)}
    report.compare(f"{at}: rows of members", wanted, rows)


def shown_score(score):
    return "no score" if score is None else f"score {score:g}"


def led(around):
    """`m1 from 10:00:00, no member from 10:01:00 to 10:05:15`: stretches of equal sets of members that say that they lead."""
    if all("is_leader" not in row for row in around):
        return "not in the history (is_leader: pull with --evidence auto)"
    seconds = sorted({row["second"] for row in around})
    step = min(b - a for a, b in zip(seconds, seconds[1:]))
    stretches = []
    for second in seconds:
        known = [row for row in around if row["second"] == second and row["is_leader"] is not None]
        leads = [row["member"] for row in around if row["second"] == second and (row["is_leader"] or 0) > 0]
        who = " and ".join(sorted(leads)) or ("no member" if known else "unknown")
        if not stretches or stretches[-1][0] != who:
            stretches.append((who, second))
    told = ", ".join(f"{who} from {clock(second)}" for who, second in stretches)
    return f"{told} to {clock(seconds[-1] + step)}"


def clock(second):
    return f"{second // 3600 % 24:02}:{second // 60 % 60:02}:{second % 60:02}"


def member_rows(profile, at, steps, own):
    """(name, [at the step, lowest, highest, known/steps, points]) of each row that must be printed."""
    for name, (column, show) in SHOW.items():
        known = [row[column] for row in own if row.get(column) is not None]
        if name in COMPANIONS and not known:
            continue
        there = next((row for row in own if row["second"] == at), {})
        value = there.get(column)
        without = "idle" if there.get(f"{name}_idle") else "unknown"
        lowest, highest = (show(min(known)), show(max(known))) if known else ("-", "-")
        points = None if value is None else told_points(profile, name, value, there)
        yield name, [without if value is None else show(value), lowest, highest, f"{len(known)}/{steps}", points]


def told_points(profile, name, value, there):
    parts = []
    if name in METRICS:
        beside = [there.get(column) for column in BESIDE]
        points = profile.points(name, value, beside)
        of_limit, bands = profile.bands[name]
        limit = LIMITS[name] if of_limit else None
        above = [threshold for threshold, worth in bands if worth == points]
        text = "" if points is None else f"{float(points):g}"
        if above and limit:
            text += f" (above {above[0] * 100:g}% of {LIMIT_NAMES[limit]})"
        elif above:
            text += f" (above {SHOW[name][1](above[0])})"
        parts.append(text)
        of = dict(zip(BESIDE, beside)).get(limit) if limit else None
        if of is not None and of > 0:
            parts.append(f"{up(str(value / of * 100), 1)} % of {LIMIT_NAMES[limit]}")
    if SHOW[name][1] is MILLISECONDS or name == "backend_commit":
        bounds = [(low, high) for low, high in zip(BOUNDS, BOUNDS[1:]) if low / 1000 < value <= high / 1000]
        if value <= BOUNDS[1] / 1000:
            bounds = [(0, 1)]
        parts += [f"interpolated between {low} and {high} ms" for low, high in bounds]
    return "; ".join(parts) or None


if __name__ == "__main__":
    main()
