"""Copies blocks of Prometheus with all times later by some days, so that a year needs no year of scrapes.

usage: shift.py DAYS BLOCKS TARGET

A time is stored as a variable-length integer whose length stays the same for some decades, so that each is replaced where it
lies: the first one of each chunk, and the first one of each series in the index. Needs PyPI's crc32c."""

import json
import random
import shutil
import struct
import sys
from pathlib import Path

from crc32c import crc32c

ULID = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def uvarint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def later(data, at, shift_ms):
    """Replaces the signed integer at a place; the low bit is its sign."""
    value, end = uvarint(data, at)
    value += 2 * shift_ms
    for place in range(at, end):
        data[place] = (value & 127) | (128 if place + 1 < end else 0)
        value >>= 7
    assert value == 0, "the time needs another byte"


def shift_chunks(path, shift_ms):
    data = bytearray(path.read_bytes())
    at = 8
    while at < len(data):
        length, start = uvarint(data, at)
        # Encoding, number of samples in two bytes, then the first time.
        later(data, start + 3, shift_ms)
        end = start + 1 + length
        data[end : end + 4] = struct.pack(">I", crc32c(bytes(data[start:end])))
        at = end + 4
    return data


def shift_index(path, shift_ms):
    data = bytearray(path.read_bytes())
    toc = struct.unpack(">6Q", data[-52:-4])
    at, end = toc[1], min(place for place in toc if place > toc[1])
    while at < end:
        at += -at % 16
        length, start = uvarint(data, at)
        labels, place = uvarint(data, start)
        for _ in range(2 * labels):
            _, place = uvarint(data, place)
        chunks, place = uvarint(data, place)
        if chunks:
            later(data, place, shift_ms)
        at = start + length
        data[at : at + 4] = struct.pack(">I", crc32c(bytes(data[start:at])))
        at += 4
    return data


def main():
    days, blocks, target = int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
    shift_ms = days * 86_400_000
    for meta in sorted(blocks.glob("*/meta.json")):
        block = meta.parent
        ulid = block.name[:10] + "".join(random.choices(ULID, k=16))
        new = target / ulid
        (new / "chunks").mkdir(parents=True)
        for chunks in (block / "chunks").iterdir():
            (new / "chunks" / chunks.name).write_bytes(shift_chunks(chunks, shift_ms))
        (new / "index").write_bytes(shift_index(block / "index", shift_ms))
        shutil.copy(block / "tombstones", new / "tombstones")
        described = json.loads(meta.read_text())
        described["minTime"] += shift_ms
        described["maxTime"] += shift_ms
        described["ulid"], described["compaction"]["sources"] = ulid, [ulid]
        (new / "meta.json").write_text(json.dumps(described))


main()
