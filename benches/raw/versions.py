"""How far readings that were computed as two versions of Prometheus lie apart.

usage: versions.py DIR DIR

For each column: readings of both, the share that differs, the median and largest relative difference of those, and how many
lie on two sides of 10 ms (the mixin's limit of the WAL fsync is 10 ms)."""

import sys

import duckdb

ROWS = "read_parquet('{}/history/**/*.parquet', hive_partitioning = false)"
COMPARE = """
    WITH pairs AS (SELECT one."{v}" AS a, other."{v}" AS b FROM {one} one JOIN {other} other USING ({keys})),
    known AS (SELECT a, b, abs(a - b) / abs(b) AS apart FROM pairs WHERE a IS NOT NULL AND b IS NOT NULL)
    SELECT count(*), count(*) FILTER (WHERE a <> b), median(apart) FILTER (WHERE a <> b), max(apart) FILTER (WHERE a <> b),
        count(*) FILTER (WHERE (a < 0.01) <> (b < 0.01)),
        (SELECT count(*) FROM pairs WHERE (a IS NULL) <> (b IS NULL))
    FROM known
"""


def main():
    one, other = (ROWS.format(folder) for folder in sys.argv[1:])
    kinds = {name: kind for name, kind, *_ in duckdb.sql(f"DESCRIBE SELECT * FROM {one}").fetchall()}
    keys = ", ".join(f'"{name}"' for name, kind in kinds.items() if kind != "DOUBLE")
    print(f"{'column':36} {'readings':>10} {'differ':>8} {'median':>9} {'largest':>9} {'across 10 ms':>13} {'in one only':>12}")
    for v in (name for name, kind in kinds.items() if kind == "DOUBLE"):
        count, differ, median, largest, across, lone = duckdb.sql(
            COMPARE.format(v=v, one=one, other=other, keys=keys)
        ).fetchall()[0]
        share = 100 * differ / count if count else 0
        print(f"{v:36} {count:10} {share:7.2f}% {100 * (median or 0):8.3f}% {100 * (largest or 0):8.2f}% {across:13} {lone:12}")


if __name__ == "__main__":
    main()
