"""Recomputes scores, heat map and OpenMetrics from history/ with DuckDB, for comparison with `etcd-heatmap score`. Uses
the definitions of queries/score.sql and writes the same files.

    recompute.py AUDIT OUT [--threads N] [--without-openmetrics]

AUDIT holds history/. Optimizations, each confirmed by measurement:
* Each unit is three UTC days, aligned to the epoch. It holds four whole windows of 18 h, so nothing is read or sorted
  twice, and its rows stay in memory.
* One unit per thread at a time: a day's file has one row group, which DuckDB reads and writes with one thread anyway.
* Each unit is sorted once, as (position, step, band), a few bytes per row. Labels, points, score and text are joined on
  output and sorted again, because a join may lose the order; sorting sorted rows is cheap.
* Labels are enums, whose dictionary the Parquet writer uses directly.
* zstd level 1, as in the files of etcd-heatmap.
"""

import argparse
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path

import duckdb

DAY = 86_400
UNIT = 3 * DAY
WINDOW = 18 * 3600
PARQUET = "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, WRITE_BLOOM_FILTER false)"
# Without delimiter and quotes, a CSV of one column is plain text.
TEXT = "(FORMAT csv, HEADER false, DELIMITER '', QUOTE '', ESCAPE '')"
SCORE_SQL = Path(__file__).resolve().parents[2] / "queries" / "score.sql"

# Tables that are joined on output: labels as enums, the start of each line, and the score as OpenMetrics text.
NAMES_SQL = r"""
CREATE TYPE cluster_name AS ENUM (SELECT DISTINCT cluster FROM lives ORDER BY cluster);
CREATE TYPE member_name AS ENUM (SELECT DISTINCT member FROM lives ORDER BY member);
CREATE TABLE names AS
SELECT position, CAST(cluster AS cluster_name) AS cluster, CAST(member AS member_name) AS member
FROM lives;
CREATE TABLE series AS
SELECT position, 'etcd_score{cluster="' || escaped(cluster) || '",member="' || escaped(member)
                 || '"} ' AS head
FROM lives;
CREATE TABLE score_text AS
SELECT band, printf('%g', units / weight) || ' ' AS text FROM bands WHERE units IS NOT NULL;
"""
ESCAPED_SQL = r"""
CREATE MACRO escaped(label) AS
    replace(replace(replace(label, '\', '\\'), '"', '\"'), chr(10), '\n');
"""

STEPS_SQL = """
CREATE OR REPLACE TEMP TABLE unit_steps AS
FROM steps(since := {since}, until := {until}) ORDER BY position, step
"""
COUNTS_SQL = "INSERT INTO counts FROM band_counts('unit_steps')"
SCORES_SQL = """
COPY (
    SELECT to_timestamp(step) AS ts, cluster, member,
           CAST(p_wal_fsync AS DOUBLE) AS wal_fsync_points,
           CAST(p_backend_commit AS DOUBLE) AS backend_commit_points,
           CAST(p_open_fds AS DOUBLE) AS open_fds_points,
           CAST(p_leader_changes AS DOUBLE) AS leader_changes_points,
           CAST(p_client_traffic_in AS DOUBLE) AS client_traffic_in_points,
           CAST(p_db_size AS DOUBLE) AS db_size_points,
           units / weight AS score, after_restart
    FROM unit_steps JOIN names USING (position) JOIN bands USING (band)
    WHERE step >= {since} AND step < {until}
    ORDER BY position, step
) TO '{path}' {options}
"""
WINDOW_SQL = """
COPY (
    SELECT unnest(['# HELP etcd_score Health of an etcd member, 0 to 10.',
                   '# TYPE etcd_score gauge']) AS line
    UNION ALL
    SELECT head || text || step
    FROM (SELECT head, text, step
          FROM unit_steps JOIN series USING (position) JOIN score_text USING (band)
          WHERE step >= {since} AND step < {until}
          ORDER BY position, step)
    UNION ALL
    SELECT '# EOF'
) TO '{path}' {options}
"""


def compact(second):
    return datetime.fromtimestamp(second, timezone.utc).strftime("%Y%m%dT%H%M%SZ")


def define(connection, options):
    connection.execute(f"SET VARIABLE audit = '{options.audit}'")
    connection.execute(SCORE_SQL.read_text())
    connection.execute(ESCAPED_SQL)
    connection.execute(NAMES_SQL)
    connection.execute("CREATE TABLE counts AS FROM band_counts('no_steps')")


def recompute_unit(connection, since, until, options):
    """Writes scores and OpenMetrics of up to three days; adds the counts from which the cells are computed later."""
    # Variables belong to one connection, but the macros of score.sql to all.
    connection.execute(f"SET VARIABLE audit = '{options.audit}'")
    connection.execute(f"SET VARIABLE step_seconds = {options.step_seconds}")
    connection.execute(STEPS_SQL.format(since=since, until=until))
    connection.execute(COUNTS_SQL)
    for day in range(since // DAY * DAY, until, DAY):
        folder = options.out / "scores" / f"date={datetime.fromtimestamp(day, timezone.utc):%Y-%m-%d}"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "scores.parquet"
        connection.execute(SCORES_SQL.format(since=day, until=day + DAY, path=path, options=PARQUET))
    if not options.without_openmetrics:
        for window in range(since // WINDOW * WINDOW, until, WINDOW):
            path = options.out / "openmetrics" / f"etcd_score-{compact(window)}-{compact(window + WINDOW)}.om"
            connection.execute(
                WINDOW_SQL.format(since=window, until=window + WINDOW, path=path, options=TEXT))


def write_cells(connection, out):
    connection.execute("CREATE TEMP TABLE cells AS FROM cells_of('counts')"
                       " ORDER BY date, level, cluster, member, hour")
    connection.execute(f"COPY cells TO '{out}/heatmap.parquet' {PARQUET}")
    connection.execute(f"""COPY (SELECT * REPLACE (strftime(start AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ') AS start)
                                 FROM cells) TO '{out}/heatmap.csv' (FORMAT csv)""")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("audit", type=Path)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--threads", type=int, default=os.cpu_count())
    arguments.add_argument("--without-openmetrics", action="store_true")
    options = arguments.parse_args()
    for folder in ("scores", "openmetrics"):
        (options.out / folder).mkdir(parents=True, exist_ok=True)

    connection = duckdb.connect(config={"threads": options.threads})
    connection.execute("CREATE TABLE no_steps (position INTEGER, step BIGINT, band SMALLINT)")
    define(connection, options)
    options.step_seconds = connection.execute("SELECT getvariable('step_seconds')").fetchone()[0]
    first, last = connection.execute("SELECT min(first), max(last) FROM lives").fetchone()
    # From here on, each unit runs on the thread that starts it.
    connection.execute("SET threads = 1")
    with ThreadPoolExecutor(options.threads) as pool:
        units = [
            pool.submit(recompute_unit, connection.cursor(), max(since, first),
                        min(since + UNIT, last + 1), options)
            for since in range(first // UNIT * UNIT, last + 1, UNIT)
        ]
        for unit in units:
            unit.result()
    connection.execute(f"SET threads = {options.threads}")
    write_cells(connection, options.out)


main()
