"""Runs a program in a terminal of WIDTH columns and compares its words with those of the same run in a pipe.

usage: wrapped.py WIDTH PROGRAM ARGUMENT ..."""

import os
import subprocess
import sys

from in_pty import in_pty
from report import Report


def in_terminal(command, width):
    """What the program prints in a real pty, with a misleading COLUMNS."""
    environment = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1"}
    return in_pty(command, width, 24, environment).decode().replace("\r\n", "\n")


def main():
    width, *command = sys.argv[1:]
    width = int(width)
    piped = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    whole = subprocess.run(command, stdout=subprocess.PIPE, check=True, env=piped, text=True).stdout
    text = in_terminal(command, width)
    report = Report()
    report.check("no line is wider than the window", [line for line in text.splitlines() if len(line) > width])
    report.check("a line uses the window", [] if max(map(len, text.splitlines())) > width - 10 else [width])
    report.check("words", [] if text.split() == whole.split() else [text])
    report.close()


if __name__ == "__main__":
    main()
