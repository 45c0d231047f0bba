"""Compares a history of several sources, and its scores, with those that a pull of each source alone gave.

    several.py JOINED NAME=FOLDER...

In JOINED, a cluster is named NAME/CLUSTER; everything else of a row must be the same.
"""

import sys

import duckdb


def read(folder, files):
    return f"read_parquet('{folder}/{files}', union_by_name = true, hive_partitioning = false)"


def compare(joined, singles, files):
    db = duckdb.connect()
    parts = (f"SELECT * REPLACE ('{name}/' || cluster AS cluster) FROM {read(folder, files)}" for name, folder in singles)
    db.execute("CREATE TABLE expected AS " + " UNION ALL BY NAME ".join(parts))
    db.execute(f"CREATE TABLE found AS SELECT * FROM {read(joined, files)}")
    columns = [row[0] for row in db.execute("DESCRIBE expected").fetchall()]
    found = [row[0] for row in db.execute("DESCRIBE found").fetchall()]
    if sorted(columns) != sorted(found):
        sys.exit(f"{files}: columns {found} instead of {columns}")
    names = ", ".join(f'"{name}"' for name in columns)
    rows = db.execute("SELECT count(*) FROM expected").fetchone()[0]
    if rows == 0:
        sys.exit(f"{files}: there is nothing to compare")
    for one, other in [("expected", "found"), ("found", "expected")]:
        lacking = db.execute(f"SELECT {names} FROM {one} EXCEPT ALL SELECT {names} FROM {other}").fetchall()
        if lacking:
            sys.exit(f"{files}: {len(lacking)} of {rows} rows are only {one}, such as {lacking[0]}")
    print(f"{files}: {rows} rows agree")


def main():
    joined, *singles = sys.argv[1:]
    singles = [single.split("=", 1) for single in singles]
    for files in ["history/*/readings.parquet", "scores/*/scores.parquet"]:
        compare(joined, singles, files)


main()
