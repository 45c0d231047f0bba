"""Compares what `findings` and `findings --all` print with the scores of the folder.

usage: problems_text.py DIR SHORT ALL

The losses of all problems must add up to the sum of (10 - score) x hours, and the short list and what it leaves out to
the whole one."""

import re
import sys

import duckdb

from report import Report

PROBLEM = re.compile(r"^ *(\d+)\. ([^:]+): ", re.MULTILINE)
LOST = re.compile(r"([\d.]+) points × h lost")
TOLERANCE = 0.01


def figures(text):
    """Hours below 7 and hours unknown, of the second line."""
    line = text.splitlines()[1]
    found = re.search(r"([\d,]+) hours? below 7, ([\d.]+) hours? unknown", line)
    return int(found[1].replace(",", "")), float(found[2])


def main():
    folder, short, everything = sys.argv[1:]
    short, everything = (open(path, encoding="utf-8").read() for path in (short, everything))
    cells = f"from '{folder}/heatmap.parquet' where level = 'cluster'"
    (below,) = duckdb.sql(f"select count(*) filter (mean < 7 - 1e-9) {cells}").fetchall()[0]
    steps = duckdb.sql(f"""select epoch(ts)::bigint as second from '{folder}/scores/*/*.parquet'
        group by second order by second limit 2""").fetchall()
    hours = (steps[1][0] - steps[0][0]) / 3600
    unknown, lost = duckdb.sql(f"""select sum(steps_expected - steps_scored - coalesce(steps_idle, 0)) * {hours},
        sum((10 - mean) * steps_scored) * {hours} {cells}""").fetchall()[0]
    report = Report()
    for name, text in (("short", short), ("all", everything)):
        found = figures(text)
        wrong = [found, below, unknown] if found[0] != below or abs(found[1] - float(unknown)) > TOLERANCE else []
        report.check(f"hours below 7 and unknown ({name})", wrong)

    listed, total = (PROBLEM.findall(text) for text in (short, everything))
    report.check("ranks of all problems", [] if [int(p[0]) for p in total] == list(range(1, len(total) + 1)) else total)
    report.check("at most 10 problems", [len(listed)] if not 1 <= len(listed) <= 10 else [])
    left = sum(int(n) for n in re.findall(r"(\d+) (?:more problem|row)s?\b", short))
    report.check("listed and left out", [] if len(listed) + left == len(total) else [len(listed), left, len(total)])
    report.check("three lines each", [] if len(everything.split("\n\n")[1].splitlines()) == 3 * len(total) else [everything])

    # Each loss is rounded up to hundredths.
    told = [float(loss) for loss in LOST.findall(everything)]
    off = sum(told) - float(lost)
    report.check("losses", [] if -TOLERANCE <= off <= TOLERANCE * len(told) + TOLERANCE else [sum(told), lost])
    shown = sum(float(loss) for loss in LOST.findall(short))
    folded = sum(float(loss) for loss in re.findall(r"\(([\d.]+) points × h\)", short))
    off = shown + folded - float(lost)
    report.check("losses listed and left out", [] if -TOLERANCE <= off <= TOLERANCE * (len(told) + 2) else [shown, folded, lost])
    report.close()


if __name__ == "__main__":
    main()
