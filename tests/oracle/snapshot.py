"""Computes the exact text of openmetrics/*.om and heatmap.csv from the history of DIR, and writes it to OUT.

usage: snapshot.py DIR OUT --step SECONDS"""

import argparse
import csv
from datetime import datetime, timezone
from pathlib import Path

import openmetrics
from cells import HEADER, Folding, as_table, expected_cells
from folder import days, has_column
from report import Report
from score import expected_scores, idle_steps
from spec import BESIDE, COLUMNS, NAMES, Profile

HEAD = """# HELP etcd_score Health of an etcd member, from 0 (red) to 10 (green).
# TYPE etcd_score gauge
"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("out")
    parser.add_argument("--step", type=int, required=True)
    asked = parser.parse_args()
    history = days(asked.folder, "history", COLUMNS, Report(), optional=BESIDE)
    knows_start = has_column(asked.folder, "history", BESIDE[-1])
    scores = expected_scores(history, asked.step, Profile.named(), knows_start)
    Path(asked.out).mkdir(parents=True, exist_ok=True)
    write_om(scores, asked.out)
    write_csv(scores, idle_steps(history, Profile.named()), asked.out)


def write_om(scores, out):
    windows = {}
    for cluster, member, ts in sorted((cluster, member, ts) for ts, cluster, member in scores):
        score = scores[ts, cluster, member][-2]
        if score is not None:
            labels = f'cluster="{openmetrics.escape(cluster)}",member="{openmetrics.escape(member)}"'
            number = int(score) if score == int(score) else score
            lines = windows.setdefault(openmetrics.window_name(ts // 1000), [])
            lines.append(f"etcd_score{{{labels}}} {number} {ts // 1000}\n")
    for name, lines in windows.items():
        Path(out, name).write_text(HEAD + "".join(lines) + "# EOF\n", encoding="utf-8")


def write_csv(scores, idle, out):
    as_table("given", scores)
    with open(Path(out, "heatmap.csv"), "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for row in expected_cells("given", Folding(), idle):
            writer.writerow(in_words(name, value) for name, value in zip(HEADER, row))


def in_words(name, value):
    if name == "start":
        return datetime.fromtimestamp(value, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(value).lower() if isinstance(value, bool) else value


if __name__ == "__main__":
    main()
