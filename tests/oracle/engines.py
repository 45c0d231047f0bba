"""Compares five engines on one history: the points and score of every step, and every cell.

usage: engines.py DIR --step SECONDS --rules FILE --sql FILE [--profile NAME] [--thresholds]

DIR holds a history and the files that `etcd-heatmap score` wrote from it with this profile. The FILEs are the output of
`etcd-heatmap rules` and `etcd-heatmap sql` for the profile. With --thresholds, the history must have readings on every
threshold of the profile.

The first engine is the original's decimal arithmetic; the others must agree with it to the last bit. Days are compared
one at a time, so that memory does not grow with the history."""

import argparse
import tempfile
from collections import Counter
from datetime import datetime, timezone

from engine_duckdb import Files, Sql
from engine_original import Original
from engine_polars import Notebook
from engine_promql import PromQL
from report import Report
from spec import Profile


class Comparison:
    """Counts how many rows of the other engines differ from the first one's."""

    def __init__(self):
        self.rows, self.wrong, self.different = Counter(), {}, Counter()

    def compare(self, what, engine, expected, found):
        """Compares rows as text: repr() shows every bit of a float, including the sign of -0.0."""
        self.rows[what, engine] += len(expected)
        wrong = self.wrong.setdefault((what, engine), [])
        differing = [key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key)]
        self.different[what, engine] += len(differing)
        for key in sorted(differing, key=str)[: 8 - len(wrong)]:
            wrong.append(f"{key}: expected {expected.get(key)}, found {found.get(key)}")

    def tell(self, report):
        for (what, engine), wrong in self.wrong.items():
            rows, different = self.rows[what, engine], self.different[what, engine]
            report.check(f"{what}: {engine}: {rows} compared, {different} differ", wrong if rows else ["nothing to compare"])


def score_texts(scores):
    """Rows as text, with all points as floats: the first engine has integers among them."""
    number = lambda value: None if value is None else float(value)
    return {key: repr((*map(number, row[:-1]), row[-1])) for key, row in scores.items()}


def cell_texts(rows):
    cells = {row[:4]: repr(row[4:]) for row in rows}
    assert len(cells) == len(rows), "a cell is there twice"
    return cells


def compare_all(first, promql, files, comparison):
    for day in first.days():
        date = datetime.fromtimestamp(day / 1000, timezone.utc).strftime("%Y-%m-%d")
        scores = first.scores(day, date)
        exact, cells = score_texts(scores), cell_texts(first.cells(day, date, scores))
        for engine in [promql, *files]:
            found = engine.scores(day, date)
            comparison.compare("scores", engine.name, exact, score_texts(found))
            comparison.compare("cells", engine.name, cells, cell_texts(engine.cells(day, date, found)))
        # etcd_score_unknown and the cluster score, computed without knowing when a member is last seen.
        comparison.compare("live", promql.name, first.live(day, date), promql.live(day, date))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--step", type=int, required=True)
    parser.add_argument("--rules", required=True)
    parser.add_argument("--sql", required=True)
    parser.add_argument("--profile", default="seed")
    parser.add_argument("--thresholds", action="store_true")
    asked = parser.parse_args()
    report, comparison = Report(), Comparison()
    first = Original(asked.folder, asked.step, Profile.named(asked.profile))
    report.check(f"history: {first.readings} readings", [] if first.readings else ["the history has no readings"])
    if asked.thresholds:
        report.check("history: on every threshold and one double to either side", first.missed())
    with tempfile.TemporaryDirectory() as folder:
        promql = PromQL(first, asked.rules, folder)
        try:
            files = [Sql(asked.folder, asked.sql), Notebook(asked.folder), Files(asked.folder)]
            compare_all(first, promql, files, comparison)
        finally:
            promql.server.close()
    comparison.tell(report)
    report.close()


if __name__ == "__main__":
    main()
