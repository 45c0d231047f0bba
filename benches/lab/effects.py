"""The first effects of a fault: what an audit of the same samples can have seen, and from when on.

An *effect* is a stretch of scrapes at which a member's reading, as the lab's Prometheus computes it, is beyond the first
threshold of a profile, or at which a critical condition holds under every profile. The *first effect* of a fault is the
start of the first such stretch that begins while the fault lasts or in the calm after it, and that contains at least one
step of the audit: what lies between two steps is not in its history. A process that restarted is always in it, because
its start time stays changed.

| trouble       | the effect                                                                                         |
|---------------|----------------------------------------------------------------------------------------------------|
| slow_disk     | WAL fsync or backend commit above the profile's first threshold                                    |
| descriptors   | open descriptors above the profile's first threshold, or within 5 % of their limit                 |
| database      | database above the profile's first threshold, or etcd refuses puts, as noted by the fault           |
| elections     | leader changes of a day above the profile's first threshold; concerns the whole cluster            |
| away          | a scrape failed, the process is another one than before, or the member was removed                 |
| leaderless    | has_leader is 0                                                                                    |
"""

import collections
import dataclasses
import subprocess
import tomllib

from prometheus import read_readings

DISK = ("wal_fsync", "backend_commit")
LIMIT_OF = {"open_fds": "max_fds", "db_size": "quota"}
CRITICAL_DESCRIPTORS = 0.95


@dataclasses.dataclass(frozen=True)
class Effect:
    trouble: str
    instance: str
    start: int
    end: int
    always_seen: bool = False

    def seen(self, step):
        """Whether a step of the audit is in it."""
        return self.always_seen or -(-self.start // step) * step < self.end


def thresholds(program, profile):
    """The first threshold of each metric that has one and a weight; with a percent sign a share of the limit."""
    shown = subprocess.run([program, "config", "show", "--profile", profile], check=True, capture_output=True, text=True)
    settings = tomllib.loads(shown.stdout)
    bands = {metric: bands for metric, bands in settings["bands"].items() if bands != "none"}
    return {
        metric: bands.split(",")[0].split(":")[0].strip()
        for metric, bands in bands.items()
        if settings["weights"].get(metric, 1) != 0
    }


def above(row, metric, limits):
    """Whether a reading is beyond the profile's first threshold."""
    if metric not in limits or metric not in row:
        return False
    limit = limits[metric]
    if not limit.endswith("%"):
        return row[metric] > float(limit)
    whole = row.get(LIMIT_OF[metric], -1)
    return whole > 0 and row[metric] > whole * float(limit[:-1]) / 100


def conditions(row, limits):
    """The troubles of a member at a scrape."""
    if any(above(row, metric, limits) for metric in DISK):
        yield "slow_disk"
    critical = row.get("open_fds", 0) >= CRITICAL_DESCRIPTORS * row.get("max_fds", float("inf"))
    if critical or above(row, "open_fds", limits):
        yield "descriptors"
    if above(row, "db_size", limits):
        yield "database"
    if above(row, "leader_changes", limits):
        yield "elections"
    if row.get("up") == 0:
        yield "away"
    if row.get("has_leader") == 0:
        yield "leaderless"


def stretches(readings, limits, scrape):
    """Effects of all readings: consecutive scrapes of one member with one trouble."""
    running, effects = {}, []
    last, started = {}, {}
    for at, instance, row in readings:
        if "up" not in row:
            # A removed target has readings of the past only.
            continue
        last[instance] = at
        now = set(conditions(row, limits))
        start = row.get("start_time")
        if start and started.setdefault(instance, start) != start:
            effects.append(Effect("away", instance, at, at + scrape, True))
            started[instance] = start
        for trouble in now:
            begun = running.setdefault((trouble, instance), [at, at])
            begun[1] = at
        for trouble, who in [key for key in running if key[1] == instance and key[0] not in now]:
            begun = running.pop((trouble, who))
            effects.append(Effect(trouble, who, begun[0], begun[1] + scrape))
    end = max(last.values())
    # A member that is gone for good is a fault of the moment: what comes later is calm. Its scrapes may fail before it is
    # no target any more.
    gone = {who: at for who, at in last.items() if at < end}
    for who, at in gone.items():
        failed = running.pop(("away", who), [at + scrape])
        effects.append(Effect("away", who, failed[0], at + 2 * scrape, True))
    effects += [Effect(trouble, who, begun[0], begun[1] + scrape) for (trouble, who), begun in running.items()]
    return effects


def together(effects):
    """All members count the same elections: only when the first of them is beyond the threshold, something begins."""
    elections = [effect for effect in effects if effect.trouble == "elections"]
    rest = [effect for effect in effects if effect.trouble != "elections"]
    if elections:
        first, last = min(effect.start for effect in elections), max(effect.end for effect in elections)
        rest.append(Effect("elections", "cluster", first, last))
    return rest


def of_run(folder, labels, limits):
    """All effects of a run in the order of their start."""
    scrape = labels["scrape_seconds"]
    effects = stretches(read_readings(folder / "readings.csv.gz"), limits, scrape)
    # Metrics cannot show a purpose: a problem may be found there, but none is wanted.
    planned = [fault["detail"].get("removed_on_purpose") for fault in labels["faults"]]
    effects = [effect for effect in effects if effect.trouble != "away" or effect.instance not in planned]
    effects = together(effects)
    for fault in labels["faults"]:
        if refused := fault["detail"].get("refused_from"):
            effects += [Effect("database", who, int(refused), int(fault["end"]), True) for who in fault["members"]]
    return sorted(effects, key=lambda effect: (effect.start, effect.trouble, effect.instance))


def of_faults(effects, labels, step):
    """For each fault its first effect by trouble and member, and the end of its last effect."""
    faults, scrape = labels["faults"], labels["scrape_seconds"]
    result = []
    for number, fault in enumerate(faults):
        begin = fault["start"] - scrape
        until = faults[number + 1]["start"] - scrape if number + 1 < len(faults) else labels["end"]
        mine = [effect for effect in effects if begin <= effect.start < until]
        first = collections.defaultdict(dict)
        for effect in mine:
            if effect.seen(step):
                first[effect.trouble].setdefault(effect.instance, effect.start)
        last = max([fault["end"], *(effect.end for effect in mine if effect.trouble != "elections")])
        result.append((dict(first), last))
    return result
