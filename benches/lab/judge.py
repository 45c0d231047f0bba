#!/usr/bin/env python3
"""Judges what etcd-heatmap finds in a run of the lab against the run's labels.

usage: judge.py RUN [--program etcd-heatmap] [--profiles seed,mixin,openshift] [--step 15]
       judge.py RUN --audit seed=DIR   judges an output folder that exists (formats problems and findings)

It ends with exit code 1 if a bar is missed:

- Every fault that touches a threshold or a critical condition (effects.py) is a problem of the right kind, or one for each
  member. It names all members concerned, no other ones than those touched, and starts at the first effect: at most one
  scrape before, and at most a step of the audit and one scrape after it.
- The cause of an injected leader change is right in 9 of 10, and never wrong. An unexplained change, one that is not
  found, and one with several possible causes are missed, not wrong. Of changes that a member only counts, because it had
  lost its leader and found the same one again, none is wrong.
- No problem and no leader change starts in the calm: outside of the time from a fault's start to its last effect.
"""

import argparse
import collections
import csv
import dataclasses
import datetime
import json
import pathlib
import subprocess
import sys
import tempfile

import effects

CAUSES_RIGHT = 0.9
# The best mark of a problem.
FOUND = 3
# The trouble of a problem's cause.
TROUBLES = {
    "slow_disk": "slow_disk",
    "file_descriptors": "descriptors",
    "database_size": "database",
    "database_full": "database",
    "leader_instability": "elections",
    "member_without_data": "away",
    "member_replaced": "away",
    "restart": "away",
    "process_stopped": "away",
    "no_leader": "leaderless",
    "quorum": "leaderless",
    "network": "network",
    "client_traffic": "traffic",
}
# The cause of leader changes that a fault makes.
CAUSES = {
    "slow_follower": "slow_disk", "slow_leader": "slow_disk",
    "stop_leader": "process_stopped",
    "kill_follower": "restart", "kill_leader": "restart", "roll": "restart", "replace": "restart", "even": "restart",
    "move_leader": "planned_move",
    "delay_link": "network", "delay_leader": "network", "lose_link": "network",
    "partition_link": "network", "cut_leader": "network",
    "burst": "overload", "grow": "overload", "fill_quota": "overload",
}
UNDECIDED = ("unexplained", "several", "ambiguous", "")


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def instant(text):
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc).timestamp()


@dataclasses.dataclass
class Problem:
    trouble: str
    members: list
    start: float
    end: float


@dataclasses.dataclass
class Change:
    """Leader changes with one cause; `left` of them are not yet matched with a label."""

    cause: str
    start: float
    end: float
    left: int


class Audit:
    """What etcd-heatmap found: the incidents of problems, and leader changes."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        problems = {row["problem_id"]: row for row in rows(folder / "problems.csv")}
        evidence = [row for row in rows(folder / "evidence.csv") if row["name"] == "changes"]
        numbers = {row["finding"]: int(float(row["value"])) for row in evidence}
        self.problems, self.changes = [], []
        for row in rows(folder / "findings.csv"):
            start, end = instant(row["start_utc"]), instant(row["end_utc"])
            if row["kind"] == "leader_change":
                self.changes.append(Change(row["cause"], start, end, numbers.get(row["finding"], 1)))
            elif row["kind"] == "incident" and row["problem_id"] in problems:
                self.add(problems[row["problem_id"]]["cause"], row["members"], start, end)
        # Dips that are too short for an incident are one problem for each cause, with the time of the first and the last.
        for row in problems.values():
            if row["schedule"] in ("scattered", "constant"):
                self.add(row["cause"], row["members"], instant(row["first_utc"]), instant(row["last_utc"]))

    def add(self, cause, members, start, end):
        names = [name for name in members.split("; ") if name]
        self.problems.append(Problem(TROUBLES.get(cause, cause), names, start, end))


class Judge:
    def __init__(self, labels, audit, per_fault, step):
        self.labels, self.audit, self.per_fault = labels, audit, per_fault
        self.scrape, self.step = labels["scrape_seconds"], step
        self.early, self.late = self.scrape, step + self.scrape

    def problem(self, trouble, first, concerned):
        """Whether problems show a trouble at all members concerned, given its first effect at each member."""
        # A trouble may spread, as an election does. Only the members that the fault names must be shown.
        wanted = set(first) & set(concerned) or set(first)
        shown, best = set(), (0, "missed")
        for problem in self.audit.problems:
            if problem.trouble == trouble:
                mark = self.compared(problem, first)
                best = max(best, mark)
                if mark[0] == FOUND:
                    shown |= set(problem.members) & wanted or wanted
        if shown and shown != wanted:
            return f"only {len(shown)} of {len(wanted)} members"
        return best[1]

    def compared(self, problem, first):
        """A mark and a verdict."""
        named = set(problem.members)
        # Without members a problem is one of the whole cluster.
        right_member = named <= set(first) if named else len(first) > 1
        effect = min([at for who, at in first.items() if who in named] or first.values())
        covers = problem.start <= effect + self.late and problem.end >= effect - self.early
        on_time = -self.early <= problem.start - effect <= self.late
        if problem.trouble == "elections":
            # They concern the whole cluster, and begin with the first change, which alone is beyond no threshold.
            right_member, on_time = True, covers
        if on_time and right_member:
            return FOUND, "found"
        if on_time:
            return 2, "wrong member"
        if covers and right_member:
            return 1, f"starts {problem.start - effect:+.0f} s"
        return 0, "missed"

    def cause(self, change, wanted):
        """The cause found for a change of leadership; a finding of n changes answers for n at most."""
        away = lambda found: max(found.start - change["at"], change["at"] - found.end, 0)
        near = [found for found in self.audit.changes if found.left > 0 and away(found) <= self.late]
        if not near:
            return "not found"
        best = min(near, key=lambda found: (found.cause != wanted, away(found)))
        best.left -= 1
        return best.cause

    def windows(self):
        """When something was wrong: from each fault's start to its last effect."""
        windows = [
            (fault["start"] - self.late, last + self.late)
            for fault, (_, last) in zip(self.labels["faults"], self.per_fault, strict=True)
        ]
        # An overloaded machine may cost the cluster its leader without a fault. That is no mistake of the audit.
        return windows + [(change["at"] - self.late, change["at"] + self.late) for change in self.labels["changes_in_calm"]]

    def in_calm(self):
        """Problems and leader changes that start while nothing is wrong."""
        windows = self.windows()
        calm = lambda found: not any(start <= found.start <= end for start, end in windows)
        problems = [(found.trouble, found.members, found.start) for found in self.audit.problems if calm(found)]
        return problems + [("leader change", [found.cause], found.start) for found in self.audit.changes if calm(found)]

    def calm_covered(self):
        """The seconds of calm that lie within problems, and those of all calm."""
        windows, covered, calm = self.windows(), 0, 0
        for at in range(self.labels["start"], self.labels["end"], self.step):
            if not any(start <= at <= end for start, end in windows):
                calm += self.step
                covered += self.step * any(found.start <= at < found.end for found in self.audit.problems)
        return covered, calm

    def besides(self, total):
        """Changes found that are no label: a member that had lost its leader counts the same leader again as a change.

        They need no finding, but their cause must not be wrong.
        """
        for found in self.audit.changes:
            for fault, (start, end) in zip(self.labels["faults"], self.windows(), strict=False):
                if found.left and start <= found.start <= end and found.cause not in (CAUSES.get(fault["kind"]), *UNDECIDED):
                    total["WRONG"] += found.left
                    yield f"{found.left} more at {fault['kind']}: {found.cause}: WRONG"
                    break

    def lines(self, total):
        for fault, (first, _) in zip(self.labels["faults"], self.per_fault, strict=True):
            verdicts = []
            for trouble, members in first.items():
                verdict = self.problem(trouble, members, fault["members"])
                total["touched"] += 1
                total["found"] += verdict == "found"
                verdicts.append(f"{trouble} after {min(members.values()) - fault['start']:.0f} s: {verdict}")
            causes = [self.judged(change, CAUSES.get(fault["kind"], ""), total) for change in fault["leader_changes"]]
            yield fault, verdicts or ["touches nothing"], causes

    def judged(self, change, wanted, total):
        said = self.cause(change, wanted)
        verdict = "right" if said == wanted else "missed" if said in (*UNDECIDED, "not found") else "WRONG"
        total["changes"] += 1
        total[verdict] += 1
        return f"{said}: {verdict}"


def report(profile, judge):
    """Prints the table of a profile; whether it holds the bars."""
    labels, total = judge.labels, collections.Counter()
    short = lambda who: labels["members"].get(who, who)
    print(f"\n{profile}\n{'fault':<18}{'at':>6} {'members':<12}{'problem':<52}cause of leader changes")
    for fault, verdicts, causes in judge.lines(total):
        at = int(fault["start"] - labels["start"])
        members = " ".join(map(short, fault["members"]))
        left = [fault["kind"], f"{at // 60}:{at % 60:02}", members]
        for row in range(max(len(verdicts), len(causes))):
            name, when, who = left if row == 0 else ("", "", "")
            verdict = verdicts[row] if row < len(verdicts) else ""
            print(f"{name:<18}{when:>6} {who:<12}{verdict:<52}{causes[row] if row < len(causes) else ''}".rstrip())
    for line in judge.besides(total):
        print("leader changes:", line)
    calm = judge.in_calm()
    for trouble, members, start in calm:
        at = int(start - labels["start"])
        print(f"in the calm: {trouble} {' '.join(map(short, members))} at {at // 60}:{at % 60:02}")
    held = total["found"] == total["touched"] and total["right"] >= CAUSES_RIGHT * total["changes"]
    held = held and not total["WRONG"] and not calm
    covered, quiet = judge.calm_covered()
    print(
        f"total: {total['found']} of {total['touched']} touched are problems with the right member and time; "
        f"{total['right']} of {total['changes']} causes right, {total['WRONG']} wrong, {total['missed']} missed; "
        f"{len(calm)} start in the calm, {covered / 60:.0f} of {quiet / 60:.0f} min of which lie within problems: "
        f"{'held' if held else 'MISSED'}"
    )
    return held


def audited(program, run, profile, step, out):
    command = [program, "backfill", "--quiet", "--evidence", "auto", "--from", run / "data", "--step", f"{step}s", "--profile", profile]
    done = subprocess.run([*command, "--formats", "problems,findings", "--out", out], check=False)
    if done.returncode:
        sys.exit(f"error: {program} cannot audit {run / 'data'} (exit code {done.returncode})")
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=pathlib.Path, help="folder with labels.json, readings.csv.gz and data/")
    parser.add_argument("--program", default="etcd-heatmap")
    parser.add_argument("--profiles", default="seed,mixin,openshift")
    parser.add_argument("--step", type=int, default=15, help="step of the audits in seconds")
    parser.add_argument("--audit", action="append", default=[], metavar="PROFILE=DIR")
    options = parser.parse_args()
    labels = json.loads((options.run / "labels.json").read_text(encoding="utf-8"))
    folders = dict(audit.split("=", 1) for audit in options.audit)
    held = []
    with tempfile.TemporaryDirectory() as temporary:
        for profile in folders or options.profiles.split(","):
            folder = folders.get(profile) or audited(
                options.program, options.run, profile, options.step, pathlib.Path(temporary) / profile)
            limits = effects.thresholds(options.program, profile)
            touched = effects.of_run(options.run, labels, limits)
            per_fault = effects.of_faults(touched, labels, options.step)
            held.append(report(profile, Judge(labels, Audit(folder), per_fault, options.step)))
    sys.exit(not all(held))


if __name__ == "__main__":
    main()
