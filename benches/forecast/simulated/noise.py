"""Random paths: autocorrelated noise, days of different levels, and the load of a cluster by hour and weekday."""

import numpy as np
from scipy.signal import lfilter

MINUTE, HOUR, DAY = 60, 3_600, 86_400
# As in examples/simulate/load.rs: load by UTC hour, where 1 is a normal working hour, and by weekday, Monday first.
HOURLY = np.array([
    0.42, 0.38, 0.36, 0.35, 0.37, 0.44, 0.56, 0.72, 0.90, 1.02, 1.08, 1.10, 1.04, 1.06, 1.12, 1.10, 1.04, 0.96, 0.86,
    0.78, 0.70, 0.62, 0.54, 0.47,
])  # fmt: skip
WEEKLY = np.array([1.0, 1.05, 1.04, 1.02, 0.95, 0.58, 0.52])


def wander(rng, count, step, memory):
    """An AR(1) process with standard deviation 1, whose correlation falls to 1/e within `memory` seconds."""
    kept = np.exp(-step / memory)
    pushed = np.sqrt(1 - kept**2) * rng.standard_normal(count)
    return lfilter([1.0], [1.0, -kept], pushed, zi=[kept * rng.standard_normal()])[0]


def day_levels(rng, at):
    """A level for each UTC day with standard deviation 1, interpolated between noons."""
    first, last = int(at[0] // DAY) - 1, int(at[-1] // DAY) + 1
    noons = (np.arange(first, last + 1) + 0.5) * DAY
    return np.interp(at, noons, rng.standard_normal(len(noons)))


def usual_load(at, weekly):
    """The load without randomness at these seconds since the epoch. `weekly` is 1 for the usual weekend, 0 for none."""
    hours = at / HOUR
    hour = hours.astype(np.int64) % 24
    into = hours % 1
    hourly = HOURLY[hour] * (1 - into) + HOURLY[(hour + 1) % 24] * into
    # 1970-01-01 was a Thursday.
    weekday = (at // DAY + 3).astype(np.int64) % 7
    factors = 1 + weekly * (WEEKLY - 1)
    # In the last three hours of a day, the load changes to that of the next day.
    turned = np.maximum((at % DAY - 21 * HOUR) / (3 * HOUR), 0)
    return hourly * (factors[weekday] * (1 - turned) + factors[(weekday + 1) % 7] * turned)


def load(rng, at, step, weekly=1.0):
    """The load of a cluster, whose users live in one of four time zones."""
    shift = HOUR * rng.integers(4)
    noise = 0.06 * wander(rng, len(at), step, 20 * MINUTE) + 0.04 * wander(rng, len(at), step, 8 * HOUR)
    return np.maximum(usual_load(at + shift, weekly) * (1 + noise), 0.02)


def pieces(rng, at, per_day, shortest, longest):
    """Random stretches as pairs of start and end: about `per_day` a day, with lengths between the limits (seconds)."""
    begin, end = at[0], at[-1]
    count = rng.poisson(per_day * (end - begin) / DAY)
    starts = np.sort(rng.uniform(begin, end, count))
    return list(zip(starts, starts + rng.uniform(shortest, longest, count)))
