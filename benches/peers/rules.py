"""Writes the six queries of a pull as recording rules `peer:<metric>` in one group, for promtool and vmalert.

    rules.py MANIFEST > rules.yml
"""

import json
import sys
from pathlib import Path

manifest = json.loads(Path(sys.argv[1]).read_text())
print(f"groups:\n- name: peers\n  interval: {manifest['asked']['step_seconds']}s\n  rules:")
for metric, query in manifest["queries"].items():
    # A JSON string is also a YAML string.
    print(f"  - record: peer:{metric}\n    expr: {json.dumps(query['promql'])}")
