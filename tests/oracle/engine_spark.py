"""The engine of `deploy/spark/score.py`: runs the script on a cluster of Spark's on this machine, whose executors are
processes of their own, and reads what it wrote with DuckDB."""

import importlib.util
import os
import sys
from pathlib import Path

import duckdb
import pyspark
from pyspark.sql import SparkSession

from engine_duckdb import CELLS, SCORES, by_step, connection

SCRIPT = Path(__file__).parents[2] / "deploy" / "spark" / "score.py"

# Two executors with one core and 1 GiB each.
MASTER = "local-cluster[2,1,1024]"
# Spark compiles queries to Java, and Java to fast machine code: not worth it for small histories.
QUICK = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.adaptive.enabled": "false",
}


def session(folder, settings):
    """Starts Spark, with its temporary files in a folder."""
    os.environ |= {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_WORKER_DIR": f"{folder}/work", "PYSPARK_PYTHON": sys.executable}
    builder = SparkSession.builder.master(MASTER)
    settings = settings | {"spark.ui.enabled": "false", "spark.local.dir": f"{folder}/local",
                           "spark.ui.showConsoleProgress": "false", "spark.sql.warehouse.dir": f"{folder}/warehouse"}
    for key, value in settings.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def loaded_script():
    """The script as a module. There is another `score` beside this file."""
    found = importlib.util.spec_from_file_location("score_by_spark", SCRIPT)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


class Spark:
    name = f"SQL on Spark {pyspark.__version__}"

    def __init__(self, folder, script, out, flags=()):
        """Scores the history in a folder into another folder, in the session that there is."""
        loaded_script().main([f"{folder}/history", str(out), "--sql", str(script), *flags])
        self.files = {"scores": f"read_parquet('{out}/scores/date=*/*.parquet', hive_partitioning = false)",
                      "cells": f"read_parquet('{out}/heatmap.parquet/*.parquet')"}
        self.engine = connection()

    def scores(self):
        return by_step(self.engine.execute(f"{SCORES} {self.files['scores']}").fetchall())

    def cells(self):
        return self.engine.execute(f"{CELLS} {self.files['cells']}").fetchall()

    def types(self, what):
        """The columns and their types."""
        return columns(self.files[what])


def columns(source):
    return duckdb.sql(f"select column_name, column_type from (describe from {source})").fetchall()
