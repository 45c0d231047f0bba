"""What sqlglot makes of the SQL for Spark in Trino's dialect: Trino's own text of every query, and what is left to change
by hand, which docs/spark.md lists.

usage: trino.py SQL

Nothing here runs Trino."""

import sys

import sqlglot
from sqlglot import ErrorLevel, exp

from report import Report

VIEWS = {"readings", "lives", "bands", "steps", "scores", "band_counts", "clock", "cells_of", "cells"}
# Functions of Spark that Trino does not have.
UNKNOWN = {"RAISE_ERROR", "RANGE", "TIMESTAMP_SECONDS"}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        created = [part for part in sqlglot.parse(file.read(), read="spark") if isinstance(part, exp.Create)]
    queries = {part.this.find(exp.Table).name: part.expression for part in created if part.expression}
    report = Report()
    report.compare("views with a query", dict.fromkeys(VIEWS, True), dict.fromkeys(queries, True))
    unknown, subscripts, units = set(), 0, set()
    for name, query in queries.items():
        # Raises an error if Trino lacks a construct, or if its parser rejects the text.
        text = query.sql("trino", unsupported_level=ErrorLevel.RAISE, comments=False)
        parsed = sqlglot.parse_one(text, read="trino")
        report.check(f"{name} is read again", [] if isinstance(parsed, exp.Query) else [text])
        unknown |= {function.name.upper() for function in parsed.find_all(exp.Anonymous)}
        units |= {part.text("unit").upper() for part in parsed.find_all(exp.DateDiff)}
        # Of an array in brackets, both keep the number as it is: from 0 in Spark, and from 1 in Trino.
        subscripts += text.count("][")
    report.compare("functions without a translation", dict.fromkeys(UNKNOWN, True), dict.fromkeys(unknown, True))
    report.check("subscripts of arrays count from 0", [] if subscripts else ["there are none"])
    report.check("units of time are those of Spark", [] if units == {"SECONDS"} else [units])
    report.close()


if __name__ == "__main__":
    main()
