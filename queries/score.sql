-- The health score and the heat map as SQL, for DuckDB, from nothing but history/.
-- It gives what `etcd-heatmap score` gives, number for number, so it serves as a second opinion
-- and as a place to start from when the score that you want is another one.
--
--   duckdb -cmd "SET VARIABLE audit = 'audit'" -cmd ".read queries/score.sql" \
--          -c "FROM cells() WHERE level = 'cluster' AND min < 7"
--
-- What it defines:
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
-- The metrics of --without, such as ['open_fds'].
SET VARIABLE without = coalesce(getvariable('without'), CAST([] AS VARCHAR[]));
-- The step of the pull stands in the footers of the files; set it for files of another origin.
SET VARIABLE step_seconds = coalesce(getvariable('step_seconds'), (
    SELECT any_value(CAST(decode(value) AS INTEGER))
    FROM parquet_kv_metadata(getvariable('audit') || '/history/date=*/readings.parquet')
    WHERE decode(key) = 'etcd-heatmap.step_seconds'));

-- One row a member and step at which anything was known. An unknown reading is NULL there, never
-- NaN. Whole seconds instead of timestamps: plain integer arithmetic needs no time zone.
CREATE OR REPLACE VIEW readings AS
SELECT *, epoch_ms(ts) // 1000 AS step
FROM read_parquet(getvariable('audit') || '/history/date=*/readings.parquet',
                  hive_partitioning = true, hive_types = {'date': DATE});

-- A member lives from the first to the last step at which a reading other than leader_changes is
-- known: the one-day window of that metric lingers after the last scrape. `position` stands for
-- (cluster, member) in byte order, so that sorting and grouping work on integers.
CREATE OR REPLACE TABLE lives AS
SELECT *,
       CAST(dense_rank() OVER (ORDER BY cluster) AS INTEGER)         AS cluster_position,
       CAST(row_number() OVER (ORDER BY cluster, member) AS INTEGER) AS position
FROM (SELECT cluster, member, epoch_ms(min(ts)) // 1000 AS first, epoch_ms(max(ts)) // 1000 AS last
      FROM readings
      WHERE coalesce(wal_fsync_seconds, backend_commit_seconds, open_fds,
                     client_traffic_in_bytes_per_second, db_size_bytes) IS NOT NULL
      GROUP BY cluster, member);

-- The bands of the profile `seed` as one number: a digit a metric, 0 = unknown, then worst first.
-- Everything later depends on a step's readings through this number only, so that points, score
-- and losses are computed once for each of its 432 values and looked up.
CREATE OR REPLACE MACRO band_of(wal_fsync, backend_commit, open_fds, leader_changes,
                                client_traffic_in, db_size) AS CAST(
      CASE WHEN wal_fsync > 0.01 THEN 1 WHEN wal_fsync IS NOT NULL THEN 2 ELSE 0 END
    + CASE WHEN backend_commit > 0.04 THEN 3 WHEN backend_commit > 0.025 THEN 6
           WHEN backend_commit IS NOT NULL THEN 9 ELSE 0 END
    + CASE WHEN open_fds > 1024 THEN 12 WHEN open_fds IS NOT NULL THEN 24 ELSE 0 END
    + CASE WHEN leader_changes > 5 THEN 36 WHEN leader_changes IS NOT NULL THEN 72 ELSE 0 END
    + CASE WHEN client_traffic_in IS NOT NULL THEN 108 ELSE 0 END
    + CASE WHEN db_size IS NOT NULL THEN 216 ELSE 0 END AS SMALLINT);

-- Weights in hundredths, points as whole numbers: sums of them are exact, and one division at the
-- end gives the double nearest to the true quotient. `units` is the score times `weight`, NULL if
-- a metric that counts is unknown; *_loss are the units that a metric cost.
CREATE OR REPLACE TABLE bands AS
WITH weights AS (
    SELECT if('wal_fsync' IN getvariable('without'), 0, 30)        AS wal_fsync,
           if('backend_commit' IN getvariable('without'), 0, 20)   AS backend_commit,
           if('open_fds' IN getvariable('without'), 0, 10)         AS open_fds,
           if('leader_changes' IN getvariable('without'), 0, 30)   AS leader_changes,
           if('client_traffic_in' IN getvariable('without'), 0, 5) AS client_traffic_in,
           if('db_size' IN getvariable('without'), 0, 5)           AS db_size),
points AS (
    SELECT CAST(range AS SMALLINT)        AS band,
           [NULL, 0, 10][1 + band % 3]          AS p_wal,
           [NULL, 0, 5, 10][1 + band // 3 % 4]  AS p_backend,
           [NULL, 0, 10][1 + band // 12 % 3]    AS p_fds,
           [NULL, 0, 10][1 + band // 36 % 3]    AS p_leader,
           [NULL, 10][1 + band // 108 % 2]      AS p_traffic,
           [NULL, 10][1 + band // 216 % 2]      AS p_size
    FROM range(432)),
losses AS (  -- a metric that is left out costs nothing, known or not
    SELECT points.*,
           wal_fsync + backend_commit + open_fds + leader_changes + client_traffic_in + db_size
                                                                    AS weight,
           if(wal_fsync = 0, 0, wal_fsync * (10 - p_wal))                   AS wal_fsync_loss,
           if(backend_commit = 0, 0, backend_commit * (10 - p_backend))     AS backend_commit_loss,
           if(open_fds = 0, 0, open_fds * (10 - p_fds))                     AS open_fds_loss,
           if(leader_changes = 0, 0, leader_changes * (10 - p_leader))      AS leader_changes_loss,
           if(client_traffic_in = 0, 0, client_traffic_in * (10 - p_traffic)) AS client_traffic_in_loss,
           if(db_size = 0, 0, db_size * (10 - p_size))                      AS db_size_loss
    FROM points, weights)
SELECT *, 10 * weight - (wal_fsync_loss + backend_commit_loss + open_fds_loss
                         + leader_changes_loss + client_traffic_in_loss + db_size_loss) AS units
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
           band_of(wal_fsync_seconds, backend_commit_seconds, open_fds, leader_changes,
                   client_traffic_in_bytes_per_second, db_size_bytes) AS band
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
    SELECT grid.position, grid.step, CAST(0 AS SMALLINT) AS band
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
       CAST(p_wal AS DOUBLE)     AS wal_fsync_points,
       CAST(p_backend AS DOUBLE) AS backend_commit_points,
       CAST(p_fds AS DOUBLE)     AS open_fds_points,
       CAST(p_leader AS DOUBLE)  AS leader_changes_points,
       CAST(p_traffic AS DOUBLE) AS client_traffic_in_points,
       CAST(p_size AS DOUBLE)    AS db_size_points,
       units / weight            AS score
FROM steps(since := since, until := until)
JOIN lives USING (position) JOIN bands USING (band);

-- How often each band occurs in each cell, from a table or view that has the columns of steps():
-- all that a cell says follows from these counts. A cluster's band at a step is that of the member
-- with the lowest score, the first of them on ties: the minimum over (units, position, band),
-- packed into one integer. It's unknown, band 0, as soon as one living member's is.
CREATE OR REPLACE MACRO band_counts(steps_table) AS TABLE
WITH worst AS (
    SELECT cluster_position, step,
           if(count(*) = count(units), min((CAST(units AS BIGINT) << 40) | (position << 9) | band) & 511, 0) AS band
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
           min(units)                                AS min_units,
           sum(steps * units)                        AS units,
           any_value(weight)                         AS weight,
           [sum(steps * wal_fsync_loss)         FILTER (units IS NOT NULL),
            sum(steps * backend_commit_loss)    FILTER (units IS NOT NULL),
            sum(steps * open_fds_loss)          FILTER (units IS NOT NULL),
            sum(steps * leader_changes_loss)    FILTER (units IS NOT NULL),
            sum(steps * client_traffic_in_loss) FILTER (units IS NOT NULL),
            sum(steps * db_size_loss)           FILTER (units IS NOT NULL)] AS lost
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
       coalesce(scored, 0) / steps_expected < 0.5   AS uncertain,
       CASE WHEN list_max(lost) > 0 THEN            -- the first in this order on ties
            ['wal_fsync', 'backend_commit', 'open_fds', 'leader_changes', 'client_traffic_in',
             'db_size'][list_position(lost, list_max(lost))] END AS worst_metric,
       lost[1] / (weight * scored)                  AS wal_fsync_loss,
       lost[2] / (weight * scored)                  AS backend_commit_loss,
       lost[3] / (weight * scored)                  AS open_fds_loss,
       lost[4] / (weight * scored)                  AS leader_changes_loss,
       lost[5] / (weight * scored)                  AS client_traffic_in_loss,
       lost[6] / (weight * scored)                  AS db_size_loss
FROM sums
LEFT JOIN (SELECT position, cluster, member FROM lives) USING (position)
LEFT JOIN (SELECT DISTINCT cluster_position, cluster AS cluster_name FROM lives)
     USING (cluster_position);

-- What heatmap.parquet and heatmap.csv hold, in their order.
CREATE OR REPLACE MACRO cells(since := 0, until := 253402300800) AS TABLE
WITH life_steps AS MATERIALIZED (FROM steps(since := since, until := until)),
counts AS MATERIALIZED (FROM band_counts('life_steps'))
FROM cells_of('counts') ORDER BY date, level, cluster, member, hour;
