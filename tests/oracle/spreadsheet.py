"""Reads heatmap.xlsx and heatmap_wide.csv back and compares every cell with heatmap.csv.

usage: spreadsheet.py DIR

calamine reads the values and openpyxl everything else (formats, colors); Python and DuckDB read the wide CSV. The
column of a cell is computed from Python's time zones."""

import csv
import json
import math
import re
import sys
import zipfile
from datetime import date, datetime, timedelta, timezone
from fractions import Fraction
from itertools import zip_longest
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import openpyxl
from python_calamine import CalamineWorkbook

from csv_label import label
from drawn import is_idle
from report import Report
from shown import costliest, down, exact, mean, number, up
from spec import NAMES

TABLES = ["Problems", "Findings", "Evidence", "Rules"]
OWN_SHEETS = ["Summary", *TABLES, "Members", "Method", "Cells"]
NONE = ["No problem was found.", "Nothing was found."]
ABOVE, SUMMARY_ABOVE = 4, 5
OF_A_DAY = ["Mean", "Lowest", "Coverage", "Hours in day"]
HEAT = [("num", 0.0, "FFD73027"), ("num", 5.0, "FFFEE064"), ("num", 10.0, "FF46AA5A")]
STARTS_A_FORMULA = tuple("=+-@\t\r\n＝＋－＠")

WIDTHS = {"15m": 15, "30m": 30, "1h": 60, "2h": 120}


def main():
    folder, report = Path(sys.argv[1]), Report()
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    cells = read_cells(folder / "heatmap.csv", ZoneInfo(manifest["time_zone"]), manifest["cell"])
    headings = headings_of(cells, manifest)
    book = CalamineWorkbook.from_path(str(folder / "heatmap.xlsx"))
    clusters = sorted({cell["cluster"] for cell in cells}, key=str.encode)
    check_names(book.sheet_names, clusters, report)
    sheets = dict(zip(clusters, book.sheet_names[len(OWN_SHEETS):]))
    for cluster, name in sheets.items():
        check_cluster(cluster, rows_of(book, name), of_cluster(cells, cluster), headings, manifest, report)
    check_summary(rows_of(book, "Summary"), folder, cells, clusters, manifest, report)
    check_members(rows_of(book, "Members"), manifest, report)
    check_method(rows_of(book, "Method"), manifest, report)
    check_tables(book, folder, manifest, report)
    check_cells(rows_of(book, "Cells"), cells, clusters, manifest, report)
    check_looks(folder / "heatmap.xlsx", sheets, cells, headings, report)
    check_parts(folder / "heatmap.xlsx", report)
    check_wide(folder / "heatmap_wide.csv", cells, headings, manifest, report)
    report.close()


def read_cells(path, zone, width):
    """Adds to each row of heatmap.csv the column of its cell. One that begins at a clock change is in that of the whole cell."""
    width = WIDTHS[width]
    with open(path, newline="", encoding="utf-8") as file:
        cells = list(csv.DictReader(file))
    for cell in cells:
        start = datetime.fromisoformat(cell["start"])
        again = start.astimezone(zone).fold
        cell["cluster"], cell["member"] = label(cell["cluster"]), label(cell["member"])
        at = (int(cell["hour"]) * 60 + int(cell["minute"])) // width * width
        cell["slot"] = (at // 60, at % 60, again)
        for name in ("mean", "min", "coverage"):
            cell[name] = float(cell[name]) if cell[name] else None
        cell["uncertain"] = cell["uncertain"] == "true"
    return cells


def headings_of(cells, manifest):
    """slot -> column: all times of a normal day, and those that occur twice at a clock change."""
    width = WIDTHS[manifest["cell"]]
    slots = {(at // 60, at % 60, 0) for at in range(0, 24 * 60, width)} | {cell["slot"] for cell in cells}
    return {(hour, minute, again): f"{hour:02}:{minute:02}" + again * " (2)" for hour, minute, again in sorted(slots)}


def of_cluster(cells, cluster):
    return [cell for cell in cells if cell["cluster"] == cluster and cell["level"] == "cluster"]


def rows_of(book, name):
    """All rows from A1; the reader itself skips empty rows and columns at the start."""
    return book.get_sheet_by_name(name).to_python(skip_empty_area=False)


def hours_of(day, manifest):
    zone = ZoneInfo(manifest["time_zone"])
    begins = [datetime.combine(d, datetime.min.time(), zone).timestamp() for d in (day, day + timedelta(days=1))]
    return (begins[1] - begins[0]) / 3600


def check_names(names, clusters, report):
    wrong = [] if names[: len(OWN_SHEETS)] == OWN_SHEETS else [names]
    wrong += [name for name in names if not 0 < len(name.encode("utf-16-le")) // 2 <= 31]
    wrong += [name for name in names if re.search(r"[\[\]:*?/\\\x00-\x1f]", name) or name.strip("'") != name]
    wrong += [name for name in names if name.casefold() == "history"]
    if len({name.casefold() for name in names}) < len(names):
        wrong.append(f"not unique: {names}")
    if len(names) != len(OWN_SHEETS) + len(clusters):
        wrong.append(f"{len(names)} sheets for {len(clusters)} clusters")
    report.check(f"workbook: names of {len(names)} sheets", wrong)


def blocks(headings):
    """The first columns of the means, the figures of a day, the lowest scores and the coverage."""
    count = len(headings)
    of_day = 1 + count + 1
    lowest = of_day + len(OF_A_DAY) + 1
    return 1, of_day, lowest, lowest + count + 1


def check_cluster(cluster, rows, cells, headings, manifest, report):
    means, of_day, lowest, coverage = blocks(headings)
    names = list(headings.values())
    expected_head = ["Date", *names, "", *OF_A_DAY, "", *names, "", *names]
    report.check(f"{cluster!r:.40}: title and headings",
                 [row for row, want in ((rows[0][1], cluster), (rows[ABOVE - 1], expected_head)) if row != want])
    days = sorted({cell["date"] for cell in cells})
    expected = {(day, "date"): date.fromisoformat(day) for day in days}
    for cell in cells:
        place = list(headings).index(cell["slot"])
        for block, name in ((means, "mean"), (lowest, "min"), (coverage, "coverage")):
            if cell[name] is not None:
                if (cell["date"], block + place) in expected:
                    sys.exit(f"two cells in one position: {cell}")
                expected[cell["date"], block + place] = shown_number(name, cell)
    found, figures = {}, {}
    for day, row in zip(days, rows[ABOVE:]):
        found[day, "date"] = row[0]
        for column, value in enumerate(row[1:], 1):
            if of_day <= column < of_day + len(OF_A_DAY):
                figures[day, OF_A_DAY[column - of_day]] = value
            elif value != "":
                found[day, column] = value
    report.compare(f"{cluster!r:.40}: means, lowest scores, coverage and dates", expected, found)
    report.check(f"{cluster!r:.40}: as many rows as days", [len(rows)] if len(rows) != ABOVE + len(days) else [])
    check_figures(cluster, cells, figures, manifest, report)


def shown_number(name, cell):
    if name == "coverage":
        return number(down(Fraction(int(cell["steps_scored"]), int(cell["steps_expected"])), 1000), 1000)
    return number(down(cell[name], 100), 100)


def figures_of(cells):
    """Mean, lowest score and coverage, rounded as in the workbook."""
    known = [cell for cell in cells if cell["mean"] is not None]
    scored, expected = (sum(int(cell[f"steps_{what}"]) for cell in cells) for what in ("scored", "expected"))
    score = mean((cell["mean"], cell["steps_scored"]) for cell in known)
    return ["" if score is None else number(down(score, 100), 100),
            min((shown_number("min", cell) for cell in known), default=""),
            number(down(Fraction(scored, expected), 1000), 1000)]


def check_figures(cluster, cells, figures, manifest, report):
    wrong = []
    for day in {cell["date"] for cell in cells}:
        own = [cell for cell in cells if cell["date"] == day]
        want = [*figures_of(own), hours_of(date.fromisoformat(day), manifest)]
        wrong += [f"{day} {name}: {figures[day, name]}, not {value}"
                  for name, value in zip(OF_A_DAY, want) if not close(figures[day, name], value)]
    report.check(f"{cluster!r:.40}: figures of each day", wrong)


def close(found, expected):
    if isinstance(found, str) or isinstance(expected, str):
        return found == expected
    return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-12)


def check_summary(rows, folder, cells, clusters, manifest, report):
    step = manifest["asked"]["step_seconds"]
    sql = f"""select cluster, min(date), max(date),
        coalesce(sum(steps_expected) filter (mean < 5), 0) * {step} / 3600,
        coalesce(sum(steps_expected) filter (mean < 7), 0) * {step} / 3600
        from read_csv('{folder}/heatmap.csv', types = {{'mean': 'double', 'min': 'double', 'cluster': 'varchar',
        'date': 'date', 'member': 'varchar'}}, new_line = '\\n', quote = '"', escape = '"', max_line_size = 100000)
        where level = 'cluster' group by cluster"""
    expected = {label(row[0]): row[1:] for row in duckdb.sql(sql).fetchall()}
    found = {row[0]: row for row in rows[SUMMARY_ABOVE:]}
    wrong = [] if [row[0] for row in rows[SUMMARY_ABOVE:]] == clusters else [f"{list(found)}, not {clusters}"]
    for cluster, row in found.items():
        first, last, *hours = expected.get(cluster, [None] * 4)
        own = of_cluster(cells, cluster)
        figures = [*figures_of(own), *hours]
        members = sum(member["cluster"] == cluster for member in manifest["members"])
        if row[1:4] != [members, first, last]:
            wrong.append(f"{cluster!r}: {row[1:4]}, not {members}, {first}, {last}")
        wrong += [f"{cluster!r}: {got}, not {want}" for got, want in zip(row[4:9], figures) if not close(got, want)]
        wrong += check_worst(cluster, row[9:11], own)
    report.check(f"Summary: {len(found)} clusters", wrong)


def check_worst(cluster, found, cells):
    lost = {name: sum(exact(cell[f"{name}_loss"] or 0) * int(cell["steps_scored"]) for cell in cells) for name in NAMES}
    worst = costliest(NAMES, lost)
    if worst is None:
        return [] if found == ["", ""] else [f"{cluster!r}: {found}, but no points were lost"]
    right = found[0] == worst and close(found[1], float(lost[worst] / sum(lost.values())))
    return [] if right else [f"{cluster!r}: {found}, not {worst} of {lost}"]


def check_members(rows, manifest, report):
    def instant(text):
        return datetime.fromisoformat(text).astimezone(timezone.utc).replace(tzinfo=None)

    expected = {(m["cluster"], m["member"]): (instant(m["first"]), instant(m["last"])) for m in manifest["members"]}
    found = {(row[1], row[0]): tuple(nearest_second(at) for at in row[2:4]) for row in rows[1:]}
    report.compare("Members: first and last sign of life", expected, found)


def nearest_second(at):
    """An Excel date, rounded to seconds because Excel stores days as a double. calamine reads midnight as a date."""
    at = at if isinstance(at, datetime) else datetime.combine(at, datetime.min.time())
    return (at + timedelta(milliseconds=500)).replace(microsecond=0)


def check_method(rows, manifest, report):
    said = {value for row in rows for value in row}
    source = manifest["source"]
    named = {"prometheus": source["url"], "sample": "the sample that is embedded in etcd-heatmap"}[source["kind"]]
    wanted = [named, manifest["asked"]["start"], manifest["time_zone"], manifest["cell"],
              manifest["rollup"], manifest["min_coverage"], manifest["asked"]["step_seconds"],
              f"etcd-heatmap {manifest['version']}", manifest["profile"]["name"], *manifest["days_missing"]]
    wanted += [query["promql"] for query in manifest["queries"].values()]
    wanted += [value for file in manifest["history"] for value in (file["path"], file["sha256"], file["bytes"])]
    wanted += [rule["weight"] for rule in manifest["profile"]["rules"].values()]
    report.check(f"Method: {len(wanted)} settings and hashes", [value for value in wanted if value not in said])


def check_tables(book, folder, manifest, report):
    """Compares the sheets of findings with the CSV files of the same names: the same columns, and local times."""
    zone = ZoneInfo(manifest["time_zone"])
    for name in TABLES:
        with open(folder / f"{name.lower()}.csv", newline="", encoding="utf-8") as file:
            head, *expected = csv.reader(file)
        wanted = [[value for title, text in zip(head, row) for value in in_sheet(title, label(text), zone)] for row in expected]
        found = [[as_text(value) for value in row] for row in listed(rows_of(book, name), NONE)]
        report.check(f"{name}: every column ({len(wanted)})", rows_differ(wanted, found))


def in_sheet(title, text, zone):
    """The values in the sheet for a field of a CSV file: a time has local time before it, unless that is UTC."""
    if not title.endswith("_utc"):
        return [as_text(float(text)) if re.fullmatch(r"-?\d+(\.\d+)?", text) else text]
    is_local = zone.key != "UTC"
    if not text:
        return [""] * (1 + is_local)
    utc = datetime.fromisoformat(text)
    local = utc.replace(tzinfo=timezone.utc).astimezone(zone).replace(tzinfo=None, fold=0)
    return [as_text(local)] * is_local + [as_text(utc)]


def as_text(value):
    if isinstance(value, (date, datetime)):
        return str(nearest_second(value))
    if isinstance(value, float):
        return f"{value:.2f}"
    return value if not re.fullmatch(r"-?\d+(\.\d+)?", value) else as_text(float(value))


def check_cells(rows, cells, clusters, manifest, report):
    """One row for each cell of a cluster, in the order of heatmap.csv within the cluster."""
    zone = ZoneInfo(manifest["time_zone"])
    is_local = zone.key != "UTC"
    starts = [f"Start ({manifest['time_zone']})"] * is_local + ["Start (UTC)"]
    head = ["Cluster", *starts, "Date", "Hour", "Mean", "Lowest", "Scored steps", "Expected steps", "Coverage", "Uncertain",
            "Worst metric", *(f"Lost to {name}" for name in NAMES)]
    report.check("Cells: headings", [rows[0]] if rows[0] != head else [])
    wanted, found = [], []
    for cluster in clusters:
        for cell in sorted(of_cluster(cells, cluster), key=lambda cell: datetime.fromisoformat(cell["start"])):
            at = datetime.fromisoformat(cell["start"])
            times = [str(at.astimezone(zone).replace(tzinfo=None, fold=0))] * is_local
            times.append(str(at.astimezone(timezone.utc).replace(tzinfo=None)))
            has = cell["mean"] is not None
            wanted.append([
                cluster, *times, cell["date"], int(cell["hour"]), shown_number("mean", cell) if has else "",
                shown_number("min", cell) if has else "", int(cell["steps_scored"]), int(cell["steps_expected"]),
                shown_number("coverage", cell), "yes" if cell["uncertain"] else "no", cell["worst_metric"],
                *(round(float(cell[f"{name}_loss"]), 6) if cell[f"{name}_loss"] else "" for name in NAMES)])
    first = 1 + len(starts)
    for row in rows[1:]:
        losses = [round(value, 6) if value != "" else "" for value in row[-len(NAMES):]]
        times = [str(nearest_second(value)) for value in row[1:first]]
        figures = [int(value) if place in (1, 4, 5) else value for place, value in enumerate(row[first:-len(NAMES)])]
        found.append([row[0], *times, str(figures[0]), *figures[1:], *losses])
    report.check(f"Cells: every column ({len(wanted)})", rows_differ(wanted, found))


def listed(rows, none):
    """The rows below the heading; none if the sheet has a sentence instead."""
    return [] if [row[0] for row in rows[1:]] in ([text] for text in none) else rows[1:]


def rows_differ(wanted, found):
    pairs = zip_longest(map(str, wanted), map(str, found))
    return [f"expected {want}, found {got}" for want, got in pairs if want != got]


def check_looks(path, sheets, cells, headings, report):
    book = openpyxl.load_workbook(path)
    formulas = [f"{sheet.title}!{cell.coordinate}" for sheet in book for row in sheet for cell in row
                if cell.data_type == "f"]
    report.check("workbook: no cell holds a formula", formulas)
    frozen = {sheet.title: sheet.freeze_panes for sheet in book}
    report.compare("workbook: frozen panes", {
        "Summary": "B6", **dict.fromkeys(OWN_SHEETS[1:], "B2"), **dict.fromkeys(sheets.values(), "B5")}, frozen)
    made = book.properties.created
    report.check("workbook: its creation time is fixed", [] if made == datetime(2000, 1, 1) else [made])
    for cluster, name in sheets.items():
        own = of_cluster(cells, cluster)
        days = sorted({cell["date"] for cell in own})
        check_colours(book[name], len(days), headings, report)
        check_formats(book[name], days, own, headings, report)


def check_colours(sheet, days, headings, report):
    """Checks the color scales, each with three fixed points: one for the means, one for the lowest scores."""
    scales = {}
    for ranges in sheet.conditional_formatting:
        for rule in ranges.rules:
            points = [(p.type, float(p.val), c.rgb) for p, c in zip(rule.colorScale.cfvo, rule.colorScale.color)]
            scales[str(ranges.sqref)] = points
    letter = openpyxl.utils.get_column_letter
    means, of_day, lowest, coverage = blocks(headings)
    first, last = ABOVE + 1, ABOVE + days
    def area(begin, count):
        return f"{letter(begin + 1)}{first}:{letter(begin + count)}{last}"

    wanted = {area(means, len(headings)): HEAT, area(lowest, len(headings)): HEAT}
    report.compare(f"{sheet.title!r}: colours", wanted, {k: v for k, v in scales.items() if k in wanted})
    wrong = [scale for scale in scales.values() if len(scale) == 3 and scale != HEAT]
    report.check(f"{sheet.title!r}: a color scale without fixed points", wrong)


def check_formats(sheet, days, cells, headings, report):
    wrong, places = [], set()
    means, _, lowest, _ = blocks(headings)
    for cell in cells:
        row = ABOVE + 1 + days.index(cell["date"])
        for block in (means, lowest):
            column = block + 1 + list(headings).index(cell["slot"])
            places.add((row, column))
            shown = sheet.cell(row, column)
            is_hatched = shown.fill.patternType == "lightUp" and shown.value is None
            is_marked = "~" in shown.number_format and shown.font.i
            is_dotted = shown.fill.patternType == "gray125" and shown.value is None
            steps = cell["steps_scored"], cell["steps_expected"], cell["steps_idle"]
            wanted = (False, True) if is_idle(*steps) else (cell["mean"] is None, False)
            has_score = cell["mean"] is not None
            if (is_hatched, is_dotted) != wanted or (has_score and is_marked != cell["uncertain"]):
                wrong.append(f"{shown.coordinate}: hatched {is_hatched}, dotted {is_dotted}, marked {is_marked}, but {cell}")
    for row in range(ABOVE + 1, ABOVE + 1 + len(days)):
        for column in range(means + 1, means + 1 + len(headings)):
            shown = sheet.cell(row, column)
            if (row, column) not in places and (shown.value is not None or shown.fill.patternType):
                wrong.append(f"{shown.coordinate}: not blank, although no member was expected")
    wrong += [f"A{row}: not a date" for row in range(ABOVE + 1, ABOVE + 1 + len(days)) if not sheet.cell(row, 1).is_date]
    report.check(f"{sheet.title!r}: unknown cells are hatched, uncertain ones marked, others blank", wrong)


def check_parts(path, report):
    """Checks that no part of the file contains code, connections or external links."""
    wrong = []
    with zipfile.ZipFile(path) as parts:
        for name in parts.namelist():
            text = parts.read(name).decode("utf-8")
            wrong += [f"{name}: {what}" for what in ("<f>", "<f ", 'TargetMode="External"', "externalLink") if what in text]
            wrong += [name] if re.search(r"vba|macro|connections|query", name, re.IGNORECASE) else []
    report.check("workbook: no formula, macro, connection or external link in any part", wrong)


def check_wide(path, cells, headings, manifest, report):
    names = ["cluster", "member", "date", "hours_in_day", *headings.values(), "uncertain"]
    expected = {}
    for cell in cells:
        day = date.fromisoformat(cell["date"])
        row = expected.setdefault((cell["cluster"], cell["member"], day), {"hours_in_day": hours_of(day, manifest)})
        heading = headings[cell["slot"]]
        if cell["mean"] is not None:
            row[heading] = number(down(cell["mean"], 100), 100)
            if cell["uncertain"]:
                row.setdefault("uncertain", []).append((cell["slot"], heading))
        else:
            row[heading] = "idle" if is_idle(*(cell[f"steps_{what}"] for what in ("scored", "expected", "idle"))) else "unknown"
    for row in expected.values():
        if "uncertain" in row:
            row["uncertain"] = " ".join(f"{heading};" for _, heading in sorted(row["uncertain"]))
    with open(path, newline="", encoding="utf-8-sig") as file:
        head, *rows = csv.reader(file)
    report.check("wide CSV: headings", [] if head == names else [head])
    wrong = [field for row in [head, *rows] for field in row if field.startswith(STARTS_A_FORMULA)]
    wrong += [field for row in rows for field in row[3:-1] if not re.fullmatch(r"(\d+(\.\d{1,2})?|unknown|idle)?", field)]
    report.check("wide CSV: no field starts like a formula, numbers have two decimals", wrong)
    report.compare("wide CSV by Python", expected, in_places(names, rows, date.fromisoformat))
    order = [(label(row[0]).encode(), label(row[1]).encode(), row[2]) for row in rows]
    report.check("wide CSV: each cluster before its members, days in order", [] if order == sorted(order) else [order[:9]])
    types = {name: "varchar" for name in names[3:]} | {"cluster": "varchar", "member": "varchar", "date": "date"}
    rows = duckdb_rows(path, types, names)
    report.compare("wide CSV by DuckDB", expected, in_places(names, rows, lambda day: day))


def duckdb_rows(path, types, names):
    columns = ", ".join(f"'{name}': '{types[name]}'" for name in names)
    options = "header = true, auto_detect = false, delim = ',', quote = '\"', escape = '\"'"
    return duckdb.sql(f"from read_csv('{path}', columns = {{{columns}}}, {options})").fetchall()


def in_places(names, rows, as_date):
    found = {}
    for row in rows:
        values = {name: value if name == "uncertain" or value in ("unknown", "idle") else float(value)
                  for name, value in zip(names[3:], row[3:]) if value not in ("", None)}
        found[label(row[0]), label(row[1] or ""), as_date(row[2])] = values
    return found


if __name__ == "__main__":
    main()
