"""Computes the scores and the heat map of a history with Spark, and writes both as Parquet.

    etcd-heatmap sql --dialect spark > score.spark.sql
    spark-submit score.py s3a://lake/audit/history s3a://lake/audit-spark --sql score.spark.sql

The SQL determines profile, rollup, time zone and width of cells: `etcd-heatmap sql --dialect spark --help`. OUTPUT gets
scores/date=…/ and heatmap.parquet/ with the columns, types and values that `etcd-heatmap score` writes. Paths are those
of Hadoop. Needs nothing but Spark; tested with Spark 4.3, in ANSI mode."""

import argparse
import json
import re
import sys
from datetime import datetime, timezone
from itertools import filterfalse

from pyspark.sql import SparkSession, functions

FILES = "date=*/readings.parquet"
METADATA = "etcd-heatmap."
START_TIME = "start_time_seconds"
# Scores and cells follow from these, which are small: a step takes a few bytes.
KEPT = ["lives", "bands", "steps"]


def main(arguments=None):
    asked = parsed(arguments)
    spark = SparkSession.builder.appName("etcd-heatmap").getOrCreate()
    # Of the files of `etcd-heatmap score`. In UTC, the date of a score is that of its history.
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    spark.conf.set("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MILLIS")
    define(spark, asked)
    write(spark, asked)


def parsed(arguments):
    parser = argparse.ArgumentParser(description="Computes scores and cells of a history with Spark.")
    parser.add_argument("history", metavar="HISTORY", help="folder or URL of history/")
    parser.add_argument("output", metavar="OUTPUT", help="folder or URL to write to")
    parser.add_argument("--sql", required=True, metavar="FILE", help="output of `etcd-heatmap sql --dialect spark`")
    parser.add_argument("--without", nargs="+", default=[], metavar="METRIC", help="leave out metrics")
    parser.add_argument("--step", type=int, metavar="SECONDS", help="step of the history [default: that of its files]")
    parser.add_argument("--since", type=midnight, metavar="DATE", help="first UTC day [default: the first]")
    parser.add_argument("--until", type=midnight, metavar="DATE", help="UTC day after the last [default: all]")
    parser.add_argument("--overwrite", action="store_true", help="replace the files in OUTPUT")
    return parser.parse_args(arguments)


def midnight(text):
    return int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=timezone.utc).timestamp())


def define(spark, asked):
    """Runs the script: declares its variables, sets them, and defines its views."""
    history = asked.history.rstrip("/")
    spark.conf.set("history", history.replace("\\", "\\\\").replace("'", "\\'"))
    with open(asked.sql, encoding="utf-8") as file:
        script = statements(file.read())
    for statement in filter(is_declaration, script):
        spark.sql(statement)
    for name, value in variables(spark, asked, history, script):
        spark.sql(f"SET VARIABLE {name} = {value}")
    for statement in filterfalse(is_declaration, script):
        spark.sql(statement)
        name = re.search(r" VIEW (\w+) ", statement)[1]
        view = spark.table(name)
        # Replaces the text of the view, which Spark would analyze again wherever it is used, by its plan.
        (view.cache() if name in KEPT else view).createOrReplaceTempView(name)


def statements(script):
    code = "\n".join(line for line in script.split("\n") if not line.startswith("--"))
    return [statement.strip() for statement in re.split(r";$", code, flags=re.MULTILINE) if statement.strip()]


def is_declaration(statement):
    return statement.startswith("DECLARE ")


def variables(spark, asked, history, script):
    """The variables of the script that have no default or another value, as SQL."""
    footer = footer_of(spark, history)
    step = asked.step or int(footer.get(METADATA + "step_seconds", 0))
    if step <= 0:
        sys.exit("error: the files do not contain their step: use --step")
    columns = spark.read.option("mergeSchema", True).parquet(history).columns
    metrics = re.findall(r"array_contains\(without, '(\w+)'\)", "".join(script))
    without = ", ".join(f"'{metric}'" for metric in left_out(asked, footer, metrics))
    yield "step_seconds", step
    yield "restarts_known", START_TIME in columns
    yield "without", f"CAST(array({without}) AS ARRAY<STRING>)"
    yield from ((name, day) for name, day in [("since", asked.since), ("until", asked.until)] if day is not None)


def footer_of(spark, history):
    """The key-value metadata of one file of the history. Spark's own reader does not show it."""
    hadoop, parquet = spark._jvm.org.apache.hadoop.fs, spark._jvm.org.apache.parquet.hadoop
    settings, path = spark._jsc.hadoopConfiguration(), hadoop.Path(f"{history}/{FILES}")
    files = path.getFileSystem(settings).globStatus(path)
    if not files:
        sys.exit(f"error: {history} has no files {FILES}")
    reader = parquet.ParquetFileReader.open(parquet.util.HadoopInputFile.fromPath(files[0].getPath(), settings))
    try:
        return dict(reader.getFooter().getFileMetaData().getKeyValueMetaData())
    finally:
        reader.close()


def left_out(asked, footer, metrics):
    """The metrics of --without, and those that the pull left out."""
    for metric in asked.without:
        if metric not in metrics:
            sys.exit(f"error: --without {metric}: use one of {', '.join(dict.fromkeys(metrics))}")
    source = footer.get(METADATA + "source")
    pulled = json.loads(source)["queries"] if source else metrics
    return sorted({*asked.without, *(metric for metric in metrics if metric not in pulled)})


def write(spark, asked):
    mode, output = "overwrite" if asked.overwrite else "error", asked.output.rstrip("/")
    spark.table("cells").write.mode(mode).parquet(f"{output}/heatmap.parquet")
    scores = spark.table("scores").withColumn("date", functions.to_date("ts"))
    # One file for each day, in the order of `etcd-heatmap score`.
    scores = scores.repartition("date").sortWithinPartitions("date", "cluster", "member", "ts")
    scores.write.mode(mode).partitionBy("date").parquet(f"{output}/scores")
    for view in KEPT:
        spark.catalog.uncacheTable(view)


if __name__ == "__main__":
    main()
