"""Checks that the peers got the same data as `etcd-heatmap pull`: samples per metric, and each value from Python.

    compare.py HISTORY BLOCKS VICTORIA_METRICS_URL PARQUET

A NaN counts as a sample for the peers, but VictoriaMetrics does not store it, and the history treats it as missing.
promtool evaluates some seconds later than the others, so a series may start or end a step earlier: a difference of one
sample in a thousand is accepted.
"""

import json
import sys
import urllib.parse
import urllib.request
from pathlib import Path

import numpy as np
import pandas as pd

# metric -> column in the history.
METRICS = {
    "wal_fsync": "wal_fsync_seconds",
    "backend_commit": "backend_commit_seconds",
    "open_fds": "open_fds",
    "leader_changes": "leader_changes",
    "client_traffic_in": "client_traffic_in_bytes_per_second",
    "db_size": "db_size_bytes",
}


def in_blocks(folder):
    """Number of samples in all blocks; their metadata has no number per series."""
    return sum(json.loads(meta.read_text())["stats"]["numSamples"] for meta in folder.glob("*/meta.json"))


def in_victoria_metrics(url):
    """Number of samples per metric."""
    query = urllib.parse.urlencode({"match[]": '{__name__=~"peer:.+"}'})
    counts = dict.fromkeys(METRICS, 0)
    with urllib.request.urlopen(f"{url}/api/v1/export?{query}") as lines:
        for line in lines:
            series = json.loads(line)
            counts[series["metric"]["__name__"].removeprefix("peer:")] += len(series["values"])
    return counts


def ours(folder):
    days = [pd.read_parquet(path) for path in sorted(folder.glob("date=*/readings.parquet"))]
    return pd.concat(days).astype({"cluster": str, "member": str})


def of_python(folder, metric):
    days = pd.concat([pd.read_parquet(path) for path in sorted(folder.glob(f"date=*/{metric}.parquet"))])
    days = days.reset_index().rename(columns={"timestamp": "ts", "instance": "member"})
    days["ts"] = days["ts"].dt.tz_localize("UTC")
    return days[["ts", "cluster", "member", "value"]]


def main():
    history, blocks, url, parquet = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
    readings = ours(history)
    readings["ts"] = readings["ts"].astype("datetime64[ns, UTC]")
    victoria = in_victoria_metrics(url)
    differ = total = 0
    print(f"{'metric':20} {'history':>10} {'python':>10} {'NaN there':>10} {'vmalert':>10} {'values differ':>14}")
    for metric, column in METRICS.items():
        frame = of_python(parquet, metric)
        frame["ts"] = frame["ts"].astype("datetime64[ns, UTC]")
        known = readings.loc[readings[column].notna(), ["ts", "cluster", "member", column]]
        both = known.merge(frame.dropna(), on=["ts", "cluster", "member"], how="outer")
        # Compared bit by bit; a row that only one of them has counts as different.
        wrong = int((both[column].to_numpy().view(np.int64) != both["value"].to_numpy().view(np.int64)).sum())
        nan = int(frame["value"].isna().sum())
        print(f"{metric:20} {len(known):10} {len(frame):10} {nan:10} {victoria[metric]:10} {wrong:14}")
        differ += wrong
        total += len(frame)
        # VictoriaMetrics stores no NaN.
        differ += abs(victoria[metric] - (len(frame) - nan))
    samples = in_blocks(blocks)
    print(f"{'all':20} {'':>10} {total:10} {'':>10} {sum(victoria.values()):10}; promtool {samples}")
    sys.exit(1 if differ or abs(samples - total) > total / 1000 else 0)


main()
