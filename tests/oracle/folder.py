"""Reads the Parquet files of an output folder with DuckDB."""

import re
from datetime import datetime
from pathlib import Path

import duckdb

from spec import IDLE

LABELS = ["epoch_ms(ts)", "cluster", "member"]


def files(folder, kind, broken=()):
    """The files of history/ or scores/ in order of days, without the broken ones."""
    paths = sorted(Path(folder).glob(f"{kind}/date=*/*.parquet"))
    return [path for path in paths if path.parent.name.removeprefix("date=") not in broken]


def days(folder, kind, columns, report, broken=(), optional=()):
    """The rows of every day of history/ or scores/ as tuples. Also checks their order and that they belong to the day.

    A column of `optional` that a file does not have is null. A percentile that is idle is NaN."""
    everything, wrong = [], []
    for path in files(folder, kind, broken):
        date = re.search(r"date=(\d{4}-\d\d-\d\d)", str(path))[1]
        types, rows = read(path, columns, optional)
        if types["ts"] != "TIMESTAMP WITH TIME ZONE":
            wrong.append(f"{path.name} of {date}: ts is {types['ts']} and not TIMESTAMP WITH TIME ZONE")
        keys = [(cluster.encode(), member.encode(), ts) for ts, cluster, member, *_ in rows]
        if not all(a < b for a, b in zip(keys, keys[1:])):
            wrong.append(f"{path.name} of {date}: not strictly ascending by cluster, member, ts")
        midnight = datetime.fromisoformat(f"{date}T00:00:00+00:00").timestamp() * 1000
        if any(not midnight <= ts < midnight + 86_400_000 for ts, *_ in rows):
            wrong.append(f"{path.name} of {date}: holds rows of another day")
        everything += rows
    report.check(f"{kind}: files hold their own UTC day, in order", wrong)
    return everything


def read(path, columns, optional=()):
    """The types of a file's columns, and its rows. A column of `optional` that it does not have is null."""
    types = dict(duckdb.sql(f"select column_name, column_type from (describe from {source(path)})").fetchall())
    columns = [reading(name) if IDLE.get(name) in types else name for name in columns]
    extra = [name if name in types else f"null as {name}" for name in optional]
    return types, duckdb.sql(f"select {', '.join([*LABELS, *columns, *extra])} from {source(path)}").fetchall()


def reading(name):
    """A percentile that is NaN where it is idle, as in Prometheus's answer."""
    return f"case when {IDLE[name]} then coalesce({name}, 'NaN'::double) else {name} end"


def has_column(folder, kind, name, broken=()):
    """Whether any file of history/ or scores/ has a column."""
    return any(name in duckdb.sql(f"from {source(path)}").columns for path in files(folder, kind, broken))


def source(path):
    # Without this, DuckDB would add a column `date` from the folder's name to files that have their own `date`.
    return f"read_parquet('{path}', hive_partitioning = false)"


def footer(path):
    rows = duckdb.sql(f"select key, value from parquet_kv_metadata('{path}')").fetchall()
    return {bytes(key).decode(): bytes(value).decode() for key, value in rows}
