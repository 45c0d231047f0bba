"""Writes the six recorded series of some members as OpenMetrics. With only six gauges per member, a year takes a minute
to generate.

    recorded.py MEMBERS FIRST_DATE DAYS STEP_SECONDS > recorded.om
"""

import random
import sys
from datetime import datetime, timezone

# Name, and a typical value.
SERIES = {
    "job:etcd_disk_wal_fsync_duration_seconds_bucket:99percentile": 0.004,
    "job:etcd_disk_backend_commit_duration_seconds_bucket:99percentile": 0.012,
    "job:process_open_fds:clone": None,
    "job:etcd_server_leader_changes_seen_total:changes1d": None,
    "job:etcd_network_client_grpc_received_bytes_total:rate5m": 20_000.0,
    "job:etcd_debugging_mvcc_db_total_size_in_bytes:clone": 3e7,
}


def main():
    members, days, step = int(sys.argv[1]), int(sys.argv[3]), int(sys.argv[4])
    first = int(datetime.fromisoformat(sys.argv[2]).replace(tzinfo=timezone.utc).timestamp())
    chance = random.Random(1)
    # Values with as many digits as quantiles and rates, which do not repeat within a day.
    factors = [chance.uniform(0.7, 1.6) for _ in range(9_973)]
    for name, usual in SERIES.items():
        print(f"# TYPE {name} gauge")
        texts = [str(chance.randrange(80, 400)) if usual is None else repr(usual * f) for f in factors]
        for member in range(members):
            head = f'{name}{{cluster="c01",instance="10.0.0.{member + 1}:2379",job="etcd"}} '
            print("\n".join(
                f"{head}{texts[(member * 811 + index) % len(texts)]} {ts}"
                for index, ts in enumerate(range(first, first + days * 86_400, step))))
    print("# EOF")


main()
