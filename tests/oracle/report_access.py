"""Where things stand on a desktop and on a phone, what the keyboard reaches, and what axe-core finds in report.html."""

import json
from importlib.resources import files

BOX = """(() => {
    const box = document.querySelector(SELECTOR).getBoundingClientRect();
    return [box.left, box.top, box.right, box.bottom];
})()"""


def box(page, selector):
    return page.evaluate(BOX.replace("SELECTOR", json.dumps(selector)))


def places(page, report, audit):
    del audit
    for width, height, lowest in ((1440, 900, 300), (390, 844, 844)):
        size = f"at {width}×{height}"
        page.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        page.load("Page.reload")
        page.until("window.firstPicture")
        bottom = box(page, "#verdict")[3]
        report.check(f"the verdict ends above {lowest} px {size}", [bottom] if bottom > lowest else [])
        wide = page.evaluate("document.documentElement.scrollWidth")
        report.check(f"the page is no wider than the window {size}", [wide] if wide > width else [])
        for place in (0, -1):
            page.key("Escape")
            panel_of(page, report, place, (width, height), size)
        opened = page.evaluate("[location.hash, document.querySelector('#panel h2').textContent]")
        page.load("Page.reload")
        again = page.until("!document.querySelector('#panel').hidden && [location.hash, document.querySelector('#panel h2').textContent]")
        report.check(f"a reload opens the same cell {size}", [] if again == opened and "cell=" in again[0] else [opened, again])
        page.key("Escape")
        report.check(f"Escape closes it {size}", [] if page.evaluate("document.querySelector('#panel').hidden && location.hash === ''") else ["open"])
    page.call("Emulation.setDeviceMetricsOverride", width=1440, height=900, deviceScaleFactor=1, mobile=False)
    reach(page, report)


def panel_of(page, report, place, size, name):
    """Opens the first or last cell of the map: its panel must be inside the window and not cover the cell."""
    page.evaluate(f"[...document.querySelectorAll('.map td[data-start]')].at({place}).id = 'tapped'")
    page.mouse("#tapped", click=True)
    page.until("document.querySelector('#tapped.opened') !== null && !document.querySelector('#panel').hidden")
    left, top, right, bottom = box(page, "#panel")
    is_inside = left >= 0 and top >= 0 and right <= size[0] and bottom <= size[1]
    report.check(f"the panel of cell {place} is inside the window {name}", [] if is_inside else [(left, top, right, bottom)])
    cell = box(page, "#tapped")
    covers = cell[0] < right and cell[2] > left and cell[1] < bottom and cell[3] > top
    report.check(f"it does not cover the cell {name}", [(cell, (left, top, right, bottom))] if covers or cell[1] < 0 else [])
    page.evaluate("document.querySelector('#tapped').removeAttribute('id')")


def reach(page, report):
    """Tab reaches every control; a table of cells is one stop, from which arrows go on."""
    page.load("Page.reload")
    page.until("window.firstPicture")
    wanted = page.evaluate("""(() => {
        window.reached = new Set();
        window.wanted = [...document.querySelectorAll("button, select, input, summary, a[href], [tabindex='0']")].filter((one) => one.checkVisibility({ contentVisibilityAuto: true }));
        return window.wanted.length;
    })()""")
    for _ in range(wanted + 20):
        page.key("Tab")
        page.evaluate("void window.reached.add(document.activeElement)")
    missed = page.evaluate("window.wanted.filter((one) => !window.reached.has(one)).map((one) => one.outerHTML.slice(0, 120))")
    report.check(f"Tab reaches every control ({wanted})", missed)


def axe(page, report, audit):
    del audit
    page.evaluate(files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8") + ";0")
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    page.until("[...document.querySelectorAll('details.events')].every((one) => one.querySelector('table'))")
    page.until("[...document.querySelectorAll('details.cluster')].every((one) => one.querySelector('table.heat'))")
    page.evaluate("viewOf(0).then((view) => view.show(view.lines[0], view.lines[0].start[0]))")
    rules = 0
    for theme in ("light", "dark"):
        for palette in ("red", "blue"):
            page.evaluate(f"Object.assign(document.documentElement.dataset, {{ theme: '{theme}', palette: '{palette}' }})")
            found = json.loads(page.evaluate("""axe.run(document).then(({ violations, passes }) => JSON.stringify([passes.length, violations.map((one) =>
                `${one.id}: ${one.nodes.length} × ${one.nodes[0].html.slice(0, 120)}`)]))"""))  # fmt: skip
            rules = max(rules, found[0])
            report.check(f"axe-core, {theme}, palette {palette}", found[1])
    report.check(f"axe-core applied its rules ({rules})", [] if rules > 20 else [rules])
