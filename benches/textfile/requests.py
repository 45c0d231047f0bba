#!/usr/bin/env python3
"""Writes the six instant queries of one evaluation as request bodies for curl.

    requests.py QUERIES SECOND FOLDER

Writes FOLDER/METRIC.body from QUERIES/METRIC.promql, for the evaluation time SECOND."""

import sys
from pathlib import Path
from urllib.parse import urlencode

METRICS = ["wal_fsync", "backend_commit", "open_fds", "leader_changes", "client_traffic_in", "db_size"]


def main():
    queries, second, folder = sys.argv[1:]
    Path(folder).mkdir(parents=True, exist_ok=True)
    for metric in METRICS:
        text = Path(queries, f"{metric}.promql").read_text().split("# raw:")[1]
        lines = text.splitlines()[1:]
        end = next((i for i, line in enumerate(lines) if line.startswith("#")), len(lines))
        query = " ".join(lines[:end]).replace("$selector", "").replace("$labels", "cluster, job, instance").strip()
        Path(folder, f"{metric}.body").write_text(urlencode({"query": query, "time": second}))


if __name__ == "__main__":
    main()
