"""Small histories of many clusters, each a case of a rule at one of its limits, in the layout of a pull."""

import json
from datetime import datetime, timezone
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from spec import COLUMNS, COMPANIONS, NAMES

# Monday, 2026-01-05 00:00 UTC.
START = 1_767_571_200
DAY = 86_400
HEALTHY = dict(zip(COLUMNS, (0.001, 0.002, 100.0, 0.0, 1e6, 1e9)))
# leader_changes has readings for a day after the last scrape, so it does not show that a member was scraped.
SHOWS_LIFE = [name for name in COLUMNS if name != "leader_changes"]
SAMPLE = Path(__file__).parents[2] / "notebooks-data/sample/history/date=2026-10-01/readings.parquet"


class Cluster:
    """The readings of each member, NaN where they are missing. Times are minutes since the start."""

    def __init__(self, history, name, expect, members):
        self.history, self.name, self.expect = history, name, expect
        fresh = lambda value: np.full(history.steps, value)  # noqa: E731
        self.members = {
            f"m{n}": {column: fresh(value) for column, value in HEALTHY.items()}
            | {"quota_bytes": fresh(np.nan), "max_fds": fresh(65536.0), "start_time_seconds": fresh(START - 30.0 * DAY)}
            | {column: fresh(value) for column, value in history.evidence.items()}
            for n in range(1, members + 1)
        }

    def set(self, column, start, end, value, member="m1"):
        first, last = (round(minute * 60 / self.history.step) for minute in (start, end))
        self.members[member][column][first:last] = value
        return self

    def slow(self, start, end, member="m1"):
        return self.set("wal_fsync_seconds", start, end, 0.02, member)

    def many_fds(self, start, end, member="m1"):
        return self.set("open_fds", start, end, 2000.0, member)

    def unscored(self, start, end, member="m1"):
        """One reading is missing: the member has no score, but was seen."""
        return self.set("backend_commit_seconds", start, end, np.nan, member)

    def away(self, start, end, member="m1"):
        for column in [*COLUMNS, *COMPANIONS, *self.history.evidence]:
            self.set(column, start, end, np.nan, member)
        return self

    def restarted(self, minute, member="m1"):
        """The process starts at this minute, and every later step knows it."""
        at = minute * 60
        first = int(-(-at // self.history.step))
        self.members[member]["start_time_seconds"][first:] = START + at
        return self

    def elected(self, minutes, members=None):
        """The gauge of leader changes counts each of these minutes from then on, for a day."""
        at = np.arange(self.history.steps) * self.history.step / 60
        gauge = sum(((minute <= at) & (at < minute + 1440)).astype(float) for minute in minutes)
        for member in members or self.members:
            self.members[member]["leader_changes"] = self.members[member]["leader_changes"] + gauge
        return self

    def life(self, member):
        """First and last step at which the member was seen."""
        seen = np.any([~np.isnan(self.members[member][column]) for column in SHOWS_LIFE], axis=0)
        found = np.flatnonzero(seen)
        return found[0], found[-1]


class History:
    def __init__(self, days, step, zone="UTC", flags=(), evidence=None):
        """`evidence` has columns of evidence with the readings of a healthy member."""
        self.step, self.steps = step, round(days * DAY / step)
        self.evidence = evidence or {}
        self.zone, self.flags = zone, list(flags)
        self.clusters = []

    def cluster(self, name, expect, members=1):
        """Adds a healthy cluster; `expect` lists what must be found in it, in the words of `edges.py`."""
        self.clusters.append(Cluster(self, name, expect, members))
        return self.clusters[-1]

    def millis(self, step):
        return (START + int(step) * self.step) * 1000

    def write(self, folder, template=SAMPLE):
        """Writes history/ with a file for each UTC day, with the columns of `template`."""
        footer = dict(duckdb.sql(f"select decode(key), decode(value) from parquet_kv_metadata('{template}')").fetchall())
        self.columns = pl.read_parquet_schema(template).names()[3:] if self.evidence else COLUMNS + COMPANIONS
        a_day = DAY // self.step
        for day in range(-(-self.steps // a_day)):
            steps = range(day * a_day, min((day + 1) * a_day, self.steps))
            frames, lives, known = [], [], 0
            for cluster in sorted(self.clusters, key=lambda cluster: cluster.name):
                for member in sorted(cluster.members):
                    frame, life = self.rows(cluster, member, steps)
                    frames.append(frame)
                    lives += [[cluster.name, member, *map(self.millis, life)]] if life else []
                    known += len(frame)
            date = datetime.fromtimestamp(START + day * DAY, timezone.utc).strftime("%Y-%m-%d")
            path = Path(folder, "history", f"date={date}", "readings.parquet")
            path.parent.mkdir(parents=True, exist_ok=True)
            source = json.loads(footer["etcd-heatmap.source"]) | {"step_seconds": self.step}
            told = {"step_seconds": self.step, "source": source, "lives_ms": lives}
            told |= {"range_ms": [self.millis(steps[0]), self.millis(steps[-1] + 1)]}
            told |= {"known": dict.fromkeys([*NAMES, "quota", "max_fds", "start_time"], known)}
            metadata = {f"etcd-heatmap.{key}": json.dumps(value) for key, value in told.items()}
            kept = {key: footer[key] for key in ("etcd-heatmap.version", "ARROW:schema")}
            pl.concat(frames).write_parquet(path, metadata=metadata | kept)

    def rows(self, cluster, member, steps):
        """The rows of a member on one day, without steps at which it has no reading; and its first and last step."""
        missing = np.full(self.steps, np.nan)
        columns = {name: cluster.members[member].get(name, missing)[steps.start : steps.stop] for name in self.columns}
        there = ~np.all([np.isnan(values) for values in columns.values()], axis=0)
        seen = np.any([~np.isnan(columns[name]) for name in SHOWS_LIFE], axis=0)
        found = np.flatnonzero(seen) + steps.start
        life = [found[0], found[-1]] if len(found) else None
        ts = pl.Series([self.millis(step) for step in steps]).cast(pl.Datetime("ms", "UTC"))
        frame = pl.DataFrame({"ts": ts, "cluster": cluster.name, "member": member, **columns})
        return frame.filter(pl.Series(there)).fill_nan(None), life
