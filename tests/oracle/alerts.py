"""Writes tests of the alerts for promtool, for a profile: members at and just above every threshold, and those alerts
that must fire, computed from the profile's file.

`alerts.py readings NOW PROFILE …`   prints the members of these profiles as recorded series around NOW, in OpenMetrics
`alerts.py rules FOLDER [FLAG] …`    writes FOLDER/rules.test.yml, a test of rules.rules.yml and alerts.rules.yml there
`alerts.py textfile FOLDER [FLAG] …` writes FOLDER/textfile.test.yml, a test of alerts.rules.yml with the series of
                                     FOLDER/scores.prom as node_exporter exposes them
`alerts.py profiles`                 prints the names of all built-in profiles

A FLAG is --profile, --weight, --band or --without, as of etcd-heatmap."""

import argparse
import itertools
import json
import math
import re
import sys
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from spec import BESIDE, HAS_LEADER, LIMITS, NAMES, PROFILES, Profile

QUERIES = PROFILES.parents[2] / "queries"
LIMIT_SERIES = {"max_fds": "process_max_fds", "quota_bytes": "etcd_server_quota_backend_bytes"}
LIMIT = 1000.0
NODE = {"instance": "node:9100", "job": "node"}


def recorded(metric):
    """The name under which the original's rules record a metric."""
    text = (QUERIES / f"{metric}.promql").read_text(encoding="utf-8")
    return re.search(r"# recorded:\n([\w:]+)", text)[1]


def at(threshold, of_limit):
    """The reading that is exactly on a threshold."""
    if not of_limit:
        return threshold
    reading = threshold * LIMIT
    assert reading / LIMIT == threshold, threshold
    return reading


def above(threshold, of_limit):
    """The smallest reading above a threshold."""
    reading = math.nextafter(at(threshold, of_limit), math.inf)
    while of_limit and not reading / LIMIT > threshold:
        reading = math.nextafter(reading, math.inf)
    return reading


def members(profile):
    """Name -> readings of the six metrics. Every combination of bands, each entered by the smallest step, and every
    threshold of one metric exactly reached while the others are healthy."""
    healthy = dict.fromkeys(NAMES, 0.0)
    choices = []
    for metric in NAMES:
        of_limit, bands = profile.bands[metric]
        low_to_high = [threshold for threshold, _ in bands[::-1]]
        first = at(low_to_high[0], of_limit) if low_to_high else 0.0
        choices.append([("", first), *((f"{metric} above {t}", above(t, of_limit)) for t in low_to_high)])
    found = {}
    for combination in itertools.product(*choices):
        name = ", ".join(words for words, _ in combination if words) or "at the first thresholds"
        found[name] = dict(zip(NAMES, (reading for _, reading in combination)))
    for metric in NAMES:
        of_limit, bands = profile.bands[metric]
        for threshold, _ in bands:
            found[f"{metric} at {threshold}"] = healthy | {metric: at(threshold, of_limit)}
    return found


def limits(profile):
    return {LIMITS[metric] for metric, (of_limit, _) in profile.bands.items() if of_limit}


def firing(profile):
    """The labels of all alerts that must fire."""
    values = dict.fromkeys(LIMITS.values(), LIMIT) | {HAS_LEADER: 1.0}
    companions = [values.get(name) for name in BESIDE]
    counting = [metric for metric in NAMES if profile.weights[metric]]
    healthy = [10] * len(NAMES)

    def alone(metric):
        """The score if one metric is in its worst band and all others are healthy."""
        bands = profile.bands[metric][1]
        return profile.score([bands[0][1] if bands and name == metric else 10 for name in NAMES])

    low = min(alone(metric) for metric in counting)
    for name, readings in members(profile).items():
        row = list(readings.values())
        points, cap = dict(zip(NAMES, profile.row(row, companions))), profile.cap(row, companions)
        of = {"cluster": "c", "member": name}
        for metric in counting:
            if points[metric] == 0:
                yield {"alertname": "EtcdMetricCritical", "severity": "critical", **of, "metric": metric}
        if low < profile.score(healthy) and profile.score(list(points.values()), cap) <= low:
            yield {"alertname": "EtcdScoreLow", "severity": "warning", **of}


def series(name, labels):
    return name + "{" + ",".join(f"{label}={json.dumps(value)}" for label, value in labels.items()) + "}"


def samples(profile, cluster):
    """(name, labels, value) of the recorded series of all members."""
    for member, readings in members(profile).items():
        labels = {"cluster": cluster, "job": "etcd", "instance": member}
        for metric, reading in readings.items():
            yield recorded(metric), labels, reading
        for limit in sorted(limits(profile)):
            yield LIMIT_SERIES[limit], labels, LIMIT
        # Without it, the descriptors of a process are not those of an etcd.
        yield "etcd_server_has_leader", labels, 1.0


def readings(now, *profiles):
    by_name = {}
    for name in profiles:
        for metric, labels, value in samples(Profile.named(name), name):
            by_name.setdefault(metric, []).append((labels, value))
    for metric, of in by_name.items():
        for labels, value in of:
            text = series("", labels)
            for second in range(int(now) - 60, int(now) + 601, 60):
                print(f"{metric}{text} {value!r} {second}")
    print("# EOF")


def test(folder, kind, profile, rule_files, inputs):
    alerts = [series("ALERTS", {"alertstate": "firing", **alert}) for alert in firing(profile)]
    assert alerts, "no alert fires: the test proves nothing"
    expr = 'ALERTS{alertstate="firing"}'
    content = {
        "rule_files": rule_files,
        "evaluation_interval": "1m",
        # Alerts see the scores of the same instant.
        "group_eval_order": ["etcd-heatmap", "etcd-heatmap-alerts"][2 - len(rule_files):],
        "tests": [{
            "interval": "1m",
            "input_series": [{"series": name, "values": f"{value!r}x10"} for name, value in inputs],
            "promql_expr_test": [
                {"expr": expr, "eval_time": "9m", "exp_samples": []},
                {"expr": expr, "eval_time": "10m", "exp_samples": [{"labels": labels, "value": 1} for labels in alerts]},
            ],
        }],
    }
    # JSON is YAML.
    (Path(folder) / f"{kind}.test.yml").write_text(json.dumps(content, indent=1), encoding="utf-8")
    per_alert = {name: sum(f'"{name}"' in alert for alert in alerts) for name in ("EtcdMetricCritical", "EtcdScoreLow")}
    can = sorted({metric for metric in NAMES for alert in alerts if f'metric="{metric}"' in alert})
    print(f"{len(members(profile))} members, {per_alert}, critical: {can}")


def exposed(folder, cluster):
    """The series of a textfile, with the labels of the node."""
    text = (Path(folder) / "scores.prom").read_text(encoding="utf-8")
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = dict(sample.labels)
            if labels.get("cluster") == cluster:
                labels["cluster"] = "c"
            # The writer's own age is a matter of another alert.
            if not sample.name.startswith("etcd_heatmap_"):
                yield series(sample.name, labels | NODE), float(sample.value)


def main():
    command, *arguments = sys.argv[1:]
    if command == "profiles":
        print("\n".join(sorted(file.stem for file in PROFILES.glob("*.toml"))))
        return
    if command == "readings":
        readings(*arguments)
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    Profile.add_flags(parser)
    asked = parser.parse_args(arguments)
    profile = Profile.of(asked)
    if command == "rules":
        inputs = [(series("", {"__name__": name, **labels}), value) for name, labels, value in samples(profile, "c")]
        test(asked.folder, command, profile, ["rules.rules.yml", "alerts.rules.yml"], inputs)
    else:
        test(asked.folder, command, profile, ["alerts.rules.yml"], list(exposed(asked.folder, asked.profile)))


if __name__ == "__main__":
    main()
