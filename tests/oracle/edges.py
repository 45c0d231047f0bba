"""Checks the rules of findings at their limits: for each threshold, a case just inside and one just outside of it.

usage: edges.py PROGRAM DIR GROUP

The cases of GROUP (a function of edges_cases.py or edges_more.py) are clusters of made-up histories, written to DIR. What
`PROGRAM findings --csv` lists must be what the case expects, written by hand, and what edges_rules.py computes from the
same readings. Columns are looked up by name, and hours are read from anywhere in a row."""

import csv
import io
import re
import subprocess
import sys
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path

import edges_cases
import edges_more
from edges_scores import Scored
from report import Report
from spec import Profile

# The day of the second hour may be left out.
HOURS = re.compile(r"((?:\w+day )?\d\d:\d\d) to (?:\w+day )?(\d\d:\d\d)")
# What is compared of each kind with the computed findings.
KEYS = {
    "incident": ["metric", "members", "start", "end", "first_metric", "lowest_score"],
    "leader_change": ["members", "start", "end", "cause", "lowest_score"],
    "recurrence": ["members", "hours", "confidence"],
    "defragmentation": ["metric", "members", "start", "end"],
    "fragmentation": ["metric", "members", "start", "end"],
    "cluster_size": ["start", "end"],
    "two_leaders": ["members", "start", "end"],
    "growth": ["metric", "members", "start", "end", "confidence"],
    "maintenance_window": ["hours"],
}
# What is compared of incidents that are not about a disk or about file descriptors.
OTHER_INCIDENT = ["metric", "members", "start", "end"]


def main():
    program, folder, group = sys.argv[1:]
    histories = getattr(edges_cases, group, None) or getattr(edges_more, group)
    report = Report()
    for place, (history, computed) in enumerate(histories()):
        audit = Path(folder, f"{group}-{place}")
        history.write(audit, *([with_evidence(program, folder)] if history.evidence else []))
        found = findings(program, audit, history)
        profile = profile_of(history)
        scored = [Scored(cluster, profile) for cluster in history.clusters]
        for cluster in scored:
            expected = computed(cluster, scored)
            kinds = edges_cases.KINDS[group]
            own = [row for row in found if row["cluster"] == cluster.cluster.name and row["kind"] in kinds]
            own = [row for row in own if row["kind"] != "incident" or (row["metric"] or "away") in edges_cases.METRICS[group]]
            differs = list(both_ways("by hand", Counter(cluster.cluster.expect), Counter(map(label, own))))
            if expected is not None:
                differs += both_ways("computed", Counter(map(figures, expected)), Counter(map(figures, own)))
            report.check(f"{group}: {cluster.cluster.name}", differs)
    report.close()


def with_evidence(program, folder):
    """A day of history that has all columns of evidence."""
    pulled = Path(folder, "lab")
    lab = Path(__file__).parents[1] / "lab/data"
    pull = [program, "pull", "--quiet", "--from", lab, "--evidence", "all", "--step", "60s", "--out", pulled]
    subprocess.run(pull, check=True, stdout=subprocess.DEVNULL)
    return next(pulled.glob("history/date=*/readings.parquet"))


def profile_of(history):
    bands = [text for flag, text in zip(history.flags, history.flags[1:]) if flag == "--band"]
    return Profile.of(type("Asked", (), {"profile": "seed", "weight": [], "band": bands, "without": []}))


def findings(program, audit, history):
    # The cases were made for incidents of 15 minutes.
    shortest = ["--min-duration", "15m"]
    run = [program, "findings", str(audit), "--csv", "--time-zone", history.zone, *shortest, *history.flags]
    done = subprocess.run(run, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{run}: {done.stderr}")
    return [read(row) for row in csv.DictReader(io.StringIO(done.stdout))]


def read(row):
    number = lambda text: float(text) if text else None  # noqa: E731
    share = lambda text: float(text) / 100 if text else None  # noqa: E731
    hours = HOURS.search(" ".join(row.values()))
    size = re.search(r" ran with (\d+) ", row["description"])
    return {
        "kind": row["kind"], "cluster": row["cluster"], "metric": row["metric"], "cause": row["cause"],
        "members": row["members"].split("; ") if row["members"] else [], "first_metric": row["first_metric"],
        "start": millis(row["start_utc"]), "end": millis(row["end_utc"]), "confidence": share(row["confidence_percent"]),
        "lowest_score": number(row["lowest_score"]), "hours": " to ".join(hours.groups()) if hours else "",
        "number": int(size[1]) if size else None,
    }


def millis(text):
    """RFC 3339, or a date and time in UTC."""
    at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return round((at if at.tzinfo else at.replace(tzinfo=timezone.utc)).timestamp() * 1000)


def label(row):
    """A finding in the few words that cases expect."""
    members = " ".join(row["members"])
    match row["kind"]:
        case "incident" if row["metric"]:
            first = row["first_metric"] if row["first_metric"] not in ("", row["metric"]) else ""
            return row["metric"] + (f" after {first}" if first else "")
        case "incident":
            return f"away {members}"
        case "leader_change":
            return f"{row['cause']} {members}".strip()
        case "defragmentation":
            return f"shrank {members}"
        case "fragmentation":
            return f"free {members}"
        case "cluster_size":
            return f"even {row['number']}"
        case "two_leaders":
            return f"led {members}"
        case "growth":
            return f"grows {members}"
        case "maintenance_window":
            return row["hours"].split(" to ")[0]
        case _:
            return row["hours"]


def figures(row):
    """What is compared of a finding, as a text. A confidence is cut to four digits, and never 1."""
    keys = KEYS[row["kind"]]
    if row["kind"] == "incident" and row["metric"] in ("", "leader_changes"):
        keys = OTHER_INCIDENT
    rounded = {key: row[key] for key in keys}
    if row["kind"] == "maintenance_window":
        # It always lasts two hours, and its end may be without the day.
        rounded["hours"] = label(row)
    if "confidence" in keys:
        rounded["confidence"] = int(min(row["confidence"], 0.9999) * 1000 + 1e-6) / 1000
    return " ".join([row["kind"], *(f"{key}={value}" for key, value in rounded.items())])


def both_ways(what, expected, found):
    yield from (f"{what}: missing {one}" for one in sorted((expected - found).elements()))
    yield from (f"{what}: unexpected {one}" for one in sorted((found - expected).elements()))


if __name__ == "__main__":
    main()
