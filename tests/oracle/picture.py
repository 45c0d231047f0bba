"""Compares a drawing with heatmap.csv: each cell once, with the right position, color, digits and mark.

usage: picture.py SVG CSV --cell MINUTES [--members] [--cluster NAME ...] [--png PNG] [--days N] [--palette NAME]

Python's XML parser reads the SVG and Pillow the PNG, whose pixels are compared with the colors of the SVG."""

import argparse
import base64
import datetime
import math
import os
import re
import xml.etree.ElementTree as ElementTree

from PIL import Image

from drawn import ORANGE_BLUE, STOPS, cells, heat, tenths, worst_first
from report import Report
from shown import down

SVG = "{http://www.w3.org/2000/svg}"
FONT = os.path.join(os.path.dirname(__file__), "../../src/outputs/picture/font/heatmap-sans.ttf")
HARMLESS = {"svg", "title", "desc", "defs", "style", "pattern", "rect", "path", "g", "text"}
SCALES = {"red-green": STOPS, "orange-blue": ORANGE_BLUE}
UNKNOWN, IDLE = "url(#unknown)", "url(#idle)"


def numbers(text):
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", text)]


class Block:
    """The cells of one cluster or member in the SVG. Positions count half rows."""

    def __init__(self, element):
        self.name = element.find(f"{SVG}title").text
        self.texts = [text for text in element.iter(f"{SVG}text")]
        self.x, self.y = numbers(element.get("transform"))
        group = next(g for g in element.iter(f"{SVG}g") if g.get("class") == "cells")
        self.left, self.top, self.slot, self.row = numbers(group.get("transform"))
        self.fills, self.twice = {}, []
        for path in group:
            for x, y, wide, high in re.findall(r"M(\d+) ([\d.]+)h(\d+)v([\d.]+)h-\d+z", path.get("d")):
                for slot in range(int(x), int(x) + int(wide)):
                    for half in range(int(float(y) * 2), int(float(y) * 2 + float(high) * 2)):
                        if (slot, half) in self.fills:
                            self.twice.append((self.name, slot, half / 2))
                        self.fills[slot, half] = path.get("fill")
        marks = "".join(path.get("d") for path in element.iter(f"{SVG}path") if path.get("class") == "uncertain")
        corners = re.findall(r"M(\d+) ([\d.]+)v", marks)
        self.marks = {(round(float(x) / self.slot) - 1, round(float(y) / self.row * 2)) for x, y in corners}
        self.digits = {}
        for group in element.iter(f"{SVG}g"):
            if group.get("text-anchor") == "middle" and group.get("class") is None:
                for text in group:
                    place = float(text.get("x")) // self.slot, float(text.get("y")) // self.row
                    self.digits[place] = int(text.text)


def halves(cell, first):
    row = (cell.date - first).days * 2
    return [row, row + 1] if cell.half is None else [row + cell.half]


def fill(cell, stops):
    if cell.is_idle:
        return IDLE
    return UNKNOWN if cell.mean is None else "#%02x%02x%02x" % heat(tenths(cell.mean), stops)


def lines_of(expected):
    """The clusters, the worst first, each before its members."""
    place = {cluster: index for index, cluster in enumerate(worst_first(expected))}
    return sorted({cell.line for cell in expected}, key=lambda line: (place[line[0]], line[1] or ""))


def compare_cells(report, blocks, expected, first, stops):
    """Compares every half row of every cell, so that the area is compared as well."""
    names = lines_of(expected)
    report.check("one block per cluster or member", [] if len(names) == len(blocks) else [f"{len(names)} lines, {len(blocks)} blocks"])
    report.check("no position is drawn twice", [place for block in blocks for place in block.twice])
    place_of = {line: index for index, line in enumerate(names)}
    wanted, marks, digits = {}, {}, {}
    for cell in expected:
        line = place_of[cell.line]
        for half in halves(cell, first):
            wanted[line, cell.slot, half] = fill(cell, stops)
        if cell.uncertain and cell.mean is not None:
            marks[line, cell.slot, halves(cell, first)[0]] = True
        if cell.half is None and cell.mean is not None:
            digits[line, float(cell.slot), float((cell.date - first).days)] = down(cell.mean, 1)
    report.compare("colors of half cells", wanted, {(i, *k): v for i, b in enumerate(blocks) for k, v in b.fills.items()})
    if marks:
        report.compare("marks of uncertain cells", marks, {(i, *k): True for i, b in enumerate(blocks) for k in b.marks})
    else:
        report.check("no cell is marked as uncertain", [mark for b in blocks for mark in b.marks])
    if blocks[0].row >= 20 and blocks[0].slot >= 28:
        report.compare("digits", digits, {(i, *k): v for i, b in enumerate(blocks) for k, v in b.digits.items()})
        names = [f"{first + datetime.timedelta(days=n):%a %Y-%m-%d}" for n in range((last_day(expected) - first).days + 1)]
        shown = [[t.text for t in b.texts if re.fullmatch(r"\w{3} \d{4}-\d\d-\d\d", t.text or "")] for b in blocks]
        report.check("names of days", [days for days in shown if days != names])


def last_day(expected):
    return max(cell.date for cell in expected)


def compare_names(report, blocks, expected):
    """Compares names without special characters; the Rust test compares the others."""
    plain = re.compile(r"[\w.:, -]+", re.ASCII)
    names = [line[0] if line[1] is None else f"{line[0]} · {line[1]}" for line in lines_of(expected)]
    pairs = [(name, block.name) for name, block in zip(names, blocks) if plain.fullmatch(name.replace(" · ", " "))]
    report.check("names", [pair for pair in pairs if pair[0] != pair[1]])


def compare_harmless(report, tree, text):
    tags = {element.tag.removeprefix(SVG) for element in tree.iter()}
    report.check("only elements for drawing", tags - HARMLESS)
    acting = [name for element in tree.iter() for name in element.attrib if name.startswith("on") or "href" in name]
    report.check("no event handlers or links", acting)
    outside = [url for url in re.findall(r"url\(([^)]{1,40})", text) if not url.startswith(("#", "data:font/ttf;base64,"))]
    report.check("no external resources", outside)
    with open(FONT, "rb") as file:
        font = base64.b64decode(re.search(r"base64,([^)]+)\)", text).group(1))
        report.check("the font", [] if font == file.read() else ["it differs from the font in src/"])
    ids = {element.get("id"): element.text for element in tree}
    described = tree.get("role") == "img" and all(ids.get(name) for name in tree.get("aria-labelledby").split())
    report.check("title and description for screen readers", [] if described else [ids])


def compare_legend(report, tree, blocks, stops):
    """The legend has the colors of all scores, and says so if cells have no digits."""
    legend = next(g for g in tree.iter(f"{SVG}g") if g.get("class") == "legend")
    fills = [rect.get("fill") for rect in legend if rect.tag == f"{SVG}rect"][:11]
    wanted = ["#%02x%02x%02x" % heat(score, stops) for score in range(11)]
    report.check("colors of the legend", [] if fills == wanted else [fills, wanted])
    says = any("no digits" in (text.text or "") for text in legend)
    have = any(block.digits for block in blocks)
    report.check("the legend says whether cells have digits", [] if says != have else [f"says so: {says}, digits: {have}"])


def compare_pixels(report, path, tree, blocks, stops):
    """Compares the pixel in the middle of each half cell, or beside its digits."""
    with Image.open(path) as image:
        pixels = image.convert("RGB")
    scale = pixels.width / float(tree.get("width"))
    wrong = [] if abs(pixels.height - float(tree.get("height")) * scale) <= 1 else [pixels.size]
    report.check("the size of the PNG", wrong + ([] if pixels.height <= 16_000 else ["too high"]))
    expected, found = {}, {}
    for index, block in enumerate(blocks):
        for (slot, half), colour in block.fills.items():
            x = block.x + block.left + block.slot * (slot + (0.1 if block.digits else 0.5))
            y = block.y + block.top + block.row * (half / 2 + 0.25 if block.row > 4 else math.floor(half / 2) + 0.5)
            red, green, blue = pixels.getpixel((int(x * scale), int(y * scale)))
            expected[index, slot, half] = colour
            grey = max(red, green, blue) - min(red, green, blue) <= 20 and 125 <= green <= 205
            # No color of a score is as much bluer than red as the background and the dots of an idle cell.
            idle = IDLE if blue - red >= 30 else None
            if stops == ORANGE_BLUE and colour not in (IDLE, UNKNOWN):
                idle = grey = None
            without_score = idle or (UNKNOWN if grey else None)
            found[index, slot, half] = without_score or f"#{red:02x}{green:02x}{blue:02x}"
        top, left = int((block.y + 1) * scale), int(block.x * scale)
        name = pixels.crop((left, top, left + int(block.slot * 8 * scale), top + int(16 * scale))).convert("L")
        ink = sum(name.histogram()[:100])
        report.check(f"the name of block {index} is visible", [] if ink > 40 else [f"{ink} dark pixels"])
    report.compare("pixels of the PNG", expected, found)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("svg")
    parser.add_argument("csv")
    parser.add_argument("--cell", type=int, default=60)
    parser.add_argument("--members", action="store_true")
    parser.add_argument("--cluster", action="append")
    parser.add_argument("--days", type=int)
    parser.add_argument("--png")
    parser.add_argument("--palette", choices=SCALES, default="red-green")
    asked = parser.parse_args()
    report = Report()
    expected = cells(asked.csv, asked.cell, asked.members, asked.cluster)
    if asked.days:
        since = last_day(expected) - datetime.timedelta(days=asked.days - 1)
        expected = [cell for cell in expected if cell.date >= since]
    with open(asked.svg, encoding="utf-8") as file:
        text = file.read()
    tree = ElementTree.fromstring(text)
    blocks = [Block(g) for g in tree.iter(f"{SVG}g") if g.get("class") == "block"]
    first = min(cell.date for cell in expected)
    stops = SCALES[asked.palette]
    compare_cells(report, blocks, expected, first, stops)
    compare_legend(report, tree, blocks, stops)
    compare_names(report, blocks, expected)
    compare_harmless(report, tree, text)
    if asked.png:
        compare_pixels(report, asked.png, tree, blocks, stops)
    report.close()


if __name__ == "__main__":
    main()
