"""Prints as JSON how the readings, scores and cells of two output folders differ: the same range from two servers.

usage: differences.py DIR DIR

For each column: the number of steps with a value in both, only in the first, only in the second, and with different
values; the median, 99th percentile and maximum of the relative difference; and the largest excess of the second."""

import argparse
import json

import duckdb

from folder import files, source
from spec import COLUMNS, NAMES

JOINED = """
    with one as (select ts, cluster, member, {column} as x from ({first})),
         two as (select ts, cluster, member, {column} as y from ({second})),
         both_sides as (select x, y, abs(x - y) / greatest(abs(x), abs(y), 1e-300) as share
                        from one full join two using (ts, cluster, member))
    select count(*) filter (x is not null and y is not null) as both,
           count(*) filter (x is not null and y is null) as only_first,
           count(*) filter (x is null and y is not null) as only_second,
           count(*) filter (x <> y) as differ,
           coalesce(quantile_cont(share, 0.5), 0) as half,
           coalesce(quantile_cont(share, 0.99), 0) as most,
           coalesce(max(share), 0) as all_of_them,
           coalesce(max(y - x), 0) as excess
    from both_sides"""


def compared(folders, kind, column):
    first, second = (" union all ".join(f"from {source(path)}" for path in files(folder, kind)) for folder in folders)
    rows = duckdb.sql(JOINED.format(column=column, first=first, second=second))
    return dict(zip(rows.columns, rows.fetchall()[0]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folders", nargs=2)
    folders = parser.parse_args().folders
    differences = {name: compared(folders, "history", column) for name, column in zip(NAMES, COLUMNS)}
    differences["score"] = compared(folders, "scores", "score")
    print(json.dumps(differences))


main()
