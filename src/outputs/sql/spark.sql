-- The health score and the heat map as SQL for Spark, computed from history/ alone. The results are
-- equal to those of `etcd-heatmap score` to the last bit. Tested with Spark 4.3, in ANSI mode.
--
{{origin}}
--
-- deploy/spark/score.py runs it by spark-submit and writes scores and cells as Parquet. By hand:
--
--   spark-sql --hivevar history=/lake/audit/history -i score.spark.sql \
--       -e "SET VARIABLE step_seconds = 60; SELECT * FROM cells WHERE level = 'cluster' AND min < 7"
--
-- It defines ({{defines}}):
--   lives   one row per member: first and last seen
--   bands   one row per combination of bands of the six metrics
--   steps   one row per member and expected step, with its combination of bands, and whether the
--           member is a learner
--   scores  the same with points and score, like scores/**/*.parquet
--   cells   one row per cell, like heatmap.parquet
-- All are temporary views, which read the variables below when they are queried.

-- The files of history/. Replace this view to read the history from a table instead. A column that some
-- or all files lack is NULL.
CREATE OR REPLACE TEMPORARY VIEW history (
    ts TIMESTAMP, cluster STRING, member STRING, date DATE,
    {{history_columns}})
USING parquet OPTIONS (path '${history}');

-- Parameters, to be set after this file is read. The first two are in the footers of the files, which
-- SQL cannot read here: the step of the pull, and the metrics of --without and those not pulled.
DECLARE OR REPLACE VARIABLE step_seconds BIGINT;
DECLARE OR REPLACE VARIABLE without ARRAY<STRING> DEFAULT CAST(array() AS ARRAY<STRING>);
-- Whether the history has process start times; without them restarts are unknown.
DECLARE OR REPLACE VARIABLE restarts_known BOOLEAN;
-- Which steps are computed, in epoch seconds, the end exclusive: UTC midnights process a long history
-- in parts. Apart from `lives`, a day does not depend on other days.
DECLARE OR REPLACE VARIABLE since BIGINT DEFAULT 0;
DECLARE OR REPLACE VARIABLE until BIGINT DEFAULT 253402300800;

-- One row per member and step with any reading. A missing reading is NULL, never NaN. An idle one is
-- NULL too, and its column *_idle is true: nothing was fsynced or committed, so there is no p99. Steps
-- are whole seconds instead of timestamps, because integer arithmetic needs no time zone.
CREATE OR REPLACE TEMPORARY VIEW readings AS
SELECT *, unix_seconds(ts) AS step
FROM history
WHERE coalesce(step_seconds, CAST(raise_error('SET VARIABLE step_seconds first') AS BIGINT)) > 0;

