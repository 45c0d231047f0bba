#!/usr/bin/env python3
"""Prints the arguments of `simulate` for a seed, one per line.

Three clusters of three members with evidence: the first two get incidents of all kinds at random times, the third is
healthy. Incidents that cannot be distinguished do not overlap in a cluster: two disk problems, two absent members, and
elections of two causes within an hour (three hours around a storm; restarts of followers count as elections, because
their counters start again). The rare elections without a cause that the simulator adds may be at any time, and so may
all elections in the hours of a slow disk: evidence shows whether the slow member led.
"""

import datetime
import random
import sys

START = datetime.datetime(2026, 10, 1, tzinfo=datetime.timezone.utc)
DAYS = 8
AWAY = {"member-down", "member-replaced", "leader-restart", "follower-restart", "process-stopped", "fd-leak"}
DISK = {"leader-slow-disk", "slow-disk"}
ELECTIONS = {"election-storm", "leader-change", "leader-restart", "leader-slow-disk", "member-down", "network"}
ELECTIONS |= {"process-stopped", "planned-move", "overload", "follower-restart"}
ANY_MEMBER = {"election-storm", "leader-change", "planned-move", "overload", "quota-full"}
INSTANT = {"leader-restart", "leader-change", "planned-move", "follower-restart"}


def hours_of(kind, chance):
    return {
        "election-storm": lambda: chance.uniform(0.7, 2.0),
        "fd-leak": lambda: chance.uniform(12, 48),
        "member-down": lambda: chance.uniform(0.5, 6),
        "member-replaced": lambda: chance.uniform(0.5, 3),
        "leader-restart": lambda: 0.02,
        "follower-restart": lambda: 0.02,
        "leader-slow-disk": lambda: chance.uniform(0.6, 4),
        "leader-change": lambda: 0.02,
        "planned-move": lambda: 0.02,
        # From two minutes on: in less, scrapes once a minute may miss nothing.
        "process-stopped": lambda: chance.uniform(0.04, 0.12),
        "network": lambda: chance.uniform(0.08, 0.7),
        "overload": lambda: chance.uniform(0.4, 2),
        "quota-full": lambda: chance.uniform(1, 5),
    }[kind]()


def options(kind, chance, hours):
    if kind == "election-storm":
        return [f"changes={chance.randint(7, 14)}"]
    if kind == "fd-leak":
        return [f"peak={chance.randint(1300, 3000)}"]
    if kind == "leader-slow-disk":
        return [f"changes={chance.randint(1, 3)}"]
    if kind == "network":
        # The leader of each election is cut off for at least four scrapes.
        return [f"changes={chance.randint(1, 3) if hours > 0.4 else 1}"]
    if kind == "overload":
        return [f"factor={chance.randint(5, 20)}", f"changes={chance.randint(1, 2)}"]
    return []


def kinds(chance):
    """Draws incidents: one of nearly every kind, some of them twice."""
    chosen = ["election-storm", "fd-leak", "member-down", "leader-restart", "leader-slow-disk", "leader-change"]
    chosen += ["network", "process-stopped", "planned-move", "overload"]
    single = ["leader-restart", "leader-slow-disk", "leader-change", "network", "process-stopped", "planned-move"]
    chosen += chance.choices([*single, "overload", "member-down"], k=2)
    chosen += [kind for kind in ("follower-restart", "quota-full") if chance.random() < 0.5]
    if chance.random() < 0.5:
        chosen.append("member-replaced")
    return chosen


def incidents(cluster, chance):
    """Places the incidents, one after the other, where they do not hide each other."""
    placed = []
    if chance.random() < 0.5:
        begin = chance.randint(0, 19)
        member, end = chance.randint(1, 3), begin + chance.randint(1, 4)
        placed.append(("slow-disk", member, begin, end))
        yield f"slow-disk=cluster={cluster},member={member},from={begin:02}:00,to={end:02}:00"
    for kind in kinds(chance):
        for _ in range(200):
            hours = hours_of(kind, chance)
            at, member = chance.uniform(4, DAYS * 24 - 30 - hours), chance.randint(1, 3)
            if kind == "member-replaced":
                at = chance.uniform((DAYS - 2) * 24, DAYS * 24 - 6)
            if kind in DISK and any(other[0] == "slow-disk" for other in placed):
                member = None
            if all(fits((kind, member, at, hours), other) for other in placed):
                break
        else:
            continue
        placed.append((kind, member, at, hours))
        text = [f"cluster={cluster}", f"start={(START + datetime.timedelta(minutes=int(at * 60))):%Y-%m-%dT%H:%M:%SZ}"]
        if kind not in ANY_MEMBER:
            text.append(f"member={member}")
        if kind not in INSTANT:
            text.append(f"hours={hours:.3f}")
        yield f"{kind}={','.join(text + options(kind, chance, hours))}"


def fits(one, other):
    (kind, member, at, hours), (other_kind, _, other_at, other_hours) = one, other
    if member is None:
        return False
    if other_kind == "slow-disk":
        return True
    apart = max(other_at - (at + hours), at - (other_at + other_hours))
    if "member-replaced" in (kind, other_kind) and kind in AWAY and other_kind in AWAY:
        # The replaced member does not return.
        return apart > 1 and (at if kind == "member-replaced" else other_at) > (other_at if kind == "member-replaced" else at)
    if {kind, other_kind} == {"overload", "quota-full"}:
        # More requests than usual are refused.
        return apart > 1
    for leak, election, leak_end in ((kind, other_kind, at + hours), (other_kind, kind, other_at + other_hours)):
        if leak == "fd-leak" and election in ELECTIONS:
            # A restart ends the leak, perhaps that of the leader.
            begin, end = (at, at + hours) if election == kind else (other_at, other_at + other_hours)
            if begin - 1 < leak_end < end + 1:
                return False
    if kind in ELECTIONS and other_kind in ELECTIONS:
        # Elections within minutes of each other cannot be told apart, so they have one cause.
        storms = "election-storm" in (kind, other_kind)
        return apart > (26 if kind == other_kind == "election-storm" else 3 if storms else 1)
    if kind in AWAY and other_kind in AWAY:
        return apart > 1
    return True


def main():
    seed = int(sys.argv[1])
    chance = random.Random(seed)
    fixed = ["--clusters", "3", "--members", "3", "--days", str(DAYS), "--scrape", "60s", "--seed", str(seed)]
    fixed += ["--start", f"{START:%Y-%m-%d}", "--incidents", "none", "--evidence"]
    print("\n".join(fixed))
    for cluster in (1, 2):
        for incident in incidents(cluster, chance):
            print(f"--incident\n{incident}")


if __name__ == "__main__":
    main()
