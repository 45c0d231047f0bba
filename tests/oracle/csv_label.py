"""Reads names of clusters and members from CSV files, in which no name may start a spreadsheet formula."""

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def label(field):
    """The name in a field, without the apostrophe that we put before it. A field that starts a formula is an error."""
    if field.lstrip(" \ufeff").startswith(FORMULA) or field.startswith(FORMULA):
        raise SystemExit(f"a spreadsheet may run {field!r}")
    return field[1:] if field.startswith("'") else field
