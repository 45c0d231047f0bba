"""Prints the clock changes of all time zones from 2015 to 2026, and those from 1980 on that are not by a whole hour at a
whole hour: zone, second of the change, offset in seconds before and after. One zone stands for others with equal changes.

src/time/local/transitions.csv was made with it; chrono-tz and Python must agree on these years, which do not change any more."""

from datetime import datetime, timezone
from zoneinfo import ZoneInfo, available_timezones

FIRST, ODD_FROM, LAST = (int(datetime(year, 1, 1, tzinfo=timezone.utc).timestamp()) for year in (2015, 1980, 2026))


def offset(zone, second):
    return int(datetime.fromtimestamp(second, zone).utcoffset().total_seconds())


def changes(zone):
    """(second, before, after): looks every six hours, then bisects."""
    before = offset(zone, ODD_FROM)
    for begin in range(ODD_FROM, LAST, 21_600):
        after = offset(zone, begin + 21_600)
        if after != before:
            low, high = begin, begin + 21_600
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset(zone, middle) == before else (low, middle)
            yield high, before, after
            before = after


def is_odd(second, before, after):
    return (after - before) % 3600 or (second + before) % 3600 or abs(after - before) > 3600


def main():
    seen = set()
    for name in sorted(available_timezones()):
        found = [c for c in changes(ZoneInfo(name)) if c[0] >= FIRST or is_odd(*c)]
        key = tuple(found)
        if found and key not in seen:
            seen.add(key)
            for change in found:
                print(name, *change, sep=",")


if __name__ == "__main__":
    main()
