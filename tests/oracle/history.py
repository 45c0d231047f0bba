"""Compares the readings of a history with the answers of the Prometheus to the same queries.

usage: history.py URL DIR --start SECOND --end SECOND --step SECONDS [--selector MATCHERS]
       [--cluster-label NAME] [--member-label NAME] [--recorded METRIC].. [--without METRIC].. [--profile NAME]
       [--evidence none|auto|all]

The profile decides which companions a history must hold. It must hold the start times of processes if the server has
them."""

import argparse

from folder import days
from prometheus import range_query
from report import Report
from spec import COLUMNS, COMPANIONS, IDLE, LIMITS, NAMES, Profile

# {of} stands for the matchers of the selector, {by} for the labels that identify a member.
RAW = {
    "wal_fsync":
        "histogram_quantile(0.99, sum by ({by}, le) (rate(etcd_disk_wal_fsync_duration_seconds_bucket{{{of}}}[5m])))",
    "backend_commit":
        "histogram_quantile(0.99, sum by ({by}, le) (rate(etcd_disk_backend_commit_duration_seconds_bucket{{{of}}}[5m])))",
    # Every process has process_open_fds; only targets that also have etcd_server_has_leader are etcd.
    "open_fds": "max by ({by}) (process_open_fds{{{of}}} and on ({by}) etcd_server_has_leader{{{of}}})",
    "leader_changes": "max by ({by}) (changes(etcd_server_leader_changes_seen_total{{{of}}}[1d]))",
    "client_traffic_in": "sum by ({by}) (rate(etcd_network_client_grpc_received_bytes_total{{{of}}}[5m]))",
    "db_size":
        "max by ({by}) (etcd_mvcc_db_total_size_in_bytes{{{of}}} or on ({by}) etcd_debugging_mvcc_db_total_size_in_bytes{{{of}}})",
}
ETCDS = "({name}{{{of}}} and on ({by}) etcd_server_has_leader{{{of}}})"
# The smallest positive limit counts; a limit of 0 or below means no limit.
LIMIT = "min by ({by}) ({limit} > 0) or max by ({by}) ({limit})"
COMPANION = {
    "quota_bytes": LIMIT.replace("{limit}", "etcd_server_quota_backend_bytes{{{of}}}"),
    "max_fds": LIMIT.replace("{limit}", ETCDS.replace("{name}", "process_max_fds")),
    "start_time_seconds": "max by ({by}) " + ETCDS.replace("{name}", "process_start_time_seconds"),
}
FAILED = "Unknown|FailedPrecondition|ResourceExhausted|Internal|Unavailable|DataLoss|DeadlineExceeded"
# Not scored: what shows causes.
EVIDENCE = {
    "peer_round_trip_seconds":
        "histogram_quantile(0.99, sum by ({by}, le) (rate(etcd_network_peer_round_trip_time_seconds_bucket{{{of}}}[5m])))",
    "heartbeat_failures_per_second": "rate(etcd_server_heartbeat_send_failures_total{{{of}}}[5m])",
    "peer_send_failures_per_second": "sum by ({by}) (rate(etcd_network_peer_sent_failures_total{{{of}}}[5m]))",
    "proposals_pending": "etcd_server_proposals_pending{{{of}}}",
    "proposals_failed_per_second": "rate(etcd_server_proposals_failed_total{{{of}}}[5m])",
    "slow_applies_per_second": "rate(etcd_server_slow_apply_total{{{of}}}[5m])",
    "slow_read_indexes_per_second": "rate(etcd_server_slow_read_indexes_total{{{of}}}[5m])",
    "is_leader": "etcd_server_is_leader{{{of}}}",
    "is_learner": "last_over_time(etcd_server_is_learner{{{of}}}[1d])",
    "has_leader": "etcd_server_has_leader{{{of}}}",
    "db_in_use_bytes": "etcd_mvcc_db_total_size_in_use_in_bytes{{{of}}}",
    "defragmenting_share": "rate(etcd_disk_backend_defrag_duration_seconds_sum{{{of}}}[5m])",
    "snapshotting_share": "rate(etcd_disk_backend_snapshot_duration_seconds_sum{{{of}}}[5m])",
    "resident_memory_bytes": ETCDS.replace("{name}", "process_resident_memory_bytes"),
    "grpc_errors_per_second":
        f'sum by ({{by}}) (rate(grpc_server_handled_total{{{{grpc_code=~"{FAILED}", {{of}}}}}}[5m]))',
    # Its value is 1; the reading is the label.
    "server_version": "etcd_server_version{{{of}}}",
}
# What findings need, of the evidence.
FOUND_BY = ["proposals_pending", "slow_applies_per_second", "is_leader", "is_learner", "has_leader", "server_version"]
RECORDED = {
    "wal_fsync": "job:etcd_disk_wal_fsync_duration_seconds_bucket:99percentile",
    "backend_commit": "job:etcd_disk_backend_commit_duration_seconds_bucket:99percentile",
    "open_fds": "job:process_open_fds:clone",
    "leader_changes": "job:etcd_server_leader_changes_seen_total:changes1d",
    "client_traffic_in": "job:etcd_network_client_grpc_received_bytes_total:rate5m",
    "db_size": "job:etcd_debugging_mvcc_db_total_size_in_bytes:clone",
}


def expected(asked):
    """(milliseconds, cluster, member, column) -> value, from the server."""
    known = {}
    for name, column in zip(NAMES, COLUMNS):
        if name in asked.without:
            continue
        query = f"{RECORDED[name]}{{{asked.selector}}}" if name in asked.recorded else RAW[name]
        known |= answer(asked, query, column, is_whole=name in asked.recorded)
    members = {key[:3] for key in known}
    beside = {column: COMPANION[column] for column in companions(asked)}
    if asked.evidence != "none":
        beside |= COMPANION | (EVIDENCE if asked.evidence == "all" else {name: EVIDENCE[name] for name in FOUND_BY})
    for column, query in beside.items():
        # A row exists only if a metric has a reading; a companion alone makes no row.
        known |= {key: value for key, value in answer(asked, query, column).items() if key[:3] in members}
    return known


def companions(asked):
    bands = Profile.named(asked.profile).bands
    limits = {LIMITS[name] for name in NAMES if bands[name][0] and name not in asked.without}
    return [column for column in COMPANIONS if column in limits or column == "start_time_seconds"]


def answer(asked, query, column, is_whole=False):
    by = ", ".join([asked.cluster_label or "cluster, job", asked.member_label])
    query = query if is_whole else query.format(of=asked.selector, by=by)
    known = {}
    for labels, second, value in range_query(asked.url, query, asked.start, asked.end, asked.step):
        # The values of several labels are joined.
        name = lambda names: "/".join(labels[one.strip()] for one in names.split(","))
        cluster = name(asked.cluster_label) if asked.cluster_label else labels.get("cluster") or labels["job"]
        if column == "server_version":
            parts = [int(part) for part in labels["server_version"].split("-")[0].split(".")]
            value = max(known.get((second * 1000, cluster, name(asked.member_label), column), 0),
                        parts[0] * 10**6 + parts[1] * 10**3 + parts[2])
        # NaN is an idle percentile, and a missing reading of any other column. It is a text, to be equal to itself.
        if value == value or column in IDLE:
            known[second * 1000, cluster, name(asked.member_label), column] = value if value == value else "idle"
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
    parser.add_argument("--profile", default="seed")
    parser.add_argument("--evidence", default="auto")
    asked = parser.parse_args()
    report = Report()
    wanted, found = expected(asked), {}
    optional = COMPANIONS + list(EVIDENCE)
    for ts, cluster, member, *readings in days(asked.folder, "history", COLUMNS, report, optional=optional):
        for column, value in zip(COLUMNS + optional, readings):
            if value is not None:
                found[ts, cluster, member, column] = value if value == value else "idle"
    report.compare("history: readings against the server's answers", wanted, found)
    report.close()


if __name__ == "__main__":
    main()
