"""A real etcd cluster on the loopback, with a proxy on every link between its members."""

import base64
import dataclasses
import http.client
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent
# etcd keeps 150 descriptors for itself and takes clients up to the rest: 2,850 clients and its own are above 95 % of this.
MAX_DESCRIPTORS = 3000
QUOTA_BYTES = 128 << 20


class Refused(Exception):
    """An answer of etcd that is an error."""


def post(port, path, body=None, timeout=10.0):
    """Calls etcd through its JSON gateway."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("POST", path, json.dumps(body or {}))
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    if answer.status != 200:
        raise Refused(text.strip())
    return json.loads(text)


def get(port, path, timeout=3.0):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def encoded(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


@dataclasses.dataclass(eq=False)
class Member:
    name: str
    client: int
    peer: int
    proxy: int
    id: str = ""
    process: subprocess.Popen | None = None

    @property
    def instance(self):
        """The member's name in Prometheus."""
        return f"127.0.0.1:{self.client}"

    @property
    def peer_url(self):
        return f"http://127.0.0.1:{self.proxy}"

    def status(self, timeout=2.0):
        return post(self.client, "/v3/maintenance/status", timeout=timeout)

    def healthy(self):
        try:
            return "leader" in self.status()
        except (OSError, http.client.HTTPException, Refused):
            return False


class Cluster:
    def __init__(self, program, state, logs, port):
        self.program, self.state, self.logs = program, pathlib.Path(state), pathlib.Path(logs)
        self.port, self.members, self.ever = port, [], []
        pipe = subprocess.PIPE
        self.links = subprocess.Popen([sys.executable, HERE / "links.py"], stdin=pipe, stdout=pipe, text=True)

    def command(self, **command):
        self.links.stdin.write(json.dumps(command) + "\n")
        self.links.stdin.flush()
        assert self.links.stdout.readline() == "done\n", "the proxy of the links has ended"

    def new_member(self):
        number = len(self.ever) + 1
        base = self.port + 10 * number
        member = Member(f"m{number}", base, base + 1, base + 2)
        self.ever.append(member)
        self.command(do="listen", member=member.name, port=member.proxy, to=member.peer)
        return member

    def start(self):
        self.members = [self.new_member() for _ in range(3)]
        for member in self.members:
            self.run(member)
        for member in self.members:
            self.await_healthy(member)

    def run(self, member, state="new"):
        """Starts the member's process. A member that has data ignores the flags of the first start."""
        peers = ",".join(f"{each.name}={each.peer_url}" for each in dict.fromkeys([*self.members, member]))
        client = f"http://{member.instance}"
        arguments = {
            "name": member.name, "data-dir": self.state / member.name,
            "listen-client-urls": client, "advertise-client-urls": client,
            "listen-peer-urls": f"http://127.0.0.1:{member.peer}", "initial-advertise-peer-urls": member.peer_url,
            "initial-cluster": peers, "initial-cluster-state": state, "quota-backend-bytes": QUOTA_BYTES,
            # Without it the history of the load alone would reach the quota.
            "auto-compaction-mode": "revision", "auto-compaction-retention": 10_000,
        }
        limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (MAX_DESCRIPTORS, MAX_DESCRIPTORS))
        with open(self.logs / f"{member.name}.log", "ab") as log:
            command = [self.program, *(f"--{name}={value}" for name, value in arguments.items())]
            member.process = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=limit)
        self.command(do="process", member=member.name, pid=member.process.pid)

    def await_healthy(self, member, seconds=60):
        for _ in range(seconds * 5):
            if member.healthy():
                member.id = member.status()["header"]["member_id"]
                return
            time.sleep(0.2)
        raise SystemExit(f"error: {member.name} does not answer; see {self.logs}/{member.name}.log")

    def signal(self, member, number):
        os.kill(member.process.pid, number)
        if number in (signal.SIGKILL, signal.SIGTERM):
            member.process.wait()

    def leader(self):
        """The leader in the view of a majority, waiting until there is one."""
        for _ in range(300):
            votes = []
            for member in self.members:
                try:
                    votes.append(member.status(0.5).get("leader"))
                except (OSError, http.client.HTTPException, Refused):
                    continue
            for member in self.members:
                if votes.count(member.id) * 2 > len(self.members):
                    return member
            time.sleep(0.2)
        raise SystemExit("error: the cluster has had no leader for a minute")

    def followers(self):
        leader = self.leader()
        return [member for member in self.members if member is not leader]

    def link(self, one, other, **how):
        """Sets both ways between two members."""
        for sender, receiver in ((one, other), (other, one)):
            self.command(do="link", **{"from": sender.name, "to": receiver.name}, **how)

    def add(self):
        """Adds a member, which etcd refuses while its members have not been connected for five seconds."""
        member, leader = self.new_member(), self.leader()
        for attempt in range(30):
            try:
                post(leader.client, "/v3/cluster/member/add", {"peerURLs": [member.peer_url]})
                break
            except Refused:
                if attempt == 29:
                    raise
                time.sleep(1)
        self.run(member, "existing")
        self.members.append(member)
        self.await_healthy(member)
        return member

    def remove(self, member):
        others = [each for each in self.members if each is not member]
        post(others[0].client, "/v3/cluster/member/remove", {"ID": member.id})
        self.members = others
        self.signal(member, signal.SIGTERM)

    def stop(self):
        for member in self.ever:
            if member.process and member.process.poll() is None:
                member.process.send_signal(signal.SIGCONT)
                member.process.terminate()
                member.process.wait()
        self.links.stdin.close()
        self.links.wait()
        shutil.rmtree(self.state, ignore_errors=True)
