"""The faults. Each takes the lab, makes its trouble, undoes it, and returns the members concerned.

A fault that lasts holds with `lab.hold`, so that a longer run holds longer. `FAULTS` has the order of a full run, and how
long the calm after each is: long where a rate over five minutes must settle before the next fault.
"""

import dataclasses
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Callable

from cluster import Refused, encoded, get, post
from observer import parse

SETTLED, CALM = 330, 75
SLOW_MS = {"follower": 700, "leader": 1500}
SLOW_SECONDS = 100


@dataclasses.dataclass(frozen=True)
class Fault:
    name: str
    make: Callable
    calm: int


def slow_fsync(lab, member, milliseconds, seconds):
    """Every fsync of one process takes longer. The delay is at the exit: the disk has the data, and the process waits."""
    inject = f"inject=fdatasync,fsync:delay_exit={milliseconds * 1000}"
    command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync,fsync", "-e", inject]
    process = ["-p", str(member.process.pid)]
    tracer = subprocess.Popen([*command, *process], stderr=subprocess.PIPE, text=True)
    lab.hold(seconds)
    if tracer.poll() is not None:
        raise SystemExit(f"error: strace: {tracer.stderr.read().strip()}")
    tracer.send_signal(signal.SIGINT)
    tracer.wait()


def slow_follower(lab):
    member = lab.cluster.followers()[0]
    slow_fsync(lab, member, SLOW_MS["follower"], SLOW_SECONDS)
    return [member], {"fsync_delay_ms": SLOW_MS["follower"]}


def slow_leader(lab):
    leader = lab.cluster.leader()
    slow_fsync(lab, leader, SLOW_MS["leader"], SLOW_SECONDS)
    return [leader], {"fsync_delay_ms": SLOW_MS["leader"]}


def stop_leader(lab):
    leader = lab.cluster.leader()
    lab.cluster.signal(leader, signal.SIGSTOP)
    lab.hold(20)
    lab.cluster.signal(leader, signal.SIGCONT)
    return [leader], {}


def kill(lab, member, seconds):
    lab.cluster.signal(member, signal.SIGKILL)
    lab.hold(seconds)
    lab.cluster.run(member)
    lab.cluster.await_healthy(member)
    return [member], {}


def kill_follower(lab):
    return kill(lab, lab.cluster.followers()[-1], 60)


def kill_leader(lab):
    return kill(lab, lab.cluster.leader(), 30)


def move_leader(lab):
    leader, to = lab.cluster.leader(), lab.cluster.followers()[0]
    post(leader.client, "/v3/maintenance/transfer-leadership", {"targetID": to.id})
    return [leader, to], {}


def on_links(lab, pairs, seconds, **how):
    for one, other in pairs:
        lab.cluster.link(one, other, **how)
    lab.hold(seconds)
    for one, other in pairs:
        lab.cluster.link(one, other)


def delay_link(lab):
    leader, follower = lab.cluster.leader(), lab.cluster.followers()[0]
    on_links(lab, [(leader, follower)], 60, delay=0.3)
    return [leader, follower], {"delay_seconds": 0.3}


def delay_leader(lab):
    """Slow links to a whole quorum: every put waits."""
    leader, others = lab.cluster.leader(), lab.cluster.followers()
    on_links(lab, [(leader, other) for other in others], 60, delay=0.3)
    return [leader], {"delay_seconds": 0.3}


def lose_link(lab):
    leader, follower = lab.cluster.leader(), lab.cluster.followers()[0]
    on_links(lab, [(leader, follower)], 60, loss=0.1)
    return [leader, follower], {"loss": 0.1}


def partition_link(lab):
    leader, follower = lab.cluster.leader(), lab.cluster.followers()[0]
    on_links(lab, [(leader, follower)], 60, cut=True)
    return [leader, follower], {}


def cut_leader(lab):
    leader, others = lab.cluster.leader(), lab.cluster.followers()
    on_links(lab, [(leader, other) for other in others], 60, cut=True)
    return [leader], {}


def leak_descriptors(lab):
    """Idle connections of clients, until 95.5 % of the limit are used: some are left for scrapes."""
    member = lab.cluster.followers()[0]
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, hard), hard))
    connections, now = [], parse(get(member.client, "/metrics"))
    while now["open_fds"] < 0.954 * now["max_fds"]:
        missing = int(0.956 * now["max_fds"] - now["open_fds"])
        for _ in range(min(missing, 150)):
            connections.append(socket.create_connection(("127.0.0.1", member.client), timeout=5))
        lab.hold(1)
        now = parse(get(member.client, "/metrics"))
    lab.hold(45)
    for connection in connections:
        connection.close()
    return [member], {"connections": len(connections)}


def put_many(lab, prefix, count, size, pause):
    """Puts until `count` or until etcd refuses; how many were taken."""
    leader = lab.cluster.leader()
    for number in range(count):
        body = {"key": encoded(f"{prefix}/{number}"), "value": encoded(lab.noise(size))}
        try:
            post(leader.client, "/v3/kv/put", body)
        except Refused as refused:
            if "database space exceeded" not in str(refused):
                raise
            return number
        time.sleep(pause)
    return count


def delete_and_compact(lab, prefix):
    leader = lab.cluster.leader()
    body = {"key": encoded(prefix + "/"), "range_end": encoded(prefix + "0")}
    revision = post(leader.client, "/v3/kv/deleterange", body)["header"]["revision"]
    post(leader.client, "/v3/kv/compaction", {"revision": revision, "physical": True}, timeout=60)


def grow(lab):
    put_many(lab, "growth", 900, 32 << 10, 0.03)
    return list(lab.cluster.members), {"bytes": 900 * (32 << 10)}


def compact(lab):
    delete_and_compact(lab, "growth")
    return list(lab.cluster.members), {}


def defragment(lab):
    for member in lab.cluster.members:
        post(member.client, "/v3/maintenance/defragment", timeout=60)
        lab.hold(5)
    return list(lab.cluster.members), {}


def fill_quota(lab):
    """Fills the database until etcd refuses puts, waits, and frees it as its documentation says."""
    taken = put_many(lab, "quota", 2000, 256 << 10, 0.05)
    refused = time.time()
    lab.hold(75)
    delete_and_compact(lab, "quota")
    for member in lab.cluster.members:
        post(member.client, "/v3/maintenance/defragment", timeout=60)
    alarms = post(lab.cluster.leader().client, "/v3/maintenance/alarm", {"action": "GET"}).get("alarms", [])
    for alarm in alarms:
        body = {"action": "DEACTIVATE", "memberID": alarm["memberID"], "alarm": alarm["alarm"]}
        post(lab.cluster.leader().client, "/v3/maintenance/alarm", body)
    detail = {"puts_taken": taken, "refused_from": round(refused, 1), "alarms": alarms}
    return list(lab.cluster.members), detail


def burst(lab):
    lab.load(rate=300)
    lab.hold(45)
    lab.load()
    return list(lab.cluster.members), {"operations_per_second": 300}


def roll(lab):
    """Restarts all members, one after the other; etcd hands the leadership over before it ends."""
    for member in list(lab.cluster.members):
        lab.cluster.signal(member, signal.SIGTERM)
        lab.hold(4)
        lab.cluster.run(member)
        lab.cluster.await_healthy(member)
        lab.hold(10)
    return list(lab.cluster.members), {}


def replace(lab):
    """A follower goes for good, and a new one with another address takes its place."""
    gone = lab.cluster.followers()[-1]
    lab.cluster.remove(gone)
    lab.targets_changed()
    lab.hold(30)
    new = lab.cluster.add()
    lab.targets_changed()
    lab.hold(10)
    return [gone, new], {"gone": gone.instance, "new": new.instance}


def even(lab):
    """A fourth member for a while: no more failures are tolerated than with three."""
    new = lab.cluster.add()
    lab.targets_changed()
    lab.hold(90)
    lab.cluster.remove(new)
    lab.targets_changed()
    return [new], {"removed_on_purpose": new.instance}


FAULTS = [
    Fault("move_leader", move_leader, CALM),
    Fault("slow_follower", slow_follower, SETTLED),
    Fault("move_leader", move_leader, CALM),
    Fault("stop_leader", stop_leader, CALM),
    Fault("stop_leader", stop_leader, CALM),
    Fault("kill_follower", kill_follower, CALM),
    Fault("kill_leader", kill_leader, CALM),
    Fault("delay_link", delay_link, CALM),
    Fault("delay_leader", delay_leader, CALM),
    Fault("lose_link", lose_link, CALM),
    Fault("partition_link", partition_link, CALM),
    Fault("cut_leader", cut_leader, CALM),
    Fault("leak_descriptors", leak_descriptors, CALM),
    Fault("grow", grow, CALM),
    Fault("compact", compact, CALM),
    Fault("defragment", defragment, CALM),
    Fault("burst", burst, CALM),
    Fault("roll", roll, CALM),
    Fault("replace", replace, CALM),
    Fault("even", even, CALM),
    Fault("slow_leader", slow_leader, SETTLED),
    Fault("move_leader", move_leader, CALM),
    Fault("fill_quota", fill_quota, CALM),
]
QUICK_CALM = 35
QUICK = ["move_leader", "stop_leader", "kill_follower", "cut_leader", "slow_leader", "fill_quota"]


def plan(names):
    """The faults of `all`, `quick`, or a list of names, each with the calm after it."""
    if names == ["all"]:
        return FAULTS
    known = {fault.name: fault for fault in FAULTS}
    if names == ["quick"]:
        return [dataclasses.replace(known[name], calm=QUICK_CALM) for name in QUICK]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SystemExit(f"error: no fault is called {', '.join(unknown)}: choose from {', '.join(known)}")
    return [known[name] for name in names]
