"""Cases of rules at their limits: incidents, absences, leader changes, storms. Times are minutes since the start.

A case is a cluster; its list has what must be found in it, in the words of `label` in edges.py. A name ends in `in` or
`out` if it lies just inside or just outside of a limit."""

import edges_rules as rules
from edges_history import History

KINDS = {"incidents": ["incident"], "absences": ["incident"], "departures": ["incident"], "storms": ["incident"],
         "leader_changes": ["leader_change"], "elections": ["leader_change"], "defragmentations": ["defragmentation"], "fragmentation": ["fragmentation"],
         "cluster_sizes": ["cluster_size"], "leaders": ["two_leaders"],
         "growth": ["growth"], "recurrences": ["recurrence"], "maintenance": ["maintenance_window"]}
METRICS = dict.fromkeys(KINDS, ["wal_fsync", "backend_commit", "open_fds"])
METRICS |= {"absences": ["away"], "departures": ["away"], "storms": ["leader_changes"]}
DISK, FDS = "wal_fsync", "open_fds"


def incidents():
    computed = lambda scored, _: [row for group in rules.GROUPS for row in rules.incidents(scored, group)]  # noqa: E731
    yield _incidents(History(1, 60)), computed
    yield _usual(History(1, 60)), computed
    yield _moved_first(History(1, 60)), computed
    yield _across_midnight(History(2, 60)), computed
    # Too many descriptors cost 0.9999 points and not 1, which is not low.
    cheaper = History(1, 60, flags=["--band", "open_fds=1024:0.001"])
    cheaper.cluster("one-point-out", []).many_fds(600, 660)
    yield cheaper, computed


def _incidents(made):
    made.cluster("15-minutes-in", [DISK]).slow(600, 615)
    made.cluster("15-minutes-out", []).slow(600, 614)
    made.cluster("15-minutes-altogether-in", [DISK]).slow(600, 607).slow(620, 628)
    made.cluster("15-minutes-altogether-out", []).slow(600, 607).slow(620, 627)
    made.cluster("gap-of-30-minutes-in", [DISK]).slow(600, 615).slow(644, 659)
    made.cluster("gap-of-30-minutes-out", [DISK, DISK]).slow(600, 615).slow(645, 660)
    made.cluster("unknown-for-2-hours-in", [DISK]).slow(600, 615).unscored(615, 734).slow(734, 749)
    made.cluster("unknown-for-2-hours-out", [DISK, DISK]).slow(600, 615).unscored(615, 735).slow(735, 750)
    made.cluster("unknown-and-30-minutes-in", [DISK]).slow(600, 615).unscored(615, 655).slow(684, 700)
    made.cluster("unknown-and-30-minutes-out", [DISK, DISK]).slow(600, 615).unscored(615, 655).slow(685, 700)
    made.cluster("one-point-in", [FDS]).many_fds(600, 615)
    half = made.cluster("one-point-of-a-band-in", ["backend_commit"])
    half.set("backend_commit_seconds", 600, 615, 0.03)
    exactly = made.cluster("thresholds-out", [])
    exactly.set("backend_commit_seconds", 600, 660, 0.025).set("wal_fsync_seconds", 600, 660, 0.01)
    exactly.set("open_fds", 600, 660, 1024)
    # While the other member has no score, neither has the cluster, but it is low.
    made.cluster("low-beside-unknown", [DISK], 2).slow(600, 615).unscored(590, 630, "m2")
    made.cluster("members-of-15-minutes-in", [DISK], 2).slow(600, 620).slow(603, 618, "m2")
    made.cluster("members-of-15-minutes-out", [DISK], 2).slow(600, 620).slow(603, 617, "m2")
    # Only what is bad on one member is joined across a gap.
    made.cluster("gap-between-members-in", [DISK], 2).slow(600, 620).slow(619, 640, "m2")
    made.cluster("gap-between-members-out", [DISK, DISK], 2).slow(600, 620).slow(625, 645, "m2")
    made.cluster("two-groups", [DISK, f"{FDS} after {DISK}"]).slow(600, 620).many_fds(610, 630)
    return made


def _usual(made):
    """A cluster is well for a quarter of its day, or a minute less; or it is usually at 5, or at 4, which is red."""
    made.cluster("usual-for-a-quarter-in", [DISK]).slow(360, 1440)
    made.cluster("usual-for-a-quarter-out", []).slow(359, 1440)

    def bad_disk(name, expect):
        of = made.cluster(name, expect).slow(0, 1440)
        return of.set("backend_commit_seconds", 0, 1440, 0.05)

    bad_disk("usual-exactly-5", [FDS]).many_fds(600, 620)
    bad_disk("usual-red", [DISK, FDS]).many_fds(0, 1440)
    # Exactly 5 for 40 minutes is not red, which ends both.
    bad_disk("usual-red-and-exactly-5", [DISK, FDS, DISK, FDS]).many_fds(0, 600).many_fds(640, 1440)
    # The disk costs m2 what it usually does.
    made.cluster("usual-of-a-member", [FDS], 2).slow(0, 1440, "m2").many_fds(600, 620, "m2")
    return made


def _moved_first(made):
    made.cluster("moved-30-minutes-before-in", [FDS, f"{DISK} after {FDS}"], 2).many_fds(570, 590, "m2").slow(600, 620)
    made.cluster("moved-30-minutes-before-out", [FDS, DISK], 2).many_fds(569, 589, "m2").slow(600, 620)
    made.cluster("moved-20-minutes-before", [FDS, f"{DISK} after {FDS}"], 2).many_fds(580, 620, "m2").slow(600, 620)
    made.cluster("moved-at-once", [f"{FDS} after {DISK}", DISK], 2).many_fds(600, 620, "m2").slow(600, 620)
    made.cluster("moved-before-and-still-there", [FDS, DISK], 2).many_fds(500, 640, "m2").slow(600, 620)
    made.cluster("moved-after", [f"{FDS} after {DISK}", DISK], 2).many_fds(610, 640, "m2").slow(600, 640)
    return made


def _across_midnight(made):
    made.cluster("midnight-15-minutes-in", [DISK]).slow(1433, 1448)
    made.cluster("midnight-15-minutes-out", []).slow(1433, 1447)
    made.cluster("midnight-gap-in", [DISK]).slow(1410, 1425).slow(1454, 1469)
    made.cluster("midnight-gap-out", [DISK, DISK]).slow(1410, 1425).slow(1455, 1470)
    return made


def absences():
    def computed(scored, everything):
        anybody = sum(of.seen[member].astype(int) for of in everything for member in of.names) > 0
        return list(rules.absences(scored, anybody))

    made = History(2, 60)
    made.cluster("10-minutes", ["away m1"], 2).away(600, 610)
    made.cluster("one-step", ["away m1"], 2).away(600, 601)
    made.cluster("midnight", ["away m1"], 2).away(1435, 1445)
    made.cluster("one-step-before-midnight", ["away m1"], 2).away(1439, 1440)
    made.cluster("whole-cluster-in", ["away m1"]).away(600, 610)
    made.cluster("one-after-the-other-in", ["away m1 m2"], 2).away(600, 610).away(610, 620, "m2")
    made.cluster("one-after-the-other-out", ["away m1", "away m2"], 2).away(600, 610).away(611, 621, "m2")
    made.cluster("beside-a-short-one", ["away m1 m2"], 2).away(600, 620).away(605, 606, "m2")
    scraped = made.cluster("scraped-out", [], 2)
    scraped.away(600, 620).set("open_fds", 600, 620, 100.0)
    lingers = made.cluster("leader-changes-only-in", ["away m1"], 2)
    lingers.away(600, 610).set("leader_changes", 600, 610, 0.0)
    yield made, computed
    # While nobody of the history is seen, the monitoring was down.
    for name, nobody, expect in ("in", 615, ["away m1"]), ("out", 616, []):
        made = History(1, 60)
        made.cluster(f"nobody-seen-{name}", expect, 2).away(600, 616).away(600, nobody, "m2")
        yield made, computed


def departures():
    """Departures are written by hand: where a member went, and where it is missed until."""
    made = History(3, 60)
    by_hand = {}

    def gone(name, expect, lives, row=None):
        of = made.cluster(name, expect, max(lives))
        for member, (first, last) in lives.items():
            of.away(0, first, f"m{member}").away(last, 4320, f"m{member}")
        at = lambda minute: made.millis(minute)  # noqa: E731
        by_hand[name] = [] if row is None else [
            {"kind": "incident", "metric": "", "members": row[0], "start": at(row[1]), "end": at(row[2])}]

    # A member that is last seen at 4309 has not been seen for ten minutes; its last sample is at least five minutes old.
    gone("gone-10-minutes-before-the-end-in", ["away m3"], {3: (0, 4310)}, (["m3"], 4305, 4320))
    gone("gone-10-minutes-before-the-end-out", [], {3: (0, 4311)})
    gone("replaced-after-10-minutes-in", ["away m3 m4"], {3: (0, 600), 4: (610, 4320)}, (["m3", "m4"], 600, 610))
    gone("replaced-after-10-minutes-out", [], {3: (0, 600), 4: (609, 4320)})
    gone("replaced-within-a-day-in", ["away m3 m4"], {3: (0, 600), 4: (2039, 4320)}, (["m3", "m4"], 600, 2039))
    gone("replaced-within-a-day-out", ["away m3"], {3: (0, 600), 4: (2040, 4320)}, (["m3"], 595, 2040))
    gone("ended-10-minutes-before-the-end-in", ["away m1"], {1: (0, 4310)}, (["m1"], 4305, 4320))
    gone("ended-10-minutes-before-the-end-out", [], {1: (0, 4311)})
    yield made, lambda scored, _: by_hand[scored.cluster.name]


def leader_changes():
    yield _causes(History(2, 60)), lambda scored, _: rules.leader_changes(scored)


def _causes(made):
    """A change is seen at 600, so it came after 599."""
    def change(name, expect):
        return made.cluster(name, expect, 3).elected([600])

    second = 1 / 60
    change("start-10-minutes-after-in", ["restart m2"]).restarted(610, "m2")
    change("start-10-minutes-after-out", ["unexplained"]).restarted(610 + second, "m2")
    change("start-11-minutes-after", ["unexplained"]).restarted(611, "m2")
    change("start-10-minutes-before-in", ["restart m2"]).restarted(589, "m2")
    change("start-10-minutes-before-out", ["unexplained"]).restarted(589 - second, "m2")
    change("left-10-minutes-after-in", ["restart m2"]).away(610, 616, "m2")
    change("left-10-minutes-after-out", ["unexplained"]).away(611, 617, "m2")
    change("left-10-minutes-before-in", ["restart m2"]).away(589, 595, "m2")
    change("left-10-minutes-before-out", ["unexplained"]).away(588, 595, "m2")
    change("slow-10-minutes-before-in", ["slow_disk m2"]).slow(580, 591, "m2")
    change("slow-10-minutes-before-out", ["unexplained"]).slow(580, 590, "m2")
    change("slow-20-minutes-before", ["unexplained"]).slow(570, 580, "m2")
    change("slow-meanwhile-in", ["slow_disk m2"]).slow(599, 601, "m2")
    change("slow-afterwards-out", ["unexplained"]).slow(600, 620, "m2")
    change("slow-for-2-steps-in", ["slow_disk m2"]).slow(595, 597, "m2")
    change("slow-for-2-steps-out", ["unexplained"]).slow(595, 596, "m2")
    for name, commit, expect in ("in", 0.0251, ["slow_disk m2"]), ("out", 0.025, ["unexplained"]):
        of = change(f"commit-above-its-first-threshold-{name}", expect)
        of.set("backend_commit_seconds", 595, 600, commit, "m2")
    change("many-descriptors", ["unexplained"]).many_fds(590, 610, "m2")
    change("restart-before-slow", ["restart m3"]).slow(590, 600, "m2").restarted(600, "m3")
    of = made.cluster("restarts-of-two-within-30-minutes", ["restart m1", "restart m2"], 3)
    of.elected([600, 625]).restarted(600).restarted(625, "m2")
    for name, second_at, expect in ("in", 630, ["unexplained"]), ("out", 631, ["unexplained"] * 2):
        made.cluster(f"together-for-30-minutes-{name}", expect, 3).elected([600, second_at])
    of = made.cluster("restarts-of-one-within-30-minutes-in", ["restart m1"], 3)
    of.elected([600, 630]).restarted(600).restarted(630)
    of = made.cluster("restarts-of-one-within-30-minutes-out", ["restart m1"] * 2, 3)
    of.elected([600, 631]).restarted(600).restarted(631)
    return made


def elections():
    yield _elections(History(3, 60)), lambda scored, _: rules.leader_changes(scored)


def _elections(made):
    """Which rises of the gauges are changes, and which are counted by a member's own restart."""
    made.cluster("own-restart-before-in", [], 2).elected([606], ["m1"]).restarted(600)
    made.cluster("own-restart-before-out", ["restart m1"], 2).elected([607], ["m1"]).restarted(600)
    made.cluster("own-restart-after-in", [], 2).elected([595], ["m1"]).restarted(600)
    made.cluster("own-restart-after-out", ["restart m1"], 2).elected([594], ["m1"]).restarted(600)
    made.cluster("own-restart-of-the-only-member", ["restart m1"]).elected([600]).restarted(600)
    # Two minutes apart is one change, and its last sight is within ten minutes of the start of m3.
    made.cluster("two-minutes-apart-in", ["restart m3"], 3).elected([600], ["m1"]).elected([602], ["m2"]).restarted(612, "m3")
    of = made.cluster("two-minutes-apart-out", ["unexplained", "restart m3"], 3)
    of.elected([600], ["m1"]).elected([603], ["m2"]).restarted(613, "m3")
    for name, back, expect in ("in", 660, ["unexplained"]), ("out", 661, []):
        made.cluster(f"rise-over-a-gap-{name}", expect).elected([630]).set("leader_changes", 600, back, float("nan"))
    # A change that does not leave the gauge a day later, in 5 minutes and 2 steps, hides another.
    gauge = made.cluster("late-fall-in", ["unexplained"])
    gauge.set("leader_changes", 600, 600 + 1440 + 7, 1)
    gauge = made.cluster("late-fall-out", ["unexplained"] * 2)
    gauge.set("leader_changes", 600, 600 + 1440 + 8, 1)
    for name, back, expect in ("in", 1060, ["unexplained"] * 2), ("out", 1061, ["unexplained"]):
        of = made.cluster(f"hidden-over-a-gap-{name}", expect).elected([600, 2040])
        of.set("leader_changes", 1000, back, float("nan"))
    made.cluster("midnight", ["unexplained"]).elected([1440])
    # The start time is the same before and after midnight, so nothing was restarted.
    of = made.cluster("unknown-start-over-midnight", ["unexplained"]).elected([1440])
    of.set("start_time_seconds", 1430, 1450, float("nan"))
    return made


def storms():
    yield _storms(History(4, 60)), lambda scored, _: rules.storms(scored, 5)
    made = History(3, 60, flags=["--band", "leader_changes=6:0"])
    made.cluster("exactly-6-of-6", [], 2).elected(_each(600, 6))
    made.cluster("7-of-6", ["leader_changes"], 2).elected(_each(600, 7))
    yield made, lambda scored, _: rules.storms(scored, 6)


def _storms(made):
    storm = "leader_changes"
    made.cluster("exactly-5", [], 2).elected(_each(600, 5))
    made.cluster("6-in", [storm], 2).elected(_each(600, 6))
    # Five of them, and one almost a day later; or a day later, when the first counts no more.
    made.cluster("6-within-a-day-in", [storm], 2).elected([*_each(600, 5), 2039])
    made.cluster("6-within-a-day-out", [], 2).elected([*_each(600, 5), 2040])
    made.cluster("gap-of-2-hours-in", [storm], 2).elected([*_each(600, 3), *_each(740, 3)])
    made.cluster("gap-of-2-hours-out", [storm], 2).elected([*_each(600, 3), *_each(741, 3)])
    made.cluster("gap-of-3-hours", [storm], 2).elected([*_each(600, 3), *_each(800, 3)])
    made.cluster("later-5", [storm], 2).elected([*_each(600, 6), *_each(900, 5)])
    made.cluster("later-6", [storm] * 2, 2).elected([*_each(600, 6), *_each(900, 6)])
    made.cluster("later-within-2-hours", [storm], 2).elected([*_each(600, 6), *_each(770, 6)])
    made.cluster("midnight", [storm], 2).elected(_each(1410, 6))
    # The restarts of one member cost points as well.
    of = made.cluster("restarts", [storm], 2).elected(_each(600, 6), ["m1"])
    for minute in _each(600, 6):
        of.restarted(minute)
    return made


def _each(first, count):
    """Every ten minutes."""
    return [first + 10 * place for place in range(count)]
