"""Two engines read through DuckDB: the SQL of `etcd-heatmap sql`, and the files of `etcd-heatmap score`."""

import duckdb

from cells import HEADER
from folder import source
from spec import NAMES

POINTS = ", ".join(f"cast({name}_points as double)" for name in NAMES)
SCORES = f"select epoch_ms(ts), cluster::varchar, member::varchar, {POINTS}, score, after_restart from"
SPECIAL = {"start": "epoch_ms(start) // 1000", "date": "cast(date as varchar)"}
CELLS = f"select {', '.join(SPECIAL.get(column, column) for column in HEADER)} from"
DAY = 86_400


def connection():
    engine = duckdb.connect(config={"memory_limit": "2GB"})
    engine.execute("set TimeZone = 'UTC'")
    return engine


class Sql:
    name = f"SQL on DuckDB {duckdb.__version__}"

    def __init__(self, folder, script):
        self.engine = connection()
        self.engine.execute("set variable audit = ?", [str(folder)])
        with open(script, encoding="utf-8") as file:
            self.engine.execute(file.read())

    def scores(self, day, date):
        return by_step(self.engine.execute(f"{SCORES} scores({self.within(day)})").fetchall())

    def cells(self, day, date, scores):
        return self.engine.execute(f"{CELLS} cells({self.within(day)})").fetchall()

    def within(self, day):
        return f"since := {day // 1000}, until := {day // 1000 + DAY}"


class Files:
    name = "etcd-heatmap score"

    def __init__(self, folder):
        self.folder, self.engine = folder, connection()

    def scores(self, day, date):
        path = source(f"{self.folder}/scores/date={date}/scores.parquet")
        return by_step(self.engine.execute(f"{SCORES} {path}").fetchall())

    def cells(self, day, date, scores):
        path = source(f"{self.folder}/heatmap.parquet")
        return self.engine.execute(f"{CELLS} {path} where date = cast('{date}' as date)").fetchall()


def by_step(rows):
    scores = {row[:3]: row[3:] for row in rows}
    assert len(scores) == len(rows), "a step is there twice"
    return scores
