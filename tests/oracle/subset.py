"""Fails unless every known reading of the first history is in the second one too, bit for bit.

usage: subset.py DIR DIR

Prints how many readings only the second one has."""

import glob
import struct
import sys

import duckdb


def readings(folder):
    """Known readings by time, cluster, member and column, as bits."""
    files = glob.glob(f"{folder}/history/**/*.parquet", recursive=True)
    if not files:
        return {}
    relation = duckdb.read_parquet(files, hive_partitioning=False, union_by_name=True)
    relation = relation.project("* REPLACE (epoch_us(ts) AS ts)")
    names = relation.columns
    values = {name for name, kind in zip(names, relation.types) if str(kind) == "DOUBLE"}
    known = {}
    for row in relation.fetchall():
        fields = dict(zip(names, row))
        key = tuple(str(fields[name]) for name in sorted(names) if name not in values)
        for name in values:
            if fields[name] is not None:
                known[key, name] = struct.pack("<d", fields[name])
    return known


def main():
    one, other = map(readings, sys.argv[1:])
    wrong = [key for key, value in one.items() if other.get(key) != value]
    print(f"{len(other) - len(one)} of {len(other)} readings are only in the second")
    if wrong or not other:
        sys.exit(f"{len(wrong)} readings differ, such as {wrong[:3]}")


if __name__ == "__main__":
    main()
