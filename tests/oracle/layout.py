"""Checks with pyarrow what docs/outputs.md says about the Parquet files for engines: row groups, order, statistics, compression,
and what the footer declares.

usage: layout.py DIR ROW_GROUPS

At least one day of DIR must have so many row groups."""

import sys
from pathlib import Path

import pyarrow
import pyarrow.compute
import pyarrow.parquet
from report import Report

# The table in docs/outputs.md.
MOST_ROWS = {"readings.parquet": 1_048_576, "scores.parquet": 1_048_576, "heatmap.parquet": 65_536}
ORDER = ["cluster", "member", "ts"]


def main(folder, least_groups):
    report = Report()
    paths = sorted(Path(folder).glob("*/date=*/*.parquet")) + sorted(Path(folder).glob("heatmap.parquet"))
    files = {path: pyarrow.parquet.ParquetFile(path) for path in paths}
    days = {path: file for path, file in files.items() if path.name != "heatmap.parquet"}
    names = {path.name for path in paths}
    report.check("every kind of file is there", MOST_ROWS.keys() ^ names)
    groups = max((file.num_row_groups for file in days.values()), default=0)
    report.check("row groups of the largest day", [f"only {groups}"] if groups < least_groups else [])
    report.check("sizes of row groups", (line for path, file in files.items() for line in sizes(path, file)))
    report.check("compression and footers", (line for path, file in files.items() for line in footer(path, file)))
    report.check("statistics of labels and time", (line for path, file in days.items() for line in statistics(path, file)))
    report.check("order of rows", (line for path, file in days.items() for line in order(path, file)))
    report.close()


def sizes(path, file):
    """All row groups but the last are full."""
    found = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
    most = MOST_ROWS[path.name]
    if not found or any(size != most for size in found[:-1]) or not 0 < found[-1] <= most:
        yield f"{path}: {found} rows"


def footer(path, file):
    """zstd everywhere; neither an order nor statistics of pages is declared; the footer names its format."""
    for group in range(file.num_row_groups):
        rows = file.metadata.row_group(group)
        if rows.sorting_columns:
            yield f"{path} declares the order {rows.sorting_columns}"
        for number in range(rows.num_columns):
            column = rows.column(number)
            if column.compression != "ZSTD" or column.has_column_index:
                yield f"{path}: {column.path_in_schema}: {column.compression}, pages: {column.has_column_index}"
    if b"etcd-heatmap.version" not in (file.metadata.metadata or {}):
        yield f"{path}: no version in the footer"


def labels_and_time(file, group):
    table = file.read_row_group(group, columns=ORDER)
    return {name: table[name] if name == "ts" else table[name].cast(pyarrow.string()) for name in ORDER}


def statistics(path, file):
    """The least and greatest value of each row group are those of its rows."""
    for group in range(file.num_row_groups):
        for name, values in labels_and_time(file, group).items():
            stated = file.metadata.row_group(group).column(file.schema.names.index(name)).statistics
            found = pyarrow.compute.min_max(values).as_py()
            if stated is None or not stated.has_min_max or {"min": stated.min, "max": stated.max} != found:
                yield f"{path}, row group {group}, {name}: {stated}, but the rows have {found}"


def order(path, file):
    """Rows ascend by cluster and member, as bytes, and by time."""
    last = None
    for group in range(file.num_row_groups):
        columns = labels_and_time(file, group)
        for cluster, member, ts in zip(*(columns[name].to_pylist() for name in ORDER), strict=True):
            key = (cluster.encode(), member.encode(), ts)
            if last is not None and last >= key:
                yield f"{path}: {key} after {last}"
            last = key


main(sys.argv[1], int(sys.argv[2]))
