"""Recomputes findings from the history and scores in DIR and compares them with those of the program: growth and
recurrences with SciPy; defragmentations, fragmentation, quietest hours, lowest and lost scores with DuckDB. Only the start and end of
incidents are taken from the program; `judge.py` checks those against the simulator.

usage: findings.py DIR CSV [--least KIND=COUNT]…
CSV is the output of `etcd-heatmap findings --csv`; DIR/evidence.csv has the evidence. A cluster's score is that of its
worst member.
"""

import argparse
import csv
import math
import re
import statistics
from datetime import datetime, timedelta, timezone
from pathlib import Path

import duckdb
from scipy.stats import fisher_exact, theilslopes

from folder import files
from report import Report
from spec import METRICS

COUNTS = re.compile(
    r"(\d+) of (\d+) with incidents, (\d+) of (\d+) other hours, p (\S+), corrected ([^;\s]+)")
DEFAULT_QUOTA = 2**31
HORIZON_DAYS = 5 * 365
HOUR, DAY = 3_600_000, 86_400_000
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
TROUBLES = [("wal_fsync", "backend_commit"), ("open_fds",), ("client_traffic_in",), ("db_size",)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("csv")
    parser.add_argument("--least", action="append", default=[])
    asked = parser.parse_args()
    for kind in ("history", "scores"):
        paths = ", ".join(f"'{path}'" for path in files(asked.folder, kind))
        duckdb.sql(f"CREATE TABLE {kind} AS FROM read_parquet([{paths}], hive_partitioning = false)")
    step = duckdb.sql("SELECT min(gap) FROM (SELECT epoch_ms(ts) - lag(epoch_ms(ts)) OVER "
                      "(PARTITION BY cluster, member ORDER BY ts) AS gap FROM history)").fetchall()[0][0]
    with open(asked.csv, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with open(Path(asked.folder) / "evidence.csv", newline="", encoding="utf-8") as file:
        values = list(csv.DictReader(file))
    for row in rows:
        row["start"], row["end"] = row["start_utc"], row["end_utc"]
        row["evidence"] = {one["name"]: one["value"] for one in values if one["finding"] == row["finding"]}
    report = Report()
    for least in asked.least:
        kind, count = least.split("=")
        found = sum(row["kind"] == kind for row in rows)
        report.check(f"at least {least}", [] if found >= int(count) else [f"only {found}"])
    of = lambda kind: [row for row in rows if row["kind"] == kind]  # noqa: E731
    report.check("growth", growth(of("growth")))
    report.check("recurrence", recurrence(of("recurrence"), of("incident")))
    report.check("defragmentation", defragmentation(of("defragmentation")))
    report.check("fragmentation", fragmentation(of("fragmentation"), step))
    report.check("quietest hours", quietest(of("maintenance_window"), step))
    # A storm of leader changes costs points for a day after it, and absences cost none.
    own = [row for row in of("incident") if row["metric"] not in ("", "leader_changes")]
    measured = own + of("leader_change")
    report.check("lowest and lost scores", [wrong for row in measured for wrong in scores(row, step)])
    report.check("members that went for good", gone(of("incident"), step))
    ranks = [int(row["rank"]) for row in rows if row["rank"]]
    # Absent members cost no points: their rank depends on how long they were away.
    lost = [-float(row["points_hours_lost"]) for row in sorted(rows, key=lambda r: int(r["rank"] or 0))
            if row["rank"] and row["metric"]]
    wrong = [] if sorted(ranks) == list(range(1, len(ranks) + 1)) and lost == sorted(lost) else [f"{ranks} {lost}"]
    report.check("incidents are ranked by what they cost", wrong)
    report.close()


def gone(rows, step):
    """Expects every member that is missing at the end, if no other member of its cluster was first seen later."""
    reads = [name for name in duckdb.sql("FROM history").columns
             if name.split("_")[0] in ("wal", "backend", "open", "client", "db") and name != "leader_changes"]
    lives = duckdb.sql(f"SELECT cluster, member, min(epoch_ms(ts)), max(epoch_ms(ts)) FROM history WHERE "
                       f"coalesce({', '.join(reads)}) IS NOT NULL GROUP BY ALL").fetchall()
    end = duckdb.sql("SELECT max(epoch_ms(ts)) FROM history").fetchall()[0][0] + step
    expected = {(cluster, member) for cluster, member, _, last in lives if end - last - step >= 600_000
                and not any(other == cluster and first > last for other, _, first, _ in lives)}
    found = {(row["cluster"], member) for row in rows if row["rule"] in ("gone", "all_gone")
             for member in row["members"].split("; ") if member}
    yield from both_ways("gone", expected, found)


def differs(what, expected, told, places=1e-6):
    if not math.isclose(float(told), expected, rel_tol=places, abs_tol=places):
        yield f"{what}: {told} instead of {expected}"


def millis(text):
    return round(datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=timezone.utc).timestamp() * 1000)


def both_ways(what, expected, found):
    """One line for each item that is only in one of the two sets."""
    yield from (f"{what}: missing {one}" for one in sorted(expected - found))
    yield from (f"{what}: unexpected {one}" for one in sorted(found - expected))


def members():
    return duckdb.sql("SELECT DISTINCT cluster, member FROM history ORDER BY ALL").fetchall()


def column(name):
    return name if name in duckdb.sql("FROM history").columns else f"CAST(NULL AS DOUBLE) AS {name}"


def known(cluster, member, name):
    """(milliseconds, reading) of a column in order of time, without missing ones."""
    return duckdb.execute(
        f"SELECT ms, {name} FROM (SELECT epoch_ms(ts) AS ms, {column(name)} FROM history WHERE cluster = ? AND "
        f"member = ?) WHERE {name} IS NOT NULL ORDER BY ms", [cluster, member]).fetchall()


def drops(cluster, member):
    """(size before, size after, when): a size at least 5 % below the reading before, which is at most an hour older."""
    sizes = known(cluster, member, "db_size_bytes")
    return [(before, after, at) for (was, before), (at, after) in zip(sizes, sizes[1:])
            if after <= before * 0.95 and at - was <= HOUR]


def growth_of(cluster, member):
    """(days left, daily medians, slope, quota) since the last drop; None if the quota is over a year away."""
    last_drop = max((at // DAY for *_, at in drops(cluster, member)), default=-1)
    days = {}
    for at, size in known(cluster, member, "db_size_bytes"):
        if at // DAY > last_drop:
            days.setdefault(at // DAY, []).append(size)
    days = [(day, statistics.median(sizes)) for day, sizes in sorted(days.items())]
    quotas = known(cluster, member, "quota_bytes")
    quota = quotas[-1][1] if quotas else DEFAULT_QUOTA
    if len(days) < 7 or not days[-1][1] < quota:
        return None
    slope = theilslopes([size for _, size in days], [day - days[0][0] for day, _ in days], 0.95)
    left = (quota - days[-1][1]) / slope.slope if slope.slope else float("inf")
    return (left, days, slope, quota) if slope.low_slope > 0 and left <= 365 else None


def growth(rows):
    """Expects one growth finding per cluster: the member that reaches its quota first."""
    expected = {}
    for cluster, member in members():
        grown = growth_of(cluster, member)
        if grown and (cluster not in expected or grown[0] < expected[cluster][1][0]):
            expected[cluster] = member, grown
    yield from both_ways("growth", {(c, member) for c, (member, _) in expected.items()},
                         {(row["cluster"], row["members"]) for row in rows})
    for row in rows:
        if row["cluster"] in expected:
            yield from growth_differs(row, *expected[row["cluster"]][1])


def growth_differs(row, left, days, slope, quota):
    told = row["evidence"]
    if (millis(row["start"]), millis(row["end"])) != (days[0][0] * DAY, (days[-1][0] + 1) * DAY):
        yield f"days {row['start']} to {row['end']} instead of {days[0][0]} to {days[-1][0]} since 1970"
    yield from differs("slope", slope.slope, told["slope"], 1e-4)
    yield from differs("low", slope.low_slope, told["slope_at_least"], 1e-4)
    yield from differs("high", slope.high_slope, told["slope_at_most"], 1e-4)
    yield from differs("quota", quota, told["quota"])
    reached = [days[-1][0] + 0.5 + (quota - days[-1][1]) / s for s in (slope.slope, slope.high_slope, slope.low_slope)]
    date, soonest = map(utc_date, reached[:2])
    wanted = [f"at {math.floor(days[-1][1] / quota * 1000) / 10:g} % of its quota"]
    used = known(row["cluster"], row["members"], "db_in_use_bytes")
    if used:
        at, in_use = used[-1]
        size = dict(known(row["cluster"], row["members"], "db_size_bytes"))[at]
        share = f"would free {math.floor((1 - in_use / size) * 100)} % of its size"
        wanted.append("compact old revisions" if in_use >= 0.95 * size else share)
        yield from differs("size in use", in_use, told["size_in_use"])
    elif told["size_in_use"] != "not in the history" or "defragment" in row["description"]:
        yield f"a size in use, which is unknown: {row['description']}"
    yield from (f"{part!r} is not in {row['description']!r}" for part in wanted if part not in row["description"])
    between = f"{soonest} at the earliest, perhaps not within 5 years"
    if reached[2] - days[-1][0] - 0.5 <= HORIZON_DAYS:
        between = f"between {soonest} and {utc_date(reached[2])}"
    if (told["reached"], told["reached_interval"]) != (date, between):
        yield f"{told['reached']}, {told['reached_interval']} instead of {date}, {between}"


def utc_date(day):
    return (datetime(1970, 1, 1) + timedelta(days=day)).strftime("%Y-%m-%d")


def hours():
    """cluster -> hour since 1970 -> [steps, steps scored, points lost], by the score of the worst member."""
    found = {}
    for cluster, hour, *sums in duckdb.sql(
            f"SELECT cluster, ms // {HOUR}, count(*), count(score), coalesce(sum(10 - score), 0) FROM (SELECT cluster, "
            "epoch_ms(ts) AS ms, CASE WHEN bool_and(score IS NOT NULL) THEN min(score) END AS score FROM scores "
            "GROUP BY cluster, ts) GROUP BY ALL").fetchall():
        found.setdefault(cluster, {})[hour] = sums
    return found


def week_hour(hour):
    """The hour of the week; 0 is Monday 00:00 (1970-01-01 was a Thursday)."""
    return (hour + 3 * 24) % 168


def recurrence(rows, incidents):
    """Expects every recurring hour of the day and of the week, with its counts."""
    expected, found = {}, {}
    for cluster, of_hours in hours().items():
        own = [row for row in incidents if row["cluster"] == cluster and row["rule"] == "low_score"]
        kinds = {trouble for row in own for trouble in TROUBLES if row["metric"] in trouble}
        for trouble in kinds:
            spans = [(millis(row["start"]), millis(row["end"])) for row in own if row["metric"] in trouble]
            expected |= {(cluster, trouble, *key): told for key, told in tested(of_hours, spans, 192 * len(kinds)).items()}
    for row in rows:
        trouble = next(trouble for trouble in TROUBLES if row["metric"] in trouble)
        matches = [(name, COUNTS.fullmatch(value)) for name, value in row["evidence"].items()]
        for hour, (*counts, p, corrected) in ((name, match.groups()) for name, match in matches if match):
            found[row["cluster"], trouble, hour] = tuple(map(int, counts)), float(p), float(corrected)
    yield from both_ways("recurrence", {(*key, told[0]) for key, told in expected.items()},
                         {(*key, told[0]) for key, told in found.items()})
    for key in expected.keys() & found.keys():
        for name, wanted, told in zip(("p", "corrected p"), expected[key][1:], found[key][1:]):
            # The program prints three digits.
            yield from differs(f"{name} of {key}", 1, told / wanted, 1e-2)


def tested(of_hours, spans, looks):
    """The recurring hours of the day, and recurring hours of the week whose hour of the day does not recur."""
    overlap = lambda hour: sum(max(0, min(end, (hour + 1) * HOUR) - max(start, hour * HOUR)) for start, end in spans)  # noqa: E731
    slots = [(hour, overlap(hour) >= 15 * 60_000) for hour, (exists, scored, _) in of_hours.items() if scored * 2 >= exists]

    def test(count, place):
        own = [bad for hour, bad in slots if week_hour(hour) % count == place]
        bad, others_bad = sum(own), sum(bad for _, bad in slots) - sum(own)
        looked_at, others = len(own), len(slots) - len(own)
        if bad < 2 or bad * 2 < looked_at:
            return None
        p = fisher_exact([[bad, looked_at - bad], [others_bad, others - others_bad]], alternative="greater").pvalue
        return ((bad, looked_at, others_bad, others), p, p * looks) if p * looks < 0.01 else None

    daily = {place: found for place in range(24) if (found := test(24, place))}
    weekly = {place: found for place in range(168) if place % 24 not in daily and (found := test(168, place))}
    return {(f"{place:02}:00",): found for place, found in daily.items()} | {
        (f"{DAYS[place // 24]} {place % 24:02}:00",): found for place, found in weekly.items()}


def defragmentation(rows):
    """Expects every defragmentation that etcd counted, and other drops in size except those within ten minutes of a restart of
    the member; in rounds of members."""
    expected, found = set(), set()
    for cluster, member in members():
        started = known(cluster, member, "start_time_seconds")
        restarts = [second * 1000 for (_, first), (_, second) in zip(started, started[1:]) if first != second]
        sizes = known(cluster, member, "db_size_bytes")
        falls = [(was, before, after, at) for (was, before), (at, after) in zip(sizes, sizes[1:])
                 if after < before * 0.99 and at - was <= HOUR]
        for at in counted(cluster, member):
            own = [fall for fall in falls if at - 300_000 < fall[3] and fall[0] < at][-1:]
            falls = [fall for fall in falls if fall not in own]
            before = [size for when, size in sizes if when < at][-1:]
            after = [size for when, size in sizes if when >= at][:1]
            around = [(0, before[0], after[0], at)] if before and after else []
            expected |= {(cluster, member, *fall[1:]) for fall in own or around}
        for was, before, after, at in falls:
            if after <= before * 0.95 and not any(was - 600_000 <= restart <= at + 600_000 for restart in restarts):
                expected.add((cluster, member, before, after, at))
    for row in rows:
        own = row["members"].split("; ")
        for member in own:
            before, after, at = (row["evidence"][f"{member}_{what}"] for what in ("before", "after", "at"))
            found.add((row["cluster"], member, float(before), float(after), millis(at)))
        if len(set(own)) < len(own):
            yield f"a member twice in one round: {row}"
    yield from both_ways("defragmentation", expected, found)
    yield from both_ways("rounds", rounds(expected), {(row["cluster"], row["members"]) for row in rows})


def counted(cluster, member):
    """When the rate over five minutes of the time that defragmentations took rises from 0 or by 30 %, or goes on for six."""
    last, since = 0, -math.inf
    for at, rate in known(cluster, member, "defragmenting_share"):
        if rate > 0 and (last <= 0 or rate >= 1.3 * last or at >= since + 360_000):
            since = at
            yield at
        last = rate


def rounds(events):
    """(cluster, members) of each round: at most an hour apart, and no member twice."""
    found = []
    for cluster, at, member in sorted((cluster, at, member) for cluster, member, _, _, at in events):
        if found and found[-1][0] == cluster and at - found[-1][2] <= HOUR and member not in found[-1][1]:
            found[-1][1].append(member)
            found[-1][2] = at
        else:
            found.append([cluster, [member], at])
    return {(cluster, "; ".join(sorted(own))) for cluster, own, _ in found}


def fragmentation(rows, step):
    """Expects every database of which less than half and more than 100 MiB is in use at the end, for ten minutes or longer."""
    end = duckdb.sql("SELECT max(epoch_ms(ts)) FROM history").fetchall()[0][0] + step
    expected, found, free = set(), set(), {}
    for cluster, member in members():
        used = dict(known(cluster, member, "db_in_use_bytes"))
        both = [(at, size, used[at]) for at, size in known(cluster, member, "db_size_bytes") if at in used]
        since = None
        for at, size, in_use in both:
            is_one = in_use < size / 2 and in_use > 100 * 2**20
            since = (at if since is None else since) if is_one else None
        if since is not None and both[-1][0] + step - since >= 600_000 and end - both[-1][0] - step <= 600_000:
            _, size, in_use = both[-1]
            expected.add((cluster, member, size, in_use, since))
            free.setdefault(cluster, []).append(size - in_use)
    for row in rows:
        for member in row["members"].split("; "):
            size, in_use, since = (row["evidence"][f"{member}_{what}"] for what in ("size", "size_in_use", "since"))
            found.add((row["cluster"], member, float(size), float(in_use), millis(since)))
        says = f" would free {sum(free.get(row['cluster'], [])) / 2**30:.2f} GiB"
        if says not in row["description"]:
            yield f"{says!r} is not in {row['description']!r}"
    yield from both_ways("fragmented", expected, found)


def quietest(rows, step):
    """Expects the two consecutive scored hours with the fewest lost points; ties go to less traffic, then earlier."""
    first, last = duckdb.sql("SELECT min(epoch_ms(ts)), max(epoch_ms(ts)) FROM history").fetchall()[0]
    count = 168 if last + step - first >= 14 * DAY else 24
    expected = set()
    for cluster, of_hours in hours().items():
        traffic = {hour: sums for hour, *sums in duckdb.execute(
            f"SELECT epoch_ms(ts) // {HOUR}, sum(client_traffic_in_bytes_per_second), "
            "count(client_traffic_in_bytes_per_second) FROM history WHERE cluster = ? GROUP BY ALL", [cluster]).fetchall()}
        places = [[hour for hour in of_hours if week_hour(hour) % count == place] for place in range(count)]
        is_known = [bool(own) and all(of_hours[h][1] >= 0.99 * of_hours[h][0] for h in own) for own in places]
        windows = []
        for place in range(count):
            other = (place + 1) % count
            if is_known[place] and is_known[other]:
                own = places[place] + places[other]
                lost = sum(of_hours[hour][2] for hour in own) / sum(of_hours[hour][1] for hour in own)
                seen = sum(traffic.get(hour, (0, 0))[1] for hour in own)
                bytes_ = sum(traffic.get(hour, (0, 0))[0] or 0 for hour in own) / seen if seen else math.inf
                windows.append((round(lost, 9), float(f"{bytes_:.9g}"), place))
        if windows:
            place = min(windows)[2]
            day = f"{DAYS[place // 24]} " if count == 168 else ""
            expected.add((cluster, f"{day}{place % 24:02}:00 to {(place + 2) % 24:02}:00 UTC"))
    yield from both_ways("quietest hours", expected, {(row["cluster"], row["evidence"]["hours"]) for row in rows})


def scores(row, step):
    """The lowest score, rounded down, and what the cause's metrics cost, rounded up. If several members have the lowest
    score, the first by name decides what it lost to."""
    own = next((trouble for trouble in TROUBLES if row["metric"] in trouble), ())
    cost = " + ".join(f"{METRICS[name][1]} * (10 - {name}_points)" for name in own) or "0"
    lowest, lost = duckdb.execute(
        f"SELECT min(score), sum(cost) * ? / 3600000 FROM (SELECT ts, CASE WHEN bool_and(score IS NOT NULL) THEN "
        f"min(score) END AS score, CASE WHEN bool_and(score IS NOT NULL) THEN first({cost} ORDER BY score, member) END AS cost "
        "FROM scores WHERE cluster = ? AND epoch_ms(ts) >= ? AND epoch_ms(ts) < ? GROUP BY ts)",
        [step, row["cluster"], millis(row["start"]), millis(row["end"])]).fetchall()[0]
    of = f"{row['cluster']} {row['start']}"
    if lowest is None:
        if row["points_hours_lost"]:
            yield f"{of}: lost {row['points_hours_lost']}, but it has no scored step"
        return
    if float(row["lowest_score"]) != math.floor(lowest * 100 + 1e-6) / 100:
        yield f"lowest of {of}: {row['lowest_score']} instead of {lowest}"
    # A storm of leader changes costs points for a day, a leader change itself none.
    if row["kind"] == "incident" and own and float(row["points_hours_lost"]) != math.ceil(lost * 100 - 1e-6) / 100:
        yield f"lost of {of}: {row['points_hours_lost']} instead of {lost}"


if __name__ == "__main__":
    main()
