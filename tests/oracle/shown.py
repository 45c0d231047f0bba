"""Rounds figures as every output does: scores and coverage down, losses up.

Computes in exact fractions, without a tolerance: a mean is an integer divided by a number of steps, so its double
identifies one fraction with a small denominator."""

from fractions import Fraction

LARGEST = 10**7


def exact(number, largest=LARGEST):
    """The fraction with a small denominator that a double, or its decimal text, represents."""
    return number if isinstance(number, Fraction) else Fraction(str(number)).limit_denominator(largest)


def down(number, parts):
    """A number in units of 1/parts, rounded down."""
    return exact(number) * parts // 1


def up(number, parts):
    """A number in units of 1/parts, rounded up."""
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
    """The double nearest to count/parts, which is what a workbook or a parser holds."""
    return float(Fraction(parts, of))


def mean(pairs):
    """The mean of (mean, steps) pairs, weighted by steps; None without steps."""
    pairs = [(exact(value), int(steps)) for value, steps in pairs]
    steps = sum(steps for _, steps in pairs)
    return sum(value * steps for value, steps in pairs) / steps if steps else None


def costliest(names, lost):
    """The metric with the highest loss, the first of equal ones; None if nothing was lost."""
    most = max(lost.values())
    return next(name for name in names if lost[name] == most) if most else None
