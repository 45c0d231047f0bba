"""A second implementation of PromQL's rate, changes, last_over_time, instant selectors, sum and histogram_quantile.

Written from the documentation and the changelog of Prometheus, without regard to speed. Reads cases from its input,
one a line: version, function, result, arguments. Prints how many were compared and how many differ.
"""

import collections
import fractions
import math
import struct
import sys

STALE = "7ff0000000000002"


def from_hex(text):
    return struct.unpack(">d", bytes.fromhex(text))[0]


def to_text(value):
    if value is None:
        return "none"
    return "nan" if math.isnan(value) else struct.pack(">d", value).hex()


def divide(a, b):
    """IEEE 754: Python raises an error for a divisor of 0."""
    if b != 0 or math.isnan(a):
        return a / b if b != 0 else math.nan
    return math.nan if a == 0 else math.copysign(math.inf, a) * math.copysign(1, b)


def pairs_of(words):
    return [(int(t), v) for t, v in zip(words[0::2], words[1::2])]


def in_range(version, words):
    """The samples between time - range and time: both ends, or without the start from 3.0 on."""
    span, time = int(words[0]), int(words[1])
    first = time - span + (1 if version >= (3, 0) else 0)
    return span, time, [(t, from_hex(v)) for t, v in pairs_of(words[2:]) if first <= t <= time and v != STALE]


def rate(version, words):
    span, time, samples = in_range(version, words)
    if len(samples) < 2:
        return None
    increase = samples[-1][1] - samples[0][1]
    for (_, before), (_, after) in zip(samples, samples[1:]):
        if after < before:
            increase += before
    first, last = samples[0][0], samples[-1][0]
    sampled = (last - first) / 1000
    spacing = sampled / (len(samples) - 1)
    start, end = (first - time + span) / 1000, (time - last) / 1000

    def cut_overdue(gap):
        return spacing / 2 if gap >= spacing * 1.1 else gap

    def cut_zero(gap):
        if increase > 0 and samples[0][1] >= 0:
            zero = sampled * divide(samples[0][1], increase)
            return zero if zero < gap else gap
        return gap

    for cut in (cut_overdue, cut_zero) if version >= (2, 51) else (cut_zero, cut_overdue):
        start = cut(start)
    factor = (sampled + start + cut_overdue(end)) / sampled
    seconds, rest = divmod(span, 1000)
    return increase * (factor / (seconds + rest * 1000000 / 1e9))


def changes(version, words):
    _, _, samples = in_range(version, words)
    if not samples:
        return None
    same = lambda a, b: a == b or (math.isnan(a) and math.isnan(b))
    return float(sum(not same(a, b) for (_, a), (_, b) in zip(samples, samples[1:])))


def last(version, words):
    _, _, samples = in_range(version, words)
    return samples[-1][1] if samples else None


def instant(version, words):
    lookback, time = int(words[0]), int(words[1])
    first = time - lookback + (1 if version >= (3, 0) else 0)
    samples = [v for t, v in pairs_of(words[2:]) if first <= t <= time]
    return from_hex(samples[-1]) if samples and samples[-1] != STALE else None


def plus(version, words):
    values = [from_hex(word) for word in words]
    total, lost = values[0], 0.0
    for value in values[1:]:
        new = total + value
        if version < (2, 54):
            pass
        elif math.isinf(new):
            lost = 0.0
        elif math.isnan(new):
            lost = math.nan
        elif math.isinf(total - new) or math.isinf(value - new):
            # Near the greatest float: the exact error would need more range than there is.
            big, small = (total, value) if abs(total) >= abs(value) else (value, total)
            lost += (big - new) + small
        else:
            # The rounding error of an addition is a float; both ways to compute it are exact.
            exact = fractions.Fraction(total) + fractions.Fraction(value) - fractions.Fraction(new)
            lost += float(exact)
        total = new
    return total + lost if version >= (2, 54) else total


def near(a, b):
    if a == b or (math.isnan(a) and math.isnan(b)):
        return True
    least = sys.float_info.min
    if a == 0 or b == 0 or abs(a) + abs(b) < least:
        return abs(a - b) < 1e-12 * least
    together = abs(a) + abs(b)
    return abs(a - b) / (together if math.isnan(together) else min(together, sys.float_info.max)) < 1e-12


def quantile(version, words):
    q, *flat = [from_hex(word) for word in words]
    counts = {}
    for bound, count in sorted(zip(flat[0::2], flat[1::2]), key=lambda bucket: bucket[0]):
        counts[bound] = counts[bound] + count if bound in counts else count
    bounds, counts = list(counts), list(counts.values())
    if bounds[-1] != math.inf or len(bounds) < 2:
        return math.nan
    highest = counts[0]
    for i in range(1, len(counts)):
        if version >= (2, 49):
            if near(highest, counts[i]) or counts[i] < highest:
                counts[i] = highest
            else:
                highest = counts[i]
        elif counts[i] > highest:
            highest = counts[i]
        elif counts[i] < highest:
            counts[i] = highest
    if counts[-1] == 0:
        return math.nan
    rank = q * counts[-1]
    low, high = 0, len(counts) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if counts[middle] >= rank else (middle + 1, high)
    if low == len(counts) - 1:
        return bounds[-2]
    if low == 0 and bounds[0] <= 0:
        return bounds[0]
    start, below = (bounds[low - 1], counts[low - 1]) if low else (0.0, 0.0)
    return start + (bounds[low] - start) * divide(rank - below, counts[low] - below)


def main():
    functions = {"rate": rate, "changes": changes, "last": last, "instant": instant, "sum": plus, "quantile": quantile}
    compared, differ = collections.Counter(), collections.Counter()
    for line in sys.stdin:
        version, name, result, *words = line.split()
        own = to_text(functions[name](tuple(map(int, version.split("."))), words))
        compared[name] += 1
        if own != result:
            differ[name] += 1
            if differ[name] <= 3:
                print(f"{own} instead of: {line}", end="")
    for name, count in compared.items():
        print(f"{count} cases of {name}, {differ[name]} different")
    sys.exit(1 if differ else 0)


main()
