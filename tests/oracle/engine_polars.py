"""The engine of the notebook: executes its cells tagged `compute`, unchanged."""

import json
from pathlib import Path

import polars

from cells import HEADER
from engine_duckdb import by_step

NOTEBOOK = Path(__file__).parents[2] / "notebooks-data" / "audit.ipynb"


class Notebook:
    name = f"Polars {polars.__version__} in the notebook"

    def __init__(self, folder):
        self.cell = {"AUDIT": Path(folder)}
        for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
            if "compute" in cell["metadata"].get("tags", []):
                exec(compile("".join(cell["source"]), cell["id"], "exec"), self.cell)

    def scores(self, day, date):
        self.frame = self.cell["scores_of"](day)
        return by_step(self.frame.drop(self.cell["EXTRA"]).rows())

    def cells(self, day, date, scores):
        return [in_full(row, date) for row in self.cell["cells_of_day"](self.frame).iter_rows(named=True)]


def in_full(row, date):
    """Adds the columns that the notebook leaves out because they are constant for hours of UTC."""
    start = row["start"] // 1000
    clock = {"start": start, "date": date, "hour": start % 86_400 // 3600, "minute": 0, "utc_offset_minutes": 0}
    return tuple((row | clock)[column] for column in HEADER)
