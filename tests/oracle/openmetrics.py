"""A small reader of the OpenMetrics text that etcd-heatmap writes; rejects faults that promtool accepts silently."""

import re
from datetime import datetime, timezone
from pathlib import Path

WINDOW = 18 * 3600
SAMPLE = re.compile(r'etcd_score\{cluster="((?:[^"\\]|\\.)*)",member="((?:[^"\\]|\\.)*)"\} (\S+) (\d+)')
NAME = re.compile(r"etcd_score-(\d{8}T\d{6}Z)-(\d{8}T\d{6}Z)\.om")


def read_all(folder, report):
    """(cluster, member, second) -> value of every sample in openmetrics/*.om."""
    samples, wrong = {}, []
    for path in sorted(Path(folder).glob("openmetrics/*")):
        wrong += [f"{path.name}: {fault}" for fault in read(path, samples)]
    report.check("openmetrics: windows of 18 h, series contiguous and ascending, # EOF last", wrong)
    return samples


def read(path, samples):
    named = NAME.fullmatch(path.name)
    if not named:
        return ["is not named after its window"]
    start, end = (int(datetime.strptime(t, "%Y%m%dT%H%M%S%z").timestamp()) for t in named.groups())
    faults = []
    if start % WINDOW or end - start != WINDOW:
        faults.append(f"{start} to {end} is not a window of 18 h on a multiple of 18 h")
    text = path.read_bytes().decode("utf-8")
    if not text.endswith("# EOF\n") or "\r" in text or "\n\n" in text:
        faults.append("must end in '# EOF' and have neither blank lines nor carriage returns")
    lines = text.removesuffix("# EOF\n").splitlines() if "\x85" not in text else text.split("\n")[:-2]
    kinds = [line.split(" ")[:3] for line in lines if line.startswith("#")]
    if kinds != [["#", "HELP", "etcd_score"], ["#", "TYPE", "etcd_score"]] or "# TYPE etcd_score gauge" not in lines[:2]:
        faults.append(f"the comments are {kinds} and not HELP and TYPE gauge, once each")
    seen, last = [], None
    for line in lines[2:]:
        match = SAMPLE.fullmatch(line)
        if not match:
            return faults + [f"not a sample: {line}"]
        cluster, member = unescape(match[1]), unescape(match[2])
        series, t = (cluster, member), int(match[4])
        if not start <= t < end:
            faults.append(f"{line} is outside the window")
        if last and last[0] == series and t <= last[1]:
            faults.append(f"{line} does not come after {last[1]}")
        if not last or last[0] != series:
            if series in seen:
                faults.append(f"{series} is not contiguous")
            seen.append(series)
        last = (series, t)
        if (*series, t) in samples:
            faults.append(f"{line} is in two files")
        samples[(*series, t)] = float(match[3])
    if not seen:
        faults.append("has no sample; promtool rejects such a file")
    return faults


def unescape(text):
    return re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], text)


def escape(text):
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def window_name(t):
    start = t // WINDOW * WINDOW
    stamp = lambda second: datetime.fromtimestamp(second, timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    return f"etcd_score-{stamp(start)}-{stamp(start + WINDOW)}.om"
