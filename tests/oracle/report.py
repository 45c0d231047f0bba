"""Prints one line per check and the first differences, and ends with exit code 1 if there are any."""

import sys


class Report:
    def __init__(self):
        self.failed = False

    def check(self, what, wrong):
        """Reports a check, which passes if `wrong`, a list of differences, is empty."""
        wrong = list(wrong)
        print(f"{'DIFFERS' if wrong else 'equal  '} {what}" + (f": {len(wrong)} of them" if wrong else ""))
        for line in wrong[:8]:
            print(f"          {line}")
        self.failed |= bool(wrong)

    def compare(self, what, expected, found):
        """Compares two dictionaries: the same keys, and equal values."""
        wrong = [f"missing {key}: {expected[key]}" for key in expected.keys() - found.keys()]
        wrong += [f"unexpected {key}: {found[key]}" for key in found.keys() - expected.keys()]
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
