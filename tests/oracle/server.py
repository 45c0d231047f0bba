"""Starts a Prometheus that ends with close() or, at the latest, with this process."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from urllib.error import URLError
from urllib.request import urlopen


class Prometheus:
    def __init__(self, folder, *flags):
        needed("prometheus")
        (folder / "prometheus.yml").write_text("")
        self.url = f"http://127.0.0.1:{free_port()}"
        program = [
            "prometheus",
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address={self.url.removeprefix('http://')}",
            # By default, Prometheus deletes samples older than 15 days.
            "--storage.tsdb.retention.time=100y",
            *flags,
        ]
        # The shell reads from a pipe whose other end only we hold. When that is closed, even because we were killed,
        # the shell kills the server.
        shell = ["sh", "-c", '"$@" & read -r _; kill -KILL $!; wait', "sh", *program]
        self.log = folder / "prometheus.log"
        with open(self.log, "w", encoding="utf-8") as log:
            self.shell = subprocess.Popen(shell, stdin=subprocess.PIPE, stdout=log, stderr=log)
        self.wait()

    def wait(self):
        end = time.monotonic() + 120
        while True:
            try:
                with urlopen(f"{self.url}/-/ready", timeout=5):
                    return
            except (URLError, OSError) as error:
                if time.monotonic() > end:
                    raise RuntimeError(f"Prometheus is not ready:\n{self.log.read_text()}") from error
                time.sleep(0.05)

    def version(self):
        with urlopen(f"{self.url}/api/v1/status/buildinfo", timeout=5) as answer:
            return json.load(answer)["data"]["version"].split("+")[0]

    def close(self):
        self.shell.stdin.close()
        self.shell.wait()


def needed(program):
    """Ends with an error if PROGRAM is missing. The exit code is 2, because 1 means that something differs."""
    if not shutil.which(program):
        print(f"`{program}` is not installed: run `apt-get install prometheus`, or ./test, which installs it",
              file=sys.stderr)  # fmt: skip
        sys.exit(2)


def free_port():
    """A free port, below the range that the kernel uses for outgoing connections."""
    for turn in range(1000):
        port = 12_000 + (os.getpid() * 7 + turn) % 8_000
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    raise RuntimeError("no free port")


def import_samples(text, data):
    """Imports an OpenMetrics file as blocks. They are long because promtool reads the whole file for each block."""
    needed("promtool")
    promtool = ["promtool", "tsdb", "create-blocks-from", "--quiet", "--max-block-duration=162h", "openmetrics"]
    subprocess.run([*promtool, str(text), str(data)], check=True, stdout=subprocess.DEVNULL)
