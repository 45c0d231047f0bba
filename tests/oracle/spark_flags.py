"""Runs `deploy/spark/score.py` with its flags, in one session of Spark, and compares what it writes with the files of
`etcd-heatmap score`.

usage: spark_flags.py ALL SOME METRIC SQL STEP --since DATE --until DATE

ALL is scored with all metrics, and SOME is the same history scored without METRIC. SQL is the file that `etcd-heatmap sql
--dialect spark` printed, with all metrics, and STEP is the step of the history in seconds. The days must be some of those
of the history."""

import argparse
import tempfile
from datetime import datetime, timezone
from pathlib import Path

import duckdb
from pyspark.errors import AnalysisException

from cells import HEADER
from engine_spark import QUICK, Spark, session
from engines import cell_texts, score_texts
from engines_spark import Files
from report import Report


def main():
    parser = argparse.ArgumentParser()
    for name in ["all", "some", "metric", "sql", "step", "--since", "--until"]:
        parser.add_argument(name)
    asked, report = parser.parse_args(), Report()
    with tempfile.TemporaryDirectory() as folder:
        spark = session(folder, QUICK)
        try:
            compare(asked, folder, report)
        finally:
            spark.stop()
    report.close()


def compare(asked, folder, report):
    days, out = ["--since", asked.since, "--until", asked.until], f"{folder}/out"
    every, without = within(Files(asked.all), asked), within(Files(asked.some), asked)
    report.check("the days are not all, and the metric matters", [] if len(every[0]) < len(Files(asked.all).scores())
                 and every[0] != without[0] and every[1] != without[1] else [f"{len(every[0])} scores"])

    same(report, "--since --until", every, Spark(asked.all, asked.sql, out, days))
    refused = failure(AnalysisException, asked.all, asked.sql, out, ["--without", asked.metric])
    report.check("OUTPUT that is there is refused without --overwrite", [] if "PATH_ALREADY_EXISTS" in refused else [refused])
    again = Spark(asked.all, asked.sql, out, [*days, "--without", asked.metric, "--overwrite"])
    same(report, "--without --overwrite", without, again)

    bare = without_footers(asked.all, f"{folder}/bare")
    refused = failure(SystemExit, bare, asked.sql, f"{folder}/none", days)
    report.check("files without a step need --step", [] if "use --step" in refused else [refused])
    same(report, "--step", every, Spark(bare, asked.sql, f"{folder}/stepped", [*days, "--step", asked.step]))
    refused = failure(SystemExit, asked.all, asked.sql, f"{folder}/none", ["--without", "no_such_metric"])
    known = ["--without no_such_metric", "wal_fsync", "db_size"]
    report.check("an unknown metric is refused", [refused] if any(word not in refused for word in known) else [])
    report.check("what is refused writes nothing", [f"{folder}/none"] if Path(folder, "none").exists() else [])


def within(files, asked):
    """Scores and cells of the days that are asked for, as texts."""
    first, end = (datetime.fromisoformat(day).replace(tzinfo=timezone.utc) for day in [asked.since, asked.until])
    steps = range(round(first.timestamp() * 1000), round(end.timestamp() * 1000))
    scores = {key: values for key, values in files.scores().items() if key[0] in steps}
    date = HEADER.index("date")
    return score_texts(scores), cell_texts([row for row in files.cells() if asked.since <= row[date] < asked.until])


def same(report, flags, expected, spark):
    report.compare(f"scores: {spark.name}, {flags}", expected[0], score_texts(spark.scores()))
    report.compare(f"cells: {spark.name}, {flags}", expected[1], cell_texts(spark.cells()))


def failure(kind, folder, sql, out, flags):
    """What a run says that must fail."""
    try:
        Spark(folder, sql, out, flags)
    except kind as error:
        return str(error)
    return "it did not fail"


def without_footers(folder, copy):
    """The history, written again by an engine that drops the metadata of its files."""
    for file in Path(folder, "history").glob("date=*/readings.parquet"):
        place = Path(copy, "history", file.parent.name)
        place.mkdir(parents=True)
        duckdb.sql(f"copy (from read_parquet('{file}', hive_partitioning = false)) to '{place}/readings.parquet'")
    return copy


if __name__ == "__main__":
    main()
