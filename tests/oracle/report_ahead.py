"""Compares the next 24 hours of report.html with forecast.json, computed here from the file alone."""

import datetime
import json
import os
import zoneinfo

import report_cells
import report_use
from report_cells import legible

HOUR = 3_600_000
MEDIAN = 11
"""The place of the median among the quantiles."""

CARDS = """[...document.querySelectorAll("#next article.outlook")].map((card) => {
    const of = (selector) => card.querySelector(selector)?.textContent ?? null;
    return {
        name: card.querySelector(".cluster-name").textContent, isFolded: card.closest("details") !== null, title: of(".title").replaceAll("\\u00a0", " "),
        chances: [...card.querySelectorAll(".chance")].map((one) => [Number(one.dataset.hours), one.querySelector("strong").textContent,
            one.querySelector(".usually").textContent, one.classList.contains("is-warning"), one.querySelector(".fill").getAttribute("width")]),
        unknown: of(".no-outlook"), blame: of(".blame bdi"), fan: of(".fan figcaption bdi"),
        hours: [...card.querySelectorAll(".hours i")].map((one) => [one.className, getComputedStyle(one).backgroundColor, getComputedStyle(one).backgroundImage !== "none"]),
    };
})"""


def chance(share, is_short=True):
    """Whole percent; Python's rounding of halves differs, so halves may be either."""
    percent = share * 100
    if percent < 1 or percent > 99:
        word = ("< ", "> ") if is_short else ("under ", "over ")
        return [f"{word[0]}1 %" if percent < 1 else f"{word[1]}99 %"]
    return [f"{int(percent + 0.5)} %", f"{round(percent)} %"]


def ordered(clusters):
    """Likely ones by their probability within 6 hours, then unknown ones, then quiet ones."""

    def key(cluster):
        found = cluster["outlooks"].get("Ok")
        tier = 1 if found is None else 0 if any(one["probability"] >= 0.1 for one in found) else 2
        return tier, -found[1]["probability"] if found else 0

    return sorted(clusters, key=key), sum(1 for cluster in clusters if key(cluster)[0] < 2)


def card_faults(card, cluster, trust):
    found = cluster["outlooks"].get("Ok")
    if found is None:
        is_right = card["unknown"] == f"unknown {legible(cluster['outlooks']['Err'])}" and not card["chances"] and not card["hours"]
        return [] if is_right else [card]
    first = next((one for one in found if one["probability"] >= trust["warns_from"]), found[1])
    faults = [f"{shown}: {wanted}" for wanted, shown in zip(found, card["chances"]) if not (
        shown[0] == wanted["hours"] and shown[1] in chance(wanted["probability"])
        and shown[2] in [f"usually {text}" for text in chance(wanted["usual"])]
        and shown[3] == (wanted["probability"] >= trust["warns_from"])
        and abs(float(shown[4].rstrip("%")) - 100 * wanted["probability"]) < 0.051)]  # fmt: skip
    titles = [f"Red within {first['hours']} h: usually {usual}, now {now}" for usual in chance(first["usual"], False)
              for now in chance(first["probability"], False)]  # fmt: skip
    faults += [] if card["title"] in titles else [f"{card['title']} instead of {titles[0]}"]
    detailed = first if first["first"] and first["blame"] else found[2]
    blamed = legible(detailed["blame"]["member"]) if detailed["blame"] else None
    faults += [] if card["blame"] == blamed else [f"{card['blame']} is blamed instead of {blamed}"]
    return faults + hour_faults(card, cluster)


def hour_faults(card, cluster):
    """The hours ahead have the colors of their medians and are hatched; those of the past are not."""
    past, ahead = card["hours"][:48], card["hours"][48:]
    wanted = [int(hour["quantiles"][MEDIAN] * 10 + 1e-9) for hour in cluster["hours"]]
    faults = [] if len(ahead) == len(wanted) and len(past) == 48 else [f"{len(past)} + {len(ahead)} hours"]
    for (name, color, is_hatched), tenths in zip(ahead, wanted):
        band = next(rgb for least, rgb in report_cells.BANDS if tenths >= least)
        if name != f"s{tenths} ahead" or color != f"rgb{band}".replace("'", "") or not is_hatched:
            faults.append(f"{name} {color} {is_hatched} instead of {tenths}")
    return faults + [f"{name} of the past is hatched" for name, _, is_hatched in past if is_hatched and name.startswith("s")]


def ahead(page, report, audit):
    with open(os.path.join(audit, "forecast.json"), encoding="utf-8") as file:
        forecast = json.load(file)
    with open(os.path.join(audit, "manifest.json"), encoding="utf-8") as file:
        zone = zoneinfo.ZoneInfo(json.load(file)["time_zone"])
    clusters, loud = ordered(forecast["clusters"])
    cards = page.evaluate(CARDS)
    report.check(f"the order of clusters ({len(clusters)})", [] if [card["name"] for card in cards] == [legible(c["cluster"]) for c in clusters] else [cards])
    shown = len(clusters) if len(clusters) <= 6 else min(max(loud, 1), 12)
    report.check("those that are folded", [card["name"] for place, card in enumerate(cards) if card["isFolded"] != (place >= shown)])
    says = page.evaluate("document.querySelector('#ahead-count').textContent")
    folded = f" + {len(clusters) - shown} folded" if len(clusters) > shown else ""
    wanted = f"{shown} shown{folded} = {len(clusters)} cluster{'s' * (len(clusters) != 1)}"
    report.check("shown and folded add up", [] if says == wanted else [says])
    report.check("cards", [fault for card, cluster in zip(cards, clusters) for fault in card_faults(card, cluster, forecast["trust"])])
    heading = page.evaluate("document.querySelector('#next > p.quiet').textContent")
    origin = datetime.datetime.fromtimestamp(forecast["origin_ms"] / 1000, zone)
    report.check("the origin", [] if f"Forecast from {origin:%b} {origin.day} {origin:%H:%M} {zone}" in heading else [heading])
    maps(page, report, forecast, zone)
    limits(page, report, forecast)
    warnings(page, report, forecast)


def maps(page, report, forecast, zone):
    """The map of each cluster goes on with the hours ahead."""
    expected, found = {}, {}
    for number, name in enumerate(page.evaluate("index.clusters.map((one) => one.name)")):
        report_use.open_cluster(page, number)
        cluster = next((one for one in forecast["clusters"] if legible(one["cluster"]) == name), {"hours": []})
        for hour in cluster["hours"]:
            middle = datetime.datetime.fromtimestamp((hour["start_ms"] + HOUR // 2) / 1000, zone)
            expected[name, f"{middle:%Y-%m-%d}", f"{middle:%H}"] = str(int(hour["quantiles"][MEDIAN] + 1e-9))
        cells = page.evaluate(f"""(() => {{
            const table = document.querySelector("#cluster-{number} .map table");
            const heads = [...table.tHead.rows[0].cells].map((head) => head.textContent);
            return [...table.querySelectorAll("td.ahead")].map((cell) => [cell.parentElement.cells[0].textContent, heads[cell.cellIndex], cell.textContent,
                cell.getAttribute("aria-label"), getComputedStyle(cell).backgroundImage !== "none"]);
        }})()""")  # fmt: skip
        found |= {(name, day, column): text for day, column, text, _, _ in cells}
        report.check(f"cells ahead of {name} are hatched and say so", [cell for cell in cells if not (cell[3].startswith("Forecast for ") and cell[4])])
    if expected:
        report.compare("hours ahead in the maps", expected, found)


def limits(page, report, forecast):
    lines = page.evaluate("[...document.querySelectorAll('#next .limits li')].map((one) => one.textContent)")
    dated = [one for one in forecast["limits"] if one["when"] == "reached" or isinstance(one["when"], dict)]
    wanted = sorted(f"{legible(one['cluster'])} {legible(one['member'])}: " for one in dated)
    found = sorted(line.split(": ")[0] + ": " for line in lines)
    report.check(f"members with a date ({len(dated)})", [] if wanted == found else [wanted, found])
    rest = len(forecast["limits"]) - len(dated)
    says = page.evaluate("document.querySelector('#limit-counts')?.textContent ?? ''")
    sums = f"{len(dated)} with a date + {rest} without = {len(forecast['limits'])} limit"
    report.check("and those without", [] if sums in says or rest == 0 else [says])


def warnings(page, report, forecast):
    trust = forecast["trust"]
    rows = page.evaluate("[...document.querySelectorAll('#next .warnings tbody tr')].map((row) => [row.cells[1].textContent, row.cells[3].textContent.split(':')[0]])")
    wanted = [[legible(one["cluster"]), "false" if one["red_ms"] is None else "true"] for one in reversed(trust["warnings"])]
    report.check(f"the last warnings ({len(wanted)})", [] if rows == wanted else [rows])
    says = page.evaluate("document.querySelector('#trust').textContent")
    is_right = f"{trust['warnings_true']} of {trust['warnings_in_all']} warning" in says if trust["warnings_in_all"] else "There was no warning" in says
    report.check("how many came true", [] if is_right else [says])
