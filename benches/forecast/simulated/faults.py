"""Faults that a set adds to a cluster: slow disks that ramp or step up, elections, and descriptors at their limit."""

import numpy as np

from .noise import DAY, HOUR, MINUTE

# Elections begin when WAL fsync's p99 passes this, in milliseconds: etcd's heartbeat interval is 100 ms by default.
ELECTIONS_ABOVE = 100.0


def ramp(at, start, length, octaves, repaired, recovery):
    """Octaves at each step: up in a straight line, level until the repair, then down within `recovery` seconds."""
    up = np.clip((at - start) / length, 0, 1)
    down = np.clip((at - repaired) / recovery, 0, 1)
    return octaves * np.where(at < repaired, up, np.clip((repaired - start) / length, 0, 1) * (1 - down))


def elections(rng, minutes, wal_p99, scale=1.0):
    """Elections that a slow disk (p99 in milliseconds at each minute) causes: 0.7 an hour at 100 ms, and more above."""
    hourly = np.where(wal_p99 > ELECTIONS_ABOVE, 0.7 * scale * (wal_p99 / ELECTIONS_ABOVE) ** 0.9, 0)
    at = minutes[rng.random(len(minutes)) < hourly / 60]
    return at + rng.uniform(0, MINUTE, len(at))


def sixth(events, after):
    """The first event after `after` that is the sixth within a day, or None."""
    events = np.sort(events)
    found = [now for now, sixth_last in zip(events[5:], events) if now - sixth_last < DAY and now > after]
    return found[0] if found else None


def slow_disk(cluster, member, rng, start, length, peak, elects=True, hold=(0.5, 4), end=None):
    """A disk whose WAL fsync p99 rises to `peak` milliseconds within `length` seconds, and stays there until it is
    repaired: `hold` hours after the rise, and after the sixth election within a day."""
    octaves, caused = provoked(cluster, member, rng, start, length, peak)
    caused = caused if elects else caused[:0]
    last = sixth(np.concatenate([cluster.elections, caused]), start)
    repaired = max(start + length, last or 0) + rng.uniform(*hold) * HOUR
    repaired = min(repaired, end or cluster.grid.end)
    add_ramp(cluster, member, start, length, octaves, repaired, rng.uniform(5, 30) * MINUTE)
    cluster.elections += [at for at in caused if at < repaired]
    return cluster.record(member, "ramp", start, repaired, peak_wal_seconds=peak / 1000)


def provoked(cluster, member, rng, start, length, peak):
    """The octaves that a disk gets slower, and the elections that it would cause in the four days after its rise."""
    usual = cluster.usual_p99(member)
    octaves = np.log2(peak / usual)
    minutes = np.arange(start, start + length + 4 * DAY, MINUTE)
    risen = np.clip((minutes - start) / length, 0, 1)
    return octaves, elections(rng, minutes, usual * 2 ** (octaves * risen))


def false_ramp(cluster, member, rng, start, length, peak):
    """A ramp that ends before anything is red: without elections."""
    repaired = start + length + rng.uniform(0, 3) * HOUR
    octaves = np.log2(peak / cluster.usual_p99(member))
    add_ramp(cluster, member, start, length, octaves, repaired, rng.uniform(10, 90) * MINUTE)
    return cluster.record(member, "false_ramp", start, repaired, peak_wal_seconds=peak / 1000)


def near_miss(cluster, member, rng, start, length, peak):
    """A ramp with elections that is repaired before there are six within a day."""
    octaves, caused = provoked(cluster, member, rng, start, length, peak)
    # At most four, because elections without a cause count as well.
    stop = caused[min(rng.integers(1, 4), len(caused) - 1)] if len(caused) else start + length
    repaired = min(stop + rng.uniform(0, 0.2) * HOUR, start + length + 3 * HOUR)
    add_ramp(cluster, member, start, length, octaves, repaired, rng.uniform(5, 60) * MINUTE)
    cluster.elections += [at for at in caused if at <= min(stop, repaired)]
    reached = peak * 2 ** (octaves * min(0, (repaired - start) / length - 1))
    return cluster.record(member, "near_miss", start, repaired, peak_wal_seconds=reached / 1000)


def add_ramp(cluster, member, start, length, octaves, repaired, recovery):
    """Adds a ramp to a member; where ramps overlap, the higher one counts."""
    added = ramp(cluster.grid.at, start, length, octaves, repaired, recovery)
    np.copyto(member.slower, np.where(added > 0, np.maximum(member.slower, added), member.slower))


def storm(rng, start, length, count):
    """`count` elections at random times within `length` seconds."""
    return list(start + np.sort(rng.uniform(0, length, count)))


def slow_step(cluster, member, rng, start, peak, hours, kind="step"):
    """A disk that turns slow within a minute, with elections at once."""
    end = min(start + hours * HOUR, cluster.grid.end)
    octaves = np.log2(peak / cluster.usual_p99(member))
    add_ramp(cluster, member, start, MINUTE, octaves, end, 10 * MINUTE)
    cluster.elections += storm(rng, start + MINUTE, rng.uniform(10, 35) * MINUTE, rng.integers(7, 11))
    return cluster.record(member, kind, start, end, peak_wal_seconds=peak / 1000)


def fds_at_limit(cluster, member, rng, start, hours):
    """A process that uses up its descriptors within a minute. It cannot open the next segment of its log, so appends
    wait and it loses its leadership again and again, until a restart."""
    row = slow_step(cluster, member, rng, start, rng.uniform(60, 200), hours, "fd_limit")
    at = cluster.grid.at
    member.more_fds[(at >= start + MINUTE) & (at < row["end"])] = member.max_fds
    if row["end"] < cluster.grid.end:
        member.restarts.append(row["end"])
    return row


def election_storm(cluster, member, rng, start, hours):
    """A disk that is slow, but too fast for elections by itself, and a burst of elections with another cause."""
    end = min(start + hours * HOUR, cluster.grid.end)
    peak = rng.uniform(16, 45)
    octaves = np.log2(peak / cluster.usual_p99(member)) + 0.3
    add_ramp(cluster, member, start, rng.uniform(5, 60) * MINUTE, octaves, end, 20 * MINUTE)
    cluster.elections += storm(rng, start + rng.uniform(0.2, 0.4) * (end - start), HOUR, rng.integers(7, 12))
    return cluster.record(member, "election_storm", start, end, peak_wal_seconds=peak / 1000)


def slow_nights(cluster, member, rng, start, nights):
    """The same slow hours each night, such as a backup, with elections; a day's elections last into the next night."""
    begin, length = rng.uniform(0, 4) * HOUR, rng.uniform(1.2, 2.8) * HOUR
    midnight = np.ceil(start / DAY) * DAY
    for night in range(nights):
        at = midnight + night * DAY + begin + rng.normal(0, 5 * MINUTE)
        end = at + length * rng.uniform(0.85, 1.15)
        peak = rng.uniform(130, 320)
        octaves = np.log2(peak / cluster.usual_p99(member))
        add_ramp(cluster, member, at, 15 * MINUTE, octaves, end, 15 * MINUTE)
        cluster.elections += storm(rng, at + 5 * MINUTE, end - at - 5 * MINUTE, rng.integers(5, 9))
        cluster.record(member, "slow_night", at, end, peak_wal_seconds=peak / 1000)
