"""Median and maximum of each metric in every cell of a cluster, computed by DuckDB from a history.

Prints one line per metric, for the test in src/analysis/cell_readings/tests.rs: the number of cells with a reading, the
sum of their medians, the sum of their maxima, and the sum of the places (from 1) of the members with the maximum. With
--cells, prints every cell instead.

    tests/oracle/cell_readings.py notebooks-data/sample --width 60 --offset 330
"""

import argparse

import duckdb

METRICS = {
    "wal_fsync": "wal_fsync_seconds",
    "backend_commit": "backend_commit_seconds",
    "open_fds": "open_fds",
    "leader_changes": "leader_changes",
    "client_traffic_in": "client_traffic_in_bytes_per_second",
    "db_size": "db_size_bytes",
}

# Evidence with a chart: its column, or what is drawn of it.
EVIDENCE = {
    "has_leader": "(1 - has_leader)",
    "peer_round_trip": "peer_round_trip_seconds",
    "heartbeat_failures": "heartbeat_failures_per_second",
    "peer_send_failures": "peer_send_failures_per_second",
    "proposals_pending": "proposals_pending",
    "proposals_failed": "proposals_failed_per_second",
    "slow_applies": "slow_applies_per_second",
    "slow_read_indexes": "slow_read_indexes_per_second",
    "db_in_use": "db_in_use_bytes",
    "defragmenting": "defragmenting_share",
    "snapshotting": "snapshotting_share",
    "resident_memory": "resident_memory_bytes",
    "grpc_errors": "grpc_errors_per_second",
}

# A member is expected from the first to the last step with a reading of any metric but leader_changes.
CELLS = """
with readings as (select *, epoch(ts)::bigint as seconds from '{history}/history/*/readings.parquet'),
lives as (
    select cluster, member, min(seconds) as born, max(seconds) as gone,
        row_number() over (partition by cluster order by member) as place
    from readings
    where coalesce(wal_fsync_seconds, backend_commit_seconds, open_fds, client_traffic_in_bytes_per_second,
        db_size_bytes) is not null
    group by cluster, member),
expected as (
    select *, (seconds + {offset}) // {width} * {width} - {offset} as start
    from readings join lives using (cluster, member)
    where seconds between born and gone)
select cluster, start, median({column}) as p50, max({column}) as max, arg_max(place, ({column}, -place)) as place
from expected where {column} is not null group by cluster, start order by cluster, start
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("history")
    parser.add_argument("--width", type=int, default=60, help="minutes of a cell")
    parser.add_argument("--offset", type=int, default=0, help="minutes that local time is ahead of UTC")
    parser.add_argument("--cells", action="store_true", help="print every cell")
    args = parser.parse_args()
    for name, column in METRICS.items():
        values = {"history": args.history, "width": args.width * 60, "offset": args.offset * 60, "column": column}
        cells = duckdb.sql(CELLS.format(**values))
        if args.cells:
            for row in cells.fetchall():
                print(name, *row)
        else:
            print(name, *duckdb.sql("select count(*), fsum(p50), fsum(max), sum(place) from cells").fetchall()[0])


if __name__ == "__main__":
    main()
