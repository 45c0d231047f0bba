"""Compares the readings of histories bit for bit: the first folder with each of the others.

usage: same.py DIR DIR...

Exits with 1 if any reading differs."""

import sys

import duckdb

COMPARE = """
    SELECT count(*), count(*) FILTER (WHERE {differ}), {points}
    FROM read_parquet('{one}/history/**/*.parquet', hive_partitioning = false) AS one
    FULL JOIN read_parquet('{other}/history/**/*.parquet', hive_partitioning = false) AS other USING ({keys})
"""


def columns(folder):
    rows = duckdb.sql(f"DESCRIBE SELECT * FROM read_parquet('{folder}/history/**/*.parquet', hive_partitioning = false)")
    return {name: kind for name, kind, *_ in rows.fetchall()}


def main():
    one, *others = sys.argv[1:]
    kinds = columns(one)
    values = [name for name, kind in kinds.items() if kind == "DOUBLE"]
    keys = ", ".join(f'"{name}"' for name in kinds if name not in values)
    failed = False
    for other in others:
        if columns(other) != kinds:
            sys.exit(f"the columns differ: {kinds} and {columns(other)}")
        # The bits, so that -0 and 0 differ and NaN equals itself.
        bits = "format('{{:a}}', {}.\"{}\")"
        differ = " OR ".join(f"{bits.format('one', v)} IS DISTINCT FROM {bits.format('other', v)}" for v in values)
        points = " + ".join(f'count(one."{v}")' for v in values)
        query = COMPARE.format(one=one, other=other, keys=keys, differ=differ, points=points)
        rows, wrong, compared = duckdb.sql(query).fetchall()[0]
        print(f"{other.rsplit('/', 1)[-1]:8} {compared} points in {rows} rows: {wrong} rows differ")
        failed |= wrong > 0 or compared == 0
    sys.exit(failed)


if __name__ == "__main__":
    main()
