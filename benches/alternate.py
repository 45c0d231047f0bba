#!/usr/bin/env python3
"""Runs commands in turns, A B A B …, and prints medians side by side.

    alternate.py [--runs 5] [--warmup 1] [--fresh DIR]… [--bar RATIO [--each]] [--seconds BAR]
                 [--cpu-bar RATIO] [--memory-bar RATIO] [--mib BAR] NAME=COMMAND [NAME=COMMAND …]

It alternates because the speed of a machine drifts: what slows one run down also slows down the next one.
The last column divides a command's median wall time by that of the last command. The exit code is
1 if the first command's ratio is above --bar (with --each: that to any of the others), its median
above --seconds, its processor time above --cpu-bar times that of the last command, or its peak memory above
--memory-bar times that of the last command or above --mib. --fresh folders
are emptied before each run, and what earlier runs left to write is flushed, so that no
run is slowed down by the output of another.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time


def measure(command):
    """Wall seconds, user+sys seconds, and peak RSS of the largest process in MiB."""
    with tempfile.NamedTemporaryFile("r") as report:
        timed = ["/usr/bin/time", "-v", "-o", report.name, "bash", "-c", f"exec {command}"]
        began = time.perf_counter()
        done = subprocess.run(timed, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        wall = time.perf_counter() - began
        if done.returncode != 0:
            sys.exit(f"error: {command}\nended with {done.returncode}:\n{done.stdout[-2000:]}")
        values = dict(line.strip().rsplit(": ", 1) for line in report if ": " in line)
    user, system = float(values["User time (seconds)"]), float(values["System time (seconds)"])
    return wall, user + system, int(values["Maximum resident set size (kbytes)"]) / 1024


def held(options, medians):
    """Whether the first command is within all bars; prints each bar."""
    (name, first), *others = medians.items()
    last, floor = others[-1] if others else (name, first)
    bars = []
    if options.bar is not None:
        for other, its in others if options.each else [(last, floor)]:
            bars.append((first[0] / its[0], options.bar, f"times {other}"))
    if options.seconds is not None:
        bars.append((first[0], options.seconds, "s"))
    if options.cpu_bar is not None:
        bars.append((first[1] / floor[1], options.cpu_bar, f"times the processor time of {last}"))
    if options.mib is not None:
        bars.append((first[2], options.mib, "MiB"))
    if options.memory_bar is not None:
        bars.append((first[2] / floor[2], options.memory_bar, f"times the memory of {last}"))
    for value, bar, unit in bars:
        print(f"{name}: {value:.2f} {unit}, bar {bar:g}: {'held' if value <= bar else 'MISSED'}")
    return all(value <= bar for value, bar, _ in bars)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--warmup", type=int, default=1)
    parser.add_argument("--fresh", action="append", default=[])
    parser.add_argument("--bar", type=float)
    parser.add_argument("--each", action="store_true")
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--cpu-bar", type=float)
    parser.add_argument("--memory-bar", type=float)
    parser.add_argument("--mib", type=float)
    parser.add_argument("commands", nargs="+", metavar="NAME=COMMAND")
    options = parser.parse_args()
    commands = [command.split("=", 1) for command in options.commands]
    results = {name: [] for name, _ in commands}
    for run in range(-options.warmup, options.runs):
        for name, command in commands:
            for folder in options.fresh:
                shutil.rmtree(folder, ignore_errors=True)
            os.sync()
            result = measure(command)
            if run >= 0:
                results[name].append(result)
            print(f"{'warm-up' if run < 0 else f'run {run + 1}':8} {name:32} {result[0]:8.2f} s", file=sys.stderr)

    medians = {name: [statistics.median(column) for column in zip(*rows)] for name, rows in results.items()}
    floor = medians[commands[-1][0]][0]
    print(f"{'median of ' + str(options.runs):32} {'wall s':>8} {'min':>8} {'max':>8} {'cpu s':>8} {'RSS MiB':>8} {'ratio':>8}")
    for name, (wall, cpu, rss) in medians.items():
        walls = [row[0] for row in results[name]]
        print(f"{name:32} {wall:8.2f} {min(walls):8.2f} {max(walls):8.2f} {cpu:8.2f} {rss:8.0f} {wall / floor:8.2f}")
    sys.exit(0 if held(options, medians) else 1)


main()
