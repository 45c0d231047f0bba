"""The offsets from UTC of a time zone over time, from the time zone files that Python reads."""

from datetime import datetime
from zoneinfo import ZoneInfo

WIDTHS = {"15m": 900, "30m": 1800, "1h": 3600, "2h": 7200}


def stretches(zone, first, last):
    """(begin, end, offset) in seconds of each stretch with one offset, from two hours before `first` to `last`.

    Checks every minute: slow, but it cannot miss a change."""
    zone = ZoneInfo(zone)
    found = []
    for t in range(first // 60 * 60 - max(WIDTHS.values()), last + 60, 60):
        offset = int(datetime.fromtimestamp(t, zone).utcoffset().total_seconds())
        if found and found[-1][2] == offset:
            found[-1] = (found[-1][0], t + 60, offset)
        else:
            found.append((t, t + 60, offset))
    return found
