"""Fetches the same six series as a Python user would: queries with prometheus-api-client, tables with pandas, Parquet
with pyarrow.

    fetch.py MANIFEST URL FIRST_DATE DAYS FOLDER [--workers 4]

One query per metric and UTC day, because a server returns at most 11,000 steps. It has as many queries in flight as
`etcd-heatmap pull`, in separate processes, because threads would share the interpreter lock for JSON and tables.
"""

import argparse
import json
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path

from prometheus_api_client import MetricRangeDataFrame, PrometheusConnect


def fetch(url, metric, promql, day, step, folder):
    server = PrometheusConnect(url=url, method="POST")
    last = day + timedelta(days=1, seconds=-step)
    series = server.custom_query_range(promql, day, last, f"{step}s")
    path = folder / f"date={day:%Y-%m-%d}" / f"{metric}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    frame = MetricRangeDataFrame(series)
    frame.to_parquet(path, compression="zstd")
    return len(frame)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("manifest", type=Path)
    arguments.add_argument("url")
    arguments.add_argument("first", type=datetime.fromisoformat)
    arguments.add_argument("days", type=int)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--workers", type=int, default=4)
    options = arguments.parse_args()
    manifest = json.loads(options.manifest.read_text())
    first, step = options.first.replace(tzinfo=timezone.utc), manifest["asked"]["step_seconds"]
    with ProcessPoolExecutor(options.workers) as pool:
        tasks = [
            pool.submit(fetch, options.url, metric, query["promql"], first + timedelta(days=day), step, options.folder)
            for day in range(options.days)
            for metric, query in manifest["queries"].items()
        ]
        print(sum(task.result() for task in tasks), "samples")


if __name__ == "__main__":
    main()
