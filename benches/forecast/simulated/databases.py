"""The set `sawtooth`: databases that are defragmented regularly, that grow to their quota, and with one bulk load.

Each cluster has one member by default, because members of a cluster have the same data and are not separate cases."""

import numpy as np

from .cluster import Character
from .noise import DAY, HOUR, load, wander

GIB = 2.0**30
QUIET = Character("quiet", gaps_a_day=0.05)


def quota(cluster):
    """The quota in bytes, which `Cluster.columns` writes."""
    return 2 * GIB if cluster.key[1] % 2 == 0 else 8 * GIB


def file_size(used, chunk):
    """The size of the file for the pages in use. It does not shrink, and grows by `chunk` bytes at a time."""
    return np.ceil(np.maximum.accumulate(used) / chunk) * chunk


def sawtooth(setting):
    """`sawtooth`: a third of the clusters each (20 by default): saw (regular defragmentations well below the quota),
    grow (real growth, which reaches the quota after the end of the history, at `quota_at`), bulk (loads that stop)."""
    for number in setting.numbers():
        name, fill = (("saw", saw), ("grow", grow), ("bulk", bulk))[(number - 1) * 3 // setting.clusters]
        cluster = setting.cluster(number, [QUIET] * setting.members, name=name)
        fill(cluster, setting.rng(number))
        yield cluster


def saw(cluster, rng):
    """Grows from 15 to 40 % of its quota up to 45 to 62 % on average, within 1 to 6 days, again and again."""
    grid, limit = cluster.grid, quota(cluster)
    low, high, every = rng.uniform(0.15, 0.4), rng.uniform(0.45, 0.62), rng.uniform(1, 6) * DAY
    rhythm = cluster.load / cluster.load.mean()
    for member in cluster.members:
        own = member.rng(22)
        at = np.cumsum(every * (1 + 0.08 * own.standard_normal(int(grid.days * DAY / every) + 3)))
        at += grid.start - own.uniform(0, every)
        edges = np.concatenate([[grid.start - every], at, [grid.end + every]])
        size = np.empty(len(grid.at))
        for begin, end in zip(edges, edges[1:]):
            steps = (grid.at >= begin) & (grid.at < end)
            if not steps.any():
                continue
            # The first piece began before the history.
            passed = max(grid.start - begin, 0) / every * (high - low)
            slope = (high - low) * own.uniform(0.85, 1.15) * grid.step / every
            grown = np.cumsum(slope * rhythm[steps] * own.gamma(2, 0.5, steps.sum()))
            floor = low * (1 + 0.03 * own.standard_normal()) + passed
            size[steps] = file_size((floor + grown) * limit, limit / 400)
            if begin > grid.start:
                cluster.record(member, "defragmentation", begin, begin)
        member.size = np.minimum(size, 0.75 * limit)
        cluster.record(member, "sawtooth", grid.start, grid.end, note=f"every {every / DAY:.1f} days")


def grow(cluster, rng):
    """Grows to its quota, which it reaches 3 to 60 days after the end: with the rhythm of the load, slow changes of the
    rate, and plateaus where free pages are used again. A quarter was defragmented once."""
    grid, limit = cluster.grid, quota(cluster)
    ahead = int(240 * DAY / grid.step)
    at = grid.start + grid.step * np.arange(len(grid.at) + ahead)
    usage = load(np.random.default_rng([*cluster.key, 0, 8]), at, grid.step)
    now = rng.uniform(0.55, 0.9)
    wait = 3 * 20 ** rng.uniform() * DAY
    slope = (1 - now) / wait
    # The growth of the history is at most 80 % of the size at its end.
    slope = min(slope, 0.8 * now / (grid.days * DAY))
    for member in cluster.members:
        own = member.rng(22)
        rate = usage / usage.mean() * np.exp(0.25 * wander(own, len(at), grid.step, 3 * DAY) - 0.03)
        rate *= own.gamma(2, 0.5, len(at))
        # On plateaus, 4 to 30 h long, nothing is added.
        for start in own.uniform(at[0], at[-1], own.poisson(0.15 * len(at) * grid.step / DAY)):
            rate[(at >= start) & (at < start + own.uniform(4, 30) * HOUR)] = 0
        rate *= slope * grid.step / rate.mean()
        used = np.cumsum(rate)
        end = len(grid.at) - 1
        used += now - used[end]
        if own.uniform() < 0.25:
            cut = int(own.uniform(0.2, 0.6) * len(grid.at))
            used[:cut] += own.uniform(0.03, 0.12)
            cluster.record(member, "defragmentation", at[cut], at[cut])
            size = np.concatenate([file_size(used[:cut], 1 / 500), file_size(used[cut:], 1 / 500)])
        else:
            size = file_size(used, 1 / 500)
        member.size = np.minimum(size[: end + 1], 1.0) * limit
        # The file is as large as the quota once more than the last chunk below it is used.
        reached = np.flatnonzero(size[end + 1 :] >= 1.0)
        when = at[end + 1 + reached[0]] if len(reached) else ""
        cluster.record(member, "growth", grid.start, grid.end, quota_at=when, note=f"{now:.0%} of its quota at the end")


def bulk(cluster, rng):
    """A steady database with one bulk load, within 6 to 48 h, up to 55 to 85 % of its quota. The load stops
    1 to 120 h before the end; after it, the size grows as slowly as before."""
    grid, limit = cluster.grid, quota(cluster)
    base, top, slow = rng.uniform(0.15, 0.4), rng.uniform(0.55, 0.85), rng.uniform(0, 0.0008)
    stop = grid.end - rng.uniform(1, min(120, grid.days * 12)) * HOUR
    start = stop - rng.uniform(6, 48) * HOUR
    for member in cluster.members:
        own = member.rng(22)
        loading = (grid.at >= start) & (grid.at < stop)
        added = np.where(loading, own.gamma(3, 1 / 3, len(grid.at)), 0)
        grown = slow * np.cumsum(own.gamma(1, 1, len(grid.at))) * grid.step / DAY
        used = base + grown + (top - base) * np.cumsum(added) / added.sum()
        member.size = file_size(used, 1 / 500) * limit
        cluster.record(member, "bulk_load", start, stop, note=f"{base:.0%} to {top:.0%} of its quota")
