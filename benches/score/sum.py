"""Adds up the six metrics of a history with DuckDB: what reading alone costs.

    sum.py FOLDER
"""

import sys

import duckdb

COLUMNS = ("wal_fsync_seconds", "backend_commit_seconds", "open_fds", "leader_changes",
           "client_traffic_in_bytes_per_second", "db_size_bytes")

sums = ", ".join(f"sum({column})" for column in COLUMNS)
print(duckdb.sql(f"SELECT {sums} FROM read_parquet('{sys.argv[1]}/history/*/readings.parquet')").fetchall())
