"""Compares the findings beside annotations with a second reading of the CSV file.

usage: annotations.py DIR CSV PLAIN [--zone ZONE]

DIR is the output folder that was scored with CSV as its annotations, PLAIN the findings.csv of the same history without
annotations. Python's csv module reads CSV, and zoneinfo its local times. Apart from what was noted, both findings must be equal:
annotations change no loss and no rank."""

import argparse
import csv
import hashlib
import json
import re
from collections import defaultdict
from datetime import datetime, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

from csv_label import FORMULA, label
from report import Report

KINDS = {"incident", "leader_change", "defragmentation"}


def seconds(text, zone):
    """Seconds since 1970 of a time in the file; one without an offset is local."""
    if text.replace(".", "").isdigit() and len(text) > 4:
        return float(text)
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=zone)).timestamp()


def unguarded(text):
    """A field without the apostrophe that keeps a spreadsheet from running it."""
    rest = text[1:]
    is_guarded = rest.startswith("'") or rest.lstrip(" \ufeff").startswith(FORMULA)
    return rest if text.startswith("'") and is_guarded else text


def annotations(path, zone):
    """The annotations of a file, in order of time."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.reader(file) if any(field.strip() for field in row)]
    names = [name.strip() for name in rows[0]]
    found = []
    for fields in rows[1:]:
        row = {name: field.strip() for name, field in zip(names, fields, strict=True)}
        start = seconds(row["time"], zone)
        end = seconds(row["end"], zone) if row.get("end") else None
        end = None if end == start else end
        slack = 600 if end is None else 300
        found.append({
            "start": start, "end": end, "cluster": unguarded(row["cluster"]), "kind": row.get("kind") or "other",
            "text": " ".join(unguarded(row["text"]).split()), "from": start - slack, "to": (start if end is None else end) + slack,
        })  # fmt: skip
    return sorted(found, key=lambda one: one["start"])


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as file:
        return [{name: label(value) for name, value in row.items()} for row in csv.DictReader(file)]


def utc(text):
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc).timestamp()


def instant(second):
    return datetime.fromtimestamp(second, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def is_move(one, finding):
    """Whether at least half of a leader change lies within a planned move."""
    start, end = utc(finding["start_utc"]), utc(finding["end_utc"])
    is_within = 2 * (min(one["to"], end) - max(one["from"], start)) >= end - start
    return finding["kind"] == "leader_change" and one["kind"] == "planned_move" and is_within


def near(finding, noted):
    """The annotations that a finding overlaps: a planned move first, then the nearest to its start."""
    if finding["kind"] not in KINDS:
        return []
    start, end = utc(finding["start_utc"]), utc(finding["end_utc"])
    own = [one for one in noted if one["cluster"] in ("", finding["cluster"]) and one["from"] < end and start < one["to"]]
    return sorted(own, key=lambda one: (not is_move(one, finding), abs(one["start"] - start)))


def evidence_of(found):
    """The evidence that a finding must have, as in evidence.csv."""
    wanted = {}
    for place, one in enumerate(found[:3], 1):
        name = "annotation" if place == 1 else f"annotation_{place}"
        csv_instant = lambda second: instant(second).replace("T", " ").rstrip("Z")  # noqa: E731
        wanted |= {name: one["text"], f"{name}_kind": one["kind"], f"{name}_time": csv_instant(one["start"])}
        if one["end"] is not None:
            wanted[f"{name}_end"] = csv_instant(one["end"])
    return wanted | ({"annotations": str(len(found))} if len(found) > 3 else {})


def sentence(found, finding):
    first = found[0]
    noted = "a planned move was noted" if is_move(first, finding) else "noted"
    text = first["text"] if len(first["text"]) <= 100 else first["text"][:99] + "…"
    when = instant(first["start"]) + ("" if first["end"] is None else f" to {instant(first['end'])}")
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return f'; {noted}: "{text}" ({when}){more}'


def compare_findings(report, folder, plain, noted):
    rows, before = rows_of(folder / "findings.csv"), rows_of(plain)
    evidence = defaultdict(dict)
    for row in rows_of(folder / "evidence.csv"):
        evidence[row["finding"]][row["name"]] = row["value"]
    wrong, matched, planned = [], 0, 0
    for row, was in zip(rows, before, strict=True):
        found = near(row, noted)
        matched += bool(found)
        told = {name: value for name, value in evidence[row["finding"]].items() if name.startswith("annotation")}
        if told != evidence_of(found):
            wrong.append(f"evidence of {row['finding']}: {told} instead of {evidence_of(found)}")
        cause, said = was["cause"], was["description"]
        if found:
            said = said + sentence(found, row)
            is_planned = is_move(found[0], row)
            planned += is_planned
            cause = "planned_move" if is_planned and cause == "unexplained" else cause
        wrong += [f"{name} of {row['finding']}: {row[name]!r} instead of {value!r}"
                  for name, value in (was | {"cause": cause, "description": said}).items() if row[name] != value]  # fmt: skip
    report.check(f"{matched} of {len(rows)} findings overlap annotations, {planned} inside of planned moves", wrong)
    report.check("some findings overlap annotations, and some do not", [] if 0 < matched < len(rows) else [matched])
    return rows


def compare_problems(report, folder, rows, noted):
    """The lines "Noted" of report.md against the incidents of each problem."""
    incidents = defaultdict(list)
    for row in rows:
        if row["kind"] == "incident":
            incidents[row["problem_id"]].append(row)
    sections = re.split(r"^### (\d+)\. ", (folder / "report.md").read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    said = {rank: re.search(r"^- Noted: (.*)$", text, re.MULTILINE) for rank, text in zip(sections[::2], sections[1::2])}
    wrong, count = [], 0
    for problem in rows_of(folder / "problems.csv"):
        if problem["rank"] not in said:
            continue
        own = sorted(incidents[problem["problem_id"]], key=lambda row: int(row["rank"]))
        with_notes = [row for row in own if near(row, noted)]
        line = said[problem["rank"]][1] if said[problem["rank"]] else None
        if not with_notes:
            wrong += [f"{problem['problem_id']}: {line}"] if line else []
            continue
        count += 1
        text = near(with_notes[0], noted)[0]["text"]
        plain = re.sub(r"\\(.)", r"\1", line or "").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        others = {id(one) for row in with_notes for one in near(row, noted)}
        end = "" if len(own) == 1 else f", at {len(with_notes)} of {len(own)} incidents"
        more = "" if len(others) == 1 else f" and {len(others) - 1} more"
        if not (plain.startswith(f'"{text[:90]}') and plain.endswith(f"){more}{end}")):
            wrong.append(f"{problem['problem_id']}: {line} instead of {text}{more}{end}")
    report.check(f"{count} problems mention annotations", wrong if count else ["none does"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("csv", type=Path)
    parser.add_argument("plain", type=Path)
    parser.add_argument("--zone", type=ZoneInfo, default=ZoneInfo("UTC"))
    arguments = parser.parse_args()
    folder, report = arguments.folder, Report()
    noted = annotations(arguments.csv, arguments.zone)
    rows = compare_findings(report, folder, arguments.plain, noted)
    compare_problems(report, folder, rows, noted)

    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    given = {"file": arguments.csv.name, "rows": len(noted), "sha256": hashlib.sha256(arguments.csv.read_bytes()).hexdigest()}
    report.compare("annotations in the manifest", given, manifest.get("annotations", {}))
    kept = annotations(folder / "annotations.csv", ZoneInfo("Asia/Tokyo"))
    report.check(f"the folder keeps {len(kept)} annotations", [] if kept == noted else [kept])
    copy = (folder / "annotations.csv").read_bytes()
    listed = [file for file in manifest["files"] if file["path"] == "annotations.csv"]
    same = len(listed) == 1 and (listed[0]["rows"], listed[0]["sha256"]) == (len(noted), hashlib.sha256(copy).hexdigest())
    report.check("the manifest lists the copy", [] if same else listed)
    report.close()


if __name__ == "__main__":
    main()
