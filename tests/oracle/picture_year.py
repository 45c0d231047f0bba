"""Fills DIR with different cells for 20 clusters over a year, whose picture is as large as it can get.

usage: picture_year.py SAMPLE DIR

SAMPLE is an output folder of `backfill --sample`, whose manifest is copied. The cells are the same on every run."""

import os
import shutil
import sys

import duckdb

NOISE = "(hash(c, d, h, {}) % 1000003) / 1000003"


def main():
    sample, folder = sys.argv[1:]
    os.makedirs(folder)
    shutil.copy(f"{sample}/manifest.json", folder)
    losses = [name for (name, *_) in duckdb.sql(f"DESCRIBE FROM '{sample}/heatmap.parquet'").fetchall() if "_loss" in name]
    cells = f"""
        SELECT 'cluster' AS level, format('c{{:02d}}', c) AS cluster, NULL::VARCHAR AS member,
            (TIMESTAMP '2025-10-01' + to_days(d::INT) + to_hours(h))::TIMESTAMP_MS AS start,
            DATE '2025-10-01' + d::INT AS date, h::INT AS hour, 0::INT AS minute, 0::INT AS utc_offset_minutes,
            CASE WHEN {NOISE.format(0)} >= 0.02 THEN 10 * {NOISE.format(1)} END AS mean, mean AS min,
            (CASE WHEN mean IS NULL THEN 0 ELSE 60 END)::BIGINT AS steps_scored, 60::BIGINT AS steps_expected,
            steps_scored / 60 AS coverage, {NOISE.format(2)} < 0.05 AS uncertain,
            NULL::BIGINT AS steps_after_restart, NULL::VARCHAR AS worst_metric,
            {", ".join(f"CASE WHEN mean IS NOT NULL THEN 0.0::DOUBLE END AS {name}" for name in losses)}
        FROM range(365) days(d), range(24) hours(h), range(20) clusters(c)"""
    duckdb.sql(f"CREATE TABLE cells AS {cells}")
    # The program reads only this one of DuckDB's compressions.
    duckdb.sql(f"COPY cells TO '{folder}/heatmap.parquet' (FORMAT parquet, COMPRESSION zstd)")
    duckdb.sql(f"COPY cells TO '{folder}/heatmap.csv' (HEADER)")


if __name__ == "__main__":
    main()
