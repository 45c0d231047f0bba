#!/usr/bin/env python3
"""Draws comments and messages at random, to be judged cold by a reader, and counts what WORDS.md counts.

    benches/prose/draw.py --seed 1                       70 comments and 40 help texts and errors
    benches/prose/draw.py --count                        doc lines of fewer than five words, the longest help, README

The question for each item: what would I do or know after reading this? The same seed draws the same items from the same
sources. Help texts come from the program (--program), errors from the snapshot of every error variant.
"""

import argparse
import pathlib
import random
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMENT = re.compile(r"^\s*(///|//!|//)( |$)(.*)$")


def comments():
    """Blocks of comment lines in src, with their place and the line of code that follows."""
    for path in sorted((ROOT / "src").rglob("*.rs")):
        lines = path.read_text().splitlines()
        block, kind, begin = [], None, 0
        for number, line in enumerate([*lines, ""], 1):
            match = COMMENT.match(line)
            if match and (kind in (None, match[1])):
                kind, begin = match[1], begin or number
                block.append(match[3])
                continue
            if block:
                yield f"{path.relative_to(ROOT)}:{begin}", kind, block, line.strip()
            block, kind, begin = ([match[3]], match[1], number) if match else ([], None, 0)


def help_of(program, *command):
    return subprocess.run([program, *command], check=True, capture_output=True, text=True).stdout


def subcommands(program):
    listed = help_of(program, "-h").split("Commands:\n")[1].split("\n\n")[0]
    return [line.split()[0] for line in listed.splitlines() if re.match(r"  [a-z]", line)]


def messages(program):
    """Help texts of flags and subcommands, and error sentences."""
    for command in subcommands(program):
        if command == "help":
            continue
        text = help_of(program, *([command, "show"] if command == "config" else [command]), "--help")
        for item in re.split(r"\n(?= {2,6}-)", text)[1:]:
            yield f"{command} --help", " ".join(item.split("\n\n")[0].split())
    name = ""
    for line in (ROOT / "src/every_error/snapshot.txt").read_text().splitlines():
        if line.startswith("## "):
            name = line[3:]
        # `Config: as ConfigError` refers to the sentences of another enum, which are drawn there.
        elif line.strip() and not re.match(r"\w+: as \w+", line):
            yield name, line


def count(program):
    docs = [line for _, kind, block, _ in comments() if kind != "//" for line in block]
    short = sum(1 for line in docs if 0 < len(line.split()) < 5)
    print(f"doc lines of fewer than five words: {short} of {len(docs)}")
    for flag in ("-h", "--help"):
        names = [[], *([name] for name in subcommands(program) if name != "help"), ["config", "show"]]
        longest = max((len(help_of(program, *name, flag).splitlines()), " ".join(name)) for name in names)
        print(f"longest {flag}: {longest[0]} lines ({longest[1]})")
    print(f"words in README.md: {len((ROOT / 'README.md').read_text().split())}")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--comments", type=int, default=70)
    arguments.add_argument("--messages", type=int, default=40)
    arguments.add_argument("--program", default=str(ROOT / "target/release/etcd-heatmap"))
    arguments.add_argument("--count", action="store_true")
    given = arguments.parse_args()
    if given.count:
        return count(given.program)
    rng = random.Random(given.seed)
    for number, (place, kind, block, code) in enumerate(rng.sample(list(comments()), given.comments), 1):
        print(f"C{number} {place}")
        for line in block:
            print(f"    {kind} {line}")
        print(f"    {code}\n")
    for number, (place, text) in enumerate(rng.sample(sorted(set(messages(given.program))), given.messages), 1):
        print(f"M{number} [{place}] {text}\n")


if __name__ == "__main__":
    main()
