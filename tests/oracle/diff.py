"""Compares the output of `etcd-heatmap diff --csv` with NumPy and SciPy.

usage: diff.py CSV BEFORE AFTER
       diff.py CSV DIR --at SECONDS
       add --cell MINUTES if a cell is not 60 minutes

Means, hours, days and coverage are computed from heatmap.csv of the folders, Cliff's delta from the Mann-Whitney U.
The interval comes from a bootstrap with other draws, so it must only agree within the error of the draws."""

import argparse
import csv
from datetime import datetime
from pathlib import Path

import numpy
from scipy import stats

from csv_label import label
from report import Report
from spec import NAMES

QUANTITIES = ["score", *NAMES]
MIN_DAYS = 7
#: Bootstrap draws of the program, and of this script.
DRAWS, OWN_DRAWS = 4000, 20_000


def cells(folder):
    """(level, cluster, member) -> rows."""
    lines = {}
    with open(Path(folder) / "heatmap.csv", newline="") as file:
        for row in csv.DictReader(file):
            lines.setdefault((row["level"], label(row["cluster"]), label(row["member"])), []).append(row)
    return lines


def seconds(row):
    return datetime.fromisoformat(row["start"]).timestamp()


def sides(asked):
    if asked.at is None:
        return cells(asked.folders[0]), cells(asked.folders[1])
    lines = cells(asked.folders[0])
    chosen = lambda wanted: {key: found for key, rows in lines.items() if (found := list(filter(wanted, rows)))}
    return chosen(lambda row: seconds(row) + asked.cell * 60 <= asked.at), chosen(lambda row: seconds(row) >= asked.at)


class Side:
    def __init__(self, rows):
        scored = [row for row in rows if row["mean"]]
        self.steps = numpy.array([int(row["steps_scored"]) for row in scored], dtype=float)
        losses = [[-float(row[f"{name}_loss"]) for name in NAMES] for row in scored]
        self.values = numpy.column_stack([[float(row["mean"]) for row in scored], losses]) if scored else None
        self.dates = sorted({row["date"] for row in scored})
        self.day = numpy.array([self.dates.index(row["date"]) for row in scored])
        counted = lambda name: sum(int(row[name]) for row in rows)
        self.coverage = counted("steps_scored") / counted("steps_expected")

    def mean(self, quantity):
        return numpy.average(self.values[:, quantity], weights=self.steps)

    def below(self, score):
        return int((self.values[:, 0] < score).sum()) if self.values is not None else 0

    def drawn(self, quantity, random):
        """Means of randomly drawn blocks of days, and the number of blocks in a draw."""
        n = len(self.dates)
        length = max(b for b in range(1, n + 1) if b == 1 or (b**3 <= n and n // b >= MIN_DAYS))
        count = n // length
        steps = numpy.bincount(self.day, self.steps, n)
        sums = numpy.bincount(self.day, self.steps * self.values[:, quantity], n)
        first = random.integers(0, n, (OWN_DRAWS, count, 1))
        days = ((first + numpy.arange(length)) % n).reshape(OWN_DRAWS, -1)
        means = sums[days].sum(axis=1) / steps[days].sum(axis=1)
        centre = self.mean(quantity)
        return centre + (means - centre) * numpy.sqrt(count / (count - 1)), count


def interval_faults(where, row, before, after, quantity, random):
    """The faults of a row's interval. Among n draws, the share below a quantile has a standard error of √(p(1-p)/n)."""
    (b, blocks_before), (a, blocks_after) = before.drawn(quantity, random), after.drawn(quantity, random)
    tail = stats.norm.cdf(-stats.t.ppf(0.975, min(blocks_before, blocks_after) - 1))
    reach = 5 * numpy.sqrt(tail * (1 - tail) * (1 / DRAWS + 1 / OWN_DRAWS))
    for name, level in [("interval_low", tail), ("interval_high", 1 - tail)]:
        least, most = numpy.quantile(a - b, numpy.clip([level - reach, level + reach], 0, 1))
        if not least - 1e-9 <= float(row[name]) <= most + 1e-9:
            yield f"{where} {name}: expected {least} to {most}, found {row[name]}"
    low, high = float(row["interval_low"]), float(row["interval_high"])
    verdict = "better" if low > 1e-9 else "worse" if high < -1e-9 else "no_evidence"
    if row["verdict"] != verdict:
        yield f"{where}: {row['verdict']}, but the interval is {low} to {high}"


def faults(where, row, before, after, quantity, hours, random):
    expected = {}
    if before.values is not None and after.values is not None:
        b, a = before.values[:, quantity], after.values[:, quantity]
        expected["before"], expected["after"] = before.mean(quantity), after.mean(quantity)
        expected["change"] = expected["after"] - expected["before"]
        expected["cliffs_delta"] = 2 * stats.mannwhitneyu(a, b).statistic / (len(a) * len(b)) - 1
    if quantity == 0:
        for side, name in [(before, "before"), (after, "after")]:
            expected |= {f"days_{name}": len(side.dates), f"hours_{name}": len(side.steps) * hours,
                         f"coverage_{name}": side.coverage,
                         f"hours_below_7_{name}": side.below(7) * hours,
                         f"hours_below_5_{name}": side.below(5) * hours}
    for name, value in expected.items():
        if not row[name] or abs(float(row[name]) - value) > 1e-12 * max(1, abs(value)):
            yield f"{where} {name}: expected {value}, found {row[name]!r}"
    if min(len(before.dates), len(after.dates)) >= MIN_DAYS:
        yield from interval_faults(where, row, before, after, quantity, random)
    elif (row["verdict"], row["interval_low"]) != ("too_little_data", ""):
        yield f"{where}: too few days, but found {row['verdict']} {row['interval_low']}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("csv")
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--at", type=int)
    parser.add_argument("--cell", type=int, default=60)
    asked = parser.parse_args()
    before, after = sides(asked)
    report, random = Report(), numpy.random.default_rng(1)
    with open(asked.csv, newline="") as file:
        key = lambda row: (row["level"], label(row["cluster"]), label(row["member"]), row["metric"])
        rows = {key(row): row for row in csv.DictReader(file)}
    both = before.keys() & after.keys()
    only = lambda key: "only_before" if key in before else "only_after"
    verdicts = {(*key, "score"): only(key) for key in before.keys() ^ after.keys()}
    expected = {(*key, name) for key in both for name in QUANTITIES} | verdicts.keys()
    report.compare("rows", dict.fromkeys(expected, True), dict.fromkeys(rows, True))
    report.check("one-sided", (f"{key}: {rows[key]['verdict']}" for key, word in verdicts.items()
                               if key in rows and rows[key]["verdict"] != word))
    wrong = []
    for key in sorted(both):
        one, two = Side(before[key]), Side(after[key])
        for quantity, name in enumerate(QUANTITIES):
            if row := rows.get((*key, name)):
                wrong += faults(f"{key} {name}", row, one, two, quantity, asked.cell / 60, random)
    report.check(f"figures of {len(both)} lines", wrong)
    report.close()


main()
