"""Compares scores and cells that Spark wrote with those of `etcd-heatmap score`, row by row.

usage: spark.py AUDIT OUT

Exits with code 1 if any row or type differs."""

import sys
from pathlib import Path

import duckdb


def main():
    audit, out = sys.argv[1:]
    duckdb.sql("set memory_limit = '4GB'")
    days = sorted(path.name for path in Path(audit, "scores").iterdir())
    pairs = [(f"{audit}/scores/{day}/*.parquet", f"{out}/scores/{day}/*.parquet") for day in days]
    rows, wrong = totals(pairs)
    print(f"scores: {rows} rows in {len(days)} days, {wrong} differ")
    cells, wrong_cells = totals([(f"{audit}/heatmap.parquet", f"{out}/heatmap.parquet/*.parquet")])
    print(f"cells: {cells} rows, {wrong_cells} differ")
    extra = len(list(Path(out, "scores").glob("date=*"))) - len(days)
    sys.exit(1 if wrong or wrong_cells or extra or not rows or not cells else 0)


def totals(pairs):
    """The rows of the first files of each pair, and the rows that only one of both has."""
    rows = wrong = 0
    for ours, theirs in pairs:
        ours, theirs = (f"(from read_parquet('{files}', hive_partitioning = false))" for files in (ours, theirs))
        types = [duckdb.sql(f"describe from {source}").fetchall() for source in (ours, theirs)]
        same = [(name, kind) for name, kind, *_ in types[0]] == [(name, kind) for name, kind, *_ in types[1]]
        [(found, differing)] = duckdb.sql(f"""
            select (select count(*) from {ours}),
                   (select count(*) from (from {ours} except all from {theirs}))
                   + (select count(*) from (from {theirs} except all from {ours}))""").fetchall()
        rows, wrong = rows + found, wrong + (differing if same else max(found, differing, 1))
    return rows, wrong


if __name__ == "__main__":
    main()
