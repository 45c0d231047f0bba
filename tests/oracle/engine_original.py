"""The reference engine: the original script's decimal arithmetic on history/, and cells from cells.sql."""

import math
from decimal import Decimal
from functools import lru_cache

from cells import Folding, as_table, expected_cells
from folder import files, has_column, read
from spec import COLUMNS, COMPANIONS, LIMITS, LINGERS, NAMES, restarted

DAY_MS = 86_400_000


class Original:
    name = "the original's arithmetic"

    def __init__(self, folder, step, profile):
        self.step, self.profile, self.folding = step, profile, Folding(profile=profile)
        self.files = {path.parent.name.removeprefix("date="): path for path in files(folder, "history")}
        self.knows_start = has_column(folder, "history", COMPANIONS[-1])
        self.readings, self.lives, self.at = 0, {}, set()
        for path in self.files.values():
            self.look_through(read(path, COLUMNS, COMPANIONS)[1])

    def look_through(self, rows):
        """Takes in rows: updates first and last seen, counts readings, and keeps those on or next to a threshold."""
        close = {
            name: {v for above, _ in bands for v in beside(above)} for name, (_, bands) in self.profile.bands.items()
        }
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
        if reading is None or not self.profile.bands[name][0]:
            return reading
        limit = dict(zip(COMPANIONS, companions))[LIMITS[name]]
        return reading / limit if limit is not None and limit > 0 else None

    def missed(self):
        """The thresholds and their neighboring doubles that no reading hits."""
        wanted = {(name, v) for name, (_, bands) in self.profile.bands.items() for above, _ in bands for v in beside(above)}
        return sorted(wanted - self.at)

    def days(self):
        """The UTC days on which any member was seen, in milliseconds."""
        first, last = min(f for f, _ in self.lives.values()), max(l for _, l in self.lives.values())
        return range(first // DAY_MS * DAY_MS, last + 1, DAY_MS)

    @lru_cache(maxsize=1)
    def scores(self, day, date):
        """(milliseconds, cluster, member) -> points, score, after_restart, for every step of a day."""
        path, step_ms = self.files.get(date), self.step * 1000
        rows = {tuple(row[:3]): row[3:] for row in (read(path, COLUMNS, COMPANIONS)[1] if path else [])}
        unknown = [None] * (len(NAMES) + len(COMPANIONS))
        scores = {}
        for (cluster, member), (first, last) in self.lives.items():
            for ts in range(max(first, -(-day // step_ms) * step_ms), min(last + 1, day + DAY_MS), step_ms):
                row = rows.get((ts, cluster, member), unknown)
                readings, companions = row[: len(NAMES)], row[len(NAMES) :]
                points = tuple(self.profile.row(readings, companions))
                restart = restarted(ts, companions[-1], self.step) if self.knows_start else None
                scores[ts, cluster, member] = (*points, self.score(points), restart)
        return scores

    def live(self, day, date):
        """What a live writer knows at each step, without later data: for each member with any reading, whether it has
        no score; and the lowest score of a cluster, if all its members have one."""
        scores, unknown, worst = self.scores(day, date), {}, {}
        for ts, cluster, member, *row in read(self.files[date], COLUMNS)[1] if date in self.files else []:
            if any(reading is not None for reading in row):
                score = scores.get((ts, cluster, member), (None, None))[-2]
                unknown["member", ts, cluster, member] = float(score is None)
                worst.setdefault(("cluster", ts, cluster), []).append(score)
        return unknown | {key: min(members) for key, members in worst.items() if None not in members}

    @lru_cache(maxsize=None)
    def score(self, points):
        """sum(Decimal(weight) * points); the score is the float nearest to it."""
        weights = [Decimal(self.profile.weights[name]).scaleb(-6) for name in NAMES]
        if any(weight and worth is None for weight, worth in zip(weights, points)):
            return None
        return float(sum(weight * Decimal(str(worth)) for weight, worth in zip(weights, points) if weight))

    def idle(self, date):
        """(milliseconds, cluster, member) of the members' steps that have no score only because a percentile is idle."""
        path, split = self.files.get(date), len(NAMES)
        rows = read(path, COLUMNS, COMPANIONS)[1] if path else []
        return {tuple(row[:3]) for row in rows if self.profile.is_idle(row[3 : 3 + split], row[3 + split :])}

    def cells(self, day, date, scores):
        return self.cells_of(scores, self.idle(date))

    def cells_of(self, scores, idle):
        as_table("scores_of_day", scores)
        return expected_cells("scores_of_day", self.folding, idle) if scores else []


def beside(above):
    return math.nextafter(above, -math.inf), above, math.nextafter(above, math.inf)
