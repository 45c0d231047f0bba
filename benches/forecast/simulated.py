#!/usr/bin/env python3
"""Writes a simulated history for the benchmark of the forecast, with the truth about it.

    simulated.py DIR --set NAME [--seed 1] [--step 300] [--clusters N] [--members N] [--days N]

DIR/history/ has the layout of `etcd-heatmap pull`, and `score DIR` and `forecast DIR` read it. DIR/truth.csv has a row
for each fault and each member's character: start and end (of a ramp: its repair), the first reading above each
threshold of the profile `seed`, the first step with six elections within a day, the first red hour of the cluster
during the fault, and the number of them. The kinds `false_ramp` and `near_miss` (with a few elections) end before
anything is red. Growing databases of `sawtooth` have `quota_at`, the instant after the end of the history at which they
reach their quota.

The same seed gives the same bytes with the same versions of NumPy and Polars, and the same faults with another step.
Needs the packages of tests/oracle/requirements.txt.

An hour is red if the mean score of the cluster (that of its worst member) is below 5. With `seed`, a disk alone costs
exactly 5 points, so red needs elections as well: WAL fsync above 10 ms (3), commits above 40 ms (2) and more than five
leader changes within a day (3). `disk-ramps` has no elections and is meant for `--weight wal_fsync=0.6`, with which WAL
fsync above 10 ms for more than 50 minutes of an hour is red.

Latencies come from simulated bucket counts by the interpolation of `histogram_quantile`, so they have its grain. Sets:

    members     20 members, 28 days: quiet, noisy, daily, weekly, shifted, drifting, with blips, with gaps
    seasonal    12 members, 28 days: strong daily rhythm, half with weekends, days of different levels
    trend       12 members, 28 days: several ramps up and recoveries a week, 3 to 18 h long, never red
    ramps       50 clusters of 3, 14 days: a slow-disk ramp to red in the last 4 days, 2 to 4 false ones before
    disk-ramps  the same without elections
    steps       50 clusters of 3, 14 days: a fault within a minute in the last 4 days
    sawtooth    60 members, 28 days: 20 regular defragmentations, 20 that grow to the quota, 20 bulk loads that stop
    fleet       15 members, 28 days: all characters and a few faults, for speed
    red-mix     20 clusters of 3, 28 days: several red episodes of all kinds each
"""

import argparse
import shutil
import sys
from datetime import datetime, timezone
from pathlib import Path

# No __pycache__ in the source tree.
sys.dont_write_bytecode = True

from simulated.cluster import Grid  # noqa: E402
from simulated.folder import DISK_ALONE, SEED, red_hours, write_history, write_truth  # noqa: E402
from simulated.sets import SETS, Setting  # noqa: E402

# A Monday, so that 28 days are four whole weeks.
START = int(datetime(2026, 9, 7, tzinfo=timezone.utc).timestamp())


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--set", choices=SETS, required=True, dest="name")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--step", type=int, default=300, help="seconds between two readings; divides 3600")
    parser.add_argument("--clusters", type=int)
    parser.add_argument("--members", type=int, help="members of each cluster")
    parser.add_argument("--days", type=int)
    given = parser.parse_args()
    if given.step < 10 or 3600 % given.step:
        parser.error("--step must be at least 10 and divide 3600")
    if (given.folder / "history").exists() and not (given.folder / "truth.csv").exists():
        parser.error(f"{given.folder} holds another history")
    for flag, least in (("clusters", 1), ("members", 1), ("days", 5), ("seed", 0)):
        value = getattr(given, flag)
        if value is not None and value < least:
            parser.error(f"--{flag} must be at least {least}")
    return given


def main():
    given = arguments()
    grid = Grid(START, given.days or SETS[given.name][3], given.step)
    setting = Setting(given.name, given.seed, grid, given.clusters, given.members)
    weights = DISK_ALONE if given.name == "disk-ramps" else SEED
    readings, truth, red, scored, red_total = {}, [], {}, 0, 0
    for cluster in setting.make(setting):
        members = cluster.readings()
        readings |= {(cluster.name, member): columns for member, columns in members.items()}
        truth += cluster.truth
        with_score, red[cluster.name] = red_hours(grid, members.values(), weights)
        scored, red_total = scored + with_score.sum(), red_total + red[cluster.name].sum()
    shutil.rmtree(given.folder / "history", ignore_errors=True)
    rows = write_history(given.folder, grid, readings)
    write_truth(given.folder / "truth.csv", given.name, grid, truth, readings, red)
    share = red_total / max(scored, 1)
    print(f"{given.name}: {len(red)} clusters, {len(readings)} members, {rows} rows, {len(truth)} rows of truth,",
          f"{red_total} of {scored} cluster hours red ({share:.2%})")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
