"""Reads a textfile with the Prometheus project's own parser, and checks for everything that node_exporter rejects.

usage: exposition.py FILE [FAMILY ...]

Every FAMILY must be there. Prints one sample per line: name, sorted labels, value."""

import sys
from collections import Counter

from prometheus_client.parser import text_string_to_metric_families

from report import Report


def main():
    path, *wanted = sys.argv[1:]
    text = open(path, encoding="utf-8").read()
    report = Report()
    families = list(text_string_to_metric_families(text))
    # The parser removes _total from a counter's name.
    names = {f"{family.name}_total" if family.type == "counter" else family.name for family in families}
    samples = [sample for family in families for sample in family.samples]
    report.check("families that must be there", set(wanted) - names)
    report.check("families without help or type", [f.name for f in families if not f.documentation or f.type == "unknown"])
    report.check("timestamps", [sample for sample in samples if sample.timestamp is not None])
    keys = Counter((sample.name, tuple(sorted(sample.labels.items()))) for sample in samples)
    report.check("series that are there twice", [key for key, count in keys.items() if count > 1])
    heads = Counter(line.split()[2] for line in text.splitlines() if line.startswith("# TYPE"))
    report.check("families in more than one piece", [name for name, count in heads.items() if count > 1])
    for sample in samples:
        labels = ",".join(f"{name}={value!r}" for name, value in sorted(sample.labels.items()))
        print(f"{sample.name}{{{labels}}} {sample.value}")
    report.close()


if __name__ == "__main__":
    main()
