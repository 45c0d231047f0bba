"""Prints a day of series of other programs, without `# EOF`, so that etcd's can follow: TARGETS processes with SERIES gauges
of random values each, and the metrics that every process has.

usage: others.py FIRST_SECOND TARGETS SERIES SEED"""

import random
import sys

# Seconds between scrapes.
STEP = 15


def main():
    first, targets, series, seed = map(int, sys.argv[1:])
    rng = random.Random(seed)
    times = [f" {second}\n" for second in range(first, first + 86400, STEP)]
    for target in range(targets):
        labels = f'cluster="west",job="app",instance="10.9.{target // 250}.{target % 250}:8080"'
        for name, value in [("process_open_fds", 40), ("process_max_fds", 65536), ("process_start_time_seconds", first)]:
            sys.stdout.write("".join(f"{name}{{{labels}}} {value}{time}" for time in times))
        for number in range(series):
            of = f'app_latency_seconds{{{labels},endpoint="/v1/{number}"}} '
            sys.stdout.write("".join(f"{of}{rng.random()}{time}" for time in times))


main()
