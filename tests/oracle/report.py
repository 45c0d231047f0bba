"""One line a check, the first rows that differ, and an exit code."""

import sys


class Report:
    def __init__(self):
        self.failed = False

    def check(self, what, wrong):
        """`wrong` holds a description of everything that differs; none is what we want."""
        wrong = list(wrong)
        print(f"{'DIFFERS' if wrong else 'equal  '} {what}" + (f": {len(wrong)} of them" if wrong else ""))
        for line in wrong[:8]:
            print(f"          {line}")
        self.failed |= bool(wrong)

    def compare(self, what, expected, found):
        """Compares two dictionaries: none more, none fewer, every value equal."""
        wrong = [f"missing {key}: {expected[key]}" for key in expected.keys() - found.keys()]
        wrong += [f"too many {key}: {found[key]}" for key in found.keys() - expected.keys()]
        wrong += [
            f"{key}: expected {expected[key]}, found {found[key]}"
            for key in expected.keys() & found.keys()
            if expected[key] != found[key]
        ]
        if not expected:
            wrong.append("nothing was expected, so nothing was compared")
        self.check(f"{what} ({len(expected)})", sorted(wrong))

    def close(self):
        sys.exit(1 if self.failed else 0)
