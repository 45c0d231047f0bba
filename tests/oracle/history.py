"""Compares the readings of a history with what the Prometheus answers to the same questions.

usage: history.py URL DIR --start SECOND --end SECOND --step SECONDS [--selector MATCHERS]
       [--cluster-label NAME] [--member-label NAME] [--recorded METRIC].. [--without METRIC].."""

import argparse

from folder import days
from prometheus import range_query
from report import Report
from spec import COLUMNS, NAMES

# {of} is the matchers of the selector, {by} the labels that tell members apart.
RAW = {
    "wal_fsync":
        "histogram_quantile(0.99, sum by ({by}, le) (rate(etcd_disk_wal_fsync_duration_seconds_bucket{{{of}}}[5m])))",
    "backend_commit":
        "histogram_quantile(0.99, sum by ({by}, le) (rate(etcd_disk_backend_commit_duration_seconds_bucket{{{of}}}[5m])))",
    # Every process has open files: only those of a target that also says whether it has a leader are etcd's.
    "open_fds": "max by ({by}) (process_open_fds{{{of}}} and on ({by}) etcd_server_has_leader{{{of}}})",
    "leader_changes": "max by ({by}) (changes(etcd_server_leader_changes_seen_total{{{of}}}[1d]))",
    "client_traffic_in": "sum by ({by}) (rate(etcd_network_client_grpc_received_bytes_total{{{of}}}[5m]))",
    "db_size":
        "max by ({by}) (etcd_mvcc_db_total_size_in_bytes{{{of}}} or on ({by}) etcd_debugging_mvcc_db_total_size_in_bytes{{{of}}})",
}
RECORDED = {
    "wal_fsync": "job:etcd_disk_wal_fsync_duration_seconds_bucket:99percentile",
    "backend_commit": "job:etcd_disk_backend_commit_duration_seconds_bucket:99percentile",
    "open_fds": "job:process_open_fds:clone",
    "leader_changes": "job:etcd_server_leader_changes_seen_total:changes1d",
    "client_traffic_in": "job:etcd_network_client_grpc_received_bytes_total:rate5m",
    "db_size": "job:etcd_debugging_mvcc_db_total_size_in_bytes:clone",
}


def expected(asked):
    """(milliseconds, cluster, member, column) -> value, as the server says."""
    by = ", ".join([asked.cluster_label or "cluster, job", asked.member_label])
    known = {}
    for name, column in zip(NAMES, COLUMNS):
        if name in asked.without:
            continue
        if name in asked.recorded:
            query = f"{RECORDED[name]}{{{asked.selector}}}"
        else:
            query = RAW[name].format(of=asked.selector, by=by)
        for labels, second, value in range_query(asked.url, query, asked.start, asked.end, asked.step):
            cluster = labels[asked.cluster_label] if asked.cluster_label else labels.get("cluster") or labels["job"]
            if value == value:  # a NaN is no reading
                known[second * 1000, cluster, labels[asked.member_label], column] = value
    return known


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("folder")
    for name in ["--start", "--end", "--step"]:
        parser.add_argument(name, type=int, required=True)
    parser.add_argument("--selector", default="")
    parser.add_argument("--cluster-label")
    parser.add_argument("--member-label", default="instance")
    parser.add_argument("--recorded", action="append", default=[])
    parser.add_argument("--without", action="append", default=[])
    asked = parser.parse_args()
    report = Report()
    found = {}
    for ts, cluster, member, *readings in days(asked.folder, "history", COLUMNS, report):
        for column, value in zip(COLUMNS, readings):
            if value is not None:
                found[ts, cluster, member, column] = value
    report.compare("history: readings against the server's answers", expected(asked), found)
    report.close()


if __name__ == "__main__":
    main()
