"""Compares what findings say of databases with the raw samples of a TSDB, which promtool prints.

usage: databases.py BLOCKS AUDIT --step SECONDS

BLOCKS is a data directory of Prometheus with one cluster that is scraped every few seconds, AUDIT the output of `etcd-heatmap backfill --evidence all` from it (formats problems
and findings). Each defragmentation that etcd counted must be told once, with its duration and the sizes before and after it;
a database near its quota with its highest share and the size in use when it became full."""

import argparse
import csv
import datetime
import math
import pathlib
import re
import shutil
import subprocess
import tempfile

from report import Report

SIZE, IN_USE, QUOTA = ("etcd_mvcc_db_total_size_in_bytes", "etcd_mvcc_db_total_size_in_use_in_bytes",
                       "etcd_server_quota_backend_bytes")
COUNT, SUM = (f"etcd_disk_backend_defrag_duration_seconds_{what}" for what in ("count", "sum"))
LOOK_BACK, HOUR = 300_000, 3_600_000
# A rate over five minutes extrapolates by up to the interval of scrapes on each side.
TOOK_PLACES = 0.1
SAMPLE = re.compile(r'\{__name__="(\w+)".* instance="([^"]*)".*\} (\S+) (\d+)')


def samples(blocks):
    """(metric, member) -> [(milliseconds, value)] in order of time; NaN is a staleness marker."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(folder, "data")
        shutil.copytree(blocks, data)
        (data / "wal").mkdir(exist_ok=True)
        names = "|".join((SIZE, IN_USE, QUOTA, COUNT, SUM))
        dump = ["promtool", "tsdb", "dump", f'--match={{__name__=~"{names}"}}', str(data)]
        printed = subprocess.run(dump, check=True, capture_output=True, text=True).stdout
    for line in printed.splitlines():
        name, member, value, at = SAMPLE.fullmatch(line).groups()
        found.setdefault((name, member), []).append((int(at), float(value)))
    return {key: sorted(rows) for key, rows in found.items()}


def reading(rows, at):
    """What an instant query returns: the last sample of five minutes, None if it is stale."""
    last = next((row for row in reversed(rows) if row[0] <= at), None)
    return None if last is None or at - last[0] >= LOOK_BACK or math.isnan(last[1]) else last[1]


def defragmentations(found, step):
    """(at, member, before, after, seconds): what etcd counted, and the sizes at the steps around it."""
    events = []
    for member in {member for _, member in found}:
        counts = [row for row in found.get((COUNT, member), []) if not math.isnan(row[1])]
        sums = dict(found.get((SUM, member), []))
        sizes = found[SIZE, member]
        for (was, before), (at, count) in zip(counts, counts[1:]):
            if count > before:
                shown = -(-at // step) * step
                events.append((shown, member, reading(sizes, shown - step), reading(sizes, shown), sums[at] - sums[was]))
    return sorted(events)


def rounds(events):
    groups = []
    for event in events:
        again = groups and any(other[1] == event[1] for other in groups[-1])
        if groups and not again and event[0] - groups[-1][-1][0] <= HOUR:
            groups[-1].append(event)
        else:
            groups.append([event])
    return groups


def rows(audit, name):
    with open(pathlib.Path(audit, name), newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def millis(text):
    return round(datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc).timestamp() * 1000)


def told(findings, values):
    """Rounds as the findings tell them, in the form of `rounds`."""
    for finding in findings:
        own = {one["name"]: one["value"] for one in values if one["finding"] == finding["finding"]}
        events = []
        for member in finding["members"].split("; "):
            before, after, took = (float(own[f"{member}_{what}"]) for what in ("before", "after", "took"))
            events.append((millis(own[f"{member}_at"]), member, before, after, took / 1000))
        yield sorted(events)


def compared(expected, found):
    if [[event[:4] for event in group] for group in expected] != [[event[:4] for event in group] for group in found]:
        yield f"expected {expected}, found {found}"
        return
    for one, other in zip((e for group in expected for e in group), (e for group in found for e in group)):
        if not math.isclose(one[4], other[4], rel_tol=TOOK_PLACES):
            yield f"{one[1]} took {one[4]} s, not {other[4]}"


def size(value):
    units = ["B", "KiB", "MiB", "GiB"]
    place = max(place for place in range(4) if place == 0 or value >= 1024**place)
    return f"{value / 1024**place:.{2 if place else 0}f} {units[place]}"


def sentences(groups, findings):
    """Each member's sizes are in the sentence, and what was freed in all."""
    for group, finding in zip(groups, findings):
        says = finding["description"]
        wanted = [f"{size(before)} → {size(after)}" for _, _, before, after, _ in group]
        wanted.append(f"{size(sum(before - after for _, _, before, after, _ in group))} freed in all")
        yield from (f"{part!r} is not in {says!r}" for part in wanted if part not in says)


def full(found, step, findings):
    """The database_full findings: the highest share of the quota, and what of the sizes was in use at the first full step."""
    for finding in findings:
        start, end = millis(finding["start_utc"]), millis(finding["end_utc"])
        shares, sizes, used = [], 0, 0
        for member in finding["members"].split("; "):
            of = {name: found[name, member] for name in (SIZE, IN_USE, QUOTA)}
            steps = [tuple(reading(of[name], at) for name in (SIZE, IN_USE, QUOTA)) for at in range(start, end, step)]
            near = [row for row in steps if row[0] is not None and row[0] >= 0.98 * row[2]]
            shares += [row[0] / row[2] for row in near]
            sizes, used = sizes + near[0][0], used + near[0][1]
        highest = f"up to {math.floor(max(shares) * 1000) / 10:g} %"
        in_use = f"{math.floor(used / sizes * 100)} % of its size is in use: compact"
        free = f"free{'d' if 'have' in finding['description'] else ''} {math.floor((1 - used / sizes) * 100)} % of its size"
        for part in (highest, in_use if used >= 0.95 * sizes else free):
            if part not in finding["description"]:
                yield f"{part!r} is not in {finding['description']!r}"
    if not findings:
        yield "nothing was compared"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("blocks")
    parser.add_argument("audit")
    parser.add_argument("--step", type=int, required=True)
    asked = parser.parse_args()
    step, report = asked.step * 1000, Report()
    found, findings, values = samples(asked.blocks), rows(asked.audit, "findings.csv"), rows(asked.audit, "evidence.csv")
    expected = rounds(defragmentations(found, step))
    own = [row for row in findings if row["kind"] == "defragmentation"]
    report.check(f"defragmentations ({sum(map(len, expected))})", compared(expected, list(told(own, values))))
    report.check("their sentences", sentences(expected, own) if expected else ["nothing was compared"])
    report.check("databases at their quota", full(found, step, [row for row in findings if row["rule"] == "database_full"]))
    report.close()


if __name__ == "__main__":
    main()
