"""Opens report.html in a headless Chromium, compares it with heatmap.csv and findings.csv, and tests its security.

usage: report_page.py AUDIT CHECK

`cells` compares every cell of every cluster and member, selected with the page's own controls; `times` compares cells
around a clock change; `use` clicks and types; `colours` measures contrast; `policy` injects a script; `labels` checks
hostile names; `verdict`, `problems`, `clusters`, `readings` and `events` compare these parts of the page; `places`
measures where things stand on a desktop and on a phone; `axe` runs axe-core; `plain` disables scripts; `ahead` compares the
next 24 hours with forecast.json; `annotations` compares those of the page with annotations.csv."""

import argparse
import json
import os
import shutil
import tempfile

import report_access
import report_ahead
import report_cells
import report_notes
import report_parts
import report_use
from chromium import Chromium
from report import Report

TABLES = """[...document.querySelectorAll(SELECTOR)].map((table) => {
  const heads = [...table.tHead.rows[0].cells].map((head) => head.textContent);
  const ofPast = [...table.tBodies[0].rows].filter((row) => row.querySelector("td:not(.none, .ahead)"));
  return ofPast.flatMap((row) => [...row.cells].slice(1).map((cell, i) => [cell, i]).filter(([cell]) => !cell.classList.contains("ahead")).map(([cell, i]) => ({
    row: row.cells[0].textContent, column: heads[i + 1], text: cell.textContent, classes: [...cell.classList],
    says: cell.getAttribute("aria-label"), start: Number(cell.dataset.start), colour: getComputedStyle(cell).backgroundColor,
    strip: Math.round(10 * (parseFloat(getComputedStyle(cell, "::after").width) || 0) / cell.clientWidth),
  })));
})"""


def tables(page, selector):
    return page.evaluate(TABLES.replace("SELECTOR", json.dumps(selector)))


def cells(page, report, audit):
    lines = report_cells.lines(audit)
    clusters = list(dict.fromkeys(cluster for cluster, _ in lines))
    seen, weeks = {}, {}
    for number, cluster in enumerate(clusters):
        report_use.open_cluster(page, number)
        members = sorted(member for name, member in lines if name == cluster and member)
        for level, member in enumerate([None, *members]):
            report_use.choose(page, f"#cluster-{number} .bar label:last-child select", level)
            maps = tables(page, f"#cluster-{number} table.heat")
            report.check(f"two tables of {cluster}, {member}", [] if len(maps) == 2 else [len(maps)])
            seen[cluster, member], weeks[cluster, member] = maps
        if len(members) > 1:
            report_use.choose(page, f"#cluster-{number} .bar label:last-child select", len(members) + 1)
            each = tables(page, f"#cluster-{number} .map table.heat")
            report.check(f"one table per member of {cluster}", [] if len(each) == len(members) else [len(each)])
            wrong = [m for m, table in zip(members, each) if table != seen[cluster, m]]
            report.check("and all tables differ", wrong)
    report_cells.compare_maps(report, seen, lines)
    report_use.choose(page, "[name=value]", 1)
    lowest = {}
    for number, cluster in enumerate(clusters):
        report_use.choose(page, f"#cluster-{number} .bar label:last-child select", 0)
        lowest[cluster, None] = tables(page, f"#cluster-{number} table.heat")[0]
    report_cells.compare_maps(report, lowest, {line: lines[line] for line in lowest}, "min")
    report_use.choose(page, "[name=value]", 0)
    report_cells.compare_weeks(report, weeks, lines)


def times(page, report, audit):
    def panel_of(second):
        page.mouse(f'#cluster-0 td[data-start="{second}"]', click=True)
        return report_use.panel(page)["facts"]

    report_use.open_cluster(page, 0)
    report_cells.compare_times(report, audit, panel_of)


def policy(page, report, audit):
    """Checks that the page's policy blocks an injected script, event handler, picture and style sheet."""
    before = page.complaints()
    with open(os.path.join(audit, "report.html"), encoding="utf-8") as file:
        text = file.read()
    injected = '<script>window.injected = 1</script><p id="h" onclick="window.injected = 2">x</p>'
    injected += '<img src="http://127.0.0.1:9/x.png"><link rel="stylesheet" href="http://127.0.0.1:9/x.css">'
    folder = tempfile.mkdtemp(prefix="report-")
    try:
        path = os.path.join(folder, "report.html")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace('<div id="tip"', f'{injected}<div id="tip"', 1))
        page.open(f"file://{path}")
        page.until("window.firstPicture")
        page.mouse("#h", click=True)
        ran = page.evaluate("window.injected ?? null")
        report.check("no injected script or event handler runs", [] if ran is None else [f"window.injected = {ran}"])
        refused = page.until("window.violations.length >= 4 && window.violations.map((v) => v.split(' ')[0])")
        wanted = {"script-src-elem", "script-src-attr", "img-src", "style-src-elem"}
        report.check("the policy blocks script, event handler, picture and style", wanted - set(refused))
        # Without the policy the same script runs, so it is the policy that blocks it.
        start = text.index("<meta http-equiv=\"Content-Security-Policy\"")
        with open(path, "w", encoding="utf-8") as file:
            file.write((text[:start] + text[text.index(">", start) + 1 :]).replace('<div id="tip"', f'{injected}<div id="tip"', 1))
        page.open(f"file://{path}")
        ran = page.evaluate("window.injected ?? null")
        report.check("they run without the policy", [] if ran == 1 else [f"window.injected = {ran}"])
    finally:
        shutil.rmtree(folder)
    report.check("no policy violation before the injection", before)


def plain(page, report, audit):
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    page.load("Page.reload")
    lines = report_cells.lines(audit)
    clusters = list(dict.fromkeys(cluster for cluster, _ in lines))
    found = tables(page, "noscript table.heat")
    report.check("one table per cluster", [] if len(found) == len(clusters) else [len(found)])
    wanted = {(cluster, None): lines[cluster, None] for cluster in clusters}
    report_cells.compare_maps(report, {(c, None): table for c, table in zip(clusters, found)}, wanted, is_plain=True)
    shown = page.evaluate("""[...document.querySelectorAll("noscript td, noscript p")].every((e) => e.offsetHeight > 0)
        && [...document.querySelectorAll(".scripted")].every((e) => e.offsetHeight === 0)""")
    report.check("tables are visible, and controls that need a script are hidden", [] if shown else ["hidden"])


CHECKS = {
    "cells": cells, "times": times, "use": report_use.use, "colours": report_use.colours, "policy": policy, "labels": report_use.labels,
    "verdict": report_parts.verdict, "problems": report_parts.problems, "clusters": report_parts.clusters,
    "readings": report_parts.readings, "events": report_parts.events, "places": report_access.places, "axe": report_access.axe,
    "plain": plain, "ahead": report_ahead.ahead, "annotations": report_notes.annotations,
}  # fmt: skip


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("audit")
    parser.add_argument("check", choices=CHECKS)
    asked = parser.parse_args()
    report = Report()
    url = f"file://{os.path.abspath(asked.audit)}/report.html"
    with Chromium() as page:
        page.open(url)
        page.until("window.firstPicture")
        requests = page.requests()
        CHECKS[asked.check](page, report, asked.audit)
        if asked.check != "policy":
            report.check("no console messages, no policy violations", page.complaints())
            requests = page.requests()
            dialogs = [e for e in page.events if e.get("method") == "Page.javascriptDialogOpening"]
            report.check("no dialog opens", dialogs)
        report.check("the page requests nothing but itself", [asked for asked in requests if asked != url])
        report.check("the page itself is requested", [] if url in requests else ["no request recorded"])
    report.close()


if __name__ == "__main__":
    main()
