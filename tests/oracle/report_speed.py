"""Measures how soon a headless Chromium shows the first heat map of a report.

usage: report_speed.py FILE [--bar SECONDS] [--runs N]

Each run starts a new browser. The time runs from the start of the navigation to the frame after the first heat map was
added to the page. Ends with exit code 1 if the median misses the bar."""

import argparse
import os
import statistics
import sys

from chromium import Chromium


def first_picture(url):
    with Chromium() as page:
        page.open(url)
        shown = page.until("window.firstPicture") / 1000
        cells = page.evaluate("document.querySelectorAll('table.heat td[aria-label]').length")
        complaints = page.complaints()
    if not cells or complaints:
        sys.exit(f"{url}: {cells} cells, {complaints}")
    return shown


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--bar", type=float, required=True)
    parser.add_argument("--runs", type=int, default=7)
    asked = parser.parse_args()
    url = f"file://{os.path.abspath(asked.file)}"
    first_picture(url)  # warms the page cache
    times = sorted(first_picture(url) for _ in range(asked.runs))
    median = statistics.median(times)
    is_held = median < asked.bar
    print(f"first picture: median {median:.2f} s of {asked.runs} ({times[0]:.2f} to {times[-1]:.2f}), "
          f"bar {asked.bar:g} s: {'held' if is_held else 'MISSED'}")  # fmt: skip
    sys.exit(0 if is_held else 1)


if __name__ == "__main__":
    main()
