"""Compares the outputs of two engines exactly: every cell, score and OpenMetrics line.

    compare.py A B
"""

import itertools
import sys
from pathlib import Path

import duckdb

LOSSES = ", ".join(f"{metric}_loss" for metric in (
    "wal_fsync", "backend_commit", "open_fds", "leader_changes", "client_traffic_in", "db_size"))
POINTS = LOSSES.replace("_loss", "_points")
# Types may differ (a label as text or dictionary, an hour as 8 or 64 bits), but not values.
CELLS = f"""
SELECT CAST(level AS VARCHAR) AS level, CAST(cluster AS VARCHAR) AS cluster,
       CAST(member AS VARCHAR) AS member, epoch_ms(start) AS start, CAST(date AS DATE) AS date,
       CAST(hour AS INTEGER) AS hour, mean, min, CAST(steps_scored AS BIGINT) AS scored,
       CAST(steps_expected AS BIGINT) AS expected, coverage, uncertain,
       CAST(steps_after_restart AS BIGINT) AS steps_after_restart,
       CAST(worst_metric AS VARCHAR) AS worst_metric, {LOSSES}
FROM """
CSV = """read_csv('{}', nullstr = '', types = {{'start': 'TIMESTAMP', 'member': 'VARCHAR',
                                          'mean': 'DOUBLE', 'min': 'DOUBLE'}})"""
SCORES = f"""
SELECT file_row_number, epoch_ms(ts) AS ts, CAST(cluster AS VARCHAR) AS cluster,
       CAST(member AS VARCHAR) AS member, {POINTS}, score, after_restart
FROM read_parquet('{{}}', file_row_number = true, hive_partitioning = false)"""


def difference(connection, a, b):
    """The number of rows that only one of the two queries returns, and of all rows of the first."""
    only = [connection.execute(f"SELECT count(*) FROM (({x}) EXCEPT ALL ({y}))").fetchone()[0]
            for x, y in ((a, b), (b, a))]
    return sum(only), connection.execute(f"SELECT count(*) FROM ({a})").fetchone()[0]


def files(folder, pattern):
    return {path.relative_to(folder) for path in folder.glob(pattern)}


def samples(path):
    """The text without the HELP line, whose wording differs."""
    help_line, rest = path.read_bytes().split(b"\n", 1)
    assert help_line.startswith(b"# HELP")
    return rest


def main():
    a, b = Path(sys.argv[1]), Path(sys.argv[2])
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    wrong = 0
    for kind, read in (("heatmap.parquet", "read_parquet('{}')"), ("heatmap.csv", CSV)):
        different, rows = difference(connection, *(CELLS + read.format(side / kind) for side in (a, b)))
        print(f"{kind}: {rows} rows, {different} differ")
        wrong += different
    # With row numbers, so that the order is compared too.
    rows = different = 0
    paths = files(a, "scores/*/scores.parquet") | files(b, "scores/*/scores.parquet")
    for path in sorted(paths):
        more, day_rows = difference(connection, SCORES.format(a / path), SCORES.format(b / path))
        different, rows = different + more, rows + day_rows
    print(f"scores: {len(paths)} days, {rows} rows, {different} differ")
    wrong += different

    size = different = 0
    paths = files(a, "openmetrics/*.om") | files(b, "openmetrics/*.om")
    for path in sorted(paths):
        x, y = samples(a / path), samples(b / path)
        size += len(x)
        if x != y:
            pairs = itertools.zip_longest(x.split(b"\n"), y.split(b"\n"))
            different += sum(line != other for line, other in pairs)
    print(f"openmetrics: {len(paths)} files, {size} bytes, {different} lines differ")
    wrong += different
    sys.exit(1 if wrong else 0)


main()
