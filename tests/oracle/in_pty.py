"""Runs a program in a real pty."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios


def in_pty(command, width, height, environment):
    """What the program writes to a terminal of this size, as bytes. Ends with an error if the program fails."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
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
    return said
