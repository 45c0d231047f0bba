"""Prints the lowest score of each fault of the lab under two profiles, as the rows of the table in docs/score.md.

usage: lab.py LABELS SEED OPERATOR

LABELS is labels.json of a run of benches/lab; SEED and OPERATOR are output folders of its audit with these profiles. The
score of the cluster is that of its worst member, computed here from scores/."""

import json
import sys
from collections import Counter

import duckdb

from folder import source
from spec import Profile

RED, YELLOW = 5, 7
# Clients that wait longer than this, the election timeout of etcd, count as harmed.
LONG_SECONDS = 1.0
# A leader that was asked for: no put waits for it.
PLANNED = "move_leader"
NEAR_A_LIMIT = ("leak_descriptors",)


def expected(fault):
    """The color that the load's experience asks for."""
    load = fault["load"]
    if load["puts_failed"] or (fault["leader_changes"] and fault["kind"] != PLANNED):
        return "red"
    slow = load["worst_p99_seconds"] > LONG_SECONDS
    return "yellow" if slow or fault["kind"] in NEAR_A_LIMIT else "green"


def color(score):
    return "red" if score < RED else "yellow" if score < YELLOW else "green"


def cluster(folder, profile):
    """Second -> score of the cluster, None while it has none."""
    query = f"select epoch_ms(ts) // 1000, list(score), count(*) from {source(f'{folder}/scores/date=*/scores.parquet')} group by 1"
    zero_is_worst = Profile.named(profile).has_cap_of_zero()
    scores = {}
    for at, members, expected_members in duckdb.sql(query).fetchall():
        known = [score for score in members if score is not None]
        is_known = len(known) == expected_members or (zero_is_worst and 0 in known)
        scores[at] = min(known) if is_known else None
    return scores


def within(scores, start, end):
    """The lowest score from start to end, as text, and its color; gray without any."""
    steps = [score for at, score in scores.items() if start <= at < end]
    known = [score for score in steps if score is not None]
    gray = len(steps) - len(known)
    if not known:
        return "gray", "gray"
    lowest = min(known)
    return f"{lowest:g} {color(lowest)}" + (f", {gray} gray" if gray else ""), color(lowest)


def main():
    labels = json.load(open(sys.argv[1], encoding="utf-8"))
    scores = {name: cluster(folder, name) for name, folder in zip(["seed", "operator"], sys.argv[2:])}
    faults, hits = labels["faults"], Counter()
    ends = [fault["start"] for fault in faults[1:]] + [labels["end"]]
    for fault, end in zip(faults, ends):
        load, since = fault["load"], int(fault["start"] - labels["start"])
        puts = load["puts_ok"] + load["puts_failed"]
        seen = f"{load['puts_failed']} of {puts} | {load['worst_p99_seconds']:.1f} s | {len(fault['leader_changes'])}"
        shown = []
        for name, of_profile in scores.items():
            text, found = within(of_profile, fault["start"], end)
            hits[name] += found == expected(fault)
            hits[f"false alarm of {name}"] += expected(fault) == "green" and found in ("red", "yellow")
            shown.append(f"**{text}**" if found == expected(fault) else text)
        print(f"| {since // 60}:{since % 60:02} `{fault['kind']}` | {seen} | {expected(fault)} | {' | '.join(shown)} |")
    print(f"right: seed {hits['seed']}, operator {hits['operator']} of {len(faults)}")
    print(f"false alarms: seed {hits['false alarm of seed']}, operator {hits['false alarm of operator']}")


if __name__ == "__main__":
    main()
