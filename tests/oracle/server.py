"""A Prometheus of our own, for as long as its value lives and never longer than this process."""

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
            # By default everything older than 15 days would vanish.
            "--storage.tsdb.retention.time=100y",
            *flags,
        ]
        # The shell reads from a pipe of which only we hold the other end. When we close it, or die without a chance
        # to, it ends the server.
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
    """Ends with one sentence where PROGRAM is missing, and not with 1, which stands for a difference."""
    if not shutil.which(program):
        print(f"`{program}` is not installed: run `apt-get install prometheus`, or ./test, which does it for you",
              file=sys.stderr)  # fmt: skip
        sys.exit(2)


def free_port():
    """A port that nobody listens on, below the range from which the kernel gives ports to outgoing connections."""
    for turn in range(1000):
        port = 12_000 + (os.getpid() * 7 + turn) % 8_000
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    raise RuntimeError("no port is free")


def import_samples(text, data):
    """Blocks from a file of OpenMetrics; promtool reads the file once more for every block, so blocks are long."""
    needed("promtool")
    promtool = ["promtool", "tsdb", "create-blocks-from", "--quiet", "--max-block-duration=162h", "openmetrics"]
    subprocess.run([*promtool, str(text), str(data)], check=True, stdout=subprocess.DEVNULL)
