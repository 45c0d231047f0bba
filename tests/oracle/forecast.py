"""Checks the files of a forecast in a folder with other readers.

usage: forecast.py DIR

DuckDB reads forecast.parquet and forecast.csv, which must agree; quantiles must ascend, and the bucket of each percentile's
median must be one of etcd's (doubled from 1 ms). The parsers of the Prometheus project read forecast.prom and forecast.om, which must
have the same samples as each other and the values of forecast.json."""

import json
import math
import sys
from pathlib import Path

import duckdb
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as exposition

from report import Report

QUANTILES = ["p0_5", "p2_5", "p5", "p10", "p25", "p50", "p75", "p90", "p95", "p97_5", "p99_5"]
LEVELS = [0.005, 0.025, *(level / 20 for level in range(1, 20)), 0.975, 0.995]
KEYS = ["cluster", "member", "metric", "unit", "origin", "ts", "lead_seconds", "model"]
NUMBERS = [*QUANTILES, "red_share", "bucket_low_seconds", "bucket_high_seconds"]
BUCKETS = [0.0, *(0.001 * 2**power for power in range(14)), None]


def original(label):
    """A label of a CSV file without the apostrophe of the guard against formulas."""
    return label[1:] if label and label.startswith("'") else label


def table(path):
    read = f"read_csv('{path}', all_varchar = true, quote = '\"', escape = '\"')" if path.suffix == ".csv" else f"'{path}'"
    casts = {"origin": "epoch_ms(origin::TIMESTAMPTZ)", "ts": "epoch_ms(ts::TIMESTAMPTZ)", "lead_seconds": "lead_seconds::BIGINT"}
    columns = [casts.get(name, name) for name in KEYS] + [f"{name}::DOUBLE" for name in NUMBERS]
    found = duckdb.sql(f"SELECT * FROM {read}")
    rows = duckdb.sql(f"SELECT {', '.join(columns)} FROM {read}").fetchall()
    return found.columns, [tuple(original(each) if isinstance(each, str) else each for each in row) for row in rows]


def samples(report, path, parser):
    text = path.read_text(encoding="utf-8")
    families = list(parser(text))
    report.check(f"{path.name}: families without help or of no gauge",
                 [family.name for family in families if not family.documentation or family.type != "gauge"])
    found = {}
    wrong = []
    for sample in (sample for family in families for sample in family.samples):
        key = (sample.name, tuple(sorted(sample.labels.items())))
        wrong += [key] if key in found or math.isnan(sample.value) else []
        found[key] = (sample.value, sample.timestamp)
    report.check(f"{path.name}: each series once, with a number", wrong)
    return found


def expected_samples(forecast):
    """(name, labels) -> value, from forecast.json."""
    origin = forecast["origin_ms"] / 1000
    for cluster in forecast["clusters"]:
        for outlook in cluster["outlooks"].get("Ok", []):
            of = {"cluster": cluster["cluster"], "horizon": f"{outlook['hours']}h"}
            yield "etcd_breach_probability", of, outlook["probability"]
            yield "etcd_breach_base_rate", of, outlook["usual"]
    for each in forecast["limits"]:
        name = {"quota": "etcd_db_quota_seconds", "max_fds": "etcd_fds_limit_seconds"}[each["limit"]]
        when = each["when"]
        if isinstance(when, dict):
            dates = [when["dates"][bound] for bound in ("earliest", "median", "latest")]
            seconds = [math.inf if at is None else max(at / 1000 - origin, 0) for at in dates]
        elif when in ("unlimited", "not_near", "not_within"):
            seconds = [math.inf] * 3
        elif when == "reached":
            seconds = [0] * 3
        else:
            assert when in ("no_readings", "no_limit", "too_short"), when
            continue
        for bound, value in zip(("earliest", "median", "latest"), seconds):
            yield name, {"cluster": each["cluster"], "member": each["member"], "bound": bound}, value
    for hours, skill in zip((1, 6, 24), forecast["trust"]["breach"]):
        if skill:
            yield "etcd_forecast_skill", {"horizon": f"{hours}h"}, skill["value"]
    yield "etcd_forecast_generated_timestamp_seconds", {}, origin


def expected_rows(forecast):
    """The first columns and the medians of all rows, from forecast.json."""
    for cluster in forecast["clusters"]:
        for hour in cluster["hours"]:
            yield cluster["cluster"], None, "score", hour["start_ms"], hour["quantiles"]
    for each in forecast["metrics"]:
        for point in each["fan"].get("Ok", []):
            yield each["cluster"], each["member"], each["metric"], point["at_ms"], point["quantiles"]


def is_sound(row):
    """Whether the numbers of a row fit each other."""
    of = dict(zip(KEYS + NUMBERS, row))
    values = [of[name] for name in QUANTILES]
    low, high = of["bucket_low_seconds"], of["bucket_high_seconds"]
    is_score = of["metric"] == "score"
    sound = values == sorted(values) and all(map(math.isfinite, values))
    sound &= of["lead_seconds"] * 1000 == of["ts"] - of["origin"]
    sound &= is_score == (of["red_share"] is not None) == (of["member"] is None)
    if of["metric"] not in ("wal_fsync", "backend_commit"):
        return sound and (low, high) == (None, None)
    return sound and low in BUCKETS and BUCKETS[BUCKETS.index(low) + 1] == high and low <= of["p50"] <= (high or math.inf)


def main():
    folder, report = Path(sys.argv[1]), Report()
    columns, rows = table(folder / "forecast.parquet")
    csv_columns, csv_rows = table(folder / "forecast.csv")
    report.check("columns", [] if columns == csv_columns == KEYS + NUMBERS else [columns, csv_columns])
    different = [pair for pair in zip(rows, csv_rows) if pair[0] != pair[1]]
    report.check(f"{len(rows)} rows of Parquet and CSV", different or ([] if len(rows) == len(csv_rows) > 0 else [len(csv_rows)]))
    forecast = json.loads((folder / "forecast.json").read_text(encoding="utf-8"))
    report.check("format", [] if forecast["format"] == 1 else [forecast["format"]])
    shown = [LEVELS.index(float(name[1:].replace("_", ".")) / 100) for name in QUANTILES]
    wanted = [(*key, *(quantiles[place] for place in shown)) for *key, quantiles in expected_rows(forecast)]
    found = [(*row[:3], row[5], *row[len(KEYS):len(KEYS) + len(QUANTILES)]) for row in rows]
    report.check("rows of forecast.json", [pair for pair in zip(wanted, found) if pair[0] != pair[1]] or
                 ([] if len(wanted) == len(found) else [len(wanted)]))
    report.check("quantiles, leads and buckets of each row", [row for row in rows if not is_sound(row)])
    plain = samples(report, folder / "forecast.prom", exposition)
    timed = samples(report, folder / "forecast.om", openmetrics)
    wanted = {(name, tuple(sorted(labels.items()))): value for name, labels, value in expected_samples(forecast)}
    report.check("samples of forecast.json", [key for key in wanted.keys() | plain.keys() if plain.get(key) != (wanted.get(key), None)])
    origin = forecast["origin_ms"] / 1000
    report.check("samples of OpenMetrics at the origin",
                 [key for key in wanted.keys() | timed.keys()
                  if key not in timed or timed[key][0] != wanted.get(key) or float(timed[key][1]) != origin])
    report.close()


if __name__ == "__main__":
    main()
