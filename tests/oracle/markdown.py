"""Reads report.md with a Markdown parser and compares clusters, members and hours with heatmap.parquet.

usage: markdown.py DIR

Tables must have equal rows, names must be intact, and nothing may become HTML, a link or an image."""

import csv
import re
import sys
import unicodedata
from pathlib import Path

import duckdb
from markdown_it import MarkdownIt

from csv_label import label
from report import Report

COLUMNS = 9


def text_of(inline):
    """The text of an inline token as a reader sees it."""
    return "".join(child.content for child in inline.children if child.type in ("text", "text_special", "code_inline"))


def legible(name):
    return "".join("\ufffd" if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in name.strip())


def main():
    (folder,) = sys.argv[1:]
    with open(f"{folder}/report.md", encoding="utf-8") as file:
        source = file.read()
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    tokens = parser.parse(source)
    inlines = [child for token in tokens for child in token.children or []]
    report = Report()
    report.check("at most 65,000 characters", [len(source)] if len(source) > 65_000 else [])
    wanted = {"text", "text_special", "code_inline", "strong_open", "strong_close"}
    report.check("no markup within text", [t for t in inlines if t.type not in wanted])
    blocks = {token.type.removesuffix("_open").removesuffix("_close") for token in tokens}
    known = {"heading", "paragraph", "inline", "bullet_list", "list_item"} | {"table", "thead", "tbody", "tr", "th", "td"}
    report.check("no other blocks", blocks - known)
    report.check("one verdict in bold", [] if [t.type for t in inlines].count("strong_open") == 1 else [source[:200]])

    rows, row = [], []
    for place, token in enumerate(tokens):
        if token.type in ("th_open", "td_open"):
            row.append(text_of(tokens[place + 1]))
        elif token.type == "tr_close":
            rows.append(row)
            row = []
    report.check("cells of each row", [row for row in rows if len(row) != COLUMNS])
    cells = f"""select cluster, count(*) filter (mean < 7 - 1e-9), count(*) filter (mean < 5 - 1e-9)
        from '{folder}/heatmap.parquet' where level = 'cluster' group by cluster"""
    hours = {legible(cluster): (str(seven), str(five)) for cluster, seven, five in duckdb.sql(cells).fetchall()}
    report.compare("hours below 7 and 5 of each cluster", hours, {row[0]: (row[3], row[4]) for row in rows[1:]})

    headings = [text_of(tokens[at + 1]) for at, token in enumerate(tokens) if token.type == "heading_open" and token.tag == "h3"]
    members = duckdb.sql(f"select distinct cluster, member from '{folder}/heatmap.parquet' where level = 'member'").fetchall()
    of_cluster = {}
    for cluster, member in members:
        of_cluster.setdefault(legible(cluster), set()).add(legible(member))
    wrong = []
    for heading in headings:
        title = re.sub(r"^\d+\. ", "", heading)
        owners = [cluster for cluster in of_cluster if title.startswith(f"{cluster}: ")]
        named = owners and title.removeprefix(f"{owners[0]}: ").partition(": ")[2]
        if not owners or named and not any(named.startswith(member) for member in of_cluster[owners[0]]):
            wrong.append(heading)
    report.check(f"cluster and member of each problem ({len(headings)})", wrong or ([] if headings else ["no problem"]))
    kinds = ("cluster_size", "mixed_versions", "two_leaders", "fragmentation")
    facts = Path(folder, "findings.csv")
    if facts.exists():
        with open(facts, newline="", encoding="utf-8") as file:
            wanted = [legible(label(row["description"])) for row in csv.DictReader(file) if row["kind"] in kinds]
        at = source.index("## Clusters\n")
        below = [text_of(t) for t in parser.parse(source[at:]) if t.type == "inline"]
        missing = [fact for fact in wanted if fact not in below]
        report.check(f"facts of clusters ({len(wanted)})", missing if len(wanted) <= 10 else [])
    texts = [text_of(token) for token in tokens if token.type == "inline"]
    commands = [text for text in texts if text.startswith("etcd-heatmap explain . --cluster ")]
    report.check("a command of each problem", [] if len(commands) == len(headings) else commands)
    report.close()


if __name__ == "__main__":
    main()
