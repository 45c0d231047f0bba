#!/usr/bin/env python3
"""Runs etcd, Prometheus and a load, injects faults, and keeps what was recorded.

usage: run.py [all | quick | FAULT…] --out DIR [--etcd PROGRAM] [--calm FACTOR]

DIR gets labels.json (what was done when, and what it did), readings.csv.gz (the readings at every scrape, as Prometheus
computes them), data/ (Prometheus's blocks) and logs/.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import faults
from cluster import QUOTA_BYTES, Cluster
from observer import Observer, counts, measured, puts
from prometheus import HERE, Prometheus

# A change of leadership this long after a fault's end still belongs to it: an election takes at most a few seconds.
AFTERMATH_SECONDS = 10
WARM_UP_SECONDS = 45


class Lab:
    def __init__(self, options):
        self.options, self.out = options, pathlib.Path(options.out).resolve()
        shutil.rmtree(self.out, ignore_errors=True)
        self.logs = self.out / "logs"
        self.logs.mkdir(parents=True)
        # In memory where possible: then only the injected faults make fsyncs slow.
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.state = tempfile.mkdtemp(prefix="etcd-lab-", dir=memory)
        self.cluster = Cluster(options.etcd, self.state, self.logs, options.port)
        self.prometheus = Prometheus(self.out, options.port, options.scrape)
        self.loader = subprocess.Popen([sys.executable, HERE / "load.py", self.load_log], stdin=subprocess.PIPE, text=True)
        self.observer, self.random, self.labels = None, random.Random(19), []

    @property
    def load_log(self):
        return self.logs / "load.jsonl"

    def load(self, rate=None):
        ports = [member.client for member in self.cluster.members]
        command = {"rate": self.options.rate if rate is None else rate, "ports": ports}
        self.loader.stdin.write(json.dumps(command) + "\n")
        self.loader.stdin.flush()

    def noise(self, size):
        return self.random.randbytes(size)

    def hold(self, seconds):
        time.sleep(seconds)

    def targets_changed(self):
        self.prometheus.targets(self.cluster.members)
        self.observer.watch_new()
        self.load()

    def start(self):
        self.cluster.start()
        self.observer = Observer(self.cluster)
        self.prometheus.targets(self.cluster.members)
        # Without the cluster's own first election in the history: it is not a fault.
        self.cluster.leader()
        self.load()
        time.sleep(5)
        self.prometheus.start()
        self.began = time.time()
        say(f"{self.options.etcd}: {len(self.cluster.members)} members, warming up")
        time.sleep(WARM_UP_SECONDS * self.options.calm)

    def inject(self, fault):
        leader, before, start = self.cluster.leader(), counts(self.cluster), time.time()
        members, detail = fault.make(self)
        end = time.time()
        # The last fsyncs and the next election belong to it, and Prometheus must have scraped them.
        time.sleep(2 * self.options.scrape)
        after = counts(self.cluster)
        label = {
            "kind": fault.name, "members": [member.instance for member in members],
            "start": round(start, 1), "end": round(end, 1), "leader_before": leader.instance, "detail": detail,
            "measured": measured(before, after),
        }
        self.labels.append(label)
        say(f"{fault.name} {', '.join(label['members'])}: {end - start:.0f} s")
        time.sleep(max(AFTERMATH_SECONDS, fault.calm * self.options.calm))
        self.complete(label)

    def complete(self, label):
        """Adds what is known only a while after the fault."""
        start, until = label["start"], label["end"] + AFTERMATH_SECONDS
        changes = self.observer.changes_within(start, until)
        label["leader_changes"], label["leader_changed"] = changes, bool(changes)
        label["leader_after"] = changes[-1]["to"] if changes else label["leader_before"]
        label["silent_seconds"] = self.observer.seconds_of(self.observer.silent, start, until)
        label["leaderless_seconds"] = self.observer.seconds_of(self.observer.leaderless, start, until)
        label["load"] = puts(self.load_log, start, label["end"] + 2 * self.options.scrape)
        for change in changes:
            say(f"  {change['from']} lost the leadership to {change['to']} {change['at'] - start:.1f} s after the start")

    def finish(self):
        """Writes everything, and measures what the lab itself cost."""
        end = time.time()
        scrape = self.options.scrape
        first, last = -int(-self.began // scrape) * scrape, int(end // scrape) * scrape
        self.prometheus.write_readings(self.out / "readings.csv.gz", first, last)
        self.prometheus.snapshot(self.out / "data")
        known = [change for label in self.labels for change in label["leader_changes"]]
        all_changes = self.observer.changes_within(self.began, end)
        facts = {
            "cluster": "lab", "etcd": self.labels_version(), "scrape_seconds": scrape, "quota_bytes": QUOTA_BYTES,
            "start": first, "end": last, "members": {member.instance: member.name for member in self.cluster.ever},
            "changes_in_calm": [change for change in all_changes if change not in known],
            "processor_share": self.processor_share(end), "faults": self.labels,
        }
        (self.out / "labels.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")

    def labels_version(self):
        return self.cluster.leader().status()["version"]

    def processor_share(self, end):
        """Of one core, for the processes that still run."""
        total = 0.0
        running = [member.process for member in self.cluster.members]
        for process in [*running, self.loader, self.cluster.links, self.prometheus.process]:
            fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return round(total / (end - self.began), 2)

    def stop(self):
        self.loader.stdin.close()
        self.loader.wait()
        self.prometheus.stop()
        if self.observer:
            self.observer.ended.set()
        self.cluster.stop()


def say(text):
    print(time.strftime("%H:%M:%S"), text, flush=True)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faults", nargs="*", default=["quick"], help="all, quick, or names of faults")
    parser.add_argument("--out", required=True)
    parser.add_argument("--etcd", default="etcd", help="program of the members")
    parser.add_argument("--port", type=int, default=12300, help="Prometheus's; those of members follow")
    parser.add_argument("--scrape", type=int, default=2, help="seconds between scrapes")
    parser.add_argument("--rate", type=int, default=60, help="operations per second")
    parser.add_argument("--calm", type=float, default=1.0, help="factor of the calm between faults")
    return parser.parse_args()


def main():
    options = arguments()
    planned = faults.plan(options.faults)
    # An interrupted run still ends its processes.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        # Members that wait for a processor lose their leader without a fault.
        os.nice(-10)
    except PermissionError:
        pass
    lab = Lab(options)
    try:
        lab.start()
        for fault in planned:
            lab.inject(fault)
        lab.finish()
    finally:
        lab.stop()


if __name__ == "__main__":
    main()
