"""A real Prometheus that scrapes the members, and what it has recorded."""

import csv
import gzip
import json
import pathlib
import shutil
import subprocess
import time
import urllib.parse

from cluster import get, post

HERE = pathlib.Path(__file__).parent
P99 = "histogram_quantile(0.99, sum by (instance, le) (rate({}_bucket[5m])))"
# What judges need: the readings of the score, as this Prometheus computes them, and what critical conditions show.
READINGS = {
    "wal_fsync": P99.format("etcd_disk_wal_fsync_duration_seconds"),
    "backend_commit": P99.format("etcd_disk_backend_commit_duration_seconds"),
    "open_fds": "process_open_fds",
    "max_fds": "process_max_fds",
    "leader_changes": "changes(etcd_server_leader_changes_seen_total[1d])",
    "db_size": "etcd_mvcc_db_total_size_in_bytes",
    "quota": "etcd_server_quota_backend_bytes",
    "up": "up",
    "has_leader": "etcd_server_has_leader",
    "is_leader": "etcd_server_is_leader",
    "start_time": "process_start_time_seconds",
}
# A server answers at most 11,000 steps at once.
MOST_STEPS = 5000


def expressions():
    lines = (HERE / "metrics.txt").read_text(encoding="utf-8").splitlines()
    return "|".join(line for line in lines if line and not line.startswith("#"))


class Prometheus:
    def __init__(self, folder, port, scrape_seconds):
        self.folder, self.port, self.scrape = pathlib.Path(folder), port, scrape_seconds
        self.targets_file = self.folder / "targets.json"
        # The two labels are joined by a semicolon; most metrics have no service, and nothing in front of it.
        regex = rf"(?:;|etcdserverpb\.)(?:{expressions()})"
        keep = {"source_labels": ["grpc_service", "__name__"], "regex": regex, "action": "keep"}
        job = {
            "job_name": "etcd",
            "file_sd_configs": [{"files": [str(self.targets_file)], "refresh_interval": "5s"}],
            "metric_relabel_configs": [keep],
        }
        interval = f"{scrape_seconds}s"
        config = {"global": {"scrape_interval": interval, "scrape_timeout": interval}, "scrape_configs": [job]}
        # JSON is YAML.
        (self.folder / "prometheus.yml").write_text(json.dumps(config, indent=1), encoding="utf-8")
        self.process = None

    def targets(self, members):
        """Replaces the targets; Prometheus sees the file change."""
        fresh = self.targets_file.with_suffix(".new")
        group = {"targets": [member.instance for member in members], "labels": {"cluster": "lab"}}
        fresh.write_text(json.dumps([group]), encoding="utf-8")
        fresh.rename(self.targets_file)

    def start(self):
        arguments = {
            "config.file": self.folder / "prometheus.yml", "storage.tsdb.path": self.folder / "tsdb",
            "web.listen-address": f"127.0.0.1:{self.port}", "storage.tsdb.retention.time": "100y", "log.level": "warn",
        }
        command = ["prometheus", "--web.enable-admin-api", *(f"--{name}={value}" for name, value in arguments.items())]
        with open(self.folder / "prometheus.log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        for _ in range(100):
            try:
                if "Ready" in get(self.port, "/-/ready"):
                    return
            except OSError:
                pass
            time.sleep(0.2)
        raise SystemExit(f"error: Prometheus does not start; see {self.folder}/prometheus.log")

    def query_range(self, query, start, end):
        """All samples at every scrape interval, as (instant, instance, value)."""
        window = MOST_STEPS * self.scrape
        for first in range(start, end + 1, window):
            last = min(first + window - self.scrape, end)
            parameters = {"query": query, "start": first, "end": last, "step": self.scrape}
            answer = json.loads(get(self.port, "/api/v1/query_range?" + urllib.parse.urlencode(parameters), timeout=120))
            for series in answer["data"]["result"]:
                for at, value in series["values"]:
                    yield int(at), series["metric"]["instance"], value

    def write_readings(self, path, start, end):
        """One row an instant and member, empty where there is no reading."""
        rows = {}
        for name, query in READINGS.items():
            for at, instance, value in self.query_range(query, start, end):
                rows.setdefault((at, instance), {})[name] = value
        # The same readings give the same bytes: no time and no name in the head of the file.
        with open(path, "wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed:
            lines = [",".join(["at", "instance", *READINGS])]
            for (at, instance), row in sorted(rows.items()):
                lines.append(",".join([str(at), instance, *(row.get(name, "") for name in READINGS)]))
            packed.write(("\n".join(lines) + "\n").encode())

    def snapshot(self, to):
        """Blocks only: the head becomes a block as well."""
        name = post(self.port, "/api/v1/admin/tsdb/snapshot", timeout=120)["data"]["name"]
        shutil.rmtree(to, ignore_errors=True)
        shutil.move(self.folder / "tsdb" / "snapshots" / name, to)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()
        shutil.rmtree(self.folder / "tsdb", ignore_errors=True)


def read_readings(path):
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            instance = row.pop("instance")
            yield int(row.pop("at")), instance, {name: float(value) for name, value in row.items() if value}
