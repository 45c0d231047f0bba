"""Names of clusters and members in CSV files, where none may run as a formula."""

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def label(field):
    """The name that a field stands for: an apostrophe before it is ours. A field that may run is an error."""
    if field.lstrip(" \ufeff").startswith(FORMULA) or field.startswith(FORMULA):
        raise SystemExit(f"a spreadsheet may run {field!r}")
    return field[1:] if field.startswith("'") else field
