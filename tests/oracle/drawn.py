"""Computes from heatmap.csv alone what a picture of it must show: positions, colors, digits and marks."""

import csv
import datetime
import math
from collections import Counter, namedtuple

from csv_label import label
from shown import down, exact

STOPS = [(215, 48, 39), (254, 224, 100), (70, 170, 90)]
"""Red at 0, yellow at 5, green at 10."""
ORANGE_BLUE = [(196, 84, 0), (247, 234, 208), (43, 116, 189)]
"""Orange at 0, pale at 5, blue at 10."""

Cell = namedtuple("Cell", "line date slot half mean scored expected uncertain idle is_idle")
"""`half` is None, or 0 or 1 for an hour that occurs twice that day; `slot` counts cells from midnight."""


def is_idle(scored, expected, idle):
    """Whether a cell without a score is shown as idle: more of its steps are idle than missing."""
    return int(scored) == 0 and int(idle) > int(expected) - int(idle)


def heat(score, stops=STOPS):
    """Linear interpolation between the stops, each channel rounded."""
    place = min(int(score / 5), 1)
    share = (score - 5 * place) / 5
    return tuple(math.floor(a + (b - a) * share + 0.5) for a, b in zip(stops[place], stops[place + 1], strict=True))


def worst_first(cells):
    """The clusters of these cells, the one that lost the most points first: the sum of (10 − score) × steps."""
    lost = Counter()
    for cell in cells:
        if cell.line[1] is None:
            lost[cell.line[0]] += (10 - exact(cell.mean)) * cell.scored if cell.scored else 0
    return sorted(lost, key=lambda cluster: (-lost[cluster], cluster))


def tenths(score):
    """The score rounded down to a tenth, which chooses its color; only a score of exactly 10 has the last color."""
    return down(score, 10) / 10


def cells(path, minutes, members=False, clusters=None):
    """The cells of heatmap.csv in file order. `line` is (cluster, member) for a member, (cluster, None) for a cluster."""
    found = []
    with open(path, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            cluster, member = label(row["cluster"]), label(row["member"])
            if row["level"] == "member" and not members or clusters and cluster not in clusters:
                continue
            line = (cluster, member if row["level"] == "member" else None)
            slot = (int(row["hour"]) * 60 + int(row["minute"])) // minutes
            mean = float(row["mean"]) if row["mean"] else None
            steps = int(row["steps_scored"]), int(row["steps_expected"])
            date = datetime.date.fromisoformat(row["date"])
            uncertain, idle = row["uncertain"] == "true", int(row.get("steps_idle", 0))
            found.append((row["start"], Cell(line, date, slot, None, mean, *steps, uncertain, idle, is_idle(*steps, idle))))
    found = [cell for _, cell in sorted(found, key=lambda pair: pair[0])]
    times, seen, placed = Counter(cell[:3] for cell in found), Counter(), []
    for cell in found:
        half = seen[cell[:3]] if times[cell[:3]] == 2 else None
        seen[cell[:3]] += 1
        placed.append(cell._replace(half=half))
    if not placed or max(times.values()) > 2:
        raise SystemExit(f"{path} has no cells, or three cells in one place")
    return placed
