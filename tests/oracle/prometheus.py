"""A minimal Prometheus client: one request per query, no retries."""

import json
from urllib.parse import urlencode
from urllib.request import urlopen

# Prometheus returns at most 11,000 steps per series.
MOST_STEPS = 10_000


def ask(url, endpoint, **parameters):
    with urlopen(f"{url}/api/v1/{endpoint}?{urlencode(parameters)}", timeout=60) as answer:
        return json.load(answer)["data"]["result"]


def range_query(url, query, start, end, step):
    """Yields (labels, second, value) at the multiples of step in start <= t < end."""
    t = -(-start // step) * step
    while t < end:
        last = min(t + (MOST_STEPS - 1) * step, (end - 1) // step * step)
        for series in ask(url, "query_range", query=query, start=t, end=last, step=step):
            for second, value in series["values"]:
                yield series["metric"], int(second), float(value)
        t = last + step
