"""Compares verdict, problems, clusters, readings and events of report.html with the other files of its folder."""

import csv
import datetime
import json
import math
import os
import re
from collections import Counter, defaultdict
from fractions import Fraction

import cell_readings
import duckdb
import report_cells
import shown
from report_cells import legible
from spec import METRICS

CAUSES = {
    "slow_disk": "Slow disk", "leader_instability": "Frequent leader changes", "file_descriptors": "Too many open files",
    "database_size": "Large database", "client_traffic": "Heavy client traffic", "member_without_data": "Member without data",
    "member_replaced": "Member replaced", "restart": "Restart", "no_leader": "No leader",
    "database_full": "Database at its quota", "source_without_data": "Source without data",
}  # fmt: skip
KINDS = {
    "leader_change": "leader change", "recurrence": "recurrence", "growth": "growing database",
    "defragmentation": "defragmentation", "fragmentation": "fragmentation", "cluster_size": "even cluster size", "mixed_versions": "mixed version",
    "two_leaders": "leader overlap", "maintenance_window": "maintenance window", "incident": "incident", "anomaly": "anomaly",
}  # fmt: skip
THRESHOLDS = {"wal_fsync": [0.01], "backend_commit": [0.025, 0.04], "open_fds": [1024], "leader_changes": [5]}
"""Those of the profile seed."""


def rows_of(audit, name):
    with open(os.path.join(audit, name), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def manifest_of(audit):
    with open(os.path.join(audit, "manifest.json"), encoding="utf-8") as file:
        return json.load(file)


def grouped(number):
    return f"{number:,}"


def unknown_hours(rows, audit):
    steps = sum(int(r["steps_expected"]) - int(r["steps_scored"]) - int(r["steps_idle"]) for r in rows)
    return Fraction(steps * manifest_of(audit)["asked"]["step_seconds"], 3600)


def below(rows, limit):
    return sum(1 for row in rows if row["mean"] and shown.exact(row["mean"]) < limit)


def verdict(page, report, audit):
    problems = [row for row in rows_of(audit, "problems.csv") if row["schedule"] != "scattered"]
    lines = {line: rows for line, rows in report_cells.lines(audit).items() if line[1] is None}
    rows = [row for of in lines.values() for row in of]
    wanted = {
        "clusters with problems": f"{len({row['cluster'] for row in problems})} of {len(lines)}",
        "hours below 7": grouped(below(rows, 7)),
        "hours unknown": grouped(math.ceil(unknown_hours(rows, audit))),
        "problems": grouped(len(problems)),
    }
    found = page.evaluate("[...document.querySelectorAll('dl.figures div')].map((div) => [div.children[0].textContent, div.children[1].textContent])")
    report.compare("figures of the verdict", wanted, dict(found))
    sentence = page.evaluate("document.querySelector('h1').textContent")
    count = re.match(r"(\d+|None) of (\d+) clusters? needs? attention", sentence)
    report.check("the verdict's sentence", [] if count and int(count[2]) == len(lines) else [sentence])


CARDS = """[...document.querySelectorAll("article.problem")].map((card) => {
    const of = (selector) => card.querySelector(selector)?.textContent ?? "";
    return { rank: Number(card.dataset.rank), name: of(".cluster-name"), title: of(".title"), impact: of(".impact"), when: of(".when"),
        reading: of(".reading"), next: of(".next"), command: of(".command"), bars: of(".spark") || card.querySelector(".spark path").getAttribute("d"),
        ends: of(".ends"), isOpen: card.checkVisibility({ contentVisibilityAuto: true }) };
})"""


def number_in(pattern, text):
    found = re.search(pattern, text)
    return float(found[1].replace(",", "")) if found else None


def card_faults(card, row):
    """What differs between a card and its row of problems.csv."""
    members = [legible(member) for member in row["members"].split("; ") if member]
    lost, share = float(row["points_hours_lost"] or 0), row["share_percent"]
    worst = number_in(r"up to ([\d.,]+)", card["reading"])
    wanted_worst = float(row["worst_value"]) if row["worst_value"] else None
    scale = {"GiB": 2**30, "MiB": 2**20, "KiB": 2**10, "s": 1000}.get((re.search(r"up to [\d.,]+ (\w+)", card["reading"]) or [0, ""])[1], 1)
    times = number_in(r"([\d,]+) times", card["when"])
    checks = {
        "rank": card["rank"] == int(row["rank"]),
        "cluster": card["name"] == legible(row["cluster"]),
        "title": card["title"].startswith(CAUSES[row["cause"]]) and all(member in card["title"] for member in members[:3]),
        "lost": not lost or abs((number_in(r"([\d.,]+) points × h lost", card["impact"]) or 0) - lost) < 0.011,
        "share": not lost or abs((number_in(r"\(([\d.]+) % of", card["impact"]) or 0) - float(share)) < 0.101,
        "left": not row["members_left"] or f"{row['members_left']} of {row['members_expected']} members left" in card["impact"],
        "lowest": not (lost and row["lowest_score"]) or number_in(r"lowest score ([\d.]+)", card["impact"]) == float(row["lowest_score"]),
        "times": times is None or times == int(row["occurrences"]),
        "reading": wanted_worst is None and worst is None
        or wanted_worst is not None and worst is not None and -0.02 <= worst * scale - wanted_worst <= 0.0101 * wanted_worst + 0.01,
        "next": row["what_to_do"] in card["next"] and row["documentation"] in card["next"],
        "command": card["command"] == legible(row["explain_command"]),
        "bars": bool(card["bars"]),
    }  # fmt: skip
    return [f"{name} of problem {row['rank']}: {card}" for name, is_right in checks.items() if not is_right]


def problems(page, report, audit):
    rows = sorted(rows_of(audit, "problems.csv"), key=lambda row: int(row["rank"]))
    cards = sorted(page.evaluate(CARDS), key=lambda card: card["rank"])
    report.check(f"all problems have a card ({len(rows)})", [] if len(rows) == len(cards) > 0 else [len(cards)])
    report.check("cards", [fault for card, row in zip(cards, rows) for fault in card_faults(card, row)])
    first = [int(row["rank"]) for row in rows if row["schedule"] != "scattered"][:10]
    opened = [card["rank"] for card in page.evaluate(CARDS) if card["isOpen"]]
    report.check("the ten worst are open, in order", [] if opened == first else [opened])
    says = page.evaluate("document.querySelector('#problem-count').textContent")
    counts = f"{len(first)} shown" + (f" + {len(rows) - len(first)} folded" if len(rows) > len(first) else "") + f" = {len(rows)} problem"
    report.check("shown and folded add up", [] if says.startswith(counts) else [says])
    show(page, report, rows)
    markdown(page, report, rows)
    filters(page, report, rows)


def instant(text):
    return int(datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc).timestamp())


def show(page, report, rows):
    """Show outlines every cell of the problem until Escape."""
    row = next(row for row in rows if row["schedule"] == "once" and row["points_hours_lost"] not in ("", "0"))
    first, last = instant(row["first_utc"]), instant(row["last_utc"])
    page.mouse(f"#problem-{row['rank']} .show", click=True)
    page.until("document.querySelector('td.outlined') !== null")
    cells = page.evaluate("[...document.querySelectorAll('.map td[data-start]')].map((td) => [Number(td.dataset.start), Number(td.dataset.end), td.classList.contains('outlined')])")
    wrong = [cell for cell in cells if cell[2] != (cell[0] < last and cell[1] > first)]
    report.check(f"outlined cells of problem {row['rank']} ({sum(cell[2] for cell in cells)} of {len(cells)})", wrong)
    report.check("the address names the problem", [] if page.evaluate("location.hash") == f"#show={row['rank']}" else [page.evaluate("location.hash")])
    page.load("Page.reload")
    page.until("document.querySelector('td.outlined') !== null")
    page.key("Escape")
    left = page.until("document.querySelectorAll('td.outlined').length === 0 && [location.hash]")
    report.check("a reload shows it again, and Escape ends it", [] if left == [""] else left)


def markdown(page, report, rows):
    text = page.evaluate("markdownOf(document.querySelector('#problem-1'))")
    heads = re.findall(r"^## (.*)$", text, re.MULTILINE)
    report.check("sections of the Markdown", [] if heads == ["Impact", "Timeline", "Cause", "Evidence", "Actions"] else [heads])
    escaped = re.sub(r"([\\`*_{}\[\]<>#|])", r"\\\1", legible(rows[0]["problem_id"]))
    wanted = [legible(rows[0]["explain_command"]), escaped, "- [ ] ", rows[0]["documentation"]]
    report.check("it holds command, id and action", [part for part in wanted if part not in text])
    stretches = len(re.findall(r"^- \d{4}-\d\d-\d\d \d\d:\d\d UTC", text, re.MULTILINE))
    report.check("its timeline", [] if stretches >= min(20, int(rows[0]["occurrences"])) else [stretches])


def filters(page, report, rows):
    visible = "[...document.querySelectorAll('article.problem')].filter((card) => card.checkVisibility({ contentVisibilityAuto: true })).map((card) => Number(card.dataset.rank)).sort((a, b) => a - b)"
    cluster, cause = rows[0]["cluster"], rows[0]["cause"]
    for name, value, column in (("cluster", legible(cluster), "cluster"), ("cause", cause, "cause")):
        page.evaluate(f"(() => {{ const one = document.querySelector('#filter [name={name}]'); one.value = {json.dumps(value)}; one.dispatchEvent(new Event('input', {{ bubbles: true }})); }})()")
        wanted = [int(row["rank"]) for row in rows if row[column] == rows[0][column]]
        report.check(f"the filter by {name}", [] if page.evaluate(visible) == wanted else [page.evaluate(visible), wanted])
        page.evaluate("document.querySelector('#filter').reset()")
        page.until("document.querySelector('#filtered').textContent === ''")
    page.evaluate("document.querySelector('#filter [name=text]').focus()")
    page.call("Input.insertText", text="xyzzy")
    report.check("the filter by text", [] if page.evaluate(visible) == [] else [page.evaluate(visible)])
    said = page.evaluate("document.querySelector('#filtered').textContent")
    report.check("it says how many fit", [] if said.startswith(f"0 of {len(rows)} problem") else [said])


def status(rows, missing):
    """The bands that a cluster may have: at least 1 % of its hours are in the band or below it, or a member was missing."""
    for limit, name in ((5, "critical"), (7, "bad")):
        low = below(rows, limit) + (missing if name == "bad" and 100 * missing >= len(rows) else 0)
        if 100 * low >= len(rows) and low:
            return [name]
    mean = shown.mean((row["mean"], row["steps_scored"]) for row in rows if row["mean"])
    return ["critical"] if mean is None else ["degraded"] if mean < shown.exact(9.5) else ["ok", "degraded"]


def clusters(page, report, audit):
    lines = {line[0]: rows for line, rows in report_cells.lines(audit).items() if line[1] is None}
    problems_of = Counter(legible(row["cluster"]) for row in rows_of(audit, "problems.csv") if row["schedule"] != "scattered")
    expected, strips = {}, {}
    for name, rows in lines.items():
        mean = shown.mean((row["mean"], row["steps_scored"]) for row in rows if row["mean"])
        tenths = math.ceil(unknown_hours(rows, audit) * 10)
        expected[name] = [grouped(below(rows, 7)), grouped(below(rows, 5)), f"{tenths // 10}.{tenths % 10}",
                          "unknown" if mean is None else shown.points(mean), str(problems_of[name])]  # fmt: skip
        days = defaultdict(list)
        for row in rows:
            days[row["date"]].append(row)
        for day, of_day in days.items():
            scored = [row for row in of_day if row["mean"]]
            low = below(scored, 7)
            percent = str(-(-100 * low // len(scored))) if scored else "·"
            unscored = len(of_day) - len(scored)
            says = f"{name}, {day}: {low} of {len(scored)} hour{'s' * (len(scored) != 1)} below 7" + (f", {unscored} unknown" if unscored else "")
            strips[says] = percent
    found = page.evaluate("""[...document.querySelector("#cluster-table").tBodies[0].rows].map((row) =>
        [row.cells[0].textContent, [...row.cells].slice(2, 7).map((cell) => cell.textContent)])""")
    report.compare("figures of clusters", expected, dict(found))
    cells = page.evaluate("[...document.querySelectorAll('#cluster-table td.strip')].map((cell) => [cell.getAttribute('aria-label'), cell.textContent])")
    report.compare("the strips of low hours", strips, dict(cells))
    statuses = dict(page.evaluate("[...document.querySelector('#cluster-table').tBodies[0].rows].map((row) => [row.cells[0].textContent, row.cells[1].textContent])"))
    missing = Counter()
    for row in rows_of(audit, "problems.csv"):
        if row["members_left"]:
            missing[legible(row["cluster"])] = max(missing[legible(row["cluster"])], float(row["hours_low"]))
    wrong = [(name, of) for name, of in statuses.items() if of not in status(lines[name], missing[name])]
    report.check("the status of clusters", wrong)
    kinds = ("cluster_size", "mixed_versions", "two_leaders", "fragmentation")
    facts = [legible(row["description"]) for row in rows_of(audit, "findings.csv") if row["kind"] in kinds]
    shown_facts = page.evaluate("[...document.querySelectorAll('ul.facts li')].map((one) => one.textContent)")
    report.check(f"facts of clusters ({len(facts)})", [] if sorted(facts) == sorted(shown_facts) else [facts, shown_facts])
    names = [name for name, _ in found]
    for key, figure in (("below7", lambda name: -int(expected[name][0].replace(",", ""))), ("name", lambda name: name)):
        page.mouse(f"#cluster-table th[data-sort={key}] button", click=True)
        order = page.evaluate("[...document.querySelector('#cluster-table').tBodies[0].rows].map((row) => row.cells[0].textContent)")
        wanted = sorted(names, key=figure)
        report.check(f"sorted by {key}", [] if order == wanted else [order])


def readings(page, report, audit):
    """Every decoded reading against the history: medians in two digits, maxima in three and never on the wrong side."""
    found = {}
    for number, cluster in enumerate(page.evaluate("index.clusters.map((one) => one.name)")):
        for metric, start_s, p50, top, member in page.evaluate(f"""load({number}).then((lines) => index.charted.flatMap((metric, m) =>
            Array.from({{ length: lines[0].length }}, (_, i) => [lines.readings.at(m, i), i]).filter(([one]) => one).map(([one, i]) =>
                [metric.name, lines[0].start[i], one.p50, one.max, one.member])))"""):  # fmt: skip
            found[metric, cluster, start_s] = p50, top, member
    wrong, count = [], 0
    members = duckdb.sql(f"select distinct cluster, member from '{audit}/history/*/readings.parquet' where open_fds is not null").fetchall()
    names = {cluster: sorted(m for c, m in members if c == cluster) for cluster, _ in members}
    held = set(duckdb.sql(f"from read_parquet('{audit}/history/*/readings.parquet', union_by_name = true)").columns)
    evidence = {name: drawn for name, drawn in cell_readings.EVIDENCE.items() if held & set(re.findall(r"[a-z_]+", drawn))}
    charted = page.evaluate("index.evidence.map((one) => one.name)")
    report.check("evidence with charts", [] if charted == list(evidence) else [charted])
    for metric, column in (cell_readings.METRICS | evidence).items():
        values = {"history": audit, "width": 3600, "offset": 0, "column": column}
        for cluster, start_s, p50, top, place in duckdb.sql(cell_readings.CELLS.format(**values)).fetchall():
            count += 1
            key = metric, legible(cluster), start_s
            if key not in found:
                wrong.append(f"missing {key}")
            elif fault := reading_fault(metric, (p50, top, names[cluster][place - 1]), found.pop(key)):
                wrong.append(f"{key}: {fault}")
    report.check(f"readings of cells ({count})", wrong if count else ["nothing was compared"])
    report.check("no reading too many", found)
    charts(page, report)


def reading_fault(metric, wanted, found):
    (p50, top, member), (shown_p50, shown_top, shown_member) = wanted, found
    limits = THRESHOLDS.get(metric, [])
    if metric in ("open_fds", "leader_changes", "proposals_pending", "has_leader"):
        is_near = shown_p50 == math.ceil(p50) and shown_top == math.ceil(top)
    else:
        is_near = abs(shown_p50 - p50) <= 0.051 * p50 and top * (1 - 1e-5) <= shown_top <= top * 1.0101
    same_side = [shown_top > limit for limit in limits] == [top > limit for limit in limits]
    is_high = top > 0 if metric in cell_readings.EVIDENCE else limits and top > limits[0]
    is_named = shown_member == (legible(member) if is_high else None)
    return None if is_near and same_side and is_named else f"{found} instead of {wanted}"


def charts(page, report):
    """The crosshair is at the same place in all charts, moves by keys, and its cell can be opened."""
    page.evaluate("document.querySelector('.crosshair input').focus()")
    for _ in range(3):
        page.key("ArrowRight")
    seen = page.evaluate("""(() => {
        const lines = [...document.querySelectorAll(".charts line.cross")];
        return { count: lines.length, places: [...new Set(lines.map((line) => line.getAttribute("x1")))], hidden: lines.filter((line) =>
            line.getAttribute("visibility") === "hidden").length, when: document.querySelector(".crosshair .when").textContent,
            says: [...document.querySelectorAll(".charts figcaption output")].map((one) => one.textContent) };
    })()""")
    is_shared = seen["count"] == page.evaluate("index.charted.length") >= len(METRICS) and len(seen["places"]) == 1 and not seen["hidden"] and seen["when"]
    report.check("one crosshair for all charts", [] if is_shared else [seen])
    report.check("it reads every chart", [says for says in seen["says"] if not re.match(r"median .+, highest .+|no reading", says)])
    page.mouse(".crosshair button", click=True)
    title = page.until("!document.querySelector('#panel').hidden && document.querySelector('#panel h2').textContent")
    report.check("its cell opens", [] if title == seen["when"] else [title])


def events(page, report, audit):
    rows = rows_of(audit, "findings.csv")
    by_cluster = defaultdict(list)
    for row in rows:
        by_cluster[legible(row["cluster"])].append((KINDS[row["kind"]], legible(row["description"])))
    page.evaluate("document.querySelectorAll('details.events').forEach((one) => (one.open = true))")
    page.until("[...document.querySelectorAll('details.events')].every((one) => one.querySelector('table'))")
    found = page.evaluate("""Object.fromEntries([...document.querySelectorAll("details.events")].map((one) => [one.querySelector("summary bdi").textContent,
        { says: one.querySelector("summary span").textContent, rows: [...one.querySelector("tbody").rows].map((row) =>
            [row.cells[0].textContent, row.cells[4].querySelector("bdi").textContent]) }]))""")
    report.compare("findings by cluster", {name: sorted(of) for name, of in by_cluster.items()},
                   {name: sorted(map(tuple, one["rows"])) for name, one in found.items()})  # fmt: skip
    counts = {name: sorted(Counter(kind for kind, _ in of).values()) for name, of in by_cluster.items()}
    report.compare("their counts", counts, {name: sorted(int(n) for n in re.findall(r"\d+", one["says"])) for name, one in found.items()})
    all_of = page.evaluate("document.querySelector('#event-count').textContent")
    report.check("the number of all findings", [] if int(all_of.split()[0].replace(",", "")) == len(rows) > 0 else [all_of])
