"""Changes one score of a day to the neighboring double, which a comparison has to detect.

usage: falsify.py DIR DATE"""

import math
import sys
from pathlib import Path

import polars


def main():
    folder, date = sys.argv[1:]
    path = Path(folder, f"scores/date={date}/scores.parquet")
    rows = polars.read_parquet(path, hive_partitioning=False)
    scores = rows["score"].to_list()
    place = next(place for place in range(len(scores) // 2, len(scores)) if scores[place] is not None)
    scores[place] = math.nextafter(scores[place], 0)
    rows.with_columns(polars.Series("score", scores)).write_parquet(path)


if __name__ == "__main__":
    main()
