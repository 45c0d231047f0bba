-- A member is expected from the first to the last step with a reading other than leader_changes,
-- whose one-day window lingers after the last scrape. `position` is the rank of (cluster, member) in
-- byte order, so that sorting and grouping work on integers.
CREATE OR REPLACE TABLE lives AS
SELECT *,
       CAST(dense_rank() OVER (ORDER BY cluster) AS INTEGER)         AS cluster_position,
       CAST(row_number() OVER (ORDER BY cluster, member) AS INTEGER) AS position
FROM (SELECT cluster, member, min(step) AS first, max(step) AS last
      FROM readings
      WHERE coalesce({{life_columns}}) IS NOT NULL
      GROUP BY cluster, member);

-- Weights and points are whole numbers, so that sums are exact and one division at the end gives the
-- double nearest to the true quotient. `units` is the score times `weight`, NULL if a metric that
-- counts is missing or idle; *_loss are the units lost to a metric; `place` sorts by units. `idle` is
-- true if there would be a score if the idle readings had values.
CREATE OR REPLACE TABLE bands AS
WITH weights AS (
    SELECT {{weights}}),
points AS (
    SELECT band,
           if(getvariable('restarts_known'), band >= {{codes}}, NULL) AS after_restart,
           {{points}},
           {{idle}}
    FROM (SELECT CAST(code AS {{band_type}}) AS band FROM range({{numbers}}) AS codes(code)) AS all_bands),
losses AS (  -- a metric that is left out loses nothing, with or without a reading
    SELECT points.*,
           {{point_times}}({{sum_of_weights}}) AS weight,
           {{losses}}
    FROM points, weights){{capped}},
judged AS (
    SELECT *, 10 * weight - ({{sum_of_losses}}) AS units
    FROM {{judged}}),
idling AS (
    SELECT *, units IS NULL AND {{only_idle}} AS idle
    FROM judged)
SELECT *, CAST(dense_rank() OVER (ORDER BY {{order}}) AS BIGINT) * {{place_times}} + band AS place
FROM idling;

-- Every expected step of every member, with its bands as one number: a digit per metric (0 = missing,
-- then worst band first, then idle), and above them whether the process started within the last
-- minutes, when rates cover little time. Most days of most members have a row for each step; a grid is
-- built and joined only for days with missing rows (`short`). A step without a row has band 0.
CREATE OR REPLACE MACRO steps(since := 0, until := 253402300800) AS TABLE
WITH named AS (
    SELECT position, step,
           {{named}},
           coalesce({{learner}} = 1, false) AS learner
    FROM readings JOIN lives USING (cluster, member)
    WHERE date >= DATE '1970-01-01' + CAST(since // 86400 AS INTEGER)
      AND date <= DATE '1970-01-01' + CAST((until - 1) // 86400 AS INTEGER)
      AND step >= since AND step < until AND step BETWEEN first AND last),
known AS MATERIALIZED (
    SELECT position, step, CAST(
      {{band_digits}}
    + CASE WHEN age_seconds < greatest({{young_seconds}}, getvariable('step_seconds')) THEN {{codes}} ELSE 0 END
    AS {{band_type}}) AS band, learner
    FROM named),
days AS (
    SELECT *, {{days}} AS day FROM lives),
lived AS (  -- from the first step of the day; steps are the multiples of step_seconds
    SELECT position,
           (greatest(day, first, since) + getvariable('step_seconds') - 1)
               // getvariable('step_seconds') * getvariable('step_seconds') AS day_first,
           least(day + 86400, last + 1, until) AS day_until
    FROM days),
seen AS (
    SELECT position, step // 86400 AS day, count(*) AS rows FROM known GROUP BY ALL),
short AS (
    SELECT lived.position, day_first, day_until
    FROM lived LEFT JOIN seen ON seen.position = lived.position AND seen.day = day_first // 86400
    WHERE coalesce(rows, 0) < ceil((day_until - day_first) / getvariable('step_seconds'))),
grid AS (
    SELECT position, {{steps}} AS step FROM short),
known_of_short AS (
    SELECT known.* FROM known SEMI JOIN short
    ON short.position = known.position AND step // 86400 = day_first // 86400),
missing AS (
    SELECT grid.position, grid.step, CAST(0 AS {{band_type}}) AS band, false AS learner
    FROM grid ANTI JOIN known_of_short AS known
    ON known.position = grid.position AND known.step = grid.step)
SELECT * FROM known UNION ALL SELECT * FROM missing;

-- The rows of scores/. Metrics with a reading have points even if there is no score. Not sorted: use
-- ORDER BY cluster, member, ts if the order matters.
CREATE OR REPLACE MACRO scores(since := 0, until := 253402300800) AS TABLE
SELECT to_timestamp(step) AS ts, cluster, member,
       {{point_columns}},
       units / weight AS score,
       after_restart
FROM steps(since := since, until := until)
JOIN lives USING (position) JOIN bands USING (band);

-- The number of steps with the same score and losses in each slot of {{slot_words}}, from a table or view with
-- the columns of steps(); every column of a cell follows from these counts.
{{rollup_words}}
-- Learners do not count: their band is NULL here, and a cluster of learners alone is missing.
CREATE OR REPLACE MACRO band_counts(steps_table) AS TABLE
WITH voters AS (
    SELECT cluster_position, position, step, if(learner, NULL, band) AS band
    FROM query_table(steps_table) JOIN lives USING (position)),
of_cluster AS (
    SELECT cluster_position, step,
           {{of_cluster}}
    FROM voters LEFT JOIN bands USING (band)
    GROUP BY cluster_position, step),
by_band AS (
    SELECT position, CAST(NULL AS INTEGER) AS cluster_position, step // {{slot}} AS slot, band,
           count(*) AS steps
    FROM query_table(steps_table) GROUP BY ALL{{cluster_bands}})
SELECT position, cluster_position, slot, steps, weight, units, after_restart, idle,
       {{loss_columns}}
FROM by_band JOIN bands USING (band){{cluster_means}};

-- When each offset of local time from UTC was in force in {{zone}}, in epoch seconds, the end exclusive.
CREATE OR REPLACE TABLE clock AS
SELECT * FROM (VALUES
    {{clock}}) AS stretches(begins, ends, utc_offset);

-- Computes cells from these counts.
CREATE OR REPLACE MACRO cells_of(counts_table) AS TABLE
WITH local_slots AS (
    SELECT *, (slot * {{slot}} + utc_offset) // {{width}} * {{width}} AS local_start
    FROM query_table(counts_table) JOIN clock ON slot * {{slot}} >= begins AND slot * {{slot}} < ends),
sums AS (
    SELECT position, cluster_position, utc_offset, local_start,
           -- the start of the cell, or the clock change if that came later
           min(greatest(local_start - utc_offset, begins)) AS start_second,
           sum(steps)                                 AS steps_expected,
           sum(steps) FILTER (WHERE units IS NOT NULL) AS scored,
           sum(steps) FILTER (WHERE idle)             AS idle_steps,
           sum(steps * CAST(after_restart AS INTEGER)) AS steps_after_restart,
           min(units)                                 AS min_units,
           sum(steps * units)                         AS units,
           max(weight)                                AS weight,
           {{lost}}
    FROM local_slots GROUP BY position, cluster_position, utc_offset, local_start),
placed AS (
    SELECT *, start_second + utc_offset AS shown, coalesce(scored, 0) / steps_expected AS coverage,
           greatest({{lost_columns}}) AS most_lost
    FROM sums)
SELECT if(member IS NULL, 'cluster', 'member')        AS level,
       coalesce(cluster, cluster_name)                AS cluster,
       member,
       to_timestamp(start_second)                     AS start,
       DATE '1970-01-01' + CAST(shown // 86400 AS INTEGER) AS date,
       CAST(shown // 3600 % 24 AS INTEGER)            AS hour,
       CAST(shown // 60 % 60 AS INTEGER)              AS minute,
       CAST(utc_offset // 60 AS INTEGER)              AS utc_offset_minutes,
       units / (weight * scored)                      AS mean,
       min_units / weight                             AS min,
       CAST(coalesce(scored, 0) AS BIGINT)            AS steps_scored,
       CAST(steps_expected AS BIGINT)                 AS steps_expected,
       coverage,
       coverage < {{min_coverage}} AS uncertain,
       CAST(steps_after_restart AS BIGINT)            AS steps_after_restart,
       CASE WHEN most_lost > 0 THEN CASE most_lost    -- the first in this order on ties
            {{worst_metric}} END END AS worst_metric,
       {{mean_losses}},
       CAST(coalesce(idle_steps, 0) AS BIGINT)        AS steps_idle
FROM placed
LEFT JOIN (SELECT position, cluster, member FROM lives) AS members USING (position)
LEFT JOIN (SELECT DISTINCT cluster_position, cluster AS cluster_name FROM lives) AS clusters
     USING (cluster_position);

-- The rows of heatmap.parquet and heatmap.csv, in the same order.
CREATE OR REPLACE MACRO cells(since := 0, until := 253402300800) AS TABLE
{{cells}}
ORDER BY date, level, cluster, member, start;
