"""A cluster and its members: load, elections, restarts and gaps, and the readings that a pull would write."""

from dataclasses import dataclass, field

import numpy as np

from .latency import Z99, p99
from .noise import DAY, HOUR, MINUTE, day_levels, load, pieces, wander

METRICS = (
    "wal_fsync_seconds",
    "backend_commit_seconds",
    "open_fds",
    "leader_changes",
    "client_traffic_in_bytes_per_second",
    "db_size_bytes",
)
COMPANIONS = ("quota_bytes", "max_fds", "start_time_seconds")
PAGE = 4_096
# Deviations of the logarithm (base 2) of latencies, as in examples/simulate/disk.rs.
WAL_DEVIATION, COMMIT_DEVIATION = 0.75, 0.65


@dataclass
class Character:
    """How a member behaves in ordinary times. Sizes in octaves (logarithms of base 2) of both disk latencies."""

    name: str = "quiet"
    # Between a load of 0 and 1.
    rhythm: float = 0.2
    # Standard deviations of the wander within an hour, within half a day, and between days.
    quick: float = 0.06
    slow: float = 0.08
    daily: float = 0.03
    blips_a_day: float = 0.1
    blip_octaves: tuple = (0.5, 3.0)
    drift: float = 0.0
    gaps_a_day: float = 0.02
    restarts_a_day: float = 0.02


@dataclass
class Grid:
    """The steps of a history, in seconds since the epoch."""

    start: int
    days: int
    step: int

    def __post_init__(self):
        self.at = np.arange(self.start, self.start + self.days * DAY, self.step)

    @property
    def end(self):
        return self.start + self.days * DAY


@dataclass
class Member:
    """A member: its disk, its process, and the faults that a set adds."""

    name: str
    key: list
    character: Character
    # Octaves that a set adds to both latencies, one for each step.
    slower: np.ndarray
    more_fds: np.ndarray
    max_fds: float = 65_536.0
    # A database size for each step, where a set gives one.
    size: np.ndarray | None = None
    restarts: list = field(default_factory=list)
    gaps: list = field(default_factory=list)

    def rng(self, part):
        return np.random.default_rng([*self.key, part])


class Cluster:
    """A cluster of members that share load, elections and data."""

    def __init__(self, seed, number, name, grid, characters, weekly=1.0):
        self.key, self.name, self.grid = [seed, number], name, grid
        self.load = load(self.rng(1), grid.at, grid.step, weekly)
        # Elections without a cause: 0.06 a day, as in examples/simulate.
        self.elections = [start for start, _ in pieces(self.rng(2), grid.at, 0.06, 0, 1)]
        self.members = []
        # Rows of the truth, as dictionaries.
        self.truth = []
        for index, character in enumerate(characters, 1):
            host = f"10.{number >> 8}.{number & 255}.{index}:2379"
            zero = np.zeros(len(grid.at))
            member = Member(host, [seed, number, index], character, zero, zero.copy())
            rng = member.rng(1)
            member.gaps = pieces(rng, grid.at, character.gaps_a_day, 5 * MINUTE, 2 * HOUR)
            member.restarts = [start for start, _ in pieces(rng, grid.at, character.restarts_a_day, 0, 1)]
            self.members.append(member)

    def rng(self, part):
        return np.random.default_rng([*self.key, 0, part])

    def record(self, member, kind, start, end, **more):
        """Adds a row to the truth, and returns it."""
        row = {"cluster": self.name, "member": member.name if member else "", "kind": kind, "start": start, "end": end}
        self.truth.append(row | more)
        return self.truth[-1]

    def usual(self, member):
        """The logarithms (base 2) of the member's median latencies in milliseconds at average load."""
        rng = member.rng(2)
        return rng.uniform(-0.4, 0.3), rng.uniform(1.2, 1.75)

    def usual_p99(self, member):
        """The member's p99 of WAL fsync at average load, in milliseconds."""
        return 2 ** (self.usual(member)[0] + Z99 * WAL_DEVIATION)

    def readings(self):
        """The columns of each member by its name; NaN where a reading is missing."""
        changes = self.leader_changes()
        data = self.data()
        return {member.name: self.columns(member, changes, data) for member in self.members}

    def columns(self, member, changes, data):
        at = self.grid.at
        wal, commit = self.latencies(member)
        started = np.full(len(at), self.grid.start - member.rng(3).uniform(2, 40) * DAY)
        for restart in sorted(member.restarts):
            started[at >= restart] = restart
        columns = [wal, commit, self.fds(member), changes, self.traffic(member), self.size(member, data)]
        columns += [np.full(len(at), 2.0**31 if self.key[1] % 2 == 0 else 2.0**33), np.full(len(at), member.max_fds)]
        columns = dict(zip(METRICS + COMPANIONS, [*columns, np.round(started, 3)]))
        missing = np.zeros(len(at), bool)
        for start, end in member.gaps:
            missing |= (start <= at) & (at < end)
        for values in columns.values():
            values[missing] = np.nan
        return columns

    def latencies(self, member):
        """The p99 of WAL fsync and of backend commit."""
        at, step, character = self.grid.at, self.grid.step, member.character
        shared = member.rng(4)
        moved = character.rhythm * (self.load - 0.75) + member.slower
        moved += character.slow * wander(shared, len(at), step, 12 * HOUR)
        moved += character.daily * day_levels(shared, at) + character.drift * np.linspace(-0.5, 0.5, len(at))
        hung, slower = self.blips(member)
        usual = self.usual(member)
        wal_rate = member.rng(5).uniform(18, 42) * self.load
        commit_rate = 9.5 * self.load / (self.load + 0.35)
        readings = []
        for disk, deviation, rate in ((0, WAL_DEVIATION, wal_rate), (1, COMMIT_DEVIATION, commit_rate)):
            rng = member.rng(6 + disk)
            median = usual[disk] + moved + character.quick * wander(rng, len(at), step, 20 * MINUTE)
            expected, window = rate * min(step, 300), max(1, 300 // step)
            readings.append(p99(rng, median, deviation, expected, window, hung, slower))
        return readings

    def blips(self, member):
        """Moments in which the disk hangs: the share of each step, and by how many octaves. Most are small."""
        at, step, character = self.grid.at, self.grid.step, member.character
        rng = member.rng(8)
        hung, slower = np.zeros(len(at)), np.zeros(len(at))
        low, high = character.blip_octaves
        for start, end in pieces(rng, at, character.blips_a_day, 20, 70):
            first = min(int((start - at[0]) // step) + 1, len(at) - 1)
            hung[first] = min(1.0, (end - start) / min(step, 300))
            # Heavy-tailed: an exponential number of octaves beyond the lower limit.
            slower[first] = min(low + rng.exponential((high - low) / 2.5), high + 3)
        return hung, slower

    def leader_changes(self):
        """Changes within a day: the most that a member counts, which is the cluster's reading."""
        at = self.grid.at

        def within(events):
            return np.searchsorted(events, at, "right") - np.searchsorted(events, at - DAY, "right")

        restarts = [within(np.sort(member.restarts)) for member in self.members]
        return (within(np.sort(self.elections)) + np.max(restarts, axis=0)).astype(np.float64)

    def fds(self, member):
        rng = member.rng(9)
        usual = rng.uniform(140, 320) + 60 * self.load + 4 * wander(rng, len(self.grid.at), self.grid.step, HOUR)
        return np.minimum(np.floor(usual + member.more_fds), member.max_fds)

    def traffic(self, member):
        rng = member.rng(10)
        rate = self.rng(3).uniform(60e3, 700e3) * rng.uniform(0.7, 1.3)
        noise = 0.08 * wander(rng, len(self.grid.at), self.grid.step, 20 * MINUTE)
        return rate * self.load * np.maximum(1 + noise, 0.1)

    def data(self):
        """The size of the database after a defragmentation, its growth by step, and when it is defragmented."""
        rng, step = self.rng(4), self.grid.step
        compact, daily = rng.uniform(150e6, 600e6), rng.uniform(30e6, 120e6)
        every = rng.uniform(2, 5) * DAY
        growth = daily * self.load * step / DAY * rng.uniform(0, 2, len(self.grid.at))
        return compact, growth, every, rng.uniform(0, every)

    def size(self, member, data):
        """The size of the database file: it grows by whole megabytes, stays, and shrinks at a defragmentation."""
        if member.size is not None:
            return np.floor(member.size / PAGE) * PAGE
        compact, growth, every, first = data
        rng = member.rng(11)
        # Members are defragmented one after the other.
        since = self.grid.at - self.grid.start - first - 15 * MINUTE * member.key[2]
        round_ = np.floor(since / every).astype(int)
        grown = np.cumsum(growth)
        begins = np.searchsorted(round_, round_, "left")
        left = compact * (1 + 0.02 * rng.standard_normal(round_[-1] - round_[0] + 1))[round_ - round_[0]]
        before = 0.75 * growth.mean() * (every - first) / self.grid.step
        size = left + grown - grown[begins] + np.where(round_ == round_[0], before, 0)
        chunk = 4e6
        return np.floor(np.ceil(size / chunk) * chunk / PAGE) * PAGE
