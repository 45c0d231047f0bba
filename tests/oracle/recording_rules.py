"""Turns recording rules into one expression, by replacing each recorded name with its expression in parentheses.

A range query then returns what the rules would have recorded."""

import re

import yaml

MATCHERS = r"(?:\{([^{}]*)\})?"
MATCHER = re.compile(r'\s*(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)')


class Rules:
    """The rules of a file. Names in `imported` are existing series and are not replaced."""

    def __init__(self, path, imported):
        with open(path, encoding="utf-8") as file:
            groups = yaml.safe_load(file)["groups"]
        self.rules = [rule for group in groups for rule in group["rules"] if rule["record"] not in imported]
        recorded = "|".join(sorted((re.escape(rule["record"]) for rule in self.rules), key=len, reverse=True))
        # A name of one of our records, or of an imported or raw series; it may contain `:`.
        self.ours = re.compile(rf"(?<![\w:])({recorded})(?![\w:]){MATCHERS}")
        raw = "|".join(map(re.escape, [*imported, *self.raw_names()]))
        self.series = re.compile(rf"(?<![\w:])({raw})(?![\w:]){MATCHERS}")

    def raw_names(self):
        """The raw series of etcd and its process that our expressions read."""
        return {name for rule in self.rules for name in re.findall(r"(?<![\w:])(?:etcd_\w+|process_\w+)(?![\w:(])", rule["expr"])
                if name not in {known["record"] for known in self.rules}}

    def expression(self, record, matchers=()):
        """The expression that replaces `record{matchers}`."""
        parts = []
        for rule in self.rules:
            static = rule.get("labels", {})
            if rule["record"] == record and all(holds(static[m[0]], m) for m in matchers if m[0] in static):
                inner = [m for m in matchers if m[0] not in static]
                parts.append(labelled(self.inlined(rule["expr"].strip(), inner), static))
        assert any(rule["record"] == record for rule in self.rules), f"no rule records {record}"
        # An empty vector if no rule records such labels.
        return " or ".join(parts) or "vector(0) unless vector(0)"

    def inlined(self, expr, matchers):
        """An expression with our records replaced. Matchers on a record move to the series that its expression reads.

        The result is the same because no rule changes a label that another rule selects by."""
        expr = self.series.sub(lambda m: selector(m[1], read_matchers(m[2]) + list(matchers)), expr)
        return self.ours.sub(lambda m: f"({self.expression(m[1], read_matchers(m[2]) + list(matchers))})", expr)


def read_matchers(text):
    return [match.groups() for match in MATCHER.finditer(text or "")]


def selector(name, matchers):
    return name + "{" + ",".join(f'{label}{how}"{value}"' for label, how, value in matchers) + "}"


def holds(found, matcher):
    _, how, value = matcher
    assert how in ("=", "!="), matcher
    return (found == value) == (how == "=")


def labelled(expr, labels):
    for label, value in labels.items():
        expr = f'label_replace({expr}, "{label}", "{value}", "", "")'
    return f"({expr})"
