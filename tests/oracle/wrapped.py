"""Runs a program in a terminal of WIDTH columns and compares its words with those of the same run in a pipe.

usage: wrapped.py WIDTH PROGRAM ARGUMENT ..."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

from report import Report


def in_terminal(command, width):
    """What the program prints in a real pty, with a misleading COLUMNS."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    environment = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1"}
    running = subprocess.Popen(command, stdin=theirs, stdout=theirs, env=environment)
    os.close(theirs)
    said = b""
    while True:
        try:
            part = os.read(ours, 1 << 16)
        except OSError:
            break
        if not part:
            break
        said += part
    if running.wait() != 0:
        sys.exit(f"{command} failed:\n{said.decode()}")
    return said.decode().replace("\r\n", "\n")


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
