"""What report.html must show of heatmap.csv and findings.csv, from those files alone."""

import csv
import datetime
import math
import os
import re
import unicodedata
from collections import defaultdict

from drawn import heat

WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
METRICS = ["wal_fsync", "backend_commit", "open_fds", "leader_changes", "client_traffic_in", "db_size"]


def down(number, parts):
    """Rounded down to a part of one; an error of arithmetic does not count."""
    return math.floor(float(number) * parts + 1e-6)


def points(score):
    hundredths = down(score, 100)
    return f"{hundredths // 100}.{hundredths % 100:02}"


def up(loss):
    hundredths = math.ceil(float(loss) * 100 - 1e-6)
    return f"{hundredths // 100}.{hundredths % 100:02}"


def legible(name):
    """A label with what cannot be seen spelt out."""
    is_unseen = lambda c: unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") and c != "\u200d"  # noqa: E731
    return "".join(f"⟨U+{ord(c):04X}⟩" if is_unseen(c) else c for c in name)


def offset(row):
    minutes = int(row["utc_offset_minutes"])
    return f"UTC{'−' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def column(row):
    return f"{int(row['hour']):02}" + (f":{int(row['minute']):02}" if int(row["minute"]) else "")


def lines(audit):
    """The rows of heatmap.csv by line, in the order of the file, each with the name of its column."""
    found, seen = defaultdict(list), set()
    with open(os.path.join(audit, "heatmap.csv"), encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            line = legible(row["cluster"]), legible(row["member"]) if row["level"] == "member" else None
            place = (line, row["date"], column(row))
            row["column"] = column(row) + (" again" if place in seen else "")
            seen.add(place)
            found[line].append(row)
    for line in found:
        found[line].sort(key=lambda row: row["start"])
    return found


def start(row):
    return int(datetime.datetime.fromisoformat(row["start"]).timestamp())


def says(row):
    clock = f"{int(row['hour']):02}:{int(row['minute']):02}"
    if not row["mean"]:
        what = f"unknown, none of {row['steps_expected']} steps scored"
    else:
        what = f"mean {points(row['mean'])}, lowest {points(row['min'])}, "
        what += f"{row['steps_scored']} of {row['steps_expected']} steps scored"
        what += ", uncertain" if row["uncertain"] == "true" else ""
        what += f", most lost to {row['worst_metric']}" if row["worst_metric"] else ""
    return f"{row['date']} {clock} {offset(row)}: {what}"


def text(row):
    return f"{down(row['mean'], 1)}{'?' if row['uncertain'] == 'true' else ''}" if row["mean"] else "·"


def colour(score):
    return "rgb({}, {}, {})".format(*heat(down(score, 10) / 10))


def compare_maps(report, seen, wanted, is_plain=False):
    """Every cell of every line at its day and hour, with its words, its digits and its colour; and no cell more."""
    expected = {
        (line, row["date"], row["column"]): (
            text(row),
            None if is_plain else says(row),
            None if is_plain else start(row),
            colour(row["mean"]) if row["mean"] else "unknown",
            bool(row["mean"]) and int(row["steps_scored"]) < int(row["steps_expected"]),
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
                "unknown" if "unknown" in cell["classes"] else cell["colour"],
                "part" in cell["classes"],
                "uncertain" in cell["classes"],
            )
    report.check("no cell stands twice", twice)
    report.compare("cells", expected, found)


def compare_weeks(report, weeks, wanted):
    """The week is folded from the same cells; its figures may be a hundredth lower for each rounding."""
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
    if not known:
        return not sentence.endswith(f": unknown, none of {expected} steps scored")
    scored = sum(int(row["steps_scored"]) for row in known)
    mean = sum(float(row["mean"]) * int(row["steps_scored"]) for row in known) / scored
    minima = sum(float(row["min"]) for row in known) / len(known)
    lowest = min(float(row["min"]) for row in known)
    number = r"(\d+\.\d\d)"
    pattern = rf": mean {number}, mean of the minima {number}, lowest {number}, ([\d.]+) % of steps scored, (\d+) cells?$"
    match = re.search(pattern, sentence)
    if not match:
        return True
    shown = match.groups()
    near = all(0 <= down(value, 100) - round(float(text) * 100) <= 1 for value, text in [(mean, shown[0]), (minima, shown[1])])
    share = f"{down(scored / expected, 1000) / 10:.1f}"
    return not near or shown[2:] != (points(lowest), share, str(len(rows)))


def folded(rows):
    """Mean, lowest, and steps scored and expected of several cells."""
    known = [row for row in rows if row["mean"]]
    scored, expected = sum(int(r["steps_scored"]) for r in known), sum(int(r["steps_expected"]) for r in rows)
    mean = sum(float(r["mean"]) * int(r["steps_scored"]) for r in known) / scored if scored else None
    return mean, min((float(r["min"]) for r in known), default=None), scored, expected


def compare_overview(report, table, wanted, clusters):
    """Its figures, and a cell a day."""
    found = {(cell["row"], cell["column"]): cell for cell in table if "none" not in cell["classes"]}
    expected = {}
    for cluster in clusters:
        rows = wanted[cluster, None]
        mean, lowest, scored, steps = folded(rows)
        losses = {m: sum(float(r[f"{m}_loss"] or 0) * int(r["steps_scored"]) for r in rows) for m in METRICS}
        worst = max(losses, key=losses.get)
        expected[cluster, "Mean"] = "unknown" if mean is None else points(mean)
        expected[cluster, "Lowest"] = "unknown" if lowest is None else points(lowest)
        expected[cluster, "Scored"] = f"{down(scored / steps, 1000) / 10:.1f} %"
        expected[cluster, "Most lost to"] = worst if losses[worst] > 1e-9 else "nothing"
        days = defaultdict(list)
        for row in rows:
            days[row["date"][5:]].append(row)
        for day, of_day in days.items():
            mean = folded(of_day)[0]
            expected[cluster, day] = "·" if mean is None else f"{down(mean, 1)}"
    report.compare("overview", expected, {key: cell["text"].rstrip("?") for key, cell in found.items()})


def compare_findings(page, report, audit):
    """All incidents in the order of their ranks, and all other findings, each with its sentence."""
    with open(os.path.join(audit, "findings.csv"), encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    incidents = sorted((row for row in rows if row["kind"] == "incident"), key=lambda row: int(row["rank"]))
    listed = page.evaluate("""[...document.querySelectorAll("#incident-list tbody tr")].map((row) =>
        [...row.cells].map((cell) => cell.innerText || cell.textContent))""")
    shown = [(int(cells[0]), cells[2].split("\n")[0], cells[3], cells[4]) for cells in listed]
    number = lambda text: points(text) if text else "–"  # noqa: E731
    wanted = [(int(r["rank"]), r["cluster"], number(r["lost_points_hours"]), number(r["lowest_score"])) for r in incidents]
    report.check(f"incidents by rank ({len(wanted)})", [pair for pair in zip(wanted, shown) if pair[0] != pair[1]])
    report.check("all of them", [] if len(wanted) == len(shown) > 0 else [(len(wanted), len(shown))])
    whole = page.evaluate("document.body.textContent")
    report.check(f"sentences of findings ({len(rows)})", [row["says"] for row in rows if row["says"] not in whole])
    return rows
