"""Runs `etcd-heatmap show` in a terminal of a given size and palette, and compares its screen with heatmap.csv.

usage: terminal.py PROGRAM DIR --width N --height N --palette true|256|none [--cell MINUTES] [--scale SCALE] [--picture PNG]
       [-- FLAG ...]

The program runs in a real pty, whose output pyte interprets."""

import argparse
import datetime
import math
import os
import re
import sys
from collections import defaultdict
from fractions import Fraction

import pyte

from drawn import ORANGE_BLUE, STOPS, cells, heat, is_idle, worst_first
from in_pty import in_pty
from report import Report
from shown import exact

TERMINALS = {"true": {"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "256": {"TERM": "xterm-256color"}}
TERMINALS["none"] = {**TERMINALS["true"], "NO_COLOR": "1"}
LABELS = 11, 6
"""`2026-10-01 ` and `10-01 `."""
COLOURS_256 = {
    "red-green": "d70000 d75f00 ff8700 ffaf00 ffd75f ffd700 d7d75f afd75f 87d75f 5fd787 00af5f".split(),
    "orange-blue": "d75f00 ff875f ffaf87 ffd7af ffffd7 ffffff afd7d7 87afd7 5fafd7 5f87d7 0087d7".split(),
}
"""In xterm's palette."""
SCALES = {"red-green": STOPS, "orange-blue": ORANGE_BLUE}
GREY, IDLE = (158, 158, 158), (168, 186, 214)


def shown(program, flags, width, height, palette):
    """Runs the program; returns its output as a screen, high enough for all lines, and as text."""
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLORTERM", "COLUMNS", "LINES")}
    said = in_pty([program, *flags], width, height, {**kept, **TERMINALS[palette]})
    screen = pyte.Screen(width, 4000)
    pyte.ByteStream(screen).feed(said)
    return screen, said.decode()


def column(width, minutes):
    """The shortest time per column that fits the width, the column's width of 1 to 3 characters, and the label's."""
    for time in (15, 30, 60, 120, 180, 240, 360, 720):
        for wide in (3, 2, 1):
            for label in LABELS:
                if time >= minutes and label + wide * (1440 // time) <= width:
                    return time, wide, label
    raise SystemExit("the window is too narrow")


def wanted(path, minutes, time, clusters, min_coverage):
    """The mean (or `idle`) and uncertainty at each position; cells that share one are averaged by their steps."""
    sums = defaultdict(lambda: [Fraction(0), 0, 0, 0])
    for cell in cells(path, minutes, clusters=clusters):
        total = sums[cell.line[0], cell.date, cell.slot * minutes // time]
        total[0] += exact(cell.mean or 0) * cell.scored
        total[1] += cell.scored
        total[2] += cell.expected
        total[3] += cell.idle
    places = {}
    for place, (total, scored, expected, idle) in sums.items():
        mean = total / scored if scored else "idle" if is_idle(scored, expected, idle) else None
        places[place] = mean, scored < min_coverage * expected
    return places


def digits(mean, uncertain, wide):
    if mean is None:
        return "··"[:wide].ljust(wide)
    if mean == "idle":
        return "--"[:wide].ljust(wide)
    score = math.floor(mean)
    if wide == 3:
        return str(score).rjust(2) + ("?" if uncertain else " ")
    one = "+" if score == 10 else str(score)
    if wide == 1:
        return "?" if uncertain else one
    return one + ("?" if uncertain else " ")


def colours(mean, palette, scale):
    """The acceptable colors: a channel on the edge between two levels may be either."""
    if palette == "none":
        return {"default"}
    if palette == "256":
        without_score = {None: "9e9e9e", "idle": "afafd7"}
        return {without_score[mean] if mean in without_score else COLOURS_256[scale][math.floor(mean)]}
    without_score = {None: GREY, "idle": IDLE}
    near = [[v] for v in without_score[mean]] if mean in without_score else [[v - 1, v, v + 1] for v in heat(mean, SCALES[scale])]
    return {"%02x%02x%02x" % (r, g, b) for r in near[0] for g in near[1] for b in near[2]}


def compare(report, screen, asked, places, order, time, wide, width):
    clusters = sorted({place[0] for place in places})
    by_day = {f"{place[1]:%m-%d}": place[1] for place in places}
    cluster, seen, wrong = None, defaultdict(list), []
    for y in range(screen.cursor.y + 1):
        line = screen.buffer[y]
        text = "".join(line[x].data for x in range(screen.columns))
        if found := re.match(r"([^:]+): ", text):
            cluster = found[1] if found[1] in clusters else cluster
        if not re.match(r"(\d{4}-)?\d\d-\d\d ", text):
            continue
        date = datetime.date.fromisoformat(text[:10]) if width == LABELS[0] else by_day[text[:5]]
        seen[cluster].append(date)
        for slot in range(1440 // time):
            at = range(width + slot * wide, width + (slot + 1) * wide)
            found = "".join(line[x].data for x in at), {line[x].bg for x in at}
            place = places.get((cluster, date, slot))
            chars, bgs = (" " * wide, {"default"}) if place is None else (digits(*place, wide), colours(place[0], asked.palette, asked.scale))
            if found[0] != chars or len(found[1]) != 1 or not found[1] <= bgs:
                wrong.append(f"{cluster} {date} {slot}: {found}, expected {chars!r} in {sorted(bgs)}")
    report.check("the worst cluster first", [] if list(seen) == order else [list(seen), order])
    report.check(f"positions ({sum(map(len, seen.values()))} rows)", wrong)
    for cluster in clusters:
        dates = sorted({place[1] for place in places if place[0] == cluster})
        fit = max(asked.height // len(clusters) - 4, 7)
        days = len(dates) if "--since" in asked.flags else fit
        if "--days" in asked.flags:
            days = int(asked.flags[asked.flags.index("--days") + 1])
        report.check(f"days of {cluster}", [] if seen[cluster] == dates[-days:] else [seen[cluster], dates[-days:]])


def picture(screen, path):
    """Draws the screen as a PNG, for a person to look at."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.truetype("DejaVuSansMono.ttf", 15)
    rows = screen.cursor.y + 1
    image = Image.new("RGB", (screen.columns * 9 + 16, rows * 19 + 16), "#1b1e24")
    draw = ImageDraw.Draw(image)
    for y in range(rows):
        for x in range(screen.columns):
            char = screen.buffer[y][x]
            left, top = 8 + x * 9, 8 + y * 19
            if char.bg != "default":
                draw.rectangle((left, top, left + 8, top + 18), fill="#" + char.bg)
            draw.text((left, top), char.data, font=font, fill="#111" if char.fg == "black" else "#ddd")
    image.save(path)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("folder")
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--height", type=int, default=24)
    parser.add_argument("--palette", choices=TERMINALS, required=True)
    parser.add_argument("--cell", type=int, default=60)
    parser.add_argument("--min-coverage", type=float, default=0.5)
    parser.add_argument("--scale", choices=SCALES, default="red-green")
    parser.add_argument("--picture")
    ours = sys.argv[1:]
    at = ours.index("--") if "--" in ours else len(ours)
    asked = parser.parse_args(ours[:at])
    asked.flags = ours[at + 1 :]
    report = Report()
    screen, said = shown(asked.program, ["show", asked.folder, *asked.flags], asked.width, asked.height, asked.palette)
    if asked.picture:
        picture(screen, asked.picture)
    coded = re.sub(r"\x1b\[30;48;(2;\d+;\d+;\d+|5;\d+)m|\x1b\[0m", "", said)
    report.check("no control codes except colors", re.findall(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f]", coded))
    report.check("no color with NO_COLOR", ["\x1b" in said] if asked.palette == "none" and "\x1b" in said else [])
    report.check("no line wider than the window", [l for l in coded.split("\r\n") if len(l) > asked.width])
    clusters = [flag for name, flag in zip(asked.flags, asked.flags[1:]) if name == "--cluster"]
    time, wide, width = column(asked.width, asked.cell)
    places = wanted(f"{asked.folder}/heatmap.csv", asked.cell, time, clusters, asked.min_coverage)
    shown_cells = cells(f"{asked.folder}/heatmap.csv", asked.cell, clusters=clusters)
    compare(report, screen, asked, places, worst_first(shown_cells), time, wide, width)
    report.close()


if __name__ == "__main__":
    main()
