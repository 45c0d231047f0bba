#!/usr/bin/env python3
"""A TCP proxy on the links between members, run as a process of its own. It reads one JSON command a line on stdin:

{"do": "listen", "member": "m1", "port": 12381, "to": 12380}    peers of m1 dial 12381 and reach 12380
{"do": "process", "member": "m1", "pid": 4711}                  whose connections are those of m1
{"do": "link", "from": "m1", "to": "m2", "delay": 0.4, "loss": 0.05, "cut": false}

etcd advertises the same URL to all peers, so a port does not show who dials. The proxy finds the process that holds the
other end of a connection, and so every ordered pair of members has a link of its own: bytes from m1 to m2 take the link
m1 → m2, no matter which of them dialed.
"""

import asyncio
import dataclasses
import json
import os
import random
import sys

# What TCP waits before it sends a lost segment again, at least; twice as long each time.
RETRANSMIT_SECONDS = 0.2
CHUNK = 65536
# Chunks held back on a connection. A sender that has more waits, as with a full window.
HELD_CHUNKS = 256


class Link:
    """The way from one member to another."""

    def __init__(self):
        self.delay, self.loss = 0.0, 0.0
        self.open = asyncio.Event()
        self.open.set()

    def set(self, delay=0.0, loss=0.0, cut=False):
        self.delay, self.loss = delay, loss
        if cut:
            self.open.clear()
        else:
            self.open.set()

    def wait(self):
        """How long the next chunk takes. A proxy cannot lose bytes of TCP, only time, as the receiver sees it."""
        stall, again = 0.0, RETRANSMIT_SECONDS
        while self.loss and random.random() < self.loss and again < 5:
            stall += again
            again *= 2
        return self.delay + stall


@dataclasses.dataclass
class Network:
    links: dict = dataclasses.field(default_factory=dict)
    processes: dict = dataclasses.field(default_factory=dict)
    servers: dict = dataclasses.field(default_factory=dict)

    def link(self, sender, receiver):
        return self.links.setdefault((sender, receiver), Link())

    def dialer(self, port, listening):
        """The member whose socket is bound to `port` and connected to `listening`."""
        inode = None
        with open("/proc/net/tcp", encoding="ascii") as table:
            for line in table:
                field = line.split()
                if field[1].endswith(f":{port:04X}") and field[2].endswith(f":{listening:04X}"):
                    inode = f"socket:[{field[9]}]"
        for name, pid in self.processes.items():
            if inode and inode in sockets(pid):
                return name
        return "unknown"

    async def listen(self, member, port, to):
        async def accepted(reader, writer):
            peer = writer.get_extra_info("peername")[1]
            await join(self, self.dialer(peer, port), member, to, reader, writer)

        self.servers[member] = await asyncio.start_server(accepted, "127.0.0.1", port)


def sockets(pid):
    found = set()
    try:
        for descriptor in os.scandir(f"/proc/{pid}/fd"):
            try:
                found.add(os.readlink(descriptor.path))
            except OSError:
                continue
    except OSError:
        pass
    return found


async def join(network, dialer, member, port, reader, writer):
    there, back = network.link(dialer, member), network.link(member, dialer)
    await there.open.wait()
    await back.open.wait()
    try:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        writer.close()
        return
    await asyncio.gather(carry(reader, far_writer, there), carry(far_reader, writer, back))


async def carry(reader, writer, link):
    """Carries bytes one way. The end of a connection waits its turn behind the bytes, as a FIN does."""
    held = asyncio.Queue(HELD_CHUNKS)
    reading = asyncio.create_task(hold(reader, held, link))
    clock = asyncio.get_running_loop().time
    try:
        while True:
            due, chunk = await held.get()
            if due > clock():
                await asyncio.sleep(due - clock())
            await link.open.wait()
            if not chunk:
                break
            writer.write(chunk)
            await writer.drain()
    except OSError:
        pass
    reading.cancel()
    writer.close()


async def hold(reader, held, link):
    clock = asyncio.get_running_loop().time
    due, chunk = 0.0, b"more"
    while chunk:
        try:
            chunk = await reader.read(CHUNK)
        except OSError:
            chunk = b""
        # Bytes do not overtake each other.
        due = max(due, clock() + link.wait())
        await held.put((due, chunk))


async def obey(network, command):
    do = command.pop("do")
    if do == "listen":
        await network.listen(command["member"], command["port"], command["to"])
    elif do == "process":
        network.processes[command["member"]] = command["pid"]
    else:
        network.link(command.pop("from"), command.pop("to")).set(**command)
    print("done", flush=True)


async def main():
    network, loop = Network(), asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        await obey(network, json.loads(line))
    # Threads of the executor and open connections would keep the process alive.
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main())
