"""Figures as every output shows them: down for scores and coverage, up for losses.

In exact fractions and without any slack: a mean is a whole number of points over a number of steps, and its double is
the nearest to that fraction, which has no large denominator."""

from fractions import Fraction

LARGEST = 10**7


def exact(number, largest=LARGEST):
    """The fraction that a double, or its decimal text, stands for."""
    return number if isinstance(number, Fraction) else Fraction(str(number)).limit_denominator(largest)


def down(number, parts):
    """Parts of one that are reached."""
    return exact(number) * parts // 1


def up(number, parts):
    """Parts of one that hold it."""
    return -(-exact(number) * parts // 1)


def two_digits(hundredths):
    return f"{hundredths // 100}.{hundredths % 100:02}"


def points(score):
    return two_digits(down(score, 100))


def loss(lost):
    return two_digits(up(lost, 100))


def percent(share):
    tenths = down(share, 1000)
    return f"{tenths // 10}.{tenths % 10}"


def number(parts, of):
    """So many parts of one as the nearest double, which is what a workbook or a parser holds."""
    return float(Fraction(parts, of))


def mean(pairs):
    """The mean of (mean, steps), by steps; None without any."""
    pairs = [(exact(value), int(steps)) for value, steps in pairs]
    steps = sum(steps for _, steps in pairs)
    return sum(value * steps for value, steps in pairs) / steps if steps else None


def costliest(names, lost):
    """The first of the metrics that cost the most, as exact sums; None where none cost anything."""
    most = max(lost.values())
    return next(name for name in names if lost[name] == most) if most else None
