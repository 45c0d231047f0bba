"""The rules of docs/findings.md, computed step by step from made-up readings, without any figure of the program."""

import statistics
from collections import defaultdict

import numpy as np
from scipy.stats import fisher_exact, theilslopes

from edges_history import DAY, START
from edges_scores import POINT, UNKNOWN, hours, reached, stretches

MINUTE, HOUR, DAY_MS = 60_000, 3_600_000, DAY * 1000
GROUPS = [("wal_fsync", "backend_commit"), ("open_fds",)]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


class Low:
    """When a cluster was low: a point below the score that it reaches a quarter of the time, or red if it usually is."""

    def __init__(self, scored):
        self.scored = scored
        usual = reached(scored.line[scored.line != UNKNOWN], 0.25)
        self.is_red = usual is not None and usual < 5 * POINT
        limit = 5 * POINT - 1 if self.is_red else (10 * POINT if usual is None else usual) - POINT
        lines = [scored.line, *(np.where(scored.alive[m], scored.scores[m], UNKNOWN) for m in scored.names)]
        self.low = np.any([(line != UNKNOWN) & (line <= limit) for line in lines], axis=0)

    def usual_loss(self, member, metrics):
        lost = self.scored.lost(member, metrics)[self.scored.scores[member] != UNKNOWN]
        return -(reached(-lost, 0.25) or 0)

    def bad(self, member, metrics):
        usual = 0 if self.is_red else self.usual_loss(member, metrics)
        return self.low & (self.scored.lost(member, metrics) > usual)


def incidents(scored, metrics):
    """Stretches in which metrics of one group cost a member more than usual while the cluster was low."""
    low, least = Low(scored), 15 * MINUTE
    bad = {member: low.bad(member, metrics) for member in scored.names}
    own = [pair for is_bad in bad.values() for pair in joined_stretches(scored, is_bad)]
    joined = []
    for start, end in sorted(own):
        # Members that are bad at the same time share an incident.
        if joined and start < joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([start, end])
    for start, end in joined:
        steps = slice(start, end)
        own = {member: int(is_bad[steps].sum()) * scored.step_ms for member, is_bad in bad.items()}
        if int(np.any([is_bad[steps] for is_bad in bad.values()], axis=0).sum()) * scored.step_ms < least:
            continue
        concerned = [member for member in scored.names if own[member] >= min(least, max(own.values()))]
        cost = {metric: sum(int(of[of != UNKNOWN].sum()) for of in (scored.lost(member, [metric])[steps]
                            for member in concerned)) for metric in metrics}
        yield {"kind": "incident", "members": concerned, "start": scored.at(start), "end": scored.at(end),
               "metric": max(metrics, key=cost.get), "first_metric": first_moved(scored, low, start, end),
               "lowest_score": scored.lowest(scored.at(start), scored.at(end))}


def joined_stretches(scored, is_bad):
    """Stretches of one member, joined over less than 30 minutes with a score and less than two hours."""
    joined = []
    for start, end in stretches(is_bad):
        gap = (start - joined[-1][1]) * scored.step_ms if joined else 0
        unknown = int(scored.unscored[joined[-1][1] : start].sum()) * scored.step_ms if joined else 0
        if joined and gap - unknown < 30 * MINUTE and gap < 2 * HOUR:
            joined[-1][1] = end
        else:
            joined.append([start, end])
    return joined


def first_moved(scored, low, start, end):
    """The metric whose loss first rose above the usual one, from 30 minutes before the incident on."""
    moves = []
    for member in scored.names:
        for metric in GROUPS[0] + GROUPS[1] + ("leader_changes",):
            usual, lost = low.usual_loss(member, [metric]), scored.lost(member, [metric])
            known = [step for step in range(len(lost)) if lost[step] != UNKNOWN]
            rises = [step for before, step in zip([None, *known], known)
                     if lost[step] > usual and (before is None or lost[before] <= usual)]
            moves += [(step, -int(lost[step]), metric) for step in rises
                      if start - 30 * MINUTE // scored.step_ms <= step < end]
    return min(moves)[2] if moves else ""


def absences(scored, anybody):
    """Members that sent nothing at a step of their life, at which others of the history did."""
    away = {member: np.zeros(len(anybody), bool) for member in scored.names}
    for member in scored.names:
        for start, end in stretches(scored.alive[member] & ~scored.seen[member] & anybody):
            away[member][start:end] = True
    for start, end in stretches(np.any(list(away.values()), axis=0)):
        found = {"kind": "incident", "metric": "", "start": scored.at(start), "end": scored.at(end)}
        found["members"] = [member for member in scored.names if away[member][start:end].any()]
        yield found | {"first_metric": "", "lowest_score": scored.lowest(found["start"], found["end"])}


def arrivals(scored, member):
    """(instant, number) of the changes that raised a member's gauge: a rise from one reading to the next, at most an hour
    later. A change that did not leave the gauge a day later, within 5 minutes and 2 steps, hides one that came then."""
    gauge, step_ms = scored.cluster.members[member]["leader_changes"], scored.step_ms
    found, inside, before = [], [], None
    for step in np.flatnonzero(~np.isnan(gauge)):
        at, value = scored.at(step), int(gauge[step])
        if before is None or at - before[0] - step_ms > HOUR:
            inside = []
        elif value != before[1]:
            while inside and inside[0] + DAY_MS + 5 * MINUTE + 2 * step_ms < at:
                hidden = inside.pop(0) + DAY_MS
                found.append((hidden, 1))
                inside.append(hidden)
            if value > before[1]:
                found.append((at, value - before[1]))
                inside += [at] * (value - before[1])
            else:
                inside = inside[before[1] - value :]
        before = (at, value)
    return sorted(found)


def changes(scored, count_restarts):
    """[first seen, last seen, number] of the changes that members saw within two minutes (or two steps)."""
    seen = []
    for member in scored.names:
        for at, count in arrivals(scored, member):
            near = [start for start in scored.restarts(member) if -5 * MINUTE <= at - start <= 5 * MINUTE + scored.step_ms]
            if count_restarts or len(scored.names) == 1 or not near:
                seen.append((at, member, count))
    groups = []
    for at, member, count in sorted(seen):
        if not groups or at > groups[-1][0] + max(2 * MINUTE, 2 * scored.step_ms):
            groups.append([at, at, defaultdict(int)])
        groups[-1][1] = at
        groups[-1][2][member] += count
    return [(first, last, max(counts.values())) for first, last, counts in groups]


def leader_changes(scored):
    found, step = [], scored.step_ms
    for first, last, _ in changes(scored, count_restarts=False):
        near = lambda at: first - step - 10 * MINUTE <= at <= last + 10 * MINUTE  # noqa: B023, E731
        ended = scored.at(len(scored.exists))
        leaves = {m: [at for _, end in stretches(scored.seen[m]) if (at := scored.at(end)) < ended] for m in scored.names}
        cause, members = "restart", [m for m in scored.names if any(map(near, scored.restarts(m) + leaves[m]))]
        if not members:
            cause = "slow_disk"
            from_step, to = [(ms - scored.at(0)) // step for ms in (first - step - 10 * MINUTE, last + step)]
            slow = {m: np.any([scored.losses[m][metric] > 0 for metric in GROUPS[0]], axis=0) for m in scored.names}
            members = [m for m in scored.names if slow[m][max(from_step, 0) : to].sum() >= 2]
        cause = cause if members else "unexplained"
        before = found[-1] if found else None
        if before and (before["cause"], before["members"]) == (cause, members) and first - before["last"] <= 30 * MINUTE:
            before |= {"last": last, "end": last + step}
        else:
            found.append({"kind": "leader_change", "metric": "leader_changes", "cause": cause, "members": members,
                          "start": first - step, "end": last + step, "last": last})
    return [row | {"lowest_score": scored.lowest(row["start"], row["end"])} for row in found]


def storms(scored, most):
    """Leader changes of a day that cost points; `most` of them cost none."""
    low, known, step = Low(scored), changes(scored, count_restarts=True), scored.step_ms
    bad = np.any([low.bad(member, ("leader_changes",)) for member in scored.names], axis=0)
    costs = np.any([scored.losses[member]["leader_changes"] > 0 for member in scored.names], axis=0)
    found = []
    for start, end in stretches(costs):
        within = [change for change in known if scored.at(start) - DAY_MS <= change[0] < scored.at(end)]
        groups = []
        for change in within:
            if groups and change[0] - groups[-1][-1][1] <= 2 * HOUR:
                groups[-1].append(change)
            else:
                groups.append([change])
        begun = [change for change in within if change[0] <= scored.at(start)]
        for group in groups if bad[start:end].any() else []:
            alone = group[0][0] > scored.at(start) and sum(count for *_, count in group) > most
            if alone or (begun and begun[-1] in group):
                found.append({"kind": "incident", "metric": "leader_changes", "members": [],
                              "start": group[0][0] - step, "end": group[-1][1] + step})
    return [row for place, row in enumerate(found) if row not in found[:place]]


def drops(scored, member):
    """(before, at, size before, size after) of each drop by at least 5 %, from one reading to the next within an hour."""
    return all_drops(scored, member, 0.95)


def all_drops(scored, member, left):
    sizes = scored.cluster.members[member]["db_size_bytes"]
    known = np.flatnonzero(~np.isnan(sizes))
    pairs = [(scored.at(a), scored.at(b), sizes[a], sizes[b]) for a, b in zip(known, known[1:])]
    return [drop for drop in pairs if drop[3] <= drop[2] * left and drop[1] - drop[0] <= HOUR]


def counted(scored, member):
    """(before, at) of each defragmentation that etcd counted: the rate over five minutes rises from 0 or by 30 %, or goes on
    for six minutes."""
    readings = scored.cluster.members[member]
    found, last, since = [], 0.0, -np.inf
    for step, rate in enumerate(readings.get("defragmenting_share", [])):
        if np.isnan(rate):
            continue
        at = scored.at(step)
        if rate > 0 and (last <= 0 or rate >= last * 1.3 or at >= since + 6 * MINUTE):
            # At the first step of a history, it was before it.
            found += [(scored.at(step - 1), at)] if step else []
            since = at
        last = rate
    return found


def shrank(scored, member):
    """(before, at) of the member's defragmentations: those counted, at the drop of the size that belongs to it, and others."""
    falls, events = all_drops(scored, member, 0.99), []
    for before, at in counted(scored, member):
        own = [drop for drop in falls if at - 5 * MINUTE < drop[1] and drop[0] < at][-1:]
        falls = [drop for drop in falls if drop not in own]
        events += [drop[:2] for drop in own] or [(before, at)]
    near = lambda before, at: any(before - 10 * MINUTE <= start <= at + 10 * MINUTE for start in scored.restarts(member))  # noqa: E731
    return events + [drop[:2] for drop in falls if drop[3] <= drop[2] * 0.95 and not near(*drop[:2])]


def defragmentations(scored):
    found = []
    for at, member, before in sorted((at, m, before) for m in scored.names for before, at in shrank(scored, m)):
        if found and at - found[-1]["last"] <= HOUR and member not in found[-1]["members"]:
            found[-1]["members"] = sorted([*found[-1]["members"], member])
        else:
            found.append({"kind": "defragmentation", "metric": "db_size", "start": before, "members": [member]})
        found[-1] |= {"last": at, "end": at + scored.step_ms}
    return found


def voters(scored):
    """How many members are there at each step and vote: from first to last seen, and not before they stop being learners."""
    count = np.zeros(scored.cluster.history.steps, dtype=int)
    for member in scored.names:
        first, last = scored.cluster.life(member)
        learns = scored.cluster.members[member]["is_learner"]
        known = np.flatnonzero(~np.isnan(learns))
        if learns[known[0]] == 1:
            promoted = [step for step in known if learns[step] == 0]
            if not promoted:
                continue
            first = max(first, promoted[0])
        count[first : last + 1] += 1
    return count


def cluster_sizes(scored):
    """Even numbers of members, the most so far, for a day, or for an hour at the end."""
    count, steps = voters(scored), scored.cluster.history.steps
    found, start = [], 0
    for end in [*np.flatnonzero(np.diff(count)) + 1, steps]:
        size = count[start]
        long = (end - start) * scored.step_ms >= (HOUR if steps - end < 2 else DAY_MS)
        if size % 2 == 0 and size >= count[: start + 1].max() > 0 and long:
            found.append({"kind": "cluster_size", "start": scored.at(start), "end": scored.at(end), "members": []})
        start = end
    return found


def leaders(scored):
    """Stretches with two leaders, of two steps and longer than a minute, at most an hour apart; all of them if they are half of
    the time."""
    leads = {member: scored.cluster.members[member]["is_leader"] == 1 for member in scored.names}
    both, step = [], scored.step_ms
    for start, end in stretches(sum(leads.values()) > 1):
        own = [member for member in scored.names if leads[member][start:end].any()]
        silent = end < scored.cluster.history.steps and any(np.isnan(scored.cluster.members[m]["is_leader"][end]) for m in own)
        lasted = (end - start) * step - (5 * MINUTE if silent else 0)
        if lasted > MINUTE and lasted >= 2 * step:
            both.append((start, end, own))
    constant = sum(end - start for start, end, _ in both) * 2 >= scored.cluster.history.steps
    found = []
    for start, end, own in both:
        if found and (constant or scored.at(start) - found[-1]["end"] <= HOUR):
            found[-1] |= {"end": scored.at(end), "members": sorted({*found[-1]["members"], *own})}
        else:
            found.append({"kind": "two_leaders", "start": scored.at(start), "end": scored.at(end), "members": own})
    return found


def fragmentation(scored):
    """The members of whose database less than half is in use at the end, and more than 100 MiB, for ten minutes."""
    found, end = [], scored.at(scored.cluster.history.steps)
    for member in scored.names:
        sizes, used = (scored.cluster.members[member][name] for name in ("db_size_bytes", "db_in_use_bytes"))
        known = np.flatnonzero(~np.isnan(sizes + used))
        is_one = (used < sizes / 2) & (used > 100 * 2**20)
        healthy = known[~is_one[known]]
        after = known[known > (healthy[-1] if len(healthy) else -1)]
        if not len(after):
            continue
        start, last = scored.at(after[0]), scored.at(after[-1]) + scored.step_ms
        if last - start >= 10 * MINUTE and end - last <= 10 * MINUTE:
            found.append((member, start, last))
    if not found:
        return []
    members, starts, ends = zip(*found)
    return [{"kind": "fragmentation", "metric": "db_size", "members": list(members), "start": min(starts), "end": max(ends)}]


def growth(scored):
    """The member whose database reaches its quota first, within 365 days, if it surely grows."""
    found = []
    for member in scored.names:
        sizes, quotas = (scored.cluster.members[member][name] for name in ("db_size_bytes", "quota_bytes"))
        day_of = (np.arange(len(sizes)) * scored.history.step + START) // DAY
        last_drop = max((at // DAY_MS for _, at, *_ in drops(scored, member)), default=-1)
        wanted = [day for day in np.unique(day_of) if day > last_drop and (~np.isnan(sizes[day_of == day])).any()]
        medians = [statistics.median(of[~np.isnan(of)]) for of in (sizes[day_of == day] for day in wanted)]
        known = quotas[~np.isnan(quotas)]
        quota = known[-1] if len(known) else 2**31
        if len(wanted) < 7 or not 0 < quota < np.inf or medians[-1] >= quota:
            continue
        slope = theilslopes(medians, np.array(wanted) - wanted[0], 0.95)
        left = (quota - medians[-1]) / slope.slope if slope.slope > 0 else np.inf
        if slope.low_slope > 0 and left <= 365:
            found.append((left, {"kind": "growth", "metric": "db_size", "members": [member], "confidence": 0.95,
                                 "start": int(wanted[0]) * DAY_MS, "end": int(wanted[-1] + 1) * DAY_MS}))
    return [min(found, key=lambda one: one[0])[1]] if found else []


def recurrences(scored, zone):
    """Hours of the day, or of the week, in which incidents of one group are more frequent by Fisher's exact test."""
    found = {metrics: list(incidents(scored, metrics)) for metrics in GROUPS}
    found = {metrics: rows for metrics, rows in found.items() if rows}
    for metrics, rows in found.items():
        slots = []
        for (date, hour), steps in hours(scored, zone).items():
            if (scored.line[steps] != UNKNOWN).sum() * 2 >= len(steps):
                start = scored.at(steps[0]) if len(steps) * scored.step_ms == HOUR else None
                start = scored.at(steps[-1]) + scored.step_ms - HOUR if start is None else start
                overlap = sum(max(0, min(row["end"], start + HOUR) - max(row["start"], start)) for row in rows)
                slots.append((date.weekday() * 24 + hour, overlap >= 15 * MINUTE))
        looks = 192 * len(found)
        daily = significant(slots, 24, looks)
        weekly = {hour: p for hour, p in significant(slots, 168, looks).items() if hour % 24 not in daily}
        for count, hits in (24, daily), (168, weekly):
            for first, last, p in runs(hits, count):
                yield {"kind": "recurrence", "hours": named(first, last, count), "confidence": 1 - p,
                       "members": sorted({member for row in rows for member in row["members"]})}


def significant(slots, count, looks):
    """hour -> p after Bonferroni's correction, of the hours that are bad at least half of the time and more than once."""
    found = {}
    for hour in range(count):
        own = [bad for place, bad in slots if place % count == hour]
        others = [bad for place, bad in slots if place % count != hour]
        table = [[sum(own), len(own) - sum(own)], [sum(others), len(others) - sum(others)]]
        if sum(own) > 1 and sum(own) * 2 >= len(own):
            p = fisher_exact(table, alternative="greater").pvalue * looks
            found |= {hour: p} if p < 0.01 else {}
    return found


def runs(hits, count):
    """(first hour, last hour, worst p) of hours that follow on each other, also across the end of the day or week."""
    for first in sorted(hits):
        if (first - 1) % count not in hits:
            last = first
            while (last + 1) % count in hits:
                last += 1
            yield first, last, max(hits[hour % count] for hour in range(first, last + 1))


def named(first, last, count):
    """`23:00 to 01:00`, or `Sunday 23:00 to 01:00`."""
    day = f"{DAYS[first // 24]} " if count == 168 else ""
    return f"{day}{first % 24:02}:00 to {(last + 1) % 24:02}:00"


def quietest(scored, zone):
    """The two consecutive hours with the fewest lost points, then with the least traffic, then the first."""
    history = scored.history
    count = 168 if history.steps * history.step >= 14 * DAY else 24
    traffic = np.array([scored.cluster.members[m]["client_traffic_in_bytes_per_second"] for m in scored.names])
    places = defaultdict(list)
    for (date, hour), steps in hours(scored, zone).items():
        places[(date.weekday() * 24 + hour) % count].append(steps)
    covered = {place for place, all_steps in places.items()
               if all((scored.line[steps] != UNKNOWN).sum() * 100 >= len(steps) * 99 for steps in all_steps)}
    windows = []
    for place in covered:
        if (place + 1) % count in covered:
            steps = np.concatenate(places[place] + places[(place + 1) % count])
            line, sent = scored.line[steps], traffic[:, steps]
            lost = (10 * POINT - line[line != UNKNOWN]).mean() / POINT
            windows.append((round(float(lost), 9), float(f"{sent[~np.isnan(sent)].mean():.9g}"), place))
    for *_, place in sorted(windows)[:1]:
        yield {"kind": "maintenance_window", "metric": "client_traffic_in", "members": [],
               "hours": window_named(place, count)}


def window_named(place, count):
    day = f"{DAYS[place // 24]} " if count == 168 else ""
    return f"{day}{place % 24:02}:00 to {(place + 2) % 24:02}:00"
