"""Compares the annotations in report.html, in the list of events and on the charts, with annotations.csv."""

import os
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import report_cells
import report_use
from annotations import annotations as read
from report_cells import legible as legible_field
from report_parts import manifest_of

HOUR = 3600
WIDTH = 600
LISTED = 12


def legible(text):
    """A text that is not a field of a CSV file, with invisible characters spelled out."""
    return legible_field(f"'{text}")


def clock(second):
    return datetime.fromtimestamp(second, timezone.utc).strftime("%Y-%m-%d %H:%M")


def words(one):
    return clock(one["start"]) + ("" if one["end"] is None else f" to {clock(one['end'])}")


def annotations(page, report, audit):
    asked = manifest_of(audit)["asked"]
    first, last = (datetime.fromisoformat(asked[end]).timestamp() for end in ("start", "end"))
    clusters = page.evaluate("index.clusters.map((one) => one.name)")
    noted = read(os.path.join(audit, "annotations.csv"), ZoneInfo("UTC"))
    noted = [one for one in noted if one["from"] < last and first < one["to"] and legible(one["cluster"]) in ["", *clusters]]
    page.evaluate("document.querySelector('#annotations').open = true")
    rows = page.evaluate("[...document.querySelector('#annotations tbody').rows].map((row) => [...row.cells].map((cell) => cell.textContent))")
    wanted = [[clock(one["start"]), clock(one["end"]) if one["end"] else "", legible(one["cluster"]) or "all", one["kind"].replace("_", " "),
               legible(one["text"])] for one in noted]  # fmt: skip
    report.check(f"the list of annotations ({len(wanted)})", [] if rows == wanted and wanted else [rows])
    says = page.evaluate("document.querySelector('#annotations summary').textContent")
    report.check("and their number", [] if says == f"{len(noted)} annotations in this range" else [says])
    lines = report_cells.lines(audit)
    for number, cluster in enumerate(clusters):
        report_use.open_cluster(page, number)
        cells = lines[cluster, None]
        ends = report_cells.start(cells[0]), report_cells.start(cells[-1]) + HOUR
        charts(page, report, number, [one for one in noted if legible(one["cluster"]) in ("", cluster)], ends)


def charts(page, report, number, noted, ends):
    """The marks on every chart of a cluster whose whole range is drawn."""
    first, last = ends
    shown = [one for one in noted if one["start"] < last and (one["end"] or one["start"]) >= first]
    place = lambda second: round(max(0, min(1, (second - first) / (last - first))) * WIDTH, 3)  # noqa: E731
    title = lambda one: f"{words(one)}: {legible(one['text'])}"  # noqa: E731
    lines = sorted([place(one["start"]), title(one)] for one in shown if one["start"] >= first)
    bars = sorted([place(one["start"]), place(one["end"]), title(one)] for one in shown if one["end"] is not None)
    found = page.until(f"""(() => {{
        const charts = document.querySelector('#cluster-{number} .charts');
        if (!charts || !charts.querySelector('svg') || !charts.parentElement.querySelector('.keys .noted')) return false;
        const number = (mark, name) => Number(mark.getAttribute(name));
        const rounded = (value) => Math.round(value * 1000) / 1000;
        return [...charts.querySelectorAll('svg')].map((svg) => ({{
            says: svg.getAttribute('aria-label'),
            lines: [...svg.querySelectorAll('line.noted')].map((mark) => [rounded(number(mark, 'x1')), mark.textContent]),
            bars: [...svg.querySelectorAll('.noted-range')].map((mark) => [rounded(number(mark, 'x')), rounded(number(mark, 'x') + number(mark, 'width')), mark.textContent]),
        }}));
    }})()""")
    wrong = [chart for chart in found if sorted(chart["lines"]) != lines or sorted(chart["bars"]) != [[a, max(b, round(a + 1, 3)), t] for a, b, t in bars]]
    report.check(f"marks on the charts of cluster {number} ({len(lines)} lines, {len(bars)} bars)", wrong)
    count = f"; {len(shown)} annotation{'s' * (len(shown) != 1)}, listed below"
    report.check("charts name their annotations", [chart["says"] for chart in found if chart["says"].endswith(count) != bool(shown)])
    listed = page.evaluate(f"[...document.querySelectorAll('#cluster-{number} .noted-list li')].map((one) => one.textContent)")
    report.check("the list below the charts", [] if listed[:LISTED] == [title(one) for one in shown[-LISTED:]] else [listed])
