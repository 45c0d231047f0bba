-- The health score and the heat map as SQL for DuckDB, computed from history/ alone. The results
-- are equal to those of `etcd-heatmap score` to the last bit. Use it to check them, or as a start
-- for a score of your own.
--
{{origin}}
--
--   duckdb -cmd "SET VARIABLE audit = 'audit'" -cmd ".read queries/score.sql" \
--          -c "FROM cells() WHERE level = 'cluster' AND min < 7"
--
-- It defines (hours are in UTC, and the score of a cluster is that of its worst member):
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

-- A member is expected from the first to the last step with a reading other than leader_changes,
-- whose one-day window lingers after the last scrape. `position` is the rank of (cluster, member) in
-- byte order, so that sorting and grouping work on integers.
CREATE OR REPLACE TABLE lives AS
SELECT *,
       CAST(dense_rank() OVER (ORDER BY cluster) AS INTEGER)         AS cluster_position,
       CAST(row_number() OVER (ORDER BY cluster, member) AS INTEGER) AS position
FROM (SELECT cluster, member, epoch_ms(min(ts)) // 1000 AS first, epoch_ms(max(ts)) // 1000 AS last
      FROM readings
      WHERE coalesce({{life_columns}}) IS NOT NULL
      GROUP BY cluster, member);

{{share_of}}-- The bands of a step as one number: a digit per metric (0 = missing, then worst band first, then
-- idle), and above them whether the process started within the last minutes, when rates cover little
-- time. Everything later depends on the readings only through this number, so that points, score and
-- losses are computed once for each of its {{numbers}} values and looked up.
CREATE OR REPLACE MACRO band_of({{band_parameters}}) AS CAST(
      {{band_digits}}
    + CASE WHEN age_seconds < greatest({{young_seconds}}, getvariable('step_seconds')) THEN {{codes}} ELSE 0 END
    AS {{band_type}});

-- Weights and points are whole numbers, so that sums are exact and one division at the end gives the
-- double nearest to the true quotient. `units` is the score times `weight`, NULL if a metric that
-- counts is missing or idle; *_loss are the units lost to a metric; `place` sorts by units. `idle` is
-- true if there would be a score if the idle readings had values.
CREATE OR REPLACE TABLE bands AS
WITH weights AS (
    SELECT {{weights}}),
points AS (
    SELECT CAST(range AS {{band_type}}) AS band,
           if(getvariable('restarts_known'), band >= {{codes}}, NULL) AS after_restart,
           {{points}},
           {{idle}}
    FROM range({{numbers}})),
losses AS (  -- a metric that is left out loses nothing, with or without a reading
    SELECT points.*,
           {{point_times}}({{sum_of_weights}}) AS weight,
           {{losses}}
    FROM points, weights){{capped}}
SELECT *, 10 * weight - ({{sum_of_losses}}) AS units,
       (CAST(dense_rank() OVER (ORDER BY units) AS BIGINT) << {{place_shift}}) | band AS place,
       units IS NULL AND {{only_idle}} AS idle
FROM {{judged}};

-- The first step at or after a second: steps are the multiples of step_seconds.
CREATE OR REPLACE MACRO on_grid(second) AS
    (second + getvariable('step_seconds') - 1) // getvariable('step_seconds')
    * getvariable('step_seconds');

-- Every expected step of every member. Most days of most members have a row for each step; a grid is
-- built and joined only for days with missing rows (`short`). A step without a row has band 0.
CREATE OR REPLACE MACRO steps(since := 0, until := 253402300800) AS TABLE
WITH known AS MATERIALIZED (
    SELECT position, step,
           band_of({{band_arguments}}) AS band,
           coalesce({{learner}} = 1, false) AS learner
    FROM readings JOIN lives USING (cluster, member)
    WHERE date >= DATE '1970-01-01' + CAST(since // 86400 AS INTEGER)
      AND date <= DATE '1970-01-01' + CAST((until - 1) // 86400 AS INTEGER)
      AND step >= since AND step < until AND step BETWEEN first AND last),
lived AS (
    SELECT position, on_grid(greatest(day, first, since)) AS day_first,
           least(day + 86400, last + 1, until) AS day_until
    FROM (SELECT *, unnest(range(greatest(first, since) // 86400 * 86400,
                                 least(last + 1, until), 86400)) AS day FROM lives)),
short AS (
    SELECT lived.position, day_first, day_until
    FROM lived LEFT JOIN (SELECT position, step // 86400 AS day, count(*) AS rows
                          FROM known GROUP BY ALL) AS seen
           ON seen.position = lived.position AND seen.day = day_first // 86400
    WHERE coalesce(rows, 0) < ceil((day_until - day_first) / getvariable('step_seconds'))),
missing AS (
    SELECT grid.position, grid.step, CAST(0 AS {{band_type}}) AS band, false AS learner
    FROM (SELECT position, unnest(range(day_first, day_until, getvariable('step_seconds'))) AS step
          FROM short) AS grid
    ANTI JOIN (FROM known SEMI JOIN short
               ON short.position = known.position AND step // 86400 = day_first // 86400) AS seen
        ON seen.position = grid.position AND seen.step = grid.step)
FROM known UNION ALL FROM missing;

-- The rows of scores/. Metrics with a reading have points even if there is no score. Not sorted: use
-- ORDER BY cluster, member, ts if the order matters.
CREATE OR REPLACE MACRO scores(since := 0, until := 253402300800) AS TABLE
SELECT to_timestamp(step) AS ts, cluster, member,
       {{point_columns}},
       units / weight AS score,
       after_restart
FROM steps(since := since, until := until)
JOIN lives USING (position) JOIN bands USING (band);

-- The number of steps of each band in each cell, from a table or view with the columns of steps();
-- every column of a cell follows from these counts. The band of a cluster at a step is that of the
-- member with the lowest score, the first one on ties: the minimum over (units, position, band),
-- packed into one integer. It is missing (band 0) if that of any expected member is, else idle (band
-- {{idle_band}}) if that of any is, and is after a restart if any expected member is. Learners do not
-- count: their band is NULL here, and a cluster of learners alone is missing.
CREATE OR REPLACE MACRO band_counts(steps_table) AS TABLE
WITH voters AS (
    SELECT cluster_position, position, step, if(learner, NULL, band) AS band
    FROM query_table(steps_table) JOIN lives USING (position)),
worst AS (
    SELECT cluster_position, step,
           CASE count(band)
               WHEN 0 THEN 0
               WHEN {{members_judged}} THEN
                    (min(place | (CAST(position AS BIGINT) << {{position_shift}})) & {{band_mask}}) % {{codes}}
               WHEN count(units) + count(*) FILTER (idle) THEN {{idle_band}}
               ELSE 0 END
           + if(max(band) >= {{codes}}, {{codes}}, 0) AS band
    FROM voters LEFT JOIN bands USING (band)
    GROUP BY cluster_position, step)
SELECT NULL AS position, cluster_position, step // 3600 AS epoch_hour, band, count(*) AS steps
FROM worst GROUP BY ALL
UNION ALL
SELECT position, NULL, step // 3600, band, count(*)
FROM query_table(steps_table) GROUP BY ALL;

-- Computes cells from these counts.
CREATE OR REPLACE MACRO cells_of(counts_table) AS TABLE
WITH sums AS (
    SELECT position, cluster_position, epoch_hour,
           sum(steps)                                AS steps_expected,
           sum(steps) FILTER (units IS NOT NULL)     AS scored,
           sum(steps) FILTER (idle)                  AS idle_steps,
           sum(steps * CAST(after_restart AS INTEGER)) AS steps_after_restart,
           min(units)                                AS min_units,
           sum(steps * units)                        AS units,
           any_value(weight)                         AS weight,
           [{{lost}}] AS lost
    FROM query_table(counts_table) JOIN bands USING (band) GROUP BY ALL)
SELECT if(member IS NULL, 'cluster', 'member')      AS level,
       coalesce(cluster, cluster_name)              AS cluster,
       member,
       to_timestamp(epoch_hour * 3600)              AS start,
       DATE '1970-01-01' + CAST(epoch_hour // 24 AS INTEGER) AS date,
       epoch_hour % 24                              AS hour,
       0                                            AS minute,
       0                                            AS utc_offset_minutes,
       units / (weight * scored)                    AS mean,
       min_units / weight                           AS min,
       coalesce(scored, 0)                          AS steps_scored,
       steps_expected,
       coalesce(scored, 0) / steps_expected         AS coverage,
       coalesce(scored, 0) / steps_expected < {{min_coverage}} AS uncertain,
       CAST(steps_after_restart AS BIGINT)          AS steps_after_restart,
       CASE WHEN list_max(lost) > 0 THEN            -- the first in this order on ties
            [{{metrics_by_place}}][list_position(lost, list_max(lost))] END AS worst_metric,
       {{mean_losses}},
       CAST(coalesce(idle_steps, 0) AS BIGINT)      AS steps_idle
FROM sums
LEFT JOIN (SELECT position, cluster, member FROM lives) USING (position)
LEFT JOIN (SELECT DISTINCT cluster_position, cluster AS cluster_name FROM lives)
     USING (cluster_position);

-- The rows of heatmap.parquet and heatmap.csv, in the same order.
CREATE OR REPLACE MACRO cells(since := 0, until := 253402300800) AS TABLE
WITH life_steps AS MATERIALIZED (FROM steps(since := since, until := until)),
counts AS MATERIALIZED (FROM band_counts('life_steps'))
FROM cells_of('counts') ORDER BY date, level, cluster, member, hour;
