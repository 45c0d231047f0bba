"""Reads history/ as a user of a data platform does, with DuckDB, Polars and DataFusion, and compares what they read: every
value of every row, and the answers to queries that an engine may compute from the statistics in the files.

usage: readers.py DIR

The days of DIR must differ in their columns, such as the marks of idle readings, which only some days have."""

import sys
from pathlib import Path

import datafusion
import duckdb
import polars
import pyarrow

from report import Report
from spec import IDLE

# Quoted in queries, because Polars reserves `cluster`.
LABELS = ["date", "ts", "cluster", "member"]


class DuckDb:
    name = f"DuckDB {duckdb.__version__}"
    instant = "epoch_ms(ts)"

    def __init__(self, history):
        self.engine = duckdb.connect()
        self.engine.execute("set TimeZone = 'UTC'")
        files = f"read_parquet('{history}/date=*/*.parquet', hive_partitioning = true, union_by_name = true)"
        self.engine.execute(f"create view history as from {files}")

    def types(self):
        return dict(self.engine.execute("select column_name, column_type from (describe history)").fetchall())

    def rows(self, query):
        return self.engine.execute(query).fetchall()


class Polars:
    name = f"Polars {polars.__version__}"
    instant = "ts"

    def __init__(self, history):
        # Of a folder, Polars reads the columns of the first file.
        days = [polars.scan_parquet(file, hive_partitioning=True) for file in sorted(history.glob("date=*/*.parquet"))]
        self.frame = polars.concat(days, how="diagonal")

    def types(self):
        return self.frame.collect_schema()

    def rows(self, query):
        return polars.SQLContext(history=self.frame).execute(query).collect().rows()


class DataFusion:
    name = f"DataFusion {datafusion.__version__}"
    instant = "ts"

    def __init__(self, history):
        self.engine = datafusion.SessionContext()
        self.engine.register_parquet("history", history, table_partition_cols=[("date", pyarrow.date32())])

    def types(self):
        return {field.name: field.type for field in self.engine.table("history").schema()}

    def rows(self, query):
        columns = self.engine.sql(query).to_arrow_table().columns
        return list(zip(*(column.to_pylist() for column in columns)))


def readings(engine, columns):
    """(date, milliseconds, cluster, member) -> the values of the columns."""
    query = f'select date, {engine.instant}, "cluster", member, {", ".join(columns)} from history'
    known, rows = {}, engine.rows(query)
    for date, ts, cluster, member, *values in rows:
        milliseconds = ts if isinstance(ts, int) else round(ts.timestamp() * 1000)
        known[str(date), milliseconds, cluster, member] = tuple(values)
    assert len(known) == len(rows), f"{engine.name}: a step is there twice"
    return known


def queries(columns, one):
    """Queries, each with what its groups are, its columns, and what it computes of them."""
    date, cluster, member = one
    counts = ", ".join(f"count({column})" for column in columns)
    numbers = [column for column in columns if column not in IDLE.values()]
    bounds = ", ".join(f"min({column}), max({column})" for column in numbers)
    yield f"select 'all', {counts} from history", lambda key: "all", columns, count
    yield f"select 'all', {bounds} from history", lambda key: "all", numbers, extremes
    yield f"select date, {counts} from history group by date", lambda key: key[0], columns, count
    yield (f"select concat(\"cluster\", '/', member), {counts} from history group by \"cluster\", member",
           lambda key: f"{key[2]}/{key[3]}", columns, count)
    where = f"date = date '{date}' and \"cluster\" = '{cluster}' and member = '{member}'"
    yield (f"select 'one', {counts} from history where {where}",
           lambda key: "one" if (key[0], key[2], key[3]) == one else None, columns, count)


def count(values):
    return [len(values)]


def extremes(values):
    return [min(values, default=None), max(values, default=None)]


def answer(known, places, group_of, fold):
    """group -> the folded values of the columns at these places, without nulls."""
    groups = {}
    for key, values in known.items():
        if (group := group_of(key)) is not None:
            groups.setdefault(group, []).append(values)
    return {
        group: [one for place in places for one in fold([row[place] for row in rows if row[place] is not None])]
        for group, rows in groups.items()
    }


def odd(known, columns):
    """What the history must have, and has not, so that reading it is a test."""
    places = [columns.index(column) for column in IDLE.values()]
    marks = {row[place] for row in known.values() for place in places}
    values = [value for row in known.values() for value in row]
    needed = {"readings without a value": None in values, "readings with one": any(values), "idle readings": True in marks,
              "readings that are not idle": False in marks, "days without marks": None in marks,
              "no NaN": all(value == value for value in values)}
    return [what for what, there in needed.items() if not there]


def main():
    history, report = Path(sys.argv[1]) / "history", Report()
    first, *others = [DuckDb(history), Polars(history), DataFusion(history)]
    columns = [column for column in first.types() if column not in LABELS]
    known = readings(first, columns)
    report.check("the history has idle and missing readings, and days with and without marks", odd(known, columns))
    for engine in others:
        report.check(f"columns: {engine.name}", set(engine.types()) ^ set(first.types()))
        report.compare(f"readings: {engine.name}", known, readings(engine, columns))
    date, _, cluster, member = next(reversed(known))
    for query, group_of, of_columns, fold in queries(columns, (date, cluster, member)):
        expected = answer(known, [columns.index(column) for column in of_columns], group_of, fold)
        for engine in [first, *others]:
            found = {str(group): list(values) for group, *values in engine.rows(query)}
            report.compare(f"{query[:60]}…: {engine.name}", expected, found)
    report.close()


if __name__ == "__main__":
    main()
