"""The reference engine: the original script's decimal arithmetic on history/, and cells from cells.sql."""

import math
from decimal import Decimal
from functools import lru_cache

from cells import Folding, as_table, expected_cells
from folder import files, has_column, read
from spec import BESIDE, COLUMNS, IS_LEARNER, LIMITS, LINGERS, NAMES, restarted

DAY_MS = 86_400_000


class Original:
    name = "the original's arithmetic"

    def __init__(self, folder, step, profile):
        self.folder, self.step, self.profile, self.folding = folder, step, profile, Folding(profile=profile)
        self.files = {path.parent.name.removeprefix("date="): path for path in files(folder, "history")}
        self.knows_start = has_column(folder, "history", BESIDE[-1])
        self.readings, self.lives, self.at = 0, {}, set()
        for path in self.files.values():
            self.look_through(read(path, COLUMNS, BESIDE)[1])

    def look_through(self, rows):
        """Takes in rows: updates first and last seen, counts readings, and keeps those on or next to a threshold."""
        close = {name: {v for above in self.thresholds(name) for v in beside(above)} for name in NAMES}
        for ts, cluster, member, *row in rows:
            known = [r is not None and r == r for r in row[: len(NAMES)]]
            self.readings += sum(known)
            if any(known[:LINGERS] + known[LINGERS + 1 :]):
                first, last = self.lives.get((cluster, member), (ts, ts))
                self.lives[cluster, member] = (min(first, ts), max(last, ts))
            for name, reading in zip(NAMES, row):
                value = self.compared(name, reading, row[len(NAMES) :])
                if value in close[name]:
                    self.at.add((name, value))

    def compared(self, name, reading, companions):
        """The value that is compared with a metric's thresholds; None if it is not a number."""
        if reading is None or not self.is_of_limit(name):
            return reading
        limit = dict(zip(BESIDE, companions))[LIMITS[name]]
        return reading / limit if limit is not None and limit > 0 else None

    def is_of_limit(self, name):
        return self.profile.bands[name][0]

    def thresholds(self, name):
        """The thresholds of a metric's bands, and of its caps as far as they are of the same kind."""
        caps = [cap for cap in self.profile.caps.get(name, []) if cap.above is not None]
        of_caps = [cap.above for cap in caps if cap.of_limit == self.is_of_limit(name)]
        return {above for above, _ in self.profile.bands[name][1]} | set(of_caps)

    def missed(self):
        """The thresholds and their neighboring doubles that no reading hits."""
        wanted = {(name, v) for name in NAMES for above in self.thresholds(name) for v in beside(above)}
        return sorted(wanted - self.at)

    def days(self):
        """The UTC days on which any member was seen, in milliseconds."""
        first, last = min(f for f, _ in self.lives.values()), max(l for _, l in self.lives.values())
        return range(first // DAY_MS * DAY_MS, last + 1, DAY_MS)

    @lru_cache(maxsize=1)
    def scores(self, day, date):
        """(milliseconds, cluster, member) -> points, score, after_restart, for every step of a day."""
        path, step_ms = self.files.get(date), self.step * 1000
        rows = {tuple(row[:3]): row[3:] for row in (read(path, COLUMNS, BESIDE)[1] if path else [])}
        unknown = [None] * (len(NAMES) + len(BESIDE))
        scores = {}
        for (cluster, member), (first, last) in self.lives.items():
            for ts in range(max(first, -(-day // step_ms) * step_ms), min(last + 1, day + DAY_MS), step_ms):
                row = rows.get((ts, cluster, member), unknown)
                readings, companions = row[: len(NAMES)], row[len(NAMES) :]
                points, cap = tuple(self.profile.row(readings, companions)), self.profile.cap(readings, companions)
                restart = restarted(ts, companions[-1], self.step) if self.knows_start else None
                scores[ts, cluster, member] = (*points, self.score(points, cap), restart)
        return scores

    def live(self, day, date):
        """What a live writer knows at each step, without later data: for each member with any reading, whether it has
        no score; and the lowest score of a cluster, if all its members that vote have one."""
        scores, unknown, worst, learners = self.scores(day, date), {}, {}, self.learners(date)
        for ts, cluster, member, *row in read(self.files[date], COLUMNS)[1] if date in self.files else []:
            score = scores.get((ts, cluster, member), (None, None))[-2]
            if any(reading is not None for reading in row) or score is not None:
                unknown["member", ts, cluster, member] = float(score is None)
                if (ts, cluster, member) not in learners:
                    worst.setdefault(("cluster", ts, cluster), []).append(score)
        zero_is_worst = self.profile.has_cap_of_zero()
        scored = lambda members: None not in members or (zero_is_worst and 0 in members)
        return unknown | {key: min(m for m in members if m is not None) for key, members in worst.items() if scored(members)}

    @lru_cache(maxsize=None)
    def score(self, points, cap):
        """sum(Decimal(weight) * points), but at most the cap; the score is the float nearest to it."""
        total = sum(self.profile.weights.values())
        weights = [Decimal(self.profile.weights[name]) / total for name in NAMES]
        if any(weight and worth is None for weight, worth in zip(weights, points)):
            return 0.0 if cap and cap[1] == 0 else None
        score = sum(weight * Decimal(str(worth)) for weight, worth in zip(weights, points) if weight)
        return float(min(score, cap[1]) if cap else score)

    def idle(self, date):
        """(milliseconds, cluster, member) of the members' steps that have no score only because a percentile is idle."""
        path, split = self.files.get(date), len(NAMES)
        rows = read(path, COLUMNS, BESIDE)[1] if path else []
        return {tuple(row[:3]) for row in rows if self.profile.is_idle(row[3 : 3 + split], row[3 + split :])}

    def caps(self, date):
        """(milliseconds, cluster, member) of the members' steps with a cap -> its metric and score."""
        path, split = self.files.get(date), len(NAMES)
        rows = read(path, COLUMNS, BESIDE)[1] if path else []
        caps = {tuple(row[:3]): self.profile.cap(row[3 : 3 + split], row[3 + split :]) for row in rows}
        return {key: cap for key, cap in caps.items() if cap}

    def learners(self, date):
        """(milliseconds, cluster, member) of the steps at which a member is a learner."""
        path, place = self.files.get(date), 3 + len(NAMES) + BESIDE.index(IS_LEARNER)
        return {tuple(row[:3]) for row in (read(path, COLUMNS, BESIDE)[1] if path else []) if row[place] == 1}

    def cells(self, day, date, scores):
        return self.cells_of(scores, date)

    def cells_of(self, scores, date):
        as_table("scores_of_day", scores)
        idle, caps = self.idle(date), self.caps(date)
        return expected_cells("scores_of_day", self.folding, idle, caps, self.learners(date)) if scores else []


def beside(above):
    return math.nextafter(above, -math.inf), above, math.nextafter(above, math.inf)
