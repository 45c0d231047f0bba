"""The sets: their clusters, and the faults of each."""

import numpy as np

from . import databases, faults
from .cluster import Character, Cluster
from .noise import DAY, HOUR, MINUTE

QUIET = Character()
NOISY = Character("noisy", quick=0.2, slow=0.25, daily=0.15, blips_a_day=1.0)
DAILY = Character("daily", rhythm=1.1, quick=0.1, slow=0.12, daily=0.08)
WEEKLY = Character("weekly", rhythm=1.4, quick=0.1, slow=0.1, daily=0.08)
SHIFT = Character("shift", rhythm=0.3, quick=0.1, slow=0.12)
DRIFT = Character("drift", rhythm=0.3, quick=0.1, slow=0.12, drift=1.2)
BLIPS = Character("blips", blips_a_day=12.0, blip_octaves=(1.0, 5.0))
GAPS = Character("gaps", rhythm=0.5, quick=0.1, slow=0.12, gaps_a_day=1.5, restarts_a_day=0.2)
KINDS = (QUIET, NOISY, DAILY, WEEKLY, SHIFT, DRIFT, BLIPS, GAPS)


def mixed(count, offset=0):
    return [KINDS[(offset + index) % len(KINDS)] for index in range(count)]


def describe(cluster):
    """Records the character of each member, and shifts the level of those with the character `shift`."""
    grid = cluster.grid
    for member in cluster.members:
        cluster.record(member, "character", grid.start, grid.end, note=member.character.name)
        if member.character is SHIFT:
            rng = member.rng(20)
            at = grid.start + rng.uniform(0.4, 0.6) * grid.days * DAY
            octaves = rng.choice([-1, 1]) * rng.uniform(0.7, 1.3)
            member.slower[grid.at >= at] += octaves
            cluster.record(member, "level_shift", at, grid.end, note=f"{octaves:+.2f} octaves")


def plain(setting):
    """`members`: quiet, noisy, daily, weekly, shifting, drifting members, with blips, and with gaps."""
    left = setting.total
    for number in setting.numbers():
        count = min(setting.members, left)
        left -= count
        cluster = setting.cluster(number, mixed(count, setting.total - left - count))
        describe(cluster)
        yield cluster


def seasonal(setting):
    """`seasonal`: a strong daily rhythm, every other cluster with weekends, and days of different levels."""
    for number in setting.numbers():
        rng = setting.rng(number)
        characters = [
            Character("seasonal", rhythm=rng.uniform(1.2, 2.6), quick=0.12, slow=0.15, daily=rng.uniform(0.1, 0.25))
            for _ in range(setting.members)
        ]
        cluster = setting.cluster(number, characters, weekly=float(number % 2))
        for member in cluster.members:
            weekend = "with weekends" if number % 2 else "all days alike"
            cluster.record(member, "character", cluster.grid.start, cluster.grid.end, note=f"seasonal, {weekend}")
        yield cluster


def trend(setting):
    """`trend`: each member's disk slows down and recovers several times a week. Its p99 stays below 100 ms."""
    for number in setting.numbers():
        cluster = setting.cluster(number, [Character("trend", rhythm=0.3, quick=0.07, slow=0.1)] * setting.members)
        for member in cluster.members:
            rng = member.rng(21)
            at = cluster.grid.start + rng.uniform(2, 30) * HOUR
            while at < cluster.grid.end - 4 * HOUR:
                length, octaves = rng.uniform(3, 18) * HOUR, rng.uniform(1.0, 4.2)
                repaired = at + length + rng.uniform(0, 2) * HOUR
                # A recovery takes half an hour to 12 h, short ones more often.
                recovery = 12 ** rng.uniform(-0.28, 1) * HOUR
                faults.add_ramp(cluster, member, at, length, octaves, repaired, recovery)
                end = min(repaired + recovery, cluster.grid.end)
                peak = cluster.usual_p99(member) * 2**octaves / 1000
                note = f"the last {recovery / HOUR:.1f} h are the recovery"
                cluster.record(member, "ramp", at, end, peak_wal_seconds=peak, note=note)
                at = end + rng.exponential(14) * HOUR + HOUR
        yield cluster


def in_slots(rng, begin, end, count):
    """Starts and ends of as many slots of equal length."""
    edges = np.linspace(begin, end, count + 1)
    return list(zip(edges, edges[1:]))


def ramps(setting, elects=True):
    """`ramps` and `disk-ramps`: one slow-disk ramp in the last 4 days, and 2 to 4 false ones before. A quarter of
    those of `ramps` pass 100 ms and cause a few elections, so that no level of WAL fsync alone tells them apart."""
    for number in setting.numbers():
        rng = setting.rng(number)
        kinds = rng.choice([0, 0, 0, 1, 2], setting.members)
        cluster = setting.cluster(number, [(QUIET, NOISY, DAILY)[kind] for kind in kinds])
        grid = cluster.grid
        quiet_end = grid.end - min(4, grid.days / 3) * DAY
        for begin, end in in_slots(rng, grid.start + 6 * HOUR, quiet_end - 6 * HOUR, rng.integers(2, 5)):
            length = rng.uniform(2, 12) * HOUR
            start = rng.uniform(begin, max(begin, end - length - 5 * HOUR))
            peak = 2 ** rng.uniform(2.8, 6.0) if elects else rng.uniform(4.5, 6.0)
            member = cluster.members[rng.integers(setting.members)]
            if elects and rng.uniform() < 0.25:
                faults.near_miss(cluster, member, rng, start, length, rng.uniform(120, 400))
            else:
                faults.false_ramp(cluster, member, rng, start, length, peak)
        length = rng.uniform(6, 24) * HOUR
        start = rng.uniform(quiet_end, grid.end - length - 20 * HOUR)
        member = cluster.members[rng.integers(setting.members)]
        faults.slow_disk(cluster, member, rng, start, length, 200 * 4 ** rng.uniform(), elects=elects, hold=(1, 5))
        yield cluster


def disk_ramps(setting):
    """`disk-ramps`: no elections. Score with `--weight wal_fsync=0.6`: WAL fsync above 10 ms for more than 50 minutes
    of an hour makes it red (10 - 6 = 4; an hour with 5 of 6 steps above has exactly 5, which is not red)."""
    return ramps(setting, elects=False)


def steps(setting):
    """`steps`: a fault within a minute, in the last 4 days, without warning signs."""
    for number in setting.numbers():
        rng = setting.rng(number)
        kinds = rng.choice([0, 0, 0, 1, 2], setting.members)
        cluster = setting.cluster(number, [(QUIET, NOISY, DAILY)[kind] for kind in kinds])
        grid = cluster.grid
        start = rng.uniform(grid.end - min(4, grid.days / 3) * DAY, grid.end - 8 * HOUR)
        member, hours = cluster.members[rng.integers(setting.members)], rng.uniform(2, 7)
        if rng.uniform() < 0.3:
            member.max_fds = float(rng.choice([4_096, 16_384, 65_536]))
            faults.fds_at_limit(cluster, member, rng, start, hours)
        else:
            faults.slow_step(cluster, member, rng, start, 200 * 4 ** rng.uniform(), hours)
        yield cluster


def fleet(setting):
    """`fleet`: members of all characters, and a few faults, for measurements of speed."""
    for number in setting.numbers():
        rng = setting.rng(number)
        cluster = setting.cluster(number, mixed(setting.members, number * setting.members))
        describe(cluster)
        grid = cluster.grid
        pick = lambda: cluster.members[rng.integers(setting.members)]  # noqa: E731
        thirds = in_slots(rng, grid.start, grid.end, 3)
        faults.false_ramp(cluster, pick(), rng, thirds[0][0] + 0.3 * (grid.end - grid.start) / 3, 8 * HOUR, 30.0)
        faults.slow_disk(cluster, pick(), rng, thirds[1][0] + 6 * HOUR, rng.uniform(4, 10) * HOUR, 400.0)
        faults.slow_step(cluster, pick(), rng, thirds[2][0] + rng.uniform(6, 20) * HOUR, 300.0, rng.uniform(1, 3))
        yield cluster


# Days that an episode of `red-mix` takes at most, with the time in which its elections still count.
EPISODES = {"ramp": 2.6, "step": 1.3, "fds": 1.3, "storm": 1.3, "nights": 9.5, "false": 0.8}


def red_mix(setting):
    """`red-mix`: several red episodes of all kinds in each cluster, and false ramps between them."""
    for number in setting.numbers():
        rng = setting.rng(number)
        kinds = rng.choice([0, 0, 0, 1, 2], setting.members)
        cluster = setting.cluster(number, [(QUIET, NOISY, DAILY)[kind] for kind in kinds])
        chosen = ["ramp"] * rng.integers(1, 3) + ["step"] * rng.integers(1, 3) + ["storm"] * rng.integers(1, 3)
        chosen += ["false"] * rng.integers(2, 4) + ["fds"] * rng.integers(0, 2) + ["nights"] * int(rng.uniform() < 0.55)
        rng.shuffle(chosen)
        room = setting.grid.days - 1.0
        while sum(EPISODES[kind] for kind in chosen) > room:
            chosen.pop()
        spare = rng.dirichlet(np.ones(len(chosen) + 1)) * (room - sum(EPISODES[kind] for kind in chosen))
        at = setting.grid.start + DAY
        for kind, wait in zip(chosen, spare):
            at += wait * DAY
            episode(cluster, kind, rng, at + rng.uniform(0, 0.25) * DAY)
            at += EPISODES[kind] * DAY
        yield cluster


def episode(cluster, kind, rng, start):
    """One episode of `red-mix`."""
    member = cluster.members[rng.integers(len(cluster.members))]
    peak = 200 * 4 ** rng.uniform()
    if kind == "ramp":
        length, end = rng.uniform(4, 16) * HOUR, start + 1.6 * DAY
        faults.slow_disk(cluster, member, rng, start, length, peak, hold=(1, 5), end=end)
    elif kind == "step":
        faults.slow_step(cluster, member, rng, start, peak, rng.uniform(1, 5))
    elif kind == "fds":
        faults.fds_at_limit(cluster, member, rng, start, rng.uniform(1, 4))
    elif kind == "storm":
        faults.election_storm(cluster, member, rng, start, rng.uniform(2, 6))
    elif kind == "nights":
        faults.slow_nights(cluster, member, rng, start, rng.integers(5, 9))
    else:
        faults.false_ramp(cluster, member, rng, start, rng.uniform(2, 10) * HOUR, 2 ** rng.uniform(2.8, 6.0))


# Name: function, clusters, members per cluster, days.
SETS = {
    "members": (plain, 7, 3, 28),
    "seasonal": (seasonal, 4, 3, 28),
    "trend": (trend, 4, 3, 28),
    "ramps": (ramps, 50, 3, 14),
    "disk-ramps": (disk_ramps, 50, 3, 14),
    "steps": (steps, 50, 3, 14),
    "sawtooth": (databases.sawtooth, 60, 1, 28),
    "fleet": (fleet, 5, 3, 28),
    "red-mix": (red_mix, 20, 3, 28),
}
# The `members` set has 20 members: its last cluster has two.
TOTALS = {"members": 20}


class Setting:
    """A set with its seed, grid and size."""

    def __init__(self, name, seed, grid, clusters=None, members=None):
        self.make, usual_clusters, usual_members, _ = SETS[name]
        self.grid, self.clusters, self.members = grid, clusters or usual_clusters, members or usual_members
        self.total = self.clusters * self.members
        if not clusters and not members:
            self.total = TOTALS.get(name, self.total)
        # Sets of one seed do not share random numbers.
        self.seed = seed * 100 + list(SETS).index(name)

    def numbers(self):
        return range(1, self.clusters + 1)

    def rng(self, number):
        return np.random.default_rng([self.seed, number, 0, 9])

    def cluster(self, number, characters, weekly=1.0, name="c"):
        width = max(2, len(str(self.clusters)))
        return Cluster(self.seed, number, f"{name}{number:0{width}}", self.grid, characters, weekly)
