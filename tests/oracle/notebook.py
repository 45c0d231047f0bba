"""Executes notebooks-data/audit.ipynb on an output folder; every table that it compares must have 0 differences.

usage: notebook.py DIR [--scores-only]

--scores-only: the cells of the folder are cut in a way that the notebook cannot recompute; it must report that."""

import argparse
import os
import re
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from report import Report

NOTEBOOK = Path(__file__).parents[2] / "notebooks-data" / "audit.ipynb"
LINE = re.compile(r"^(scores|cells): (\d+ rows, \d+ differences|not compared.*)$", re.MULTILINE)


def execute(folder):
    """The text that the notebook printed, and the number of its pictures."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    with tempfile.TemporaryDirectory() as home:
        # Neither read nor write the IPython profile and command history of the user.
        own = {"IPYTHONDIR": home, "JUPYTER_CONFIG_DIR": home, "JUPYTER_RUNTIME_DIR": home}
        os.environ |= own | {"AUDIT": str(Path(folder).resolve())}
        NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": home}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    text = "".join(output.text for output in outputs if output.output_type == "stream")
    return text, sum("text/html" in output.get("data", {}) for output in outputs)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--scores-only", action="store_true")
    asked = parser.parse_args()
    report = Report()
    kept = nbformat.read(NOTEBOOK, as_version=4)
    code = [cell for cell in kept.cells if cell.cell_type == "code"]
    report.check("notebook: kept without outputs", [c.source[:60] for c in code if c.outputs or c.execution_count])
    text, pictures = execute(asked.folder)
    said = dict(LINE.findall(text))
    compared = ["scores"] if asked.scores_only else ["scores", "cells"]
    for what in compared:
        equal = re.fullmatch(r"[1-9]\d* rows, 0 differences", said.get(what, ""))
        report.check(f"notebook: {what}: {said.get(what)}", [] if equal else [text])
    if asked.scores_only:
        told = said.get("cells", "").startswith("not compared")
        report.check("notebook: reports that cells are not compared", [] if told else [text])
    report.check("notebook: shows the ten worst hours and a picture", [] if "worst_metric" in text and pictures else [text])
    report.close()


if __name__ == "__main__":
    main()
