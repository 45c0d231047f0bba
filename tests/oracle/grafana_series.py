"""Test series as the textfile, the recording rules and imports leave them, and what the dashboards must show of them.

36 hours at one minute. `c1` comes from a textfile, so it has the labels of a node; `c2` and `c3` come from recording
rules; `old` has only an imported `etcd_score`, `emitted` also the cluster's score. `many` has more members, and all have
more clusters, than a panel shows. `c1` and `c2` have series of etcd itself as well. The expected values are written by
hand."""

START = 1_790_812_800
MINUTES = 36 * 60
NODE = {"instance": "node1:9100", "job": "node"}
METRICS = ["wal_fsync", "backend_commit", "open_fds", "leader_changes", "client_traffic_in", "db_size"]
GIB = 2**30

UNKNOWN = "unknown"


def at(hour, minute=0):
    return hour * 60 + minute


def state(cluster, member, minute):
    """The member's score; UNKNOWN if a live writer reports it as unknown, None if there is no sample."""
    if cluster == "c1" and at(19, 50) <= minute < at(22):
        return None  # The writer was down.
    match cluster, member:
        case "c1", "a":
            return 7 if at(3, 10) <= minute < at(3, 20) else 10
        case "c1", "b":
            return UNKNOWN if at(9, 30) <= minute < at(10) else 4.5 if at(5) <= minute < at(6) else 10
        case "c2", "d":
            return UNKNOWN if minute >= at(6) else 10
        case "c3", "f":
            return UNKNOWN
        case "old", "x":
            return 10 if minute < at(11, 50) else None
        case "old", "y":
            if at(6, 50) <= minute < at(9) or minute >= at(11, 50):
                return None
            return 3 if at(4, 30) <= minute < at(5) else 10
        case "emitted", "n":
            return 10 if minute < at(3, 50) else None
        case "many", "m01":
            return 9.9 if minute < at(29, 50) else None
        case "many", _:
            return 10 - int(member[1:]) / 10
        case _, "alone":
            return 10 - int(cluster[1:]) / 50
    return 10


MANY = [f"m{number:02}" for number in range(1, 13)]
SMALL = [f"t{number}" for number in range(1, 7)]
MEMBERS = {
    "c1": ["a", "b"], "c2": ["10.0.0.3:2379", "d"], "c3": ["e", "f"], "old": ["x", "y"], "emitted": ["m", "n"],
    "many": MANY, **{cluster: ["alone"] for cluster in SMALL},
}
# Of these, only `etcd_score` was imported.
IMPORTED = ["old", "many", *SMALL]
LIVE = ("c1", "c2", "c3")
# When the textfile of `c1` renamed the score of the cluster, within its low minutes.
RENAMED = at(3, 15)
HOURS = range(36)

# The number that each hour's cell must show, by hand. Every other cell is unknown: it has no sample, or NaN if a live
# writer reports an unknown score. `f` never has a score, so `c3` has no cell.
CLUSTER_MIN = {
    "c1": {h: 10 for h in HOURS if h not in (20, 21)} | {3: 7, 5: 4.5},
    "c2": {h: 10 for h in range(6)},
    "old": {h: 10 for h in range(12) if h not in (7, 8)} | {4: 3},
    "emitted": {h: 10 for h in range(4)},
    "many": {h: 8.8 for h in range(30)},
    **{cluster: {h: 10 - place / 50 for h in HOURS} for place, cluster in enumerate(SMALL, 1)},
}
# `emitted` lost nothing, and `t1` 0.02 points: less than `c1` (an hour at 4.5), `old` (half an hour at 3), and than those
# that have no score for hours.
WORST_CLUSTERS = set(MEMBERS) - {"emitted", "t1"}
# `m01` lost 0.1 points and `m02` 0.2, the others more.
WORST_OF_MANY = set(MANY[2:])
CLUSTER_MEAN = {
    "c1": CLUSTER_MIN["c1"] | {3: (10 * 7 + 50 * 10) / 60},
    "c2": CLUSTER_MIN["c2"],
    "old": CLUSTER_MIN["old"] | {4: (30 * 3 + 30 * 10) / 60},
    **{cluster: CLUSTER_MIN[cluster] for cluster in ("emitted", "many", *SMALL)},
}
MEMBER_MIN = {
    ("c1", "a"): CLUSTER_MIN["c1"] | {5: 10},
    ("c1", "b"): CLUSTER_MIN["c1"] | {3: 10},
    ("c2", "10.0.0.3:2379"): {h: 10 for h in HOURS},
    ("c2", "d"): CLUSTER_MIN["c2"],
    ("c3", "e"): {h: 10 for h in HOURS},
    ("c3", "f"): {},
    ("old", "x"): {h: 10 for h in range(12)},
    ("old", "y"): CLUSTER_MIN["old"],
    ("emitted", "m"): {h: 10 for h in HOURS},
    ("emitted", "n"): CLUSTER_MIN["emitted"],
    **{("many", member): {h: 10 - place / 10 for h in HOURS} for place, member in enumerate(MANY, 1)},
    **{(cluster, "alone"): CLUSTER_MIN[cluster] for cluster in SMALL},
}
MEMBER_MIN["many", "m01"] = {h: 9.9 for h in range(30)}
# After the last sample before a gap, Prometheus still returns a value for five minutes (whether the last instant is
# included depends on the version). The hours in which a gap begins are therefore not compared.
EDGES = {("c1", 19), ("old", 6), ("old", 11), ("emitted", 3), ("many", 29)}
COVERAGE = {of: {h: 1 for h in hours} for of, hours in MEMBER_MIN.items()}
COVERAGE["c1", "b"] |= {9: 0.5}
COVERAGE["c2", "d"] |= {h: 0 for h in range(6, 36)}
COVERAGE["c3", "f"] = {h: 0 for h in HOURS}
SAID_UNKNOWN = {("c2", "d", h) for h in range(6, 36)} | {("c3", "f", h) for h in HOURS}

THRESHOLDS = [  # profile, metric, points, of, value
    ("seed", "wal_fsync", "0", "", 0.01),
    ("seed", "backend_commit", "5", "", 0.025),
    ("seed", "backend_commit", "0", "", 0.04),
    ("seed", "open_fds", "0", "", 1024),
    ("seed", "leader_changes", "0", "", 5),
    *(("every", metric, "0", "", 1) for metric in METRICS),
    ("every", "open_fds", "0", "max_fds", 0.8),
    ("every", "db_size", "5", "quota", 0.8),
]
# Thresholds of the profile seed. One is left out: after an import, none exist.
WEIGHTS = {"wal_fsync": 0.3, "backend_commit": 0.2, "open_fds": 0.1, "leader_changes": 0.3, "client_traffic_in": 0.05}
# A quota below 0 means no quota.
QUOTA = {"a": 2 * GIB, "b": 8 * GIB, "10.0.0.3:2379": 4 * GIB, "d": -1, "e": 8 * GIB, "f": 8 * GIB}


def series():
    """Yields (name, labels, function from a minute to a value)."""
    for cluster, members in MEMBERS.items():
        extra = NODE if cluster == "c1" else {}
        for member in members:
            labels = {"cluster": cluster, "member": member, **extra}
            yield from of_member(cluster, member, labels)
        if cluster not in IMPORTED:
            # A textfile's series changed its name at an upgrade in the middle of an hour; rules keep the old name.
            name = "etcd_cluster_score_worst" if extra else "cluster:etcd_score:worst"
            upgraded = RENAMED if extra else 0
            labels = {"cluster": cluster, **extra}
            yield name, labels, lambda m, c=cluster, first=upgraded: worst(c, m) if m >= first else None
            if extra:
                old = "cluster:etcd_score:worst"
                yield old, labels, lambda m, c=cluster, first=upgraded: worst(c, m) if m < first else None
    for profile, metric, points, of, value in THRESHOLDS:
        yield "etcd_threshold", {"profile": profile, "metric": metric, "points": points, "of": of}, lambda _, v=value: v
    for metric, share in WEIGHTS.items():
        for profile in ("seed", "every"):
            yield "etcd_weight", {"profile": profile, "metric": metric}, lambda _, v=share: v
    yield "etcd_heatmap_last_success_timestamp_seconds", NODE, lambda minute: START + minute * 60 - 20
    yield "etcd_heatmap_evaluation_timestamp_seconds", NODE, lambda minute: START + minute * 60 - 30
    yield "etcd_heatmap_evaluation_duration_seconds", NODE, lambda _: 0.25
    yield "etcd_heatmap_evaluations_total", NODE, lambda minute: 4 * minute
    yield "etcd_heatmap_evaluation_failures_total", NODE, lambda minute: minute // 600
    yield "etcd_heatmap_info", NODE | {"version": "0.1.0", "profile": "seed"}, lambda _: 1
    for labels in (A, B, C):
        yield from of_etcd(labels)
    yield from of_forecasts()
    yield from of_another_process()


def of_member(cluster, member, labels):
    def score(minute):
        found = state(cluster, member, minute)
        return None if found == UNKNOWN else found

    def unknown(minute):
        found = state(cluster, member, minute)
        return None if found is None else int(found == UNKNOWN)

    def points(minute, metric):
        found = score(minute)
        return found if found is None else 0 if metric == "wal_fsync" and found == 7 else 10

    yield "etcd_score", labels, score
    if cluster not in IMPORTED:
        for metric in METRICS:
            yield "etcd_points", labels | {"metric": metric}, lambda minute, m=metric: points(minute, m)
    if cluster in LIVE:
        yield "etcd_score_unknown", labels, unknown
        for metric in METRICS:
            yield "etcd_reading", labels | {"metric": metric}, lambda _: 0.002
        yield "etcd_reading", labels | {"metric": "quota"}, lambda _: QUOTA[member]
        yield "etcd_reading", labels | {"metric": "max_fds"}, lambda _: 65536


# Hourly forecasts of node1, which cover all clusters; and those of another node, which stopped ten hours before the end.
PROBABILITY = {"1h": 0.02, "6h": 0.25, "24h": 0.5}
SKILL = {"1h": 0.4, "6h": -0.125}
DAYS_TO_QUOTA = {("c1", "a"): 3, ("c1", "b"): float("inf"), ("c2", "10.0.0.3:2379"): 45}
STOPPED = {"instance": "node2:9100", "job": "node"}
LAST_OF_STOPPED = at(26)


def of_forecasts():
    yield "etcd_forecast_generated_timestamp_seconds", NODE, lambda minute: START + minute // 60 * 3600
    yield "etcd_forecast_generated_timestamp_seconds", STOPPED, (
        lambda minute: START + min(minute, LAST_OF_STOPPED) // 60 * 3600
    )
    for cluster in MEMBERS:
        for horizon, share in PROBABILITY.items():
            labels = {"cluster": cluster, "horizon": horizon}
            yield "etcd_breach_probability", labels | NODE, lambda _, v=share: v
            yield "etcd_breach_base_rate", labels | NODE, lambda _, v=share: v / 2
            yield "etcd_breach_probability", labels | STOPPED, lambda _: 0.75
            yield "etcd_breach_base_rate", labels | STOPPED, lambda _: 0.625
    for horizon, skill in SKILL.items():
        yield "etcd_forecast_skill", {"horizon": horizon} | NODE, lambda _, v=skill: v
        yield "etcd_forecast_skill", {"horizon": horizon} | STOPPED, lambda _: -3
    for (cluster, member), days in DAYS_TO_QUOTA.items():
        for bound, factor in ("earliest", 0.5), ("median", 1), ("latest", 2):
            labels = {"cluster": cluster, "member": member, "bound": bound}
            value = "+Inf" if days == float("inf") else days * factor * 86400
            yield "etcd_db_quota_seconds", labels | NODE, lambda _, v=value: v
            yield "etcd_db_quota_seconds", labels | STOPPED, lambda _: 0


# etcd's own targets. The score takes the label `cluster`, or the job of those that have none.
A, B = ({"cluster": "c1", "job": "etcd", "instance": member} for member in ("a", "b"))
C = {"cluster": "", "job": "c2", "instance": "10.0.0.3:2379"}
MIB = 2**20
MEMORY = {"a": 100 * MIB, "b": 200 * MIB, "10.0.0.3:2379": 300 * MIB}
# `a` is restarted at 12:00, which resets its counters; c1 changed its leader at 7:30, c2 at 20:00.
RESTARTED = at(12)
STARTED = {"a": {START - 86_400, START + RESTARTED * 60}, "b": {START - 50_000}, "10.0.0.3:2379": {START - 60_000}}
CHANGED = {"c1": at(7, 30), "c2": at(20)}
# `b` loses its leader in the last ten minutes.
WITH_LEADER = {"c1": {1, 2}, "c2": {1}}


def of_etcd(labels):
    """Each member starts 10 RPCs per second. 0.1 fail, 1 fails by the fault of the client."""
    member, cluster = labels["instance"], labels["cluster"] or labels["job"]

    def since_start(minute, of_one):
        return of_one * (minute - RESTARTED if member == "a" and minute >= RESTARTED else minute + 60)

    def changes(minute):
        if member == "a" and minute >= RESTARTED:
            return int(minute > RESTARTED)
        return 3 + (minute >= CHANGED[cluster])

    yield "etcd_server_has_leader", labels, lambda minute: int(member != "b" or minute < MINUTES - 10)
    yield "etcd_server_leader_changes_seen_total", labels, changes
    yield "process_resident_memory_bytes", labels, lambda _: MEMORY[member]
    started = max(STARTED[member])
    yield "process_start_time_seconds", labels, (
        lambda minute: started if minute >= RESTARTED or member != "a" else min(STARTED[member])
    )
    unary = labels | {"grpc_type": "unary", "grpc_service": "etcdserverpb.KV", "grpc_method": "Range"}
    yield "grpc_server_started_total", unary, lambda minute: since_start(minute, 600)
    yield "grpc_server_started_total", unary | {"grpc_type": "bidi_stream"}, lambda minute: since_start(minute, 7000)
    for code, of_minute in ("OK", 534), ("Unavailable", 6), ("NotFound", 60):
        counted = unary | {"grpc_code": code}
        yield "grpc_server_handled_total", counted, lambda minute, each=of_minute: since_start(minute, each)
    # The 99th of 100 round trips is nine tenths on the way from 10 to 20 ms.
    for bound, below in ("0.01", 90), ("0.02", 100), ("+Inf", 100):
        bucket = labels | {"To": "8211f1d0f64f3269", "le": bound}
        yield "etcd_network_peer_round_trip_time_seconds_bucket", bucket, (
            lambda minute, each=below: since_start(minute, each)
        )


def of_another_process():
    """A process that is no etcd, with the names of a cluster and of a member of it."""
    labels = {"cluster": "c1", "job": "prometheus", "instance": "a"}
    yield "process_resident_memory_bytes", labels, lambda _: 9 * GIB
    yield "process_start_time_seconds", labels, lambda _: START + 3 * 3600
    counted = labels | {"grpc_type": "unary", "grpc_code": "Unavailable"}
    yield "grpc_server_started_total", counted, lambda minute: 9000 * minute
    yield "grpc_server_handled_total", counted, lambda minute: 9000 * minute


def worst(cluster, minute):
    found = [state(cluster, member, minute) for member in MEMBERS[cluster]]
    return None if None in found or UNKNOWN in found else min(found)


def openmetrics():
    for name, labels, value in series():
        text = ",".join(f'{label}="{each}"' for label, each in labels.items())
        for minute in range(MINUTES):
            found = value(minute)
            if found is not None:
                yield f"{name}{{{text}}} {found} {START + minute * 60}\n"
    yield "# EOF\n"
