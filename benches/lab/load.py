#!/usr/bin/env python3
"""Puts and linearizable reads at a bounded rate, run as a process of its own. usage: load.py LOG

It reads one JSON command a line on stdin: {"rate": 60, "ports": [12379, …]}. Every second it appends a line to LOG:
the second, puts and reads that succeeded and failed, and the slowest latency of 50 % and 99 % of those that succeeded.
Three of four operations are puts. What cannot be sent in time is left out, so that no backlog builds up.
"""

import base64
import http.client
import itertools
import json
import os
import sys
import threading
import time

WORKERS = 12
TIMEOUT_SECONDS = 3
# A member that did not answer is left alone for a while, or all workers would wait for it.
REST_SECONDS = 5
KEYS, VALUE_BYTES = 1000, 256


class Load:
    def __init__(self):
        self.lock = threading.Lock()
        self.rate, self.ports, self.turn = 0, [], itertools.count()
        self.next = time.monotonic()
        self.resting, self.counts, self.latencies = {}, {}, []

    def take(self):
        """Waits for the time of the next operation; its number and port."""
        with self.lock:
            now = time.monotonic()
            if not self.rate:
                self.next = now + 0.2
                at, port, number = self.next, None, 0
            else:
                # No more than half a second is caught up.
                self.next = max(self.next + 1 / self.rate, now - 0.5)
                at, number = self.next, next(self.turn)
                ready = [port for port in self.ports if self.resting.get(port, 0) < now] or self.ports
                port = ready[number % len(ready)]
        time.sleep(max(0, at - time.monotonic()))
        return number, port

    def count(self, what, seconds, port):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1
            if seconds is None:
                self.resting[port] = time.monotonic() + REST_SECONDS
            else:
                self.latencies.append(seconds)

    def report(self):
        with self.lock:
            counts, latencies = self.counts, sorted(self.latencies)
            self.counts, self.latencies = {}, []
        share = lambda part: round(latencies[min(int(len(latencies) * part), len(latencies) - 1)], 4) if latencies else None
        return {"at": int(time.time()), **counts, "p50": share(0.5), "p99": share(0.99)}


def work(load):
    connections = {}
    while True:
        number, port = load.take()
        if port is None:
            continue
        kind = "read" if number % 4 == 3 else "put"
        began = time.monotonic()
        try:
            connection = connections.setdefault(port, http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS))
            status = operate(connection, kind, number)
        except (OSError, http.client.HTTPException):
            connections.pop(port).close()
            status = None
        answered = time.monotonic() - began if status == 200 else None
        load.count(f"{kind}s_{'ok' if status == 200 else 'failed'}", answered, port)


def operate(connection, kind, number):
    text = lambda raw: base64.b64encode(raw).decode()
    body = {"key": text(b"load/%d" % (number % KEYS))}
    if kind == "put":
        body["value"] = text(os.urandom(VALUE_BYTES))
    connection.request("POST", "/v3/kv/put" if kind == "put" else "/v3/kv/range", json.dumps(body))
    answer = connection.getresponse()
    answer.read()
    return answer.status


def main():
    load = Load()
    for _ in range(WORKERS):
        threading.Thread(target=work, args=(load,), daemon=True).start()

    def reports():
        with open(sys.argv[1], "a", encoding="utf-8") as log:
            while True:
                time.sleep(1)
                print(json.dumps(load.report()), file=log, flush=True)

    threading.Thread(target=reports, daemon=True).start()
    for line in sys.stdin:
        command = json.loads(line)
        with load.lock:
            load.rate, load.ports = command["rate"], command["ports"]


if __name__ == "__main__":
    main()
