"""The live engine: evaluates the rules of `etcd-heatmap rules` in a real Prometheus that holds the readings.

The six metrics have the names of the original's recorded series; the limits have etcd's names."""

import math
from pathlib import Path

from engine_original import DAY_MS
from folder import has_column, read
from openmetrics import escape
from prometheus import range_query
from recording_rules import Rules
from server import Prometheus, import_samples
from spec import BESIDE, COLUMNS, HAS_LEADER, IS_LEADER, IS_LEARNER, NAMES

# Column of the history -> series.
RECORDED = dict(zip(COLUMNS, [
    "job:etcd_disk_wal_fsync_duration_seconds_bucket:99percentile",
    "job:etcd_disk_backend_commit_duration_seconds_bucket:99percentile",
    "job:process_open_fds:clone",
    "job:etcd_server_leader_changes_seen_total:changes1d",
    "job:etcd_network_client_grpc_received_bytes_total:rate5m",
    "job:etcd_debugging_mvcc_db_total_size_in_bytes:clone",
]))
RAW = {"quota_bytes": "etcd_server_quota_backend_bytes", "max_fds": "process_max_fds", IS_LEADER: "etcd_server_is_leader"}
READING, POINTS, SCORE, UNKNOWN = "etcd_reading", "etcd_points", "etcd_score", "etcd_score_unknown"
WORST = "cluster:etcd_score:worst"
# Days in a file for promtool, which makes several blocks of a longer file and parses the whole file for each.
DAYS_AT_ONCE = 6


class PromQL:
    def __init__(self, original, rules, folder):
        self.original, self.step, self.folder = original, original.step, Path(folder)
        imported = list(RECORDED.values())
        self.clusters = sorted({cluster for cluster, _ in original.lives})
        self.knows_learners = has_column(original.folder, "history", IS_LEARNER)
        self.load(self.folder)
        self.server = self.start()
        # Limits and caps read other rules so often that one expression of all of them would take minutes.
        has_limits = any(of_limit for of_limit, _ in original.profile.bands.values())
        if original.profile.caps or has_limits:
            imported.append(self.record(Rules(rules, imported), READING))
        of_member = {record: Rules(rules, imported).expression(record) for record in (POINTS, SCORE)}
        if original.profile.caps:
            imported.append(self.record(Rules(rules, imported), SCORE))
        of_score = {record: Rules(rules, imported).expression(record) for record in (UNKNOWN, WORST)}
        self.queries = of_member | of_score
        self.name = f"PromQL in Prometheus {self.server.version()}"

    def start(self):
        # Shorter than a step, so that a missing sample is not filled with the one before.
        return Prometheus(self.folder, f"--query.lookback-delta={self.step * 500}ms")

    def record(self, rules, name):
        """Records the samples that the rules of a name yield, as a Prometheus does that evaluates them; returns the name."""
        self.queries = {name: rules.expression(name)}
        text = self.folder / "recorded.om"
        with open(text, "w", encoding="utf-8") as file:
            for day in self.original.days():
                for ms, _, labels, value in self.ask(name, day):
                    shown = ",".join(f'{label}="{escape(of)}"' for label, of in sorted(labels.items()) if label != "__name__")
                    file.write(f"{name}{{{shown}}} {number(value)} {ms // 1000}\n")
            file.write("# EOF\n")
        self.server.close()
        import_samples(text, self.folder / "data")
        text.unlink()
        self.server = self.start()
        return name

    def load(self, folder):
        """Imports the readings of every day as TSDB blocks."""
        text, paths = folder / "readings.om", list(self.original.files.values())
        for first in range(0, len(paths), DAYS_AT_ONCE):
            with open(text, "w", encoding="utf-8") as file:
                for path in paths[first : first + DAYS_AT_ONCE]:
                    for ts, cluster, member, *values in read(path, COLUMNS, BESIDE)[1]:
                        file.writelines(self.lines(ts // 1000, cluster, member, values))
                file.write("# EOF\n")
            import_samples(text, folder / "data")
            text.unlink()

    def lines(self, second, cluster, member, values):
        """The samples of one step. Some clusters have only the label `job`, no label `cluster`."""
        label = "job" if self.clusters.index(cluster) % 2 else "cluster"
        job = "" if label == "job" else ',job="etcd"'
        labels = f'{{{label}="{escape(cluster)}"{job},instance="{escape(member)}"}}'
        beside = dict(zip(BESIDE, values[len(COLUMNS) :]))
        for column, value in zip(COLUMNS, values):
            # An idle reading is a NaN sample, as histogram_quantile returns it. A missing one alternates between the two
            # forms that the rules must treat alike: a NaN sample and no sample.
            if value is not None or second // self.step % 2:
                yield f"{RECORDED[column]}{labels} {number(value)} {second}\n"
        for column, series in RAW.items():
            if beside[column] is not None:
                yield f"{series}{labels} {number(beside[column])} {second}\n"
        # The rules look back a day for it: where the history has no reading, a NaN is the last one.
        if self.knows_learners:
            yield f"etcd_server_is_learner{labels} {number(beside[IS_LEARNER])} {second}\n"
        # The queries of descriptors ask for this series, so where its reading is missing, it is NaN.
        yield f"etcd_server_has_leader{labels} {number(beside[HAS_LEADER])} {second}\n"

    def scores(self, day, date):
        """Scores from Prometheus; unscored steps and restart marks are the first engine's, as PromQL has neither."""
        points = {(t, *of, labels["metric"]): value for t, of, labels, value in self.ask(POINTS, day)}
        scores = {(t, *of): value for t, of, _, value in self.ask(SCORE, day)}
        expected = self.original.scores(day, date)
        found = {}
        for key in expected.keys() | scores.keys():
            restart = expected[key][-1] if key in expected else None
            found[key] = (*(points.get((*key, name)) for name in NAMES), scores.get(key), restart)
        return found

    def ask(self, record, day):
        """(milliseconds, (cluster, member), labels, value) of each sample that a rule yields on a day."""
        seconds = day // 1000, (day + DAY_MS) // 1000, self.step
        for labels, second, value in range_query(self.server.url, self.queries[record], *seconds):
            yield second * 1000, tuple(labels[name] for name in ("cluster", "member") if name in labels), labels, value

    def live(self, day, date):
        unknown = {("member", t, *of): value for t, of, _, value in self.ask(UNKNOWN, day)}
        return unknown | {("cluster", t, *of): value for t, of, _, value in self.ask(WORST, day)}

    def cells(self, day, date, scores):
        return self.original.cells_of(scores, date)


def number(value):
    """A number as OpenMetrics text: the shortest one that is read back as the same double."""
    if value is None or math.isnan(value):
        return "NaN"
    return repr(value) if math.isfinite(value) else ("+Inf" if value > 0 else "-Inf")
