"""Computes the expected heat map cells from the scores: sums in SQL, means as exact fractions."""

from dataclasses import dataclass, field
from datetime import datetime, timezone
from fractions import Fraction
from pathlib import Path

import duckdb

from local_time import WIDTHS, stretches
from spec import NAMES, Profile

HEADER = ["level", "cluster", "member", "start", "date", "hour", "minute", "utc_offset_minutes", "mean", "min"]
HEADER += ["steps_scored", "steps_expected", "coverage", "uncertain", "steps_after_restart", "worst_metric"]
HEADER += [f"{name}_loss" for name in NAMES] + ["steps_idle"]
# Columns whose Parquet type must be exactly this (names as in DuckDB).
TYPES = {"start": "TIMESTAMP WITH TIME ZONE", "date": "DATE", "uncertain": "BOOLEAN"}
TYPES |= {name: "INTEGER" for name in ["hour", "minute", "utc_offset_minutes"]}
TYPES |= {"steps_after_restart": "BIGINT", "steps_idle": "BIGINT"}
TYPES |= {name: "DOUBLE" for name in HEADER if name in ["mean", "min", "coverage"] or name.endswith("_loss")}

POINT = 1000


@dataclass(frozen=True)
class Folding:
    """How steps are folded into cells, and members into a cluster."""

    zone: str = "UTC"
    cell: str = "1h"
    rollup: str = "worst"
    min_coverage: str = "0.5"
    profile: Profile = field(default_factory=Profile.named)

    @staticmethod
    def add_flags(parser):
        parser.add_argument("--time-zone", default=Folding.zone)
        parser.add_argument("--cell", default=Folding.cell, choices=WIDTHS)
        parser.add_argument("--rollup", default=Folding.rollup, choices=["worst", "mean", "quorum"])
        parser.add_argument("--min-coverage", default=Folding.min_coverage)
        Profile.add_flags(parser)

    @staticmethod
    def of(asked):
        return Folding(asked.time_zone, asked.cell, asked.rollup, asked.min_coverage, Profile.of(asked))

    def point(self):
        """The integer that represents one point."""
        return sum(self.profile.weights.values()) * POINT


def expected_cells(scores, folding, idle=(), caps=(), learners=()):
    """The expected rows of the heat map, in order. `scores` is a FROM clause for DuckDB; `idle` has (milliseconds,
    cluster, member) of the members' idle steps, and `learners` of those at which they are learners; `caps` has the same of
    steps with a cap -> its metric and score."""
    duckdb.sql("create or replace table cap_step (ts timestamptz, cluster varchar, member varchar, cap_of varchar, most bigint)")
    units = lambda most: int(Fraction(most) * folding.point())
    insert("cap_step", [(k[0] * 1000, *k[1:], caps[k][0], units(caps[k][1])) for k in caps])
    duckdb.sql("create or replace table idle_step (ts timestamptz, cluster varchar, member varchar)")
    insert("idle_step", [(ts * 1000, cluster, member) for ts, cluster, member in idle])
    duckdb.sql("create or replace table learner_step (ts timestamptz, cluster varchar, member varchar)")
    insert("learner_step", [(ts * 1000, cluster, member) for ts, cluster, member in learners])
    # The union with an empty table adds a null column `after_restart` to scores that do not have it.
    restarts = "from (select true as after_restart) where false"
    duckdb.sql(f"create or replace view steps as (from {scores}) union all by name ({restarts})")
    [(first, last)] = duckdb.sql("select epoch_ms(min(ts)) // 1000, epoch_ms(max(ts)) // 1000 from steps").fetchall()
    rows = ", ".join(map(str, stretches(folding.zone, first, last)))
    duckdb.sql(f"create or replace table stretch as from (values {rows}) as t(begins, ends, utc_offset)")
    query = (Path(__file__).parent / "cells.sql").read_text().format(**braces(folding))
    return [cell(row, folding) for row in duckdb.sql(query).fetchall()]


def as_table(name, scores):
    """Creates a table for expected_cells() from (milliseconds, cluster, member) -> points, score, after_restart."""
    columns = "".join(f", {metric}_points double" for metric in NAMES)
    duckdb.sql(f"create or replace table {name} (ts timestamptz, cluster varchar, member varchar{columns},"
               " score double, after_restart boolean)")
    rows = [(ts * 1000, cluster, member, *worth) for (ts, cluster, member), worth in scores.items()]
    insert(name, rows)


def insert(table, rows):
    """Inserts rows whose first field is a time in microseconds, column by column: DuckDB is slow row by row."""
    columns = [list(column) for column in zip(*rows)]
    values = ", ".join(["make_timestamptz(unnest(?::bigint[]))"] + ["unnest(?)"] * (len(columns) - 1))
    if rows:
        duckdb.execute(f"insert into {table} select {values}", columns)


def braces(folding):
    loss = lambda name, weight: f"{weight} * ({10 * POINT} - round({POINT} * {name}_points)::bigint)" if weight else "0"
    losses = {name: loss(name, weight) for name, weight in folding.profile.weights.items()}
    # A step with a score and without a point has a cap of 0, which costs what the missing reading might have cost.
    known = {name: f"coalesce({losses[name]}, 0)" for name in NAMES}
    take = lambda name: f"{name} + case when cap_of = '{name}' then taken else 0 end as {name}"
    return {
        "losses": ", ".join(f"case when score is not null then {known[name]} end as {name}" for name in NAMES),
        "capped": ", ".join(map(take, NAMES)),
        "zero_first": "coalesce(worth = 0, false) desc, " if folding.profile.has_cap_of_zero() else "",
        "whole": 10 * folding.point(),
        "total_loss": " + ".join(NAMES),
        "loss_names": ", ".join(NAMES),
        # rounded half up
        "loss_means": ", ".join(f"(sum({name})::bigint + count(*) // 2) // count(*) as {name}" for name in NAMES),
        "no_losses": ", ".join("null" for _ in NAMES),
        "loss_sums": ", ".join(f"sum({name})::bigint" for name in NAMES),
        "rollup": folding.rollup,
        "width": WIDTHS[folding.cell],
    }


def cell(row, folding):
    level, cluster, member, start, date, clock, offset, expected, scored, idle, restarts, total, lowest, *losses = row
    # What the clock shows at the start: where it changed within the cell, not the start of the whole cell.
    shown = (start + offset) % 86_400
    mean = lambda amount: float(Fraction(amount, folding.point() * scored)) if scored else None
    coverage = Fraction(scored, expected)
    # max() returns the first of equal metrics, as the specification orders them
    worst = max(NAMES, key=lambda name: losses[NAMES.index(name)]) if scored and any(losses) else None
    return (
        level,
        cluster,
        member,
        start,
        datetime.fromtimestamp(date * 86_400, timezone.utc).strftime("%Y-%m-%d"),
        shown // 3600,
        shown % 3600 // 60,
        offset // 60,
        mean(total),
        float(Fraction(lowest, folding.point())) if scored else None,
        scored,
        expected,
        float(coverage),
        coverage < Fraction(folding.min_coverage),
        restarts,
        worst,
        *[mean(amount) for amount in losses],
        idle,
    )
