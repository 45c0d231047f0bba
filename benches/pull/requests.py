"""Writes the bodies of the range queries of a pull without a selector, one per file, and a list of the files. Fetches
each once and prints the size of the answers.

    requests.py MANIFEST URL FIRST_DATE DAYS FOLDER
"""

import json
import re
import sys
import urllib.parse
import urllib.request
from datetime import datetime, timezone
from pathlib import Path

DAY = 86_400
QUERIES = Path(__file__).parents[2] / "queries"


def sent(metric, query):
    """The direct form, which pull sends if each member has one series per bucket, as in these benchmarks."""
    form = re.search(r"^# direct:\n(.+)$", (QUERIES / f"{metric}.promql").read_text(), re.MULTILINE)
    return form[1].replace("$selector", "") if form and query["form"] == "raw" else query["promql"]


def main():
    manifest = json.loads(Path(sys.argv[1]).read_text())
    url, folder = sys.argv[2], Path(sys.argv[5])
    first = int(datetime.fromisoformat(sys.argv[3]).replace(tzinfo=timezone.utc).timestamp())
    step = manifest["asked"]["step_seconds"]
    folder.mkdir(parents=True)
    paths = []
    size = samples = 0
    for day in range(first, first + int(sys.argv[4]) * DAY, DAY):
        for metric, query in manifest["queries"].items():
            # One UTC day per query, both ends included.
            body = urllib.parse.urlencode(
                {"query": sent(metric, query), "start": day, "end": day + DAY - step, "step": step})
            path = folder / f"{day}-{metric}"
            path.write_text(body)
            paths.append(path)
            with urllib.request.urlopen(f"{url}/api/v1/query_range", body.encode()) as response:
                answer = response.read()
            size += len(answer)
            samples += sum(len(series["values"]) for series in json.loads(answer)["data"]["result"])
    (folder / "list").write_text("".join(f"{path}\n" for path in paths))
    print(f"{len(paths)} range queries, {size} bytes, {samples} samples")


main()
