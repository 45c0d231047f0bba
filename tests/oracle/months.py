"""Runs a query of DuckDB that writes months/, and compares its rows with those of the days in audit/history.

usage: months.py DIR QUERY
"""

import os
import sys
from pathlib import Path

import duckdb
from report import Report

os.chdir(sys.argv[1])
engine = duckdb.connect()
engine.execute("set TimeZone = 'UTC'")
engine.execute(sys.argv[2])
DAYS = "read_parquet('audit/history/date=*/*.parquet', hive_partitioning = true, union_by_name = true)"
MONTHS = "read_parquet('months/month=*/*.parquet', hive_partitioning = true, union_by_name = true)"
days, months = f"select * exclude (date) from {DAYS}", f"select * exclude (month) from {MONTHS}"
report = Report()
for one, other in ((days, months), (months, days)):
    (extra,) = engine.execute(f"select count(*) from ({one} except all {other})").fetchone()
    (all_rows,) = engine.execute(f"select count(*) from ({one})").fetchone()
    report.check(f"{all_rows} rows", [f"{extra} rows are only in: {one}"] if extra or not all_rows else [])
names = sorted(path.name for path in Path("months").iterdir())
report.check("folders", [] if names == ["month=2026-08", "month=2026-09"] else names)
report.close()
