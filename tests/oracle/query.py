"""Runs one query in DuckDB and prints its rows, one per line, values separated by commas.

    query.py SQL
"""

import sys

import duckdb

for row in duckdb.sql(sys.argv[1]).fetchall():
    print(",".join(map(str, row)))
