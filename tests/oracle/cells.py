"""The cells that the heat map must have, from the scores: sums in SQL, means as exact fractions."""

from datetime import datetime, timezone
from fractions import Fraction
from pathlib import Path

import duckdb

from spec import METRICS, NAMES

HEADER = ["level", "cluster", "member", "start", "date", "hour", "mean", "min", "steps_scored", "steps_expected"]
HEADER += ["coverage", "worst_metric"] + [f"{name}_loss" for name in NAMES]


def hundredths(without):
    return {name: 0 if name in without else round(float(METRICS[name][1]) * 100) for name in NAMES}


def expected_cells(scores, without):
    """Rows of the heat map in their order; `scores` is what DuckDB can read the scores from."""
    weight = hundredths(without)
    kept = [name for name in NAMES if name not in without]
    parts = {
        "worth": " + ".join(f"{weight[name]} * {name}_points::bigint" for name in kept),
        "losses": ", ".join(
            f"case when score is not null then {weight[name]} * (10 - {name}_points)::bigint end as {name}"
            if name in kept
            else f"case when score is not null then 0 end as {name}"
            for name in NAMES
        ),
        "loss_names": ", ".join(NAMES),
        "loss_sums": ", ".join(f"sum({name})::bigint" for name in NAMES),
    }
    query = (Path(__file__).parent / "cells.sql").read_text().format(**parts)
    duckdb.sql(f"create or replace view steps as from {scores}")
    return [cell(row, sum(weight.values())) for row in duckdb.sql(query).fetchall()]


def cell(row, whole):
    level, cluster, member, start, expected, scored, total, lowest, *losses = row
    when = datetime.fromtimestamp(start, timezone.utc)
    mean = lambda amount: float(Fraction(amount, whole * scored)) if scored else None
    # max() keeps the first of equals, which is the order of the specification
    worst = max(NAMES, key=lambda name: losses[NAMES.index(name)]) if scored and any(losses) else None
    return (
        level,
        cluster,
        member,
        start,
        when.strftime("%Y-%m-%d"),
        when.hour,
        mean(total),
        float(Fraction(lowest, whole)) if scored else None,
        scored,
        expected,
        float(Fraction(scored, expected)),
        worst,
        *[mean(amount) for amount in losses],
    )
