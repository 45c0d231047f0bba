-- The health score and the heat map as SQL, for DuckDB, from nothing but history/.
-- It gives what `etcd-heatmap score` gives, number for number, so it serves as a second opinion
-- and as a place to start from when the score that you want is another one.
--
{{origin}}
--
--   duckdb -cmd "SET VARIABLE audit = 'audit'" -cmd ".read queries/score.sql" \
--          -c "FROM cells() WHERE level = 'cluster' AND min < 7"
--
-- What it defines (hours are those of UTC, and a cluster is its worst member):
--   lives                 table, one row a member: when it lived
--   bands                 table, one row for each way that six readings can be banded
--   steps(since, until)   one row a member and step of its life: which band
--   scores(since, until)  the same with points and score, like scores/**/*.parquet
--   cells(since, until)   one row a cell, like heatmap.parquet
-- `since` and `until` are epoch seconds, the end exclusive; without them all of the history is
-- read. Give UTC midnights to work through a long history in bounded memory: a day needs nothing
-- of its neighbours but `lives`.

-- Parameters. What is set before this file is read stays.
SET VARIABLE audit = coalesce(getvariable('audit'), 'audit');  -- the folder that holds history/
-- The metrics of --without, such as ['open_fds']; those that the pull left out come to them.
SET VARIABLE without = coalesce(getvariable('without'), CAST([] AS VARCHAR[])) || coalesce((
    SELECT list(name)
    FROM (SELECT unnest([{{metrics_to_pull}}]) AS name),
         (SELECT any_value(json_keys(decode(value), '$.queries')) AS pulled
          FROM parquet_kv_metadata(getvariable('audit') || '/history/date=*/readings.parquet')
          WHERE decode(key) = 'etcd-heatmap.source')
    WHERE NOT list_contains(pulled, name)), CAST([] AS VARCHAR[]));
-- The step of the pull stands in the footers of the files; set it for files of another origin.
SET VARIABLE step_seconds = coalesce(getvariable('step_seconds'), (
    SELECT any_value(CAST(decode(value) AS INTEGER))
    FROM parquet_kv_metadata(getvariable('audit') || '/history/date=*/readings.parquet')
    WHERE decode(key) = 'etcd-heatmap.step_seconds'));
-- Whether the history tells when processes were started; where it does not, restarts are unknown.
SET VARIABLE restarts_known = (
    SELECT count(*) > 0
    FROM parquet_schema(getvariable('audit') || '/history/date=*/readings.parquet')
    WHERE name = 'start_time_seconds');

-- One row a member and step at which anything was known. An unknown reading is NULL there, never
-- NaN. Whole seconds instead of timestamps: plain integer arithmetic needs no time zone. A column
-- may be missing in some files or in all of them: the empty table has it.
CREATE OR REPLACE VIEW readings AS
SELECT *, epoch_ms(ts) // 1000 AS step
FROM (FROM read_parquet(getvariable('audit') || '/history/date=*/readings.parquet',
                        union_by_name = true,
                        hive_partitioning = true, hive_types = {'date': DATE})
      UNION ALL BY NAME
      SELECT {{columns}} WHERE false);

-- A member lives from the first to the last step at which a reading other than leader_changes is
-- known: the one-day window of that metric lingers after the last scrape. `position` stands for
-- (cluster, member) in byte order, so that sorting and grouping work on integers.
CREATE OR REPLACE TABLE lives AS
SELECT *,
       CAST(dense_rank() OVER (ORDER BY cluster) AS INTEGER)         AS cluster_position,
       CAST(row_number() OVER (ORDER BY cluster, member) AS INTEGER) AS position
FROM (SELECT cluster, member, epoch_ms(min(ts)) // 1000 AS first, epoch_ms(max(ts)) // 1000 AS last
      FROM readings
      WHERE coalesce({{life_columns}}) IS NOT NULL
      GROUP BY cluster, member);

{{share_of}}-- The bands of the profile as one number: a digit a metric, 0 = unknown, then worst first; and above
-- them whether the process was started in the last minutes, so that what it says covers little time.
-- Everything later depends on a step's readings through this number only, so that points, score
-- and losses are computed once for each of its {{numbers}} values and looked up.
CREATE OR REPLACE MACRO band_of({{band_parameters}}) AS CAST(
      {{band_digits}}
    + CASE WHEN age_seconds < greatest({{young_seconds}}, getvariable('step_seconds')) THEN {{codes}} ELSE 0 END
    AS {{band_type}});

-- Weights and points as whole numbers: sums of them are exact, and one division at the end gives the
-- double nearest to the true quotient. `units` is the score times `weight`, NULL if a metric that
-- counts is unknown; *_loss are the units that a metric cost; `place` sorts by units.
CREATE OR REPLACE TABLE bands AS
WITH weights AS (
    SELECT {{weights}}),
points AS (
    SELECT CAST(range AS {{band_type}}) AS band,
           if(getvariable('restarts_known'), band >= {{codes}}, NULL) AS after_restart,
           {{points}}
    FROM range({{numbers}})),
losses AS (  -- a metric that is left out costs nothing, known or not
    SELECT points.*,
           {{point_times}}({{sum_of_weights}}) AS weight,
           {{losses}}
    FROM points, weights)
SELECT *, 10 * weight - ({{sum_of_losses}}) AS units,
       (CAST(dense_rank() OVER (ORDER BY units) AS BIGINT) << {{place_shift}}) | band AS place
FROM losses;

-- The first step at or after a second: steps are the multiples of step_seconds.
CREATE OR REPLACE MACRO on_grid(second) AS
    (second + getvariable('step_seconds') - 1) // getvariable('step_seconds')
    * getvariable('step_seconds');

-- Every step of every life. Most days of most members have a row for each step; only where rows
-- are missing (`short`) is the grid laid out and matched. A step without a row has band 0.
CREATE OR REPLACE MACRO steps(since := 0, until := 253402300800) AS TABLE
WITH known AS MATERIALIZED (
    SELECT position, step,
           band_of({{band_arguments}}) AS band
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
    SELECT grid.position, grid.step, CAST(0 AS {{band_type}}) AS band
    FROM (SELECT position, unnest(range(day_first, day_until, getvariable('step_seconds'))) AS step
          FROM short) AS grid
    ANTI JOIN (FROM known SEMI JOIN short
               ON short.position = known.position AND step // 86400 = day_first // 86400) AS seen
        ON seen.position = grid.position AND seen.step = grid.step)
FROM known UNION ALL FROM missing;

-- What scores/ holds. Points of a known metric are there even where the score is not. Not sorted:
-- ORDER BY cluster, member, ts when the order matters.
CREATE OR REPLACE MACRO scores(since := 0, until := 253402300800) AS TABLE
SELECT to_timestamp(step) AS ts, cluster, member,
       {{point_columns}},
       units / weight AS score,
       after_restart
FROM steps(since := since, until := until)
JOIN lives USING (position) JOIN bands USING (band);

-- How often each band occurs in each cell, from a table or view that has the columns of steps():
-- all that a cell says follows from these counts. A cluster's band at a step is that of the member
-- with the lowest score, the first of them on ties: the minimum over (units, position, band),
-- packed into one integer. It's unknown, band 0, as soon as one living member's is, and follows a
-- restart as soon as one living member does.
CREATE OR REPLACE MACRO band_counts(steps_table) AS TABLE
WITH worst AS (
    SELECT cluster_position, step,
           if(count(*) = count(units),
              (min(place | (CAST(position AS BIGINT) << {{position_shift}})) & {{band_mask}}) % {{codes}}, 0)
           + if(max(band) >= {{codes}}, {{codes}}, 0) AS band
    FROM query_table(steps_table) JOIN lives USING (position) JOIN bands USING (band)
    GROUP BY cluster_position, step)
SELECT NULL AS position, cluster_position, step // 3600 AS epoch_hour, band, count(*) AS steps
FROM worst GROUP BY ALL
UNION ALL
SELECT position, NULL, step // 3600, band, count(*)
FROM query_table(steps_table) GROUP BY ALL;

-- Cells from such counts.
CREATE OR REPLACE MACRO cells_of(counts_table) AS TABLE
WITH sums AS (
    SELECT position, cluster_position, epoch_hour,
           sum(steps)                                AS steps_expected,
           sum(steps) FILTER (units IS NOT NULL)     AS scored,
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
       {{mean_losses}}
FROM sums
LEFT JOIN (SELECT position, cluster, member FROM lives) USING (position)
LEFT JOIN (SELECT DISTINCT cluster_position, cluster AS cluster_name FROM lives)
     USING (cluster_position);

-- What heatmap.parquet and heatmap.csv hold, in their order.
CREATE OR REPLACE MACRO cells(since := 0, until := 253402300800) AS TABLE
WITH life_steps AS MATERIALIZED (FROM steps(since := since, until := until)),
counts AS MATERIALIZED (FROM band_counts('life_steps'))
FROM cells_of('counts') ORDER BY date, level, cluster, member, hour;
