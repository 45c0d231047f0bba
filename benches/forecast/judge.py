#!/usr/bin/env python3
"""Judges forecasts from the tables of a backtest, with intervals of a block bootstrap.

    judge.py models MODELS.CSV [--bars]          CRPS of each model relative to the best one-liner, and coverage
    judge.py breaches BREACHES.CSV               Brier skill above the conditional base rate, and reliability
    judge.py warnings DIR                        announced ramps, lead times and false warnings, with DIR/truth.csv
    judge.py limits FORECAST.JSON TRUTH.CSV      quota dates inside of their intervals

A block is a day of a series or cluster. Each command prints its table and whether its bars hold, and exits with 1 if one
does not.
"""

import argparse
import collections
import csv
import datetime
import json
import statistics
import sys

import numpy as np

# No __pycache__ in the source tree.
sys.dont_write_bytecode = True

import rules  # noqa: E402

BUCKETS = ["0-1", "1-6", "6-24"]
DRAWS = 1000


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def interval(own, yardstick):
    """The 95 % interval of 1 - sum(own) / sum(yardstick) over blocks."""
    random = np.random.default_rng(1)
    own, yardstick = np.asarray(own), np.asarray(yardstick)
    drawn = random.integers(0, len(own), (DRAWS, len(own)))
    return np.quantile(1 - own[drawn].sum(1) / yardstick[drawn].sum(1), [0.025, 0.975])


def models(arguments):
    """Compares the models on the days on which auto and the yardstick were both judged."""
    table = collections.defaultdict(lambda: collections.defaultdict(dict))
    for row in rows_of(arguments.path):
        series = row.get("series") or "/".join((row["cluster"], row["member"], row["metric"]))
        table[series][row["hours"], row["day"]][row["model"]] = row
    held = True
    names = sorted({model for days in table.values() for row in days.values() for model in row})
    names = [name for name in names if name not in ("auto", "best-naive")] + ["best-naive", "auto"]
    blocks = {hours: collections.defaultdict(list) for hours in BUCKETS}
    worst = []
    for series, days in table.items():
        kept = sorted({day for _, day in days})
        first = kept[min(int(len(kept) * arguments.skip), len(kept) - 1)]
        total = collections.defaultdict(float)
        for (hours, day), row in days.items():
            if day < first or "auto" not in row or "best-naive" not in row:
                continue
            # Every model is compared with the yardstick at as many origins.
            for name in row:
                weight = float(row[name]["origins"])
                blocks[hours][name].append((float(row[name]["crps"]) * weight, float(row["best-naive"]["crps"]) * weight,
                                            *(float(row[name][c]) for c in ("within_80", "within_95", "outcomes"))))
            for name in ("auto", "best-naive"):
                total[name, hours] += float(row[name]["crps"]) * float(row[name]["origins"])
        for hours in BUCKETS:
            if total["best-naive", hours] > 0:
                worst.append((total["auto", hours] / total["best-naive", hours], series, hours))
        total = [sum(total[name, hours] for hours in BUCKETS) for name in ("auto", "best-naive")]
        if total[1] > 0:
            worst.append((total[0] / total[1], series, "all"))
    print(f"{len(table)} series; CRPS relative to the best one-liner, coverage of 80 % and 95 % intervals")
    print(f"{'model':22}" + "".join(f"{hours + ' h':>32}" for hours in BUCKETS))
    for name in names:
        cells = []
        for hours in BUCKETS:
            values = np.array(blocks[hours][name]) if blocks[hours][name] else None
            if values is None:
                cells.append(f"{'-':>32}")
                continue
            own, yardstick, w80, w95, all_ = values.sum(0)
            cells.append(f"{own / yardstick:>14.3f} {w80 / all_:>8.1%} {w95 / all_:>8.1%}")
            if name == "auto":
                held &= 0.76 <= w80 / all_ <= 0.84 and 0.92 <= w95 / all_ <= 0.97
        print(f"{name:22}" + "".join(f"{cell:>32}" for cell in cells))
    sure = True
    for hours in BUCKETS:
        values = np.array(blocks[hours]["auto"])
        low, high = interval(values[:, 0], values[:, 1])
        skill = 1 - values[:, 0].sum() / values[:, 1].sum()
        sure &= low > 0
        print(f"skill of auto at {hours} h: {skill:+.3f} [{low:+.3f}, {high:+.3f}]")
    worst.sort(reverse=True)
    print("worst series: " + ", ".join(f"{series} {hours} h {ratio:.3f}" for ratio, series, hours in worst[:5]))
    overall = max(ratio for ratio, _, hours in worst if hours == "all")
    if arguments.bars:
        held &= sure
        print(f"better with the whole interval, coverage within the bars: {'held' if held else 'MISSED'}")
    else:
        held &= overall <= 1.02
        print(f"no series more than 2 % worse over all leads (worst {overall:.3f}), coverage within the bars: {'held' if held else 'MISSED'}")
    return held


def breaches(arguments):
    """Brier skill and reliability."""
    held = True
    rows = rows_of(arguments.path)
    for hours in ("1", "6", "24"):
        of = [row for row in rows if row["horizon_hours"] == hours]
        if not of:
            continue
        p, base, y = (np.array([float(row[c]) for row in of]) for c in ("probability", "conditional_rate", "became_red"))
        _, block = np.unique([row["cluster"] + row["origin"][:10] for row in of], return_inverse=True)
        own, yardstick = np.bincount(block, (p - y) ** 2), np.bincount(block, (base - y) ** 2)
        low, high = interval(own, yardstick)
        print(f"within {hours} h: {len(of)} forecasts, red after {y.mean():.2%}, Brier skill {1 - own.sum() / yardstick.sum():+.3f} [{low:+.3f}, {high:+.3f}]")
        off = []
        for decile in range(10):
            within = (p >= decile / 10) & (p < (decile + 1) / 10 + (decile == 9))
            if within.sum() >= 30:
                off.append(abs(p[within].mean() - y[within].mean()))
                print(f"  said {p[within].mean():4.0%}, came {y[within].mean():4.0%} of {within.sum()}")
        if hours == "6":
            held &= low > 0 and max(off) <= 0.1
    print(f"within 6 h: skill above 0 with its interval, reliable within 0.1: {'held' if held else 'MISSED'}")
    return held


def runs(values):
    """The runs of consecutive items that are true, as lists of places."""
    found, now = [], []
    for place, value in enumerate(values):
        if value:
            now.append(place)
        elif now:
            found.append(now)
            now = []
    return found + [now] if now else found


def judged(clusters, faults, fires):
    """The share of the faults announced an hour or more before, the median lead of those, and false warnings a
    cluster-week. `fires` says for each cluster at which of its origins a rule holds."""
    warned = {cluster: [[of[place] for place in run] for run in
                        runs([fired and not now for (_, _, now, _), fired in zip(of, fires[cluster])])]
              for cluster, of in clusters.items()}
    # A warning announces a fault if it stands at an origin in the 6 hours before, and leads from its own beginning on.
    stands = lambda run, red: any(red - 21_600 <= at < red for at, *_ in run)  # noqa: E731
    leads = [max((red - run[0][0] for run in warned[cluster] if stands(run, red)), default=0) / 3600
             for cluster, red in faults]
    false = sum(not any(became_red for *_, became_red in run) for of in warned.values() for run in of)
    weeks = sum((of[-1][0] - of[0][0]) / 604_800 for of in clusters.values())
    announced = [lead for lead in leads if lead >= 1]
    return len(announced) / len(leads), statistics.median(announced or [0]), false / weeks


def warnings(arguments):
    """Announced faults and false warnings, of ours and of the rules that people write."""
    folder = arguments.path
    clusters = collections.defaultdict(list)
    for row in rows_of(f"{folder}/backtest-breaches.csv"):
        if row["horizon_hours"] == "6":
            clusters[row["cluster"]].append((seconds(row["origin"]), float(row["probability"]), row["red_now"] == "1", row["became_red"] == "1"))
    faults = [(row["cluster"], seconds(row["first_red_hour"])) for row in rows_of(f"{folder}/truth.csv")
              if row["first_red_hour"] and row["kind"] in ("ramp", "step", "fd_limit")]

    def line(name, fires):
        announced, lead, false = judged(clusters, faults, fires)
        print(f"{name:28} {announced:4.0%} of {len(faults)} announced an hour or more before, median {lead:4.1f} h; {false:5.2f} false a cluster-week")
        return announced >= 0.8 and false <= 1

    held = False
    for limit in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7):
        held |= line(f"etcd-heatmap from {limit:.0%}", {cluster: [p >= limit for _, p, _, _ in of] for cluster, of in clusters.items()})
    instants = {cluster: [at for at, *_ in of] for cluster, of in clusters.items()}
    for name, fires in rules.rules(folder, instants):
        line(name, fires)
    print(f"80 % announced at one false warning a cluster-week or less: {'held' if held else 'MISSED'}")
    return held or not arguments.bars


def limits(arguments):
    """Quota dates of the growing databases, and alarms on those that are defragmented."""
    with open(arguments.path) as file:
        found = {(of["cluster"], of["member"]): of["when"] for of in json.load(file)["limits"] if of["limit"] == "quota"}
    inside = asked = alarms = saws = 0
    for row in rows_of(arguments.truth):
        when = found.get((row["cluster"], row["member"]))
        if row["kind"] == "growth" and row["quota_at"]:
            asked += 1
            truth = seconds(row["quota_at"]) * 1000
            if isinstance(when, dict):
                dates = when["dates"]
                inside += dates["earliest"] <= truth <= (dates["latest"] or float("inf"))
        elif row["kind"] in ("sawtooth", "bulk_load"):
            saws += 1
            alarms += isinstance(when, dict)
    held = inside >= 0.8 * asked and alarms == 0
    print(f"quota dates inside of their interval: {inside} of {asked}; alarms on {saws} databases that are defragmented or loaded: {alarms}: {'held' if held else 'MISSED'}")
    return held


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("models", "breaches", "warnings", "limits"))
    parser.add_argument("path")
    parser.add_argument("truth", nargs="?")
    parser.add_argument("--skip", type=float, default=0.4, help="share of the days that only train")
    parser.add_argument("--bars", action="store_true", help="models: be surely better; warnings: fail if the bar does not hold")
    arguments = parser.parse_args()
    held = {"models": models, "breaches": breaches, "warnings": warnings, "limits": limits}[arguments.what](arguments)
    sys.exit(0 if held else 1)


main()
