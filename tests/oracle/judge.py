#!/usr/bin/env python3
"""Computes precision and recall of findings against the simulator's labels.

usage: judge.py FOLDER…, each with truth.csv, elections.csv and findings.csv, and problems.csv if problems are judged too.
Ends with exit code 1 if a bar is missed.

An incident matches a label of the same cluster and trouble (disk, descriptors, elections, away, full) if they overlap by at
least half of the duration of each. Each incident matches at most one label. Labels are what crosses a threshold:
slow-disk and leader-slow-disk in their hours, fd-leak after it passes 1024, member-down, member-replaced, quota-full while
the database is at its quota, and election-storm while elections happen (not the whole day in which the changes are counted). Two labels with only a
restart of a minute between them count as one. late-cluster, a leak below 1024, and single elections and restarts are
not incidents: an incident found there is a false positive. Some incidents without a label are neither right nor wrong: a
member without data while its process hangs or for less than five minutes (single scrapes fail in the simulation, too),
and too many leader changes where those of several causes add up to more than five in a day. Incidents of rules for which
there are no labels are only counted.

A problem is right if a label of its cluster and trouble lies within its first and last instant; a label is found if such
a problem covers a part of it. A member without data for less than five minutes each time is no problem to judge. Problems of other troubles than those of labels are not judged.

An election matches a leader change found in its cluster at the same time, within two minutes and a step; a finding of
n changes matches at most n elections. The cause is right if it has the simulator's name: restart, slow_disk, network,
process_stopped, planned_move, overload, unexplained. An election for which "several" causes are given is missed, and no
cause is wrong because of it. A member that was cut off or hung counts the new leader when it comes back: such a change
is neither right nor wrong if its cause is that of the incident. Histories without evidence have the same columns, and causes that only
evidence shows are missed in them.
"""

import collections
import csv
import datetime
import pathlib
import sys

BARS = {"incidents": 0.95, "cause precision": 0.95, "cause recall": 0.9}
UNDECIDED = "several"
TROUBLE_OF_METRIC = {
    "wal_fsync": "disk",
    "backend_commit": "disk",
    "open_fds": "descriptors",
    "leader_changes": "elections",
    "db_size": "full",
    "": "away",
}
TROUBLE_OF_LABEL = {
    ("slow-disk", "wal_fsync backend_commit"): "disk",
    ("leader-slow-disk", "wal_fsync backend_commit"): "disk",
    ("fd-leak", "open_fds"): "descriptors",
    ("election-storm", "elections"): "elections",
    ("member-down", "no samples"): "away",
    ("quota-full", "quota"): "full",
}
DAY, SHORT = 86400, 300
# Rules of incidents without a metric that say that a member is away; other rules have no labels.
AWAY_RULES = {"without_data", "gone", "replaced", "all_gone", "too_few"}
CAUSE_OF_LABEL = {"network": "network", "process-stopped": "process_stopped"}
TROUBLE_OF_CAUSE = {
    "slow_disk": "disk",
    "file_descriptors": "descriptors",
    "leader_instability": "elections",
    "member_without_data": "away",
    "member_replaced": "away",
    "database_full": "full",
    "database_size": "size",
    "client_traffic": "traffic",
}
TOLERANCE = 120 + 60


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def seconds(text):
    at = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (at if at.tzinfo else at.replace(tzinfo=datetime.timezone.utc)).timestamp()


def labels(folder):
    found = []
    for row in sorted(rows(folder / "truth.csv"), key=lambda row: (row["member"], row["name"], row["start"])):
        trouble = TROUBLE_OF_LABEL.get((row["name"], row["cause"]))
        if row["name"] == "member-replaced":
            trouble = "away"
        if trouble is None:
            continue
        place = (row["cluster"], trouble, row["name"], row["member"])
        start, end = seconds(row["start"]), seconds(row["end"])
        if found and found[-1][0] == place and start - found[-1][2] <= 300:
            found[-1] = (place, found[-1][1], end)
        else:
            found.append((place, start, end))
    return [(place[0], place[1], start, end, place[2]) for place, start, end in found]


def incidents(folder):
    """The incidents to judge, and how many there are of each rule that has no labels."""
    found = [row for row in rows(folder / "findings.csv") if row["kind"] == "incident"]
    judged = lambda row: row["metric"] or row["rule"] in AWAY_RULES
    others = collections.Counter(row["rule"] for row in found if not judged(row))
    trouble = lambda row: TROUBLE_OF_METRIC.get(row["metric"], row["metric"])
    place = lambda row: (row["cluster"], trouble(row), seconds(row["start_utc"]), seconds(row["end_utc"]))
    return [place(row) for row in found if judged(row)], others


def problems(folder):
    """The problems with incidents behind them: scattered and constant ones have none."""
    judged = [row for row in rows(folder / "problems.csv") if row["cause"] in TROUBLE_OF_CAUSE]
    longest = collections.defaultdict(float)
    for row in rows(folder / "findings.csv"):
        length = seconds(row["end_utc"]) - seconds(row["start_utc"])
        longest[row["problem_id"]] = max(longest[row["problem_id"]], length)
    # Single scrapes fail in the simulation, too.
    is_short = lambda row: TROUBLE_OF_CAUSE[row["cause"]] == "away" and longest[row["problem_id"]] < SHORT
    kept = [row for row in judged if row["schedule"] not in ("scattered", "constant") and not is_short(row)]
    place = lambda row: (row["cluster"], TROUBLE_OF_CAUSE[row["cause"]])
    return [(*place(row), seconds(row["first_utc"]), seconds(row["last_utc"])) for row in kept]


def judge_problems(labels, problems, true):
    """How many problems have a label of their cluster and trouble within, and how many labels lie in such a problem."""
    labelled = lambda problem: any(meets(label, problem) for label in labels)
    problems = [problem for problem in problems if labelled(problem) or not neither(problem, true)]
    right = sum(map(labelled, problems))
    return len(problems), right, sum(any(meets(label, problem) for problem in problems) for label in labels)


def unlabelled(folder):
    """Incidents that are true without a label: (cluster, trouble, start, end)."""
    true, changes = [], collections.defaultdict(list)
    for row in rows(folder / "elections.csv"):
        changes[row["cluster"]].append(seconds(row["time"]))
    for row in rows(folder / "truth.csv"):
        if row["name"] == "process-stopped":
            true.append((row["cluster"], "away", seconds(row["start"]), seconds(row["end"]) + TOLERANCE))
        if row["cause"] == "leader_changes":
            # A member counted more than five in a day, restarts of its process among them.
            true.append((row["cluster"], "elections", seconds(row["start"]) - TOLERANCE, seconds(row["end"]) + TOLERANCE))
        if row["name"] in ("process-stopped", "network"):
            # The member that comes back counts the new leader.
            changes[row["cluster"]].append(seconds(row["end"]))
    for cluster, times in changes.items():
        times.sort()
        for first, sixth in zip(times, times[5:]):
            if sixth - first <= DAY:
                true.append((cluster, "elections", sixth - TOLERANCE, first + DAY + TOLERANCE))
    return true


def neither(incident, true):
    """Whether an incident without a label is not wrong either."""
    cluster, trouble, start, end = incident
    return trouble == "away" and end - start < SHORT or any(meets(other, incident) for other in true)


def meets(one, other):
    """Whether two of (cluster, trouble, start, end) overlap in one place."""
    return one[:2] == other[:2] and one[2] < other[3] and other[2] < one[3]


def match(labels, incidents):
    pairs = []
    for i, (cluster, trouble, start, end, _) in enumerate(labels):
        for j, (other, kind, begin, stop) in enumerate(incidents):
            both = min(end, stop) - max(start, begin)
            if (cluster, trouble) == (other, kind) and both >= 0.5 * max(end - start, stop - begin):
                pairs.append((-both / (max(end, stop) - min(start, begin)), i, j))
    matched, taken = {}, set()
    for _, i, j in sorted(pairs):
        if i not in matched and j not in taken:
            matched[i] = j
            taken.add(j)
    return matched


class Causes:
    def __init__(self):
        self.elections, self.told, self.right = (collections.Counter() for _ in range(3))
        self.wrong = collections.Counter()

    def add(self, folder):
        changes = []
        for row in rows(folder / "findings.csv"):
            if row["kind"] == "leader_change":
                count = int(row["description"].split(" leader change")[0])
                changes.append([row["cluster"], seconds(row["start_utc"]), seconds(row["end_utc"]), row["cause"], count])
                self.told[row["cause"]] += count
        for row in rows(folder / "elections.csv"):
            at, cause = seconds(row["time"]), row["cause"]
            self.elections[cause] += 1
            near = [c for c in changes if c[0] == row["cluster"] and c[4] > 0 and c[1] - TOLERANCE <= at <= c[2] + TOLERANCE]
            if not near:
                self.wrong[cause, "not found"] += 1
                continue
            best = min(near, key=lambda c: (max(c[1] - at, at - c[2], 0), c[3] != cause))
            best[4] -= 1
            if best[3] == cause:
                self.right[cause] += 1
            else:
                self.wrong[cause, best[3]] += 1
        self.forgive(folder, [change for change in changes if change[4] > 0])

    def forgive(self, folder, rest):
        """Leaves out changes that a member counts when it comes back, if their cause is that of its absence."""
        for row in rows(folder / "truth.csv"):
            cause = CAUSE_OF_LABEL.get(row["name"])
            start, end = seconds(row["start"]), seconds(row["end"]) + TOLERANCE
            for change in rest:
                if (change[0], change[3]) == (row["cluster"], cause) and start <= change[2] and change[1] <= end:
                    self.told[cause] -= change[4]
                    change[4] = 0

    def names(self):
        return sorted((set(self.elections) | set(self.told)) - {UNDECIDED, ""})

    def table(self):
        """Prints precision and recall of each cause and of all; whether the bars hold."""
        held = True
        print(f"{'causes':<16}{'elections':>9}{'found':>7}{'right':>9}{'precision':>11}{'recall':>8}")
        for cause in [*self.names(), None]:
            names = [cause] if cause else self.names()
            elections, told, right = (sum(each[name] for name in names) for each in (self.elections, self.told, self.right))
            precision, recall = share(right, told), share(right, elections)
            print(f"{cause or 'all':<16}{elections:>9}{told:>7}{right:>9}{precision:>11.3f}{recall:>8.3f}")
            held &= precision >= BARS["cause precision"] and recall >= BARS["cause recall"]
        for (cause, told), number in sorted(self.wrong.items()):
            print(f"  {number} elections of {cause}: {told}")
        return held


def share(part, whole):
    return part / whole if whole else 1.0


def main():
    counts = collections.defaultdict(lambda: [0, 0, 0])
    missed, extra, causes, unjudged = [], [], Causes(), collections.Counter()
    told = [0, 0, 0, 0]
    for folder in map(pathlib.Path, sys.argv[1:]):
        known, (found, others) = labels(folder), incidents(folder)
        unjudged += others
        matched = match(known, found)
        for i, label in enumerate(known):
            counts[label[1]][0] += 1
            counts[label[1]][2] += i in matched
            if i not in matched:
                missed.append((folder.name, label))
        true = unlabelled(folder)
        for j, incident in enumerate(found):
            if j not in matched.values() and neither(incident, true):
                continue
            counts[incident[1]][1] += 1
            if j not in matched.values():
                extra.append((folder.name, incident))
        causes.add(folder)
        if (folder / "problems.csv").exists():
            told = [sum(pair) for pair in zip(told, (len(known), *judge_problems(known, problems(folder), true)))]
    clock = lambda at: datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%dT%H:%M")
    for what, those in (("missed", missed), ("wrong", extra)):
        for folder, (cluster, trouble, start, end, *name) in those:
            print(f"  {what}: {folder} {cluster} {trouble} {clock(start)} to {clock(end)} {' '.join(name)}")
    print(f"{len(sys.argv) - 1} histories\n{'incidents':<14}{'labeled':>9}{'found':>7}{'matched':>9}{'precision':>11}{'recall':>8}")
    total = [sum(column) for column in zip(*counts.values())] or [0, 0, 0]
    for name, (labelled, found, both) in [*sorted(counts.items()), ("all", total)]:
        print(f"{name:<14}{labelled:>9}{found:>7}{both:>9}{share(both, found):>11.3f}{share(both, labelled):>8.3f}")
    held = min(share(total[2], total[1]), share(total[2], total[0])) >= BARS["incidents"]
    labelled, found, right, covered = told
    if found:
        print(f"{'problems':<14}{labelled:>9}{found:>7}{right:>9}{share(right, found):>11.3f}{share(covered, labelled):>8.3f}")
        held &= min(share(right, found), share(covered, labelled)) >= BARS["incidents"]
    for rule, number in sorted(unjudged.items()):
        print(f"  not judged: {number} incidents of the rule {rule}")
    held &= causes.table()
    print(f"bars: {', '.join(f'{name} {bar}' for name, bar in BARS.items())}: {'held' if held else 'MISSED'}")
    sys.exit(not held)


if __name__ == "__main__":
    main()
