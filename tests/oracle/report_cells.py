"""Computes from heatmap.csv alone what the heat maps of report.html must show."""

import csv
import datetime
import json
import os
import re
import unicodedata
import zoneinfo
from collections import defaultdict
from fractions import Fraction

import shown
from csv_label import label
from drawn import is_idle
from shown import down, exact, points

WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
WHY_IDLE = "no WAL fsync or no backend commit, so no p99 and no score; this does not mean healthy"
METRICS = ["wal_fsync", "backend_commit", "open_fds", "leader_changes", "client_traffic_in", "db_size"]
TITLES = ["WAL fsync p99", "backend commit p99", "open file descriptors", "leader changes a day", "client traffic in", "database size"]
BANDS = [(95, (134, 203, 150)), (70, (247, 205, 78)), (50, (233, 122, 42)), (0, (168, 26, 32))]
"""The lowest score of each band in tenths, and its color: ok, degraded, bad, critical."""


def legible(field):
    """The text of a CSV field, with invisible characters spelled out."""
    is_unseen = lambda c: unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") and c not in "\u200c\u200d"  # noqa: E731
    return "".join(f"⟨U+{ord(c):04X}⟩" if is_unseen(c) else c for c in label(field))


WIDTHS = {"15m": 15, "30m": 30, "1h": 60, "2h": 120}


def offset(row):
    minutes = int(row["utc_offset_minutes"])
    return f"UTC{'−' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def column(row, width):
    """A cell that begins at a clock change is in the column of the whole cell."""
    hour, minute = divmod((int(row["hour"]) * 60 + int(row["minute"])) // width * width, 60)
    return f"{hour:02}" + (f":{minute:02}" if minute else "")


def lines(audit):
    """(cluster, member) -> its rows of heatmap.csv as dictionaries, in file order."""
    found, seen = defaultdict(list), set()
    with open(os.path.join(audit, "manifest.json"), encoding="utf-8") as file:
        width = WIDTHS[json.load(file)["cell"]]
    with open(os.path.join(audit, "heatmap.csv"), encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            line = legible(row["cluster"]), legible(row["member"]) if row["level"] == "member" else None
            place = (line, row["date"], column(row, width))
            row["column"] = column(row, width) + (" again" if place in seen else "")
            seen.add(place)
            found[line].append(row)
    for line in found:
        found[line].sort(key=lambda row: row["start"])
    return found


def start(row):
    return int(datetime.datetime.fromisoformat(row["start"]).timestamp())


def steps(count):
    return f"{count} {'step' if int(count) == 1 else 'steps'}"


def without_score(*rows):
    """The class and name of a cell of these rows in which no step is scored."""
    sums = (sum(int(row[name]) for row in rows) for name in ("steps_scored", "steps_expected", "steps_idle"))
    return "idle" if is_idle(*sums) else "unknown"


def says(row):
    clock = f"{int(row['hour']):02}:{int(row['minute']):02}"
    idle = f", {row['steps_idle']} idle" if int(row["steps_idle"]) else ""
    if not row["mean"]:
        what = f"{without_score(row)}, none of {steps(row['steps_expected'])} scored{idle}"
    else:
        what = f"mean {points(row['mean'])}, lowest {points(row['min'])}, "
        what += f"{row['steps_scored']} of {steps(row['steps_expected'])} scored{idle}"
        what += ", uncertain" if row["uncertain"] == "true" else ""
        what += f", main cause {row['worst_metric']}" if row["worst_metric"] else ""
    return f"{row['date']} {clock} {offset(row)}: {what}"


def text(row, value="mean"):
    return f"{down(row[value], 1)}{'?' if row['uncertain'] == 'true' else ''}" if row["mean"] else sign(row)


def sign(*rows):
    return "–" if without_score(*rows) == "idle" else "·"


def strip(scored, expected):
    """The unscored share of a cell in tenths, which a strip in the cell shows."""
    return 10 - down(Fraction(int(scored), int(expected)), 10) if 0 < int(scored) < int(expected) else 0


def colour(score):
    return "rgb({}, {}, {})".format(*next(colour for lowest, colour in BANDS if down(score, 10) >= lowest))


def look(cell):
    """The class of a cell without a score, or the color of its score."""
    return next((name for name in ("unknown", "idle") if name in cell["classes"]), cell["colour"])


def compare_maps(report, seen, wanted, value="mean", is_plain=False):
    """Compares every cell at its day and hour: label, digits and color; and finds extra cells."""
    expected = {
        (line, row["date"], row["column"]): (
            text(row, value),
            None if is_plain else says(row),
            None if is_plain else start(row),
            colour(row[value]) if row["mean"] else without_score(row),
            strip(row["steps_scored"], row["steps_expected"]),
            bool(row["mean"]) and row["uncertain"] == "true",
        )
        for line, rows in wanted.items()
        for row in rows
    }
    found, twice = {}, []
    for line, table in seen.items():
        for cell in table:
            if "none" in cell["classes"]:
                continue
            key = (line, cell["row"], cell["column"])
            twice += [key] if key in found else []
            found[key] = (
                cell["text"],
                cell["says"],
                cell["start"],
                look(cell),
                cell["strip"],
                "uncertain" in cell["classes"],
            )
    report.check("no cell is there twice", twice)
    report.compare(f"cells by their {value}", expected, found)


def compare_weeks(report, weeks, wanted):
    """Compares the hours of the week, computed from the same cells; each rounding may lower a figure by 0.01."""
    wrong, compared = [], 0
    for line, table in weeks.items():
        hours = defaultdict(list)
        for row in wanted[line]:
            hours[WEEKDAYS[datetime.date.fromisoformat(row["date"]).weekday()], f"{int(row['hour']):02}"].append(row)
        found = {(cell["row"], cell["column"]): cell["says"] for cell in table if "none" not in cell["classes"]}
        wrong += [f"{line}: {key}" for key in hours.keys() ^ found.keys()]
        for key in hours.keys() & found.keys():
            compared += 1
            if week_sentence_differs(hours[key], found[key]):
                wrong.append(f"{line}, {key}: {found[key]}")
    report.check(f"hours of the week ({compared})", wrong if compared else ["nothing was compared"])


def week_sentence_differs(rows, sentence):
    known = [row for row in rows if row["mean"]]
    expected = sum(int(row["steps_expected"]) for row in rows)
    idle = sum(int(row["steps_idle"]) for row in rows)
    idle = f", {idle} idle" if idle else ""
    if not known:
        return not sentence.endswith(f": {without_score(*rows)}, none of {steps(expected)} scored{idle}")
    scored = sum(int(row["steps_scored"]) for row in known)
    mean = shown.mean((row["mean"], row["steps_scored"]) for row in known)
    minima = shown.mean((row["min"], 1) for row in known)
    lowest = min(exact(row["min"]) for row in known)
    number = r"(\d+\.\d\d)"
    pattern = rf": mean {number}, mean of the minima {number}, lowest {number}, ([\d.]+) % of steps scored{idle}, (\d+) cells?$"
    match = re.search(pattern, sentence)
    if not match:
        return True
    found = match.groups()
    near = all(0 <= down(value, 100) - round(float(text) * 100) <= 1 for value, text in [(mean, found[0]), (minima, found[1])])
    return not near or found[2:] != (points(lowest), shown.percent(Fraction(scored, expected)), str(len(rows)))


def compare_times(report, audit, panel_of):
    """Compares start and end of the cells around a clock change, minute by minute of local time."""
    with open(os.path.join(audit, "manifest.json"), encoding="utf-8") as file:
        manifest = json.load(file)
    zone, width = zoneinfo.ZoneInfo(manifest["time_zone"]), WIDTHS[manifest["cell"]]
    rows = next(rows for (_, member), rows in lines(audit).items() if not member)

    def place(instant):
        local = datetime.datetime.fromtimestamp(instant, zone)
        return local.date(), (local.hour * 60 + local.minute) // width, local.utcoffset()

    def shown(instant, offset):
        local = datetime.datetime.fromtimestamp(instant, datetime.timezone(offset))
        seconds = offset.total_seconds()
        hours, minutes = divmod(abs(seconds) // 60, 60)
        return f"{local:%Y-%m-%d %H:%M} UTC{'−' if seconds < 0 else '+'}{hours:02.0f}:{minutes:02.0f}"

    changes = [i for i in range(1, len(rows)) if rows[i]["utc_offset_minutes"] != rows[i - 1]["utc_offset_minutes"]]
    short = 0
    for i in [i + beside for i in changes for beside in (-2, -1, 0, 1)]:
        first = end = start(rows[i])
        while place(end) == place(first):
            end += 60
        short += end - first < width * 60
        offset = place(first)[2]
        facts = panel_of(first)
        wanted = {"from": shown(first, offset), "to": shown(end, offset)}
        report.compare(f"times of {rows[i]['start']}", wanted, {name: facts.get(name) for name in wanted})
    report.check("some cell is cut short by a clock change", [] if short else ["none is"])
