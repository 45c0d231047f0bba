"""Watches the members: who leads, twice a second, and the raw counts in /metrics before and after a fault."""

import http.client
import json
import re
import threading
import time

from cluster import Refused, get

EVERY_SECONDS = 0.5
SAMPLE = re.compile(r'^(\w+)(?:\{(.*)\})? (\S+)$', re.MULTILINE)
HISTOGRAMS = {
    "wal_fsync": "etcd_disk_wal_fsync_duration_seconds",
    "backend_commit": "etcd_disk_backend_commit_duration_seconds",
}
GAUGES = {
    "open_fds": "process_open_fds",
    "max_fds": "process_max_fds",
    "db_size_bytes": "etcd_mvcc_db_total_size_in_bytes",
    "db_in_use_bytes": "etcd_mvcc_db_total_size_in_use_in_bytes",
    "process_start": "process_start_time_seconds",
    "leader_changes_seen": "etcd_server_leader_changes_seen_total",
    "heartbeat_send_failures": "etcd_server_heartbeat_send_failures_total",
    "slow_apply": "etcd_server_slow_apply_total",
}


class Observer:
    def __init__(self, cluster):
        self.cluster, self.lock = cluster, threading.Lock()
        self.term, self.leader, self.changes = 0, None, []
        # The seconds of a member without an answer, and with an answer that names no leader.
        self.silent, self.leaderless = {}, {}
        self.ended = threading.Event()
        self.watched = set()
        self.watch_new()

    def watch_new(self):
        for member in self.cluster.members:
            if member.name not in self.watched:
                self.watched.add(member.name)
                threading.Thread(target=self.watch, args=(member,), daemon=True).start()

    def watch(self, member):
        while not self.ended.wait(EVERY_SECONDS):
            if member not in self.cluster.members:
                continue
            at = time.time()
            try:
                status = member.status(EVERY_SECONDS)
            except (OSError, http.client.HTTPException, Refused):
                self.silent.setdefault(member.instance, []).append(at)
                continue
            self.note(at, member, status)

    def note(self, at, member, status):
        """A new term with a leader is a change. A member that is cut off counts terms without a leader."""
        term, leader = int(status["raftTerm"]), status.get("leader", "0")
        if leader == "0":
            self.leaderless.setdefault(member.instance, []).append(at)
            return
        with self.lock:
            if term <= self.term:
                return
            name = next((each.instance for each in self.cluster.ever if each.id == leader), leader)
            if self.leader and name != self.leader:
                self.changes.append({"at": round(at, 1), "from": self.leader, "to": name, "term": term})
            elif self.leader:
                self.changes.append({"at": round(at, 1), "from": name, "to": name, "term": term})
            self.term, self.leader = term, name

    def changes_within(self, start, end):
        with self.lock:
            return [change for change in self.changes if start <= change["at"] < end]

    def seconds_of(self, times, start, end):
        return {
            instance: round(sum(start <= at < end for at in seen) * EVERY_SECONDS, 1)
            for instance, seen in times.items()
            if any(start <= at < end for at in seen)
        }


def counts(cluster):
    """The raw counts of all members that answer."""
    found = {}
    for member in list(cluster.members):
        try:
            text = get(member.client, "/metrics")
        except (OSError, http.client.HTTPException):
            continue
        found[member.instance] = parse(text)
    return found


def parse(text):
    samples = {}
    for name, labels, value in SAMPLE.findall(text):
        samples[name, labels] = float(value)
    result = {}
    for short, name in HISTOGRAMS.items():
        result[short] = {
            labels.removeprefix('le="').removesuffix('"'): value
            for (sample, labels), value in samples.items()
            if sample == name + "_bucket"
        }
        result[short + "_sum"] = samples.get((name + "_sum", ""), 0.0)
    for short, name in GAUGES.items():
        result[short] = samples.get((name, ""))
    return result


def quantile(share, buckets):
    """As Prometheus's histogram_quantile."""
    pairs = sorted((float("inf") if le == "+Inf" else float(le), count) for le, count in buckets.items())
    if not pairs or not pairs[-1][1]:
        return None
    rank, low, below = share * pairs[-1][1], 0.0, 0.0
    for high, count in pairs:
        if count >= rank:
            return low if high == float("inf") else low + (high - low) * (rank - below) / (count - below)
        low, below = high, count
    return low


def measured(before, after):
    """What changed at each member between two readings of /metrics."""
    effects = {}
    for instance, now in after.items():
        then = before.get(instance)
        # A new process counts from 0.
        same = then and then["process_start"] == now["process_start"]
        effect = {"restarted": bool(then) and not same}
        for short in HISTOGRAMS:
            since = then[short] if same else {}
            buckets = {le: count - since.get(le, 0) for le, count in now[short].items()}
            p99 = quantile(0.99, buckets)
            effect[short] = {"count": int(buckets.get("+Inf", 0)), "p99_seconds": p99 and round(p99, 4)}
        for short in ("open_fds", "db_size_bytes", "db_in_use_bytes"):
            effect[short] = now[short]
        for short in ("leader_changes_seen", "heartbeat_send_failures", "slow_apply"):
            effect[short] = (now[short] or 0) - ((then[short] or 0) if same else 0)
        effects[instance] = effect
    return effects


def puts(log, start, end):
    """What the load saw: puts that succeeded and failed, and the worst second's p99."""
    total, worst = {"puts_ok": 0, "puts_failed": 0, "reads_ok": 0, "reads_failed": 0}, None
    with open(log, encoding="utf-8") as lines:
        for line in lines:
            second = json.loads(line)
            if start <= second["at"] < end:
                for name in total:
                    total[name] += second.get(name, 0)
                worst = max(filter(None, (worst, second["p99"])), default=None)
    return {**total, "worst_p99_seconds": worst}
