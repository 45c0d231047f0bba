"""Cases of rules at their limits: recurrences, growth, defragmentations, maintenance windows. See edges_cases.py."""

import numpy as np

import edges_rules as rules
from edges_history import DAY, History

NAN = float("nan")


def defragmentations():
    made = History(2, 300)

    def shrinks(name, expect, minute=600, size=9e8, members=1):
        return made.cluster(name, expect, members).set("db_size_bytes", minute, 2880, size)

    second = 1 / 60
    shrinks("5-percent-in", ["shrank m1"], size=9.5e8)
    shrinks("5-percent-out", [], size=9.5e8 + 1)
    # The drop is seen at 600; the size before it was read at 595.
    shrinks("started-10-minutes-after-in", []).restarted(610)
    shrinks("started-10-minutes-after-out", ["shrank m1"]).restarted(610 + second)
    shrinks("started-10-minutes-before-in", []).restarted(585)
    shrinks("started-10-minutes-before-out", ["shrank m1"]).restarted(585 - second)
    shrinks("within-an-hour-in", ["shrank m1 m2"], members=2).set("db_size_bytes", 660, 2880, 9e8, "m2")
    shrinks("within-an-hour-out", ["shrank m1", "shrank m2"], members=2).set("db_size_bytes", 665, 2880, 9e8, "m2")
    shrinks("gap-of-an-hour-in", ["shrank m1"]).set("db_size_bytes", 600, 655, NAN)
    shrinks("gap-of-an-hour-out", []).set("db_size_bytes", 600, 660, NAN)
    shrinks("midnight", ["shrank m1"], 1440)
    shrinks("gap-over-midnight-in", ["shrank m1"], 1440).set("db_size_bytes", 1420, 1475, NAN)
    shrinks("gap-over-midnight-out", [], 1440).set("db_size_bytes", 1420, 1480, NAN)
    shrinks("unknown-start", ["shrank m1"]).set("start_time_seconds", 500, 700, NAN)
    shrinks("unknown-start-over-midnight", ["shrank m1"], 1440).set("start_time_seconds", 1380, 1500, NAN)
    shrinks("started-over-midnight", [], 1440).restarted(1440)
    # The first known start time is not a restart, nor is the same one after a gap.
    first = shrinks("first-known-start", ["shrank m1"]).restarted(595)
    first.set("start_time_seconds", 0, 600, NAN).set("start_time_seconds", 700, 800, NAN)
    shrinks("again-within-an-hour", ["shrank m1", "shrank m1"]).set("db_size_bytes", 630, 2880, 8e8)
    again = shrinks("round-of-two-twice", ["shrank m1 m2", "shrank m1 m2"], members=2).set("db_size_bytes", 610, 2880, 9e8, "m2")
    again.set("db_size_bytes", 620, 2880, 8e8).set("db_size_bytes", 630, 2880, 8e8, "m2")
    yield made, lambda scored, _: rules.defragmentations(scored)
    yield counted_defragmentations(), lambda scored, _: rules.defragmentations(scored)


def counted_defragmentations():
    """At steps of a minute, so that the five minutes of a rate have several of them."""
    made = History(1, 60, evidence={"defragmenting_share": 0.0})

    def counts(name, expect, start=600, end=605, share=0.1, members=1):
        return made.cluster(name, expect, members).set("defragmenting_share", start, end, share)

    counts("nothing-freed", ["shrank m1"])
    counts("rises-by-30-percent-in", ["shrank m1", "shrank m1"]).set("defragmenting_share", 602, 605, 0.1301)
    counts("rises-by-30-percent-out", ["shrank m1"]).set("defragmenting_share", 602, 605, 0.1299)
    counts("goes-on-for-6-minutes-in", ["shrank m1", "shrank m1"], end=607)
    counts("goes-on-for-6-minutes-out", ["shrank m1"], end=606)
    counts("shown-within-the-window-in", ["shrank m1"], 604, 609).set("db_size_bytes", 600, 1440, 9e8)
    counts("shown-within-the-window-out", ["shrank m1", "shrank m1"], 605, 610).set("db_size_bytes", 600, 1440, 9e8)
    counts("near-a-restart", ["shrank m1"]).set("db_size_bytes", 600, 1440, 9e8).restarted(604)
    counts("over-a-gap", ["shrank m1"]).set("defragmenting_share", 602, 603, NAN)
    counts("before-the-history", [], 0, 4)
    counts("rounds", ["shrank m1 m2", "shrank m1"], members=2).set("defragmenting_share", 610, 615, 0.1, "m2").set(
        "defragmenting_share", 620, 625, 0.1)
    return made


def fragmentation():
    made = History(1, 300, evidence={"db_in_use_bytes": 9e8})

    def frees(name, expect, start=600, end=1440, in_use=4e8, members=1):
        return made.cluster(name, expect, members).set("db_in_use_bytes", start, end, in_use)

    frees("half-in", ["free m1"], in_use=5e8 - 1)
    frees("half-out", [], in_use=5e8)
    frees("100-mib-in", ["free m1"], in_use=104_857_601)
    frees("100-mib-out", [], in_use=104_857_600)
    frees("10-minutes-in", ["free m1"], 1430)
    frees("10-minutes-out", [], 1435)
    frees("not-at-the-end", [], 600, 1435)
    frees("unknown-for-10-minutes-in", ["free m1"]).set("db_in_use_bytes", 1430, 1440, NAN)
    frees("unknown-for-10-minutes-out", []).set("db_size_bytes", 1425, 1440, NAN)
    frees("over-a-gap", ["free m1"], 1425).set("db_in_use_bytes", 1430, 1435, NAN)
    frees("gone-for-10-minutes-in", ["free m1"]).away(1430, 1440)
    frees("gone-for-10-minutes-out", []).away(1425, 1440)
    frees("two-members", ["free m1 m2"], members=2).set("db_in_use_bytes", 700, 1440, 3e8, "m2")
    yield made, lambda scored, _: rules.fragmentation(scored)


def cluster_sizes():
    made = History(3, 300, evidence={"is_learner": 0.0})
    end = 4320

    def sizes(name, expect, *first, members=None):
        """Members that are first seen at these minutes; m1, m2 and so on."""
        of = made.cluster(name, expect, members or len(first))
        for number, minute in enumerate(first, 1):
            of.away(0, minute, f"m{number}")
        return of

    sizes("three", [], 0, 0, 0)
    sizes("two", ["even 2"], 0, 0)
    sizes("four-for-a-day-in", ["even 4"], 0, 0, 0, 600, 2040)
    sizes("four-for-a-day-out", [], 0, 0, 0, 600, 2035)
    sizes("four-for-an-hour-at-the-end-in", ["even 4"], 0, 0, 0, end - 60)
    sizes("four-for-an-hour-at-the-end-out", [], 0, 0, 0, end - 55)
    sizes("two-of-three", [], 0, 0, 0).away(600, end, "m3")
    sizes("four-of-five", [], 0, 0, 0, 0, 0).away(600, end, "m5")
    sizes("three-and-a-learner", [], 0, 0, 0, 0).set("is_learner", 0, end, 1.0, "m4")
    sizes("four-and-a-learner", ["even 4"], 0, 0, 0, 0, 0).set("is_learner", 0, end, 1.0, "m5")
    sizes("promoted-for-an-hour-in", ["even 4"], 0, 0, 0, 0).set("is_learner", 0, end - 60, 1.0, "m4")
    sizes("promoted-for-an-hour-out", [], 0, 0, 0, 0).set("is_learner", 0, end - 55, 1.0, "m4")
    yield made, lambda scored, _: rules.cluster_sizes(scored)


def leaders():
    made = History(1, 60, evidence={"is_leader": 0.0})

    def lead(name, expect, *spans, members=3):
        """m1 leads, and m2 as well from one minute to another."""
        of = made.cluster(name, expect, members).set("is_leader", 0, 1440, 1.0)
        for start, end in spans:
            of.set("is_leader", start, end, 1.0, "m2")
        return of

    both = "led m1 m2"
    lead("two-steps-in", [both], (600, 602))
    lead("two-steps-out", [], (600, 601))
    lead("not-in-a-row", [], (600, 601), (602, 603))
    lead("an-hour-apart-in", [both], (600, 602), (662, 664))
    lead("an-hour-apart-out", [both, both], (600, 602), (663, 665))
    # The last sample of m1 is repeated for five minutes.
    lead("look-back-in", [both], (600, 1440)).away(607, 1440)
    lead("look-back-out", [], (600, 1440)).away(606, 1440)
    lead("half-of-the-time-in", [both], (0, 300), (900, 1320))
    lead("half-of-the-time-out", [both, both], (0, 300), (900, 1319))
    three = lead("three-leaders", ["led m1 m2 m3"], (600, 602))
    three.set("is_leader", 601, 605, 1.0, "m3")
    yield made, lambda scored, _: rules.leaders(scored)


# Daily medians whose interval of 95 % ends below 0, at 0, and above it. SciPy's theilslopes is the judge.
FLAT = [5, 1, 4, 2, 6, 3, 5, 2, 4, 3]
TIED_AT_0 = [1, 1, 2, 2, 2, 3, 9]
BARELY = [1, 1, 2, 2, 3, 3, 9]


def growth():
    made = History(30, 3600)
    grows = ["grows m1"]

    def sizes(name, expect, a_day=1e6, quota=NAN, days=30, members=1):
        """Grows from 1 GB by this much a day, known on the last days only."""
        of = made.cluster(name, expect, members)
        for day in range(30):
            of.set("db_size_bytes", day * 1440, day * 1440 + 1440, 1e9 + a_day * day if day >= 30 - days else NAN)
        return of.set("quota_bytes", 0, 30 * 1440, quota)

    last = 1e9 + 29e6
    sizes("7-days-in", grows, quota=2e9, a_day=1e7, days=7)
    sizes("7-days-out", [], quota=2e9, a_day=1e7, days=6)
    sizes("365-days-in", grows, quota=last + 365e6)
    sizes("365-days-out", [], quota=last + 366e6)
    sizes("400-days", [], quota=last + 400e6)
    sizes("quota-reached-in", [], quota=last)
    sizes("quota-reached-out", grows, quota=last + 1)
    sizes("quota-disabled", [], quota=0)
    sizes("quota-negative", [], quota=-1)
    sizes("quota-infinite", [], quota=np.inf)
    # Without a quota, etcd's default of 2 GiB is 372.9 or 364.8 days away.
    sizes("default-quota-in", grows, a_day=2.95e6)
    sizes("default-quota-out", [], a_day=2.9e6)
    sizes("quota-raised-midway", [], quota=last + 100e6).set("quota_bytes", 15 * 1440, 30 * 1440, 4e9)
    sizes("quota-lowered-midway", grows, quota=4e9).set("quota_bytes", 15 * 1440, 30 * 1440, last + 100e6)
    unread = sizes("quota-unread-on-the-last-day", grows, quota=4e9).set("quota_bytes", 15 * 1440, 28 * 1440, last + 100e6)
    unread.set("quota_bytes", 28 * 1440, 30 * 1440, NAN)
    changed = sizes("quota-lowered-on-the-last-day", grows, quota=4e9)
    changed.set("quota_bytes", 29 * 1440 + 720, 30 * 1440, last + 100e6)
    _since_a_drop(sizes)
    _medians(made)
    other = sizes("first-there", ["grows m2"], quota=last + 300e6, members=2)
    other.members["m2"]["db_size_bytes"] = 1e9 + 5e5 * np.repeat(np.arange(30), 24)
    other.set("quota_bytes", 0, 30 * 1440, last - 14.5e6 + 100e6, "m2")
    yield made, lambda scored, _: rules.growth(scored)


def _since_a_drop(sizes):
    """The day of a defragmentation is not part of the growth after it, so seven days must follow."""
    def shrinks(name, expect, minute, share):
        of = sizes(name, expect, a_day=1e7, quota=3e9)
        of.members["m1"]["db_size_bytes"][minute // 60 :] *= share
        return of

    grows = ["grows m1"]
    shrinks("defragmented-7-days-before-in", grows, 22 * 1440 + 720, 0.9)
    shrinks("defragmented-7-days-before-out", [], 23 * 1440 + 720, 0.9)
    shrinks("defragmented-at-midnight", grows, 22 * 1440, 0.9)
    shrinks("defragmented-at-the-end-of-the-day", grows, 23 * 1440 - 60, 0.9)
    shrinks("5-percent-in", [], 25 * 1440 + 720, 0.95)
    shrinks("5-percent-out", grows, 25 * 1440 + 720, 0.951)
    shrinks("replaced-file", [], 25 * 1440 + 720, 0.9).restarted(25 * 1440 + 720)


def _medians(made):
    def noisy(name, expect, medians, unit=1e6):
        of = made.cluster(name, expect).set("db_size_bytes", 0, 30 * 1440, NAN)
        for day, median in enumerate(medians):
            of.set("db_size_bytes", day * 1440, day * 1440 + 1440, 1e9 + unit * median)
        return of.set("quota_bytes", 0, 30 * 1440, 1.1e9)

    noisy("flat-noise", [], FLAT)
    noisy("falls", [], [-value for value in range(10)])
    noisy("constant", [], [1] * 10)
    noisy("interval-above-0-in", ["grows m1"], BARELY)
    noisy("interval-above-0-out", [], TIED_AT_0)
    # The interval of 95 % lies above 0 and that of 99 % does not; that of 90 % does and that of 95 % does not.
    noisy("95-percent-in", ["grows m1"], [2, 3, 7, 5, 1, 4, 9, 6, 10, 8])
    noisy("95-percent-out", [], [5, 2, 1, 6, 4, 3, 10, 8, 7, 9])
    # Half of each day's readings are higher: the median of 24 is between the two in the middle.
    # Half of each day's readings are higher, so the median of 24 lies between two: 1.028 GB at last, 2 MB more each day.
    for name, left, expect in ("in", 360, ["grows m1"]), ("out", 370, []):
        of = noisy(f"median-of-an-even-number-{name}", expect, range(10))
        for day in range(10):
            of.set("db_size_bytes", day * 1440, day * 1440 + 720, 1.02e9 + 3e6 * day)
        of.set("quota_bytes", 0, 30 * 1440, 1.028e9 + left * 2e6)
    spikes = noisy("median-and-not-mean", [], [1] * 10)
    for day in range(10):
        spikes.set("db_size_bytes", day * 1440, day * 1440 + 660, 1.01e9 + 2e6 * day)


WEEKS, A_DAY = 4, 1440


def recurrences():
    # 192 times p is 0.0090 with 102 other hours with incidents, and 0.0100352 with 103 (scipy.stats.fisher_exact).
    yield _recurrences(History(7 * WEEKS, 300)), lambda scored, _: rules.recurrences(scored, "UTC")
    made = History(7 * WEEKS, 300, zone="Asia/Kolkata")
    # From 05:00 to 06:00 in Kolkata, across midnight UTC; and on Mondays there, which are Sundays in UTC.
    _daily(made, "kolkata-daily", ["05:00 to 06:00"], range(28), 23 * 60 + 35, 50)
    _daily(made, "kolkata-weekly", ["Monday 01:00 to 02:00"], range(6, 28, 7), 19 * 60 + 35, 50)
    _daily(made, "kolkata-half-in", ["05:00 to 06:00"], range(0, 28, 2), 23 * 60 + 35, 50).unscored(0, 30)
    # The hour comes 29 times, the first and last time in part. Three times, 7 of its 12 steps have no score, 6 of them
    # before midnight UTC.
    for name, steps, expect in ("in", 7, ["05:00 to 06:00"]), ("out", 6, []):
        of = _daily(made, f"kolkata-scored-for-half-{name}", expect, range(13), 23 * 60 + 35, 50)
        for day in 20, 21, 22:
            of.unscored(day * A_DAY + 23 * 60 + 30, day * A_DAY + 23 * 60 + 30 + 5 * steps)
    yield made, lambda scored, _: rules.recurrences(scored, "Asia/Kolkata")


def _daily(made, name, expect, days, minute, minutes, members=1):
    of = made.cluster(name, expect, members)
    for day in days:
        of.slow(day * A_DAY + minute, day * A_DAY + minute + minutes)
    return of


def _noise(of, count, avoided=2):
    """Short incidents in this many hours, spread evenly over the hours of the day and of the week."""
    hours = [hour for hour in range(28 * 24) if hour % 24 != avoided]
    for place in range(count):
        hour = hours[place * len(hours) // count]
        of.slow(hour * 60 + 20, hour * 60 + 40)
    return of


def _recurrences(made):
    two = ["02:00 to 03:00"]
    _daily(made, "half-of-the-days-in", two, range(14), 130, 30)
    _daily(made, "half-of-the-days-out", [], range(13), 130, 30)
    for name, noise, expect in ("in", JUST, two), ("out", JUST + 1, []):
        _noise(_daily(made, f"one-percent-{name}", expect, range(14), 140, 20), noise)
    # A second kind of incident doubles the number of looks.
    _noise(_daily(made, "one-kind-of-incident", two, range(14), 140, 20), JUST)
    _noise(_daily(made, "two-kinds-of-incidents", [], range(14), 140, 20), JUST).many_fds(4 * 60, 4 * 60 + 20)
    # Both hours are bad if 15 minutes lie in each.
    _daily(made, "15-minutes-of-an-hour-in", ["01:00 to 03:00"], range(28), 100, 35)
    _daily(made, "15-minutes-of-an-hour-out", ["01:00 to 02:00"], range(28), 100, 30)
    _daily(made, "over-midnight", ["23:00 to 01:00"], range(-1, 28), 23 * 60 + 10, 100)
    _daily(made, "over-sunday-midnight", ["Sunday 23:00 to 01:00"], range(-1, 28, 7), 23 * 60 + 10, 100)
    _daily(made, "half-of-the-weeks-in", ["Wednesday 02:00 to 03:00"], [2, 16], 130, 30)
    _daily(made, "half-of-the-weeks-out", [], [2], 130, 30)
    _daily(made, "on-working-days", two, [day for day in range(28) if day % 7 < 5], 130, 30)
    # Two of the days without an incident have 7, or 6, of 12 steps without a score in that hour.
    for name, steps, expect in ("in", 7, two), ("out", 6, []):
        of = _daily(made, f"scored-for-half-{name}", expect, range(13), 130, 30)
        for day in 20, 21:
            of.unscored(day * A_DAY + 120, day * A_DAY + 120 + 5 * steps)
    absent = made.cluster("absence", [], 2)
    for day in range(28):
        absent.away(day * A_DAY + 120, day * A_DAY + 180)
    return made


# Most other hours with incidents with which 14 of 28 are a recurrence at one percent.
JUST = 102


def maintenance():
    made = History(3, 36)
    window = lambda zone: lambda scored, _: list(rules.quietest(scored, zone))  # noqa: E731

    def quiet(made, name, expect, hours, others=(), days=3):
        """Client traffic is least in these hours, and less than usual in the others."""
        of = made.cluster(name, [expect])
        for hour in range(24 * days):
            sent = 1e3 if hour % 24 in hours else 1e4 if hour % 24 in others else 1e6
            of.set("client_traffic_in_bytes_per_second", hour * 60, hour * 60 + 60, sent)
        return of

    minute = 36 / 60
    quiet(made, "99-percent-in", "05:00", (5, 6), (12, 13)).unscored(1440 + 300, 1440 + 300 + minute)
    quiet(made, "99-percent-out", "12:00", (5, 6), (12, 13)).unscored(1440 + 300, 1440 + 300 + 2 * minute)
    quiet(made, "second-hour-out", "12:00", (5, 6), (12, 13)).unscored(1440 + 360, 1440 + 360 + 2 * minute)
    quiet(made, "lost-points-out", "12:00", (5, 6), (12, 13)).slow(300, 300 + minute)
    quiet(made, "equal", "05:00", (5, 6, 12, 13))
    quiet(made, "over-midnight", "23:00", (23, 0))
    after = quiet(made, "after-midnight-out", "12:00", (23, 0), (12, 13))
    after.unscored(1440, 1440 + 2 * minute)
    yield made, window("UTC")
    for name, less, expect in ("two-weeks-in", 0, "Sunday 23:00"), ("two-weeks-out", 1, "23:00"):
        made = History(14 - less / 24, 3600)
        of = quiet(made, name, expect, (), days=14)
        sent = of.members["m1"]["client_traffic_in_bytes_per_second"]
        for hour in range(made.steps):
            # Of the days' hours that from 23:00 is quietest, and of the weeks' that on Sundays.
            sent[hour] = 1e3 if hour % 168 in (167, 0) else 1e4 if hour % 24 in (23, 0) else 1e6
        yield made, window("UTC")
    # 05:00 in Kolkata begins at 23:30 UTC: one of 50 steps is missing on either side, and two of 100 in the hour.
    for name, steps, expect in ("in", 1, "05:00"), ("out", 2, "12:00"):
        made = History(3, 36, zone="Asia/Kolkata")
        of = made.cluster(f"kolkata-99-percent-{name}", [expect])
        for hour in range(-24, 24 * 4):
            sent = 1e3 if hour % 24 in (5, 6) else 1e4 if hour % 24 in (12, 13) else 1e6
            first = max(hour * 60 - 330, 0)
            of.set("client_traffic_in_bytes_per_second", first, max(hour * 60 - 270, 0), sent)
        of.unscored(2 * DAY / 60 - steps * minute, 2 * DAY / 60)
        yield made, window("Asia/Kolkata")
