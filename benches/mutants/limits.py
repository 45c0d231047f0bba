#!/usr/bin/env python3
"""Changes one threshold, comparison or constant of src/analysis/findings at a time, and counts the changes (mutants) that
tests/oracle/edges.py misses. Not a benchmark; the bar is that none survives.

usage: limits.py TREE PYTHON [TEXT]…

TREE is a copy of the working tree that may be overwritten. All mutants are compiled into one program, and the variable
MUTANT selects one; a mutant whose text is no longer in the source is an error. PYTHON is that of the oracle.
Only mutants whose line has one of the texts are run, or all without any."""

import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FINDINGS = "src/analysis/findings/"
MIN, HOUR = 60_000, 3_600_000
# (group of edges.py, file, constant, other files that use it, values)
CONSTANTS = [
    ("incidents", "incidents", "POINTS_BELOW", [], ["0.9", "1.1"]),
    ("incidents", "incidents", "USUAL_SHARE", [], ["0.24", "0.26"]),
    ("incidents", "incidents", "LEAST_MS", ["recurrence"], [14 * MIN, 16 * MIN]),
    ("incidents", "incidents", "OVER_MS", [], [29 * MIN, 31 * MIN]),
    ("incidents", "incidents", "UNKNOWN_MS", [], [119 * MIN, 121 * MIN]),
    ("incidents", "incidents", "BEFORE_MS", [], [10 * MIN, 29 * MIN, 31 * MIN]),
    ("elections", "elections", "GAP_MS", [], [59 * MIN, 61 * MIN]),
    ("elections", "elections", "RESTART_MS", [], [4 * MIN, 6 * MIN]),
    ("elections", "elections", "TOGETHER_MS", [], [3 * MIN]),
    ("leader_changes", "leader_changes", "RESTART_MS", [], [9 * MIN, 11 * MIN]),
    ("leader_changes", "leader_changes", "SLOW_MS", [], [9 * MIN, 11 * MIN, 20 * MIN]),
    ("leader_changes", "leader_changes", "LEAST_SLOW_STEPS", [], [1, 3]),
    ("leader_changes", "leader_changes", "TOGETHER_MS", [], [29 * MIN, 31 * MIN]),
    ("storms", "storms", "TOGETHER_MS", [], [119 * MIN, 121 * MIN, 3 * HOUR]),
    ("recurrences", "recurrence", "LEVEL", [], ["0.05", "0.009"]),
    ("recurrences", "recurrence", "LEAST_SHARE", [], ["0.46", "0.51"]),
    ("recurrences", "recurrence", "LOOKS", [], ["24", "168", "191"]),
    ("growth", "growth", "LEAST_DAYS", [], [6, 8]),
    ("growth", "growth", "WITHIN_DAYS", [], ["364.0", "366.0", "730.0"]),
    ("growth", "growth", "DEFAULT_QUOTA", [], ["2_000_000_000.0", "4_294_967_296.0"]),
    ("growth", "statistics", "Z", [], ["-1.645", "-2.576"]),
    ("defragmentations", "defragmentation", "LEAST_SHARE", ["growth"], ["0.049", "0.051"]),
    ("defragmentations", "defragmentation", "RESTART_MS", [], [9 * MIN, 11 * MIN]),
    ("defragmentations", "defragmentation", "TOGETHER_MS", [], [59 * MIN, 65 * MIN]),
    ("defragmentations", "databases", "DROP_WITHIN_MS", [], [59 * MIN, 65 * MIN]),
    ("defragmentations", "databases", "RISES", [], ["1.2998", "1.3002"]),
    ("defragmentations", "databases", "LATE_MS", [], [0, 2 * MIN]),
    ("fragmentation", "fragmentation", "FRAGMENTED_BELOW", [], ["0.49", "0.51"]),
    ("fragmentation", "fragmentation", "LEAST_IN_USE", [], ["104_857_599.0", "104_857_601.0"]),
    ("fragmentation", "fragmentation", "LASTS_MS", [], [5 * MIN, 15 * MIN]),
    ("leaders", "leaders", "LEAST_STEPS", [], [3]),
    ("leaders", "leaders", "TOGETHER_MS", [], [59 * MIN, 61 * MIN]),
    ("leaders", "leaders", "CONSTANT_SHARE", [], ["0.499", "0.501"]),
    ("maintenance", "maintenance", "LEAST_COVERAGE", [], ["0.98", "0.995"]),
    ("maintenance", "maintenance", "TWO_WEEKS_MS", [], ["13 * DAY_MS", "15 * DAY_MS"]),
    ("absences", "../membership", "LEAST_MS", ["away", "gone"], [9 * MIN, 11 * MIN]),
    ("departures", "../membership", "REPLACED_WITHIN_MS", ["../membership/seats"], [86_340_000, 86_460_000]),
]
# (group, file, expression, changed expression)
EXPRESSIONS = [
    ("incidents", "incidents", "apart - length_within(unknown, gap) < OVER_MS", "apart - length_within(unknown, gap) <= OVER_MS"),
    ("incidents", "incidents", "apart < UNKNOWN_MS", "apart <= UNKNOWN_MS"),
    ("incidents", "incidents", "length_within(&bad, *range) >= LEAST_MS", "length_within(&bad, *range) > LEAST_MS"),
    ("incidents", "incidents", "*ms >= least", "*ms > least"),
    ("incidents", "incidents", "self.usual < RED_BELOW", "self.usual <= RED_BELOW"),
    ("incidents", "incidents", "RED_BELOW.to_bits() - 1", "RED_BELOW.to_bits()"),
    ("incidents", "incidents", "lost > usual && before.is_none_or(|before| before <= usual)", "lost > usual"),
    ("incidents", "incidents", "(near.start_ms..near.end_ms).contains(&run.start_ms)", "near.start_ms < run.start_ms && run.start_ms < near.end_ms"),
    ("elections", "elections", "*at + DAY_MS + late_ms < run.start_ms", "*at + DAY_MS + late_ms <= run.start_ms"),
    ("elections", "elections", "*at <= seen_ms + together_ms", "*at < seen_ms + together_ms"),
    ("elections", "elections", "run.start_ms - before.end_ms <= GAP_MS", "run.start_ms - before.end_ms < GAP_MS"),
    ("elections", "elections", "alone || !restarts.iter().any(near)", "!restarts.iter().any(near)"),
    ("elections", "elections", "start + RESTART_MS + step_ms", "start + RESTART_MS"),
    ("elections", "elections", "start - RESTART_MS", "start - 4 * 60_000"),
    ("leader_changes", "leader_changes", "a.members == b.members", "true"),
    ("leader_changes", "leader_changes", "slow_for >= LEAST_SLOW_STEPS * of.step.millis()", "slow_for > LEAST_SLOW_STEPS * of.step.millis()"),
    ("leader_changes", "leader_changes", "from - SLOW_MS", "from + of.step.millis() - SLOW_MS"),
    ("leader_changes", "leader_changes", "from - RESTART_MS", "from + of.step.millis() - RESTART_MS"),
    ("storms", "storms", "b.seen_ms - a.until_ms <= TOGETHER_MS", "b.seen_ms - a.until_ms < TOGETHER_MS"),
    ("storms", "storms", "count(storm) > threshold", "count(storm) >= threshold"),
    ("storms", "storms", "c.seen_ms <= lingering.start_ms", "c.seen_ms < lingering.start_ms"),
    ("absences", "away", "span.end_ms - span.start_ms >= LEAST_MS", "span.end_ms - span.start_ms > LEAST_MS"),
    ("recurrences", "recurrence", "bad > 1", "bad > 2"),
    ("recurrences", "recurrence", "LOOKS * causes.len()", "LOOKS"),
    ("recurrences", "recurrence", "hour.scored * 2 >= hour.expected", "hour.scored * 2 > hour.expected"),
    ("recurrences", "recurrence", "length_within(&spans, range_of(hour)) >= LEAST_MS", "length_within(&spans, range_of(hour)) > LEAST_MS"),
    ("recurrences", "recurrence", "tests.iter().position(Option::is_none).unwrap_or(0)", "0"),
    ("recurrences", "tracks", "last.start_ms == hour.start_ms", "false"),
    ("growth", "growth", "left <= WITHIN_DAYS", "left < WITHIN_DAYS"),
    ("growth", "growth", "slope.low > 0.0", "slope.low >= 0.0"),
    ("growth", "growth", "*day <= last", "*day < last"),
    ("growth", "growth", "last.1 >= quota", "last.1 > quota"),
    ("growth", "growth", "drop.after <= drop.before * (1.0 - LEAST_SHARE)", "drop.after < drop.before * (1.0 - LEAST_SHARE)"),
    ("growth", "databases", "day.quota.or(self.quota)", "self.quota.or(day.quota)"),
    ("growth", "databases", "row.iter().rev().find(|v| !v.is_nan())", "row.iter().find(|v| !v.is_nan())"),
    ("growth", "statistics", "f64::midpoint(below, middle)", "below"),
    ("defragmentations", "defragmentation", "drop.after <= drop.before * (1.0 - LEAST_SHARE)", "drop.after < drop.before * (1.0 - LEAST_SHARE)"),
    ("defragmentations", "defragmentation", "one.change.at_ms - last.at_ms > TOGETHER_MS", "one.change.at_ms - last.at_ms >= TOGETHER_MS"),
    ("defragmentations", "defragmentation", "counted.at_ms - window_ms < drop.at_ms", "counted.at_ms - window_ms <= drop.at_ms"),
    ("fragmentation", "fragmentation", "self.in_use > LEAST_IN_USE", "self.in_use >= LEAST_IN_USE"),
    ("fragmentation", "fragmentation", "self.in_use < FRAGMENTED_BELOW * self.size", "self.in_use <= FRAGMENTED_BELOW * self.size"),
    ("leaders", "leaders", "lasted_ms > LONGER_THAN_MS", "lasted_ms >= LONGER_THAN_MS"),
    ("defragmentations", "defragmentation", "drop.before_ms - RESTART_MS", "drop.at_ms - RESTART_MS"),
    ("defragmentations", "databases", "after.0 - before.0 <= DROP_WITHIN_MS", "after.0 - before.0 < DROP_WITHIN_MS"),
    ("defragmentations", "tracks", "two[0].state != two[1].state", "two[0].end_ms != two[1].end_ms"),
    ("maintenance", "maintenance", "of.range.end_ms - of.range.start_ms >= TWO_WEEKS_MS", "of.range.end_ms - of.range.start_ms > TWO_WEEKS_MS"),
    ("maintenance", "maintenance", "place.uncovered |= f64::from(hour.scored) < least", "place.uncovered |= f64::from(hour.scored) <= least"),
    ("maintenance", "maintenance", "(from + 1) % count", "(from + 1).min(count - 1)"),
    ("maintenance", "tracks", "last.start_ms == hour.start_ms", "false"),
]
SWITCH = """
pub(crate) fn mutant() -> u32 {
    static CHOSEN: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
    *CHOSEN.get_or_init(|| std::env::var("MUTANT").ok().and_then(|n| n.parse().ok()).unwrap_or(0))
}
"""


def main():
    tree, python = Path(sys.argv[1]), sys.argv[2]
    mutants = mutate(tree)
    config = ["--config", "profile.release.package.etcd-heatmap.opt-level=0"]
    subprocess.run(["cargo", "build", "--release", "--quiet", *config, "--bin", "etcd-heatmap"], cwd=tree, check=True)
    program = Path(os.environ.get("CARGO_TARGET_DIR", tree / "target"), "release/etcd-heatmap")

    def survives(number, group):
        with tempfile.TemporaryDirectory() as folder:
            run = [python, "-B", tree / "tests/oracle/edges.py", program, folder, group]
            return not subprocess.run(run, env=os.environ | {"MUTANT": str(number)}, capture_output=True).returncode

    # Number 0 is no mutant, with which every group must hold.
    runs = [(0, group, group) for group in sorted({group for group, _ in mutants})]
    runs += [(number, *mutant) for number, mutant in enumerate(mutants, 1)]
    runs = [run for run in runs if not run[0] or not sys.argv[3:] or any(text in run[2] for text in sys.argv[3:])]
    survivors = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for (number, _, what), lives in zip(runs, pool.map(lambda run: survives(*run[:2]), runs)):
            if not number and not lives:
                sys.exit(f"{what} fails without a mutant")
            if number:
                survivors += lives
                print("SURVIVES" if lives else "killed  ", what, flush=True)
    asked = sum(number > 0 for number, *_ in runs)
    print(f"{asked - survivors} of {asked} mutants killed")
    sys.exit(bool(survivors))


def mutate(tree):
    """Writes all mutants into the sources; returns the group and a description of each, from number 1 on."""
    texts, mutants = {}, []

    def text(name):
        return texts.setdefault(name, Path(tree, FINDINGS, f"{name}.rs").read_text())

    # Both kinds of change may need the same expression twice, such as `last.merge(&hour)`.
    changes = {}
    for group, name, old, new in EXPRESSIONS:
        mutants.append((group, f"{group}: {name}.rs: {old} -> {new}"))
        changes.setdefault((name, old), []).append((len(mutants), new))
    for (name, old), news in changes.items():
        code, tests, rest = text(name).partition("#[cfg(test)]\nmod tests {")
        if code.count(old) != 1:
            sys.exit(f"{name}.rs has {code.count(old)} times: {old}")
        statement = " |= " in old
        arms = "".join(f"{number} => {{ {new} }} " for number, new in news)
        switched = f"match crate::mutant() {{ {arms}_ => {{ {old} }} }}"
        texts[name] = code.replace(old, switched if statement else f"({switched})") + tests + rest
    for group, name, constant, others, values in CONSTANTS:
        pattern = re.compile(rf"((?:pub\(\w+\) )?)const {constant}: (\w+) = ([^;]+);")
        if not pattern.search(text(name)):
            sys.exit(f"{name}.rs has no constant {constant}")
        arms = ""
        for value in values:
            mutants.append((group, f"{group}: {name}.rs: {constant} = {value}"))
            arms += f"{len(mutants)} => {value}, "
        for used in [name, *others]:
            # Imports, comments and definitions stay as they are.
            kept = rf"(?:pub\(\w+\) )?\buse [^;]*;|//[^\n]*|const {constant}\b|(?<![\w:]){constant}\b"
            called = lambda found: found[0] + "()" if found[0] == constant else found[0]  # noqa: B023, E731
            texts[used] = re.sub(kept, called, text(used))
        function = rf"#[allow(non_snake_case)]\n\1fn {constant}() -> \2 {{ match crate::mutant() {{ {arms}_ => \3 }} }}"
        texts[name] = pattern.sub(function, texts[name], count=1)
    for name, changed in texts.items():
        Path(tree, FINDINGS, f"{name}.rs").write_text(changed)
    library = Path(tree, "src/lib.rs")
    library.write_text("#![allow(warnings)]\n" + library.read_text() + SWITCH)
    return mutants


if __name__ == "__main__":
    main()
