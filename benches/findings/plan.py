#!/usr/bin/env python3
"""Prints the arguments of `simulate` for a seed, one per line.

Three clusters of three members: the first two get incidents of all kinds at random times, the third is healthy.
Incidents that cannot be distinguished do not overlap in a cluster: two disk problems, two absent members, elections of
two causes within an hour (three hours around a storm), and storms or single elections in the hours of a slow disk. The
rare elections without a cause that the simulator adds may be at any time.
"""

import datetime
import random
import sys

START = datetime.datetime(2026, 10, 1, tzinfo=datetime.timezone.utc)
DAYS = 8
AWAY = {"member-down", "member-replaced", "leader-restart", "fd-leak"}
DISK = {"leader-slow-disk", "slow-disk"}


def hours_of(kind, chance):
    return {
        "election-storm": lambda: chance.uniform(0.7, 2.0),
        "fd-leak": lambda: chance.uniform(12, 48),
        "member-down": lambda: chance.uniform(0.5, 6),
        "member-replaced": lambda: chance.uniform(0.5, 3),
        "leader-restart": lambda: 0.02,
        "leader-slow-disk": lambda: chance.uniform(0.6, 4),
        "leader-change": lambda: 0.02,
    }[kind]()


def options(kind, chance):
    if kind == "election-storm":
        return [f"changes={chance.randint(7, 14)}"]
    if kind == "fd-leak":
        return [f"peak={chance.randint(1300, 3000)}"]
    if kind == "leader-slow-disk":
        return [f"changes={chance.randint(1, 3)}"]
    return []


def kinds(chance):
    """Draws incidents: one of nearly every kind, some of them twice."""
    chosen = ["election-storm", "fd-leak", "member-down", "leader-restart", "leader-slow-disk", "leader-change"]
    chosen += chance.choices(["leader-restart", "leader-slow-disk", "leader-change", "member-down"], k=2)
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
        if kind not in ("election-storm", "leader-change"):
            text.append(f"member={member}")
        if kind not in ("leader-restart", "leader-change"):
            text.append(f"hours={hours:.3f}")
        yield f"{kind}={','.join(text + options(kind, chance))}"


def fits(one, other):
    (kind, member, at, hours), (other_kind, _, other_at, other_hours) = one, other
    if member is None:
        return False
    if other_kind == "slow-disk":
        # It is slow in the same hours of every day, and can cause an election up to ten minutes later.
        slow = {hour % 24 for hour in range(int(other_at), int(other_hours) + 1)}
        touched = {int(at + quarter / 4) % 24 for quarter in range(int(hours * 4) + 2)}
        return kind not in ("election-storm", "leader-change") or not slow & touched
    apart = max(other_at - (at + hours), at - (other_at + other_hours))
    if "member-replaced" in (kind, other_kind) and kind in AWAY and other_kind in AWAY:
        # The replaced member does not return.
        return apart > 1 and (at if kind == "member-replaced" else other_at) > (other_at if kind == "member-replaced" else at)
    elections = {"election-storm", "leader-change", "leader-restart", "leader-slow-disk", "member-down"}
    if kind in elections and other_kind in elections:
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
    fixed += ["--start", f"{START:%Y-%m-%d}", "--incidents", "none"]
    print("\n".join(fixed))
    for cluster in (1, 2):
        for incident in incidents(cluster, chance):
            print(f"--incident\n{incident}")


if __name__ == "__main__":
    main()
