-- The health score and the heat map as SQL for DuckDB, computed from history/ alone. The results
-- are equal to those of `etcd-heatmap score` to the last bit. Use it to check them, or as a start
-- for a score of your own.
--
{{origin}}
--
--   duckdb -cmd "SET VARIABLE audit = 'audit'" -cmd ".read queries/score.sql" \
--          -c "FROM cells() WHERE level = 'cluster' AND min < 7"
--
-- It defines ({{defines}}):
--   lives                 table, one row per member: first and last seen
--   bands                 table, one row per combination of bands of the six metrics
--   steps(since, until)   one row per member and expected step, with its combination of bands, and
--                         whether the member is a learner
--   scores(since, until)  the same with points and score, like scores/**/*.parquet
--   cells(since, until)   one row per cell, like heatmap.parquet
-- `since` and `until` are epoch seconds, the end exclusive; without them the whole history is
-- read. To process a long history in bounded memory, pass UTC midnights: apart from `lives`, a day
-- does not depend on other days.

-- Parameters. Values that are set before this file is read are kept.
SET VARIABLE audit = coalesce(getvariable('audit'), 'audit');  -- the folder that holds history/
-- The metrics of --without, such as ['open_fds']; those that the pull left out are added.
SET VARIABLE without = coalesce(getvariable('without'), CAST([] AS VARCHAR[])) || coalesce((
    SELECT list(name)
    FROM (SELECT unnest([{{metrics_to_pull}}]) AS name),
         (SELECT any_value(json_keys(decode(value), '$.queries')) AS pulled
          FROM parquet_kv_metadata(getvariable('audit') || '/history/date=*/readings.parquet')
          WHERE decode(key) = 'etcd-heatmap.source')
    WHERE NOT list_contains(pulled, name)), CAST([] AS VARCHAR[]));
-- The step of the pull is read from the footers of the files; set it for files of another origin.
SET VARIABLE step_seconds = coalesce(getvariable('step_seconds'), (
    SELECT any_value(CAST(decode(value) AS INTEGER))
    FROM parquet_kv_metadata(getvariable('audit') || '/history/date=*/readings.parquet')
    WHERE decode(key) = 'etcd-heatmap.step_seconds'));
-- Whether the history has process start times; without them restarts are unknown.
SET VARIABLE restarts_known = (
    SELECT count(*) > 0
    FROM parquet_schema(getvariable('audit') || '/history/date=*/readings.parquet')
    WHERE name = 'start_time_seconds');

-- One row per member and step with any reading. A missing reading is NULL, never NaN. An idle one is
-- NULL too, and its column *_idle is true: nothing was fsynced or committed, so there is no p99. Steps
-- are whole seconds instead of timestamps, because integer arithmetic needs no time zone. A column may
-- be missing in some or all files, so an empty table with all columns is added.
CREATE OR REPLACE VIEW readings AS
SELECT *, epoch_ms(ts) // 1000 AS step
FROM (FROM read_parquet(getvariable('audit') || '/history/date=*/readings.parquet',
                        union_by_name = true,
                        hive_partitioning = true, hive_types = {'date': DATE})
      UNION ALL BY NAME
      SELECT {{columns}} WHERE false);

