"""Compares Spark with the original's arithmetic and with the files of `etcd-heatmap score` on several histories, in one
session: the points and score of every step, every cell, and the types of columns.

usage: engines_spark.py --case DIR SQL STEP FLAGS [--case ...]

DIR holds a history and the files that `etcd-heatmap score` wrote from it with FLAGS, SQL is the file that `etcd-heatmap
sql --dialect spark` printed with FLAGS, and STEP is the step of the history in seconds."""

import argparse
import shlex
import tempfile
from datetime import datetime, timezone

from cells import Folding, as_table, expected_cells
from engine_duckdb import CELLS, SCORES, by_step, connection
from engine_original import Original
from engine_spark import QUICK, Spark, columns, session
from engines import cell_texts, score_texts
from folder import source
from report import Report


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--case", nargs=4, action="append", required=True, metavar=("DIR", "SQL", "STEP", "FLAGS"))
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        spark = session(folder, QUICK)
        try:
            for place, case in enumerate(parser.parse_args().case):
                compare(case, f"{folder}/out-{place}", report)
        finally:
            spark.stop()
    report.close()


def compare(case, out, report):
    folder, script, step, flags = case
    parser = argparse.ArgumentParser()
    Folding.add_flags(parser)
    folding = Folding.of(parser.parse_args(shlex.split(flags)))
    spark, ours = Spark(folder, script, out), Files(folder)
    scores, cells = expected(Original(folder, int(step), folding.profile), folding)
    for engine in [spark, ours]:
        name = f"{engine.name}, {flags or 'defaults'}"
        report.compare(f"scores: {name}", score_texts(scores), score_texts(engine.scores()))
        report.compare(f"cells: {name}", cell_texts(cells), cell_texts(engine.cells()))
    for what in ["scores", "cells"]:
        report.compare(f"types of {what}: {spark.name}", dict(ours.types(what)), dict(spark.types(what)))
        in_order = [column for column, _ in ours.types(what)] == [column for column, _ in spark.types(what)]
        report.check(f"order of the columns of {what}", [] if in_order else [spark.types(what)])


def expected(first, folding):
    """The scores and cells of all days."""
    scores, idle, caps, learners = {}, set(), {}, set()
    for day in first.days():
        date = datetime.fromtimestamp(day / 1000, timezone.utc).strftime("%Y-%m-%d")
        scores |= first.scores(day, date)
        idle |= first.idle(date)
        caps |= first.caps(date)
        learners |= first.learners(date)
    as_table("all_scores", scores)
    return scores, expected_cells("all_scores", folding, idle, caps, learners)


class Files:
    """The files of `etcd-heatmap score`."""

    name = "etcd-heatmap score"

    def __init__(self, folder):
        self.engine = connection()
        self.files = {"scores": source(f"{folder}/scores/date=*/scores.parquet"),
                      "cells": source(f"{folder}/heatmap.parquet")}

    def scores(self):
        return by_step(self.engine.execute(f"{SCORES} {self.files['scores']}").fetchall())

    def cells(self):
        return self.engine.execute(f"{CELLS} {self.files['cells']}").fetchall()

    def types(self, what):
        return columns(self.files[what])


if __name__ == "__main__":
    main()
