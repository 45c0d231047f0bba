"""Compares the raw counts in outputs of `etcd-heatmap explain --instant` with the samples that a Prometheus returns for the
range selectors of the windows.

usage: raw_counts.py URL --cluster NAME SECOND=TEXT.."""

import argparse
import re
from collections import defaultdict
from datetime import datetime, timezone
from fractions import Fraction
from pathlib import Path

from prometheus import ask
from report import Report

BUCKETS = {
    "wal_fsync": ("etcd_disk_wal_fsync_duration_seconds_bucket", "fsync"),
    "backend_commit": ("etcd_disk_backend_commit_duration_seconds_bucket", "commit"),
}
BYTES = "etcd_network_client_grpc_received_bytes_total"
CHANGES = "etcd_server_leader_changes_seen_total"
GAUGES = {
    "open_fds": (["process_open_fds"], ""),
    "db_size": (["etcd_mvcc_db_total_size_in_bytes", "etcd_debugging_mvcc_db_total_size_in_bytes"], " bytes"),
}
LISTED = 5
ROW = re.compile(r"  (\w+) +(5m|1d)  (.+)")
SILENT = "no samples in the window, though the source has series of the member"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--cluster", required=True)
    parser.add_argument("texts", nargs="+")
    asked = parser.parse_args()
    report = Report()
    for one in asked.texts:
        second, path = one.split("=", 1)
        at = int(second)
        wanted, found = {}, {}
        for block in Path(path).read_text(encoding="utf-8").split("\nmember ")[1:]:
            member = re.match(r"\S+(?=: )", block)[0]
            rows = block.split("\n  raw counts ")[1].splitlines()
            found |= {(member, match[1]): f"{match[2]} {match[3]}" for match in map(ROW.fullmatch, rows) if match}
            source = Source(asked.url, asked.cluster, member, at)
            wanted |= {(member, name): row for name, row in source.rows()}
        report.compare(f"{at}: raw counts", wanted, found)
    report.close()


class Source:
    """The samples of a member in windows that end at a second."""

    def __init__(self, url, cluster, member, at):
        self.url, self.cluster, self.member, self.at = url, cluster, member, at

    def samples(self, name, window):
        """The labels of each series with its samples, (milliseconds, value)."""
        selector = f'{name}{{instance="{self.member}"}}[{window}]'
        for series in ask(self.url, "query", query=selector, time=self.at):
            labels = series["metric"]
            if (labels.get("cluster") or labels["job"]) == self.cluster:
                yield labels, [(int(Fraction(str(t)) * 1000), Fraction(v)) for t, v in series["values"]]

    def rows(self):
        for name, (series, noun) in BUCKETS.items():
            yield name, "5m " + self.histogram(list(self.samples(series, "5m")), noun)
        for name, (series, unit) in GAUGES.items():
            found = [values for one in series for _, values in self.samples(one, "5m")]
            if name == "open_fds" and found and not list(self.samples("etcd_server_has_leader", "5m")):
                row = "the member has samples, but none of etcd_server_has_leader in the window, by which the query selects"
            else:
                row = self.last(found[0], unit) if found else SILENT
            yield name, "5m " + row
        for name, (series, window, show) in {
            "leader_changes": (CHANGES, "1d", self.moves),
            "client_traffic_in": (BYTES, "5m", self.increase),
        }.items():
            found = [values for _, values in self.samples(series, window)]
            yield name, f"{window} " + (SILENT if not found else self.single(found[0]) or show(found[0]))

    def single(self, values):
        return f"1 sample, at {self.clock(values[0][0])}: an increase needs two" if len(values) == 1 else None

    def histogram(self, series, noun):
        if not series:
            return SILENT
        up_to = {float(labels["le"]): values for labels, values in series}
        bounds = sorted(up_to)
        if single := self.single(up_to[bounds[-1]]):
            return single
        assert len({tuple(t for t, _ in values) for values in up_to.values()}) == 1, "the buckets are scraped together"
        counts = {bound: increase(up_to[bound])[0] for bound in bounds}
        total = counts[bounds[-1]]
        reached = next((i for i, bound in enumerate(bounds) if counts[bound] >= Fraction(99, 100) * total), 0)
        text = f"{total} {noun}" + ("" if total == 1 else "s")
        if total > 0:
            around = [bound for bound in bounds[max(reached - 1, 0) : reached + 1] if bound < float("inf")]
            text = f"{total - counts[around[0]]} of {text} took longer than {ms(around[0])}"
            text += "".join(f", {total - counts[bound]} longer than {ms(bound)}" for bound in around[1:])
        own = defaultdict(int)
        for below, bound in zip([None, *bounds], bounds):
            own[f"> {ms(below)}" if bound == float("inf") else f"≤ {ms(bound)}"] = counts[bound] - counts.get(below, 0)
        listed = ", ".join(f"{name}: {count}" for name, count in own.items() if count)
        return text + (f" ({listed})" if listed else "") + f"; {self.span(up_to[bounds[-1]])}"

    def increase(self, values):
        amount, resets = increase(values)
        text = f"{amount} bytes in {seconds(values[-1][0] - values[0][0])}; {self.span(values)}"
        return text + (f"; {resets} counter reset{'s' if resets > 1 else ''}" if resets else "")

    def moves(self, values):
        moves = [(t, a, b) for (_, a), (t, b) in zip(values, values[1:]) if a != b]
        listed = [f"{a} to {b} at {self.clock(t)}{', a reset' if b < a else ''}" for t, a, b in moves[-LISTED:]]
        text = "it did not change" if not moves else f"{len(moves)} change{'s' if len(moves) > 1 else ''}: "
        if len(moves) > LISTED:
            text += f"{len(moves) - LISTED} earlier, then "
        ends = f"{values[0][1]} at the first sample, {values[-1][1]} at the last"
        return f"{ends}; {text}{', '.join(listed)}; {self.span(values)}"

    def last(self, values, unit):
        at, value = values[-1]
        return f"{value}{unit} at {self.clock(at)}, {seconds(self.at * 1000 - at)} before the step"

    def span(self, values):
        return f"{len(values):,} samples from {self.clock(values[0][0])} to {self.clock(values[-1][0])}"

    def clock(self, at_ms):
        one, step = (datetime.fromtimestamp(t // 1000, timezone.utc) for t in (at_ms, self.at * 1000))
        return one.strftime("%H:%M:%S" if one.date() == step.date() else "%Y-%m-%d %H:%M:%S")


def increase(values):
    """What a counter counted from its first to its last sample, and its resets: a lower value was counted from 0 on."""
    steps = list(zip(values, values[1:]))
    resets = sum(b < a for (_, a), (_, b) in steps)
    return sum(b - a if b >= a else b for (_, a), (_, b) in steps), resets


def ms(bound):
    return f"{Fraction(str(bound)) * 1000} ms"


def seconds(milliseconds):
    return f"{milliseconds / 1000:g} s"


if __name__ == "__main__":
    main()
