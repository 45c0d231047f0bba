"""Uses report.html as a reader does, with mouse, keys and controls, and checks what it shows."""

import csv
import html.parser
import json
import os

import report_cells
from drawn import heat
from report_cells import legible, start
from shown import loss, points

FOCUSED = "document.activeElement.dataset.start ?? null"


def open_cluster(page, number):
    if not page.evaluate(f"document.getElementById('cluster-{number}').open"):
        page.mouse(f"#cluster-{number} > summary", click=True)
    page.until(f"document.querySelector('#cluster-{number} .week td[aria-label]') !== null")


def choose(page, selector, value):
    """Chooses the option with index `value`, using the keyboard."""
    page.evaluate(f"document.querySelector({json.dumps(selector)}).focus()")
    page.key("Home")
    for _ in range(value):
        page.key("ArrowDown")
    chosen = page.evaluate(f"document.querySelector({json.dumps(selector)}).selectedIndex")
    if chosen != value:
        raise RuntimeError(f"{selector} is at {chosen}, not at {value}")


def text(page, selector):
    return page.evaluate(f"document.querySelector({json.dumps(selector)})?.innerText ?? null")


def panel(page):
    """The title, facts and tables of the open panel; None if it is closed."""
    return page.evaluate("""(() => {
        const panel = document.querySelector("#panel");
        if (panel.hidden || panel.offsetHeight === 0) return null;
        const facts = [...panel.querySelectorAll(":scope > dl > dt")].map((dt) => [dt.innerText, dt.nextElementSibling.innerText]);
        const tables = [...panel.querySelectorAll("table")].map((table) =>
            [...table.tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.innerText.trim())));
        return { title: panel.querySelector("h2").innerText, facts: Object.fromEntries(facts), tables };
    })()""")


def compare_panel(report, found, row, members):
    """Compares the panel of a cluster's cell with its row of heatmap.csv and those of its members."""
    what = f"panel of {row['start']}"
    if found is None:
        return report.check(what, ["no panel is open"])
    is_known = bool(row["mean"])
    steps = row["steps_scored"], row["steps_expected"]
    share = f"{report_cells.down(int(steps[0]) / int(steps[1]), 1000) / 10:.1f}"
    nothing = report_cells.without_score(row)
    facts = {
        "mean": points(row["mean"]) if is_known else nothing,
        "lowest": points(row["min"]) if is_known else nothing,
        "coverage": f"{steps[0]} of {report_cells.steps(steps[1])} scored ({share} %)",
        "worst metric": row["worst_metric"] or ("none cost anything" if is_known else nothing),
    }
    if int(row["steps_idle"]):
        facts["idle"] = f"{report_cells.steps(row['steps_idle'])}: {report_cells.WHY_IDLE}"
    report.compare(what, facts, {name: found["facts"].get(name) for name in facts})
    report.check("its title", [] if found["title"].startswith(row["date"]) else [found["title"]])
    readings, of_cells = found["tables"]
    losses = {
        title: loss(row[f"{metric}_loss"]) if is_known else "–"
        for title, metric in zip(report_cells.TITLES, report_cells.METRICS, strict=True)
    }
    report.compare("losses", losses, {name: lost for name, *_, lost in readings})
    of_members = {
        name: (points(m["mean"]), points(m["min"])) if m["mean"] else (report_cells.without_score(m),) * 2
        for name, m in members.items()
    }
    report.compare("members", of_members, {name: (mean, low) for name, mean, low, *_ in of_cells})
    order = [float(mean) if mean not in ("unknown", "idle") else -1 for _, mean, *_ in of_cells]
    report.check("the worst member comes first", [] if order == sorted(order) else [order])


def use(page, report, audit):
    lines = report_cells.lines(audit)
    cluster = next(iter(lines))[0]
    rows = lines[cluster, None]
    at = {start(row): row for row in rows}
    sections(page, report)
    open_cluster(page, 0)
    cell_of = lambda row: f'#cluster-0 td[data-start="{start(row)}"]'  # noqa: E731
    members = lambda row: {  # noqa: E731
        name: one for (c, name), of in lines.items() if c == cluster and name for one in of if one["start"] == row["start"]
    }
    lowest = min((row for row in rows if row["mean"]), key=lambda row: float(row["mean"]))
    without_score = {report_cells.without_score(row): row for row in rows if not row["mean"]}
    for row in (lowest, *without_score.values(), rows[0]):
        page.mouse(cell_of(row))
        report.check("the tooltip describes the cell", [] if text(page, "#tip") == report_cells.says(row) else [text(page, "#tip")])
        page.mouse(cell_of(row), click=True)
        compare_panel(report, panel(page), row, members(row))
    walk(page, report, cell_of, rows, at, members)
    jump(page, report, rows)


def sections(page, report):
    """Checks the order of the sections."""
    found = page.evaluate("[...document.querySelectorAll('main h2')].map((heading) => heading.innerText)")
    with_forecast = ["Next 24 hours"] if page.evaluate("document.querySelector('#next') !== null") else []
    wanted = [*with_forecast, "Problems", "Clusters", "Heat maps and readings", "Events", "Method"]
    report.check("the order of the page", [] if found == wanted else [found])


def walk(page, report, cell_of, rows, at, members):
    """Tests the keyboard: Tab enters the heat map, arrows move, Enter opens the panel, Escape closes it."""
    page.key("Escape")
    report.check("Escape closes the panel", [] if panel(page) is None else ["the panel is still open"])
    page.evaluate("document.activeElement.blur(); window.getSelection().removeAllRanges(); document.querySelector('#cluster-0 > summary').focus()")
    stops = []
    for _ in range(20):
        page.key("Tab")
        stops.append(page.evaluate("document.activeElement.closest('table.heat') && document.activeElement.closest('#cluster-0') !== null"))
        if stops[-1]:
            break
    report.check("Tab reaches the heat map", [] if stops[-1] else [f"not within {len(stops)} steps"])
    page.evaluate(f"document.querySelector({json.dumps(cell_of(rows[0]))}).focus()")
    for key, after in [("ArrowRight", 3600), ("ArrowRight", 7200), ("ArrowDown", 93600), ("ArrowLeft", 90000), ("ArrowUp", 3600),
                       ("End", 23 * 3600), ("Home", 0), ("ArrowDown", 86400)]:  # fmt: skip
        page.key(key)
        found = page.evaluate(FOCUSED)
        report.check(f"{key} moves the focus", [] if found == str(start(rows[0]) + after) else [found])
    here = at[int(page.evaluate(FOCUSED))]
    page.key("Enter")
    compare_panel(report, panel(page), here, members(here))
    page.key("Escape")
    back = page.evaluate(FOCUSED)
    report.check("Escape closes the panel and returns to the cell", [] if panel(page) is None and back == str(start(here)) else [back])
    page.key("Tab")
    left = page.evaluate("document.activeElement.closest('table.heat')?.getAttribute('aria-label') ?? null")
    report.check("Tab leaves the table", [] if left is None or "weekday" in left else [left])
    report.check("the address no longer names a cell", [] if page.evaluate("location.hash") == "" else [page.evaluate("location.hash")])
    page.evaluate(f"document.querySelector({json.dumps(cell_of(here))}).focus()")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    report.check("the focus is visible", [] if outline == "solid" else [outline])


def jump(page, report, rows):
    """A click on a cell of the table of clusters opens the lowest hour of its day."""
    day = rows[-1]["date"]
    name = report_cells.legible(rows[-1]["cluster"])
    page.evaluate(f"document.querySelector('#cluster-table td[aria-label^={json.dumps(f'{name}, {day[5:]}')}], #cluster-table td[aria-label^={json.dumps(f'{name}, {day}')}]').id = 'aimed'")
    page.mouse("#aimed", click=True)
    of_day = [row for row in rows if row["date"] == day]
    lowest = min((row for row in of_day if row["mean"]), key=lambda row: float(row["mean"]))
    found = page.until("document.querySelector('td.opened')?.dataset.start ?? null")
    report.check("the table of clusters opens the lowest hour", [] if found == str(start(lowest)) else [found])


# Contrast as defined by WCAG 2, from the colors that the page uses.
def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(rgb):
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in (c / 255 for c in rgb)]
    return sum(weight * share for weight, share in zip((0.2126, 0.7152, 0.0722), linear))


def rgb(text):
    return tuple(int(number) for number in text[text.index("(") + 1 : text.index(")")].split(",")[:3])


SCORES = """(() => {
    const table = document.querySelector("table.heat");
    const row = table.tBodies[0].insertRow();
    const found = Array.from({ length: 101 }, (_, tenth) => {
        const cell = row.insertCell();
        cell.className = `s${tenth}`;
        const style = getComputedStyle(cell);
        return [style.backgroundColor, style.color];
    });
    row.remove();
    const of = (selector, property) => getComputedStyle(document.querySelector(selector))[property];
    return { found, page: of("body", "backgroundColor"), text: of("body", "color"), quiet: of(".range", "color"),
        link: of(".clusters a", "color"), bad: of("h1", "color"), unknown: [of(".swatch.unknown", "backgroundImage"), of(".swatch.unknown", "color")] };
})()"""


BANDS = """(() => {
    const made = document.body.appendChild(document.createElement("i"));
    const found = Array.from({ length: 101 }, (_, tenth) => {
        made.className = `s${tenth}`;
        const style = getComputedStyle(made);
        return [style.backgroundColor, style.color];
    });
    made.remove();
    return found;
})()"""


def bands(page, report, palette):
    """Checks the coloring by bands: one color a band, each apart from the others, all with enough contrast."""
    seen = page.evaluate(BANDS)
    report.check(f"contrast of bands, palette {palette}", too_faint([(f"{i / 10}", *pair) for i, pair in enumerate(seen)]))
    found = [next(place for place, (lowest, _) in enumerate(report_cells.BANDS) if tenth >= lowest) for tenth in range(101)]
    by_band = [{pair[0] for pair, band in zip(seen, found, strict=True) if band == place} for place in range(4)]
    report.check("one color a band", [] if [len(of) for of in by_band] == [1] * 4 else [by_band])
    light = [luminance(rgb(next(iter(of)))) for of in by_band]
    # In print and to the color-blind, a worse band is darker, except that ok may be darker than degraded.
    report.check("worse bands are darker", [] if light[1] > light[2] > light[3] and light[0] > light[2] else [light])
    if palette == 0:
        wanted = {tenth: report_cells.BANDS[found[tenth]][1] for tenth in range(101)}
        report.compare("colors of bands", wanted, {tenth: rgb(pair[0]) for tenth, pair in enumerate(seen)})


def colours(page, report, audit):
    del audit
    for palette in (0, 1):
        choose(page, "[name=palette]", palette)
        bands(page, report, palette)
    choose(page, "[name=coloring]", 1)
    palettes, pages = {}, set()
    for theme in (1, 2):
        choose(page, "[name=theme]", theme)
        for palette in (0, 1):
            choose(page, "[name=palette]", palette)
            seen = page.evaluate(SCORES)
            name = f"palette {palette}, theme {theme}"
            report.check(f"contrast of 101 scores, {name}", too_faint([(f"{i / 10}", *pair) for i, pair in enumerate(seen["found"])]))
            page_colour, others = seen["page"], [(key, seen[key], seen["page"]) for key in ("text", "quiet", "link", "bad")]
            hatched, ink = seen["unknown"]
            others += [("unknown", ink, "rgb(" + part) for part in hatched.split("rgb(")[1:]]
            report.check(f"contrast of other text, {name}", too_faint(others))
            palettes[palette, theme] = tuple(background for background, _ in seen["found"])
            pages.add((theme, page_colour))
    for theme in (1, 2):
        expected = {tenth: heat(tenth / 10) for tenth in range(101)}
        report.compare("absolute colours", expected, {i: rgb(text) for i, text in enumerate(palettes[0, theme])})
        same = [i for i in range(101) if palettes[0, theme][i] == palettes[1, theme][i]]
        report.check("the second palette differs", same)
    blind(report, [rgb(text) for text in palettes[1, 1]])
    report.check("the dark theme changes the page color", [] if len({colour for _, colour in pages}) == 2 else [pages])
    choose(page, "[name=theme]", 0)
    for system, theme in (("light", 1), ("dark", 2)):
        page.system_theme(system)
        found = page.evaluate("getComputedStyle(document.body).backgroundColor")
        report.check(f"follows the {system} theme of the system", [] if (theme, found) in pages else [found])


def too_faint(pairs):
    return [f"{what}: {contrast(rgb(one), rgb(other)):.2f}" for what, one, other in pairs if contrast(rgb(one), rgb(other)) < 4.5]


def blind(report, colours):
    """Checks that low and high scores remain distinct with red or green color blindness: blue minus the mean of the
    other channels, which both kinds preserve, is negative for low scores and positive for high ones."""
    ends = [colours[i][2] - (colours[i][0] + colours[i][1]) / 2 for i in (0, 25, 75, 100)]
    is_apart = ends[0] < 0 and ends[1] < 0 and ends[2] > 0 and ends[3] > 0
    report.check("the second palette does not depend on red and green", [] if is_apart else [ends])


class Elements(html.parser.HTMLParser):
    """Collects the elements and event handlers of a page before any script runs."""

    def __init__(self):
        super().__init__()
        self.tags, self.acting = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.acting += [name for name, _ in attrs if name.startswith("on") or name in ("src", "srcdoc", "action")]


def labels(page, report, audit):
    """Checks that names are shown in full and legibly, and create no elements."""
    lines = report_cells.lines(audit)
    clusters = list(dict.fromkeys(cluster for cluster, _ in lines))
    with open(os.path.join(audit, "report.html"), encoding="utf-8") as file:
        elements = Elements()
        elements.feed(file.read())
    report.check("names create no elements or event handlers", elements.acting + [t for t in elements.tags if t in ("img", "iframe")])
    scripts = elements.tags.count("script")
    report.check("one script, one index, and two data blocks per cluster", [] if scripts == 2 + 2 * len(clusters) else [scripts])
    numbers = {name: number for number, name in page.evaluate(
        "[...document.querySelectorAll('details.cluster')].map((e) => [Number(e.dataset.number), e.querySelector('summary bdi').textContent])")}  # fmt: skip
    report.check(f"names of clusters ({len(clusters)})", set(clusters) ^ set(numbers))
    for cluster, number in numbers.items():
        open_cluster(page, number)
        members = [name for c, name in lines if c == cluster and name]
        first = lines[cluster, None][0]["start"]
        living = [name for name in members if any(row["start"] == first for row in lines[cluster, name])]
        options = page.evaluate(f"[...document.querySelectorAll('#cluster-{number} .bar label:last-child option')].map((e) => e.textContent)")
        report.check(f"members of {cluster[:30]}", set(members) - set(options))
        page.mouse(f"#cluster-{number} table.heat td[aria-label]", click=True)
        listed = page.evaluate("[...document.querySelectorAll('#panel table:last-of-type button bdi')].map((e) => e.textContent)")
        report.check("the panel lists the same members", set(living) ^ set(listed))
        page.key("Escape")
    extra = page.evaluate("document.querySelectorAll('img, iframe, object, embed, [onerror], [onclick]').length")
    report.check("names create no elements after everything is drawn", [extra] if extra else [])
    wide = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    report.check("the page is no wider than the window", [wide] if wide[0] > wide[1] else [])
    with open(os.path.join(audit, "findings.csv"), encoding="utf-8", newline="") as file:
        names = {legible(row["cluster"]) for row in csv.DictReader(file)}
    whole = page.evaluate("document.querySelector('main').textContent")
    report.check(f"clusters of findings ({len(names)})", [name for name in names if name not in whole])
