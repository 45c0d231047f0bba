"""Writes the six queries that a pull sent as recording rules, a group of their own, for promtool and
vmalert: `peer:<metric>`.

    rules.py MANIFEST > rules.yml
"""

import json
import sys
from pathlib import Path

manifest = json.loads(Path(sys.argv[1]).read_text())
print(f"groups:\n- name: peers\n  interval: {manifest['asked']['step_seconds']}s\n  rules:")
for metric, query in manifest["queries"].items():
    # A JSON string is a YAML string as well.
    print(f"  - record: peer:{metric}\n    expr: {json.dumps(query['promql'])}")
