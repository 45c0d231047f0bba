"""Splits recording rules into files, each of which reads only series that earlier files record.

    levels.py RULES FOLDER
"""

import re
import sys
from pathlib import Path

text = Path(sys.argv[1]).read_text()
head, *rules = re.split(r"^(?=      - record: )", text, flags=re.MULTILINE)
rules = [re.sub(r"^ +#.*\n", "", rule, flags=re.MULTILINE) for rule in rules]
records = {re.match(r"\s+- record: (\S+)", rule)[1] for rule in rules}
done, level = set(), 0
while rules:
    level += 1
    names = lambda rule: {name for name in records if re.search(rf"(?<![\w:]){re.escape(name)}(?![\w:])", rule.split("expr:", 1)[1])}
    ready = [rule for rule in rules if names(rule) <= done]
    assert ready, "the rules depend on each other in a cycle"
    Path(sys.argv[2], f"level-{level}.yml").write_text(head.split("groups:")[0].replace("#", "# ", 0) + "groups:" + head.split("groups:")[1] + "".join(ready))
    done |= {re.match(r"\s+- record: (\S+)", rule)[1] for rule in ready}
    rules = [rule for rule in rules if rule not in ready]
    # A record of several rules is complete when all of them have been evaluated.
    done -= {re.match(r"\s+- record: (\S+)", rule)[1] for rule in rules}
