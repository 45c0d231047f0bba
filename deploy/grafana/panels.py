"""Builds the Grafana panels, variables and dashboards that generate.py needs. Contains nothing specific to etcd."""

DATA_SOURCE = {"type": "prometheus", "uid": "${datasource}"}

GREY = "#9e9e9e"
RED, YELLOW, GREEN = (215, 48, 39), (254, 224, 100), (70, 170, 90)


def heat(score):
    """The color of a score, as in the terminal: 0 is red, 5 yellow, 10 green."""
    lower, upper, share = (RED, YELLOW, score / 5) if score < 5 else (YELLOW, GREEN, (score - 5) / 5)
    return "#" + "".join(f"{round(low + (high - low) * share):02x}" for low, high in zip(lower, upper))


def steps(colours, base=GREY):
    """Absolute thresholds. Values below the first one, and missing values, have the base color, gray."""
    rest = [{"value": value, "color": colour} for value, colour in colours]
    return {"mode": "absolute", "steps": [{"value": None, "color": base}, *rest]}


def special(match, text):
    return {"type": "special", "options": {"match": match, "result": {"text": text, "color": GREY, "index": 0}}}


# Two mappings, because panels of Grafana 10 ignore "null+nan".
UNKNOWN = [special("null", "unknown"), special("nan", "unknown")]


def field(unit, thresholds=None, custom=None, overrides=(), **more):
    defaults = {"unit": unit, "mappings": UNKNOWN, "noValue": "unknown", **more}
    if thresholds:
        defaults |= {"thresholds": thresholds, "color": {"mode": "thresholds"}}
    if custom:
        defaults["custom"] = custom
    return {"defaults": defaults, "overrides": list(overrides)}


def share_field(custom):
    """Shares of a whole, 0 to 1."""
    colours = [(tenth / 10, heat(tenth)) for tenth in range(11)]
    return field("percentunit", steps(colours), custom, min=0, max=1, decimals=0)


def score_field(custom=None, **more):
    """Scores and points, 0 to 10. Each color starts at its score, so that no score looks better than it is."""
    return field("none", steps([(score, heat(score)) for score in range(11)]), custom, min=0, max=10, decimals=1, **more)


def targets(queries, **options):
    """Names the queries (expression, legend) A, B, …"""
    return [
        {"refId": "ABCDEFG"[place], "datasource": DATA_SOURCE, "expr": expr, "legendFormat": legend, **options}
        for place, (expr, legend) in enumerate(queries)
    ]


def over_time(*queries, **options):
    return targets(queries, range=True, instant=False, **options)


def now(*queries):
    return targets(queries, range=False, instant=True)


def panel(kind, title, description, size, asked, fields, options, **more):
    return {
        "type": kind, "title": title, "description": description, "datasource": DATA_SOURCE,
        "gridPos": {"w": size[0], "h": size[1]}, "targets": asked, "fieldConfig": fields, "options": options, **more,
    }


# One sample per hour at any panel width. Prometheus returns at most 11,000 samples per series.
HOURLY = {"interval": "1h", "maxDataPoints": 11000}

NO_LEGEND = {"showLegend": False, "displayMode": "list", "placement": "bottom", "calcs": []}
LEGEND = {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []}


def hour_by_hour(title, description, size, query, fields):
    options = {
        "showValue": "never", "rowHeight": 0.9, "colWidth": 0.95,
        "legend": NO_LEGEND, "tooltip": {"mode": "single", "sort": "none"},
    }
    return panel("status-history", title, description, size, over_time(query), fields, options, **HOURLY)


def curves(title, description, size, asked, fields):
    options = {"legend": LEGEND, "tooltip": {"mode": "multi", "sort": "desc"}}
    return panel("timeseries", title, description, size, asked, fields, options)


# Do not draw lines across gaps.
LINE = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 0, "spanNulls": False, "showPoints": "auto"}


def renamed(names):
    """Shows words instead of the legends of a panel, from pairs of both."""
    return [
        {"matcher": {"id": "byName", "options": legend}, "properties": [{"id": "displayName", "value": words}]}
        for legend, words in names
    ]


def dashed(query, colour):
    return {
        "matcher": {"id": "byFrameRefID", "options": query},
        "properties": [
            {"id": "color", "value": {"mode": "fixed", "fixedColor": colour}},
            {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [8, 6]}},
        ],
    }


LAST = {"calcs": ["lastNotNull"], "fields": "", "values": False}


def number(title, description, size, query, fields, colour="value", text="auto"):
    options = {
        "reduceOptions": LAST,
        "colorMode": colour, "graphMode": "none", "textMode": text, "justifyMode": "auto", "orientation": "auto",
    }
    return panel("stat", title, description, size, now(query), fields, options)


def bars(title, description, size, query, fields):
    options = {
        "reduceOptions": LAST, "displayMode": "basic", "orientation": "horizontal", "showUnfilled": True,
        "valueMode": "color", "minVizWidth": 8, "minVizHeight": 16,
    }
    return panel("bargauge", title, description, size, now(query), fields, options)


def row(title, *panels):
    return [{"type": "row", "title": title, "collapsed": False, "panels": [], "gridPos": {"w": 24, "h": 1}}, *panels]


def placed(panels):
    """Assigns ids, and positions from left to right; a panel that does not fit starts a new row."""
    x = y = height = 0
    for place, each in enumerate(panels, 1):
        size = each["gridPos"]
        if x + size["w"] > 24:
            x, y, height = 0, y + height, 0
        each |= {"id": place, "gridPos": {**size, "x": x, "y": y}}
        x, height = x + size["w"], max(height, size["h"])
    return panels


def data_source_variable():
    return {
        "type": "datasource", "name": "datasource", "label": "Data source", "query": "prometheus", "refresh": 1,
        "multi": False, "includeAll": False,
    }


def variable(name, label, query, every=True, several=True):
    """A variable with the values of a query. Grafana begins with All if it may offer that (`every`), else with the first
    value, as it offers no way to begin with the first of several and All."""
    one = {
        "type": "query", "name": name, "label": label, "datasource": DATA_SOURCE, "query": query,
        # Refresh whenever the time range changes; sort by name.
        "refresh": 2, "sort": 1, "multi": several, "includeAll": every,
    }
    if every:
        one |= {"allValue": ".+", "current": {"selected": True, "text": ["All"], "value": ["$__all"]}}
    return one


def annotation(name, colour, query, title, **more):
    """Lines in all panels over time. Grafana reads the query from `expr` and `step`, or from `target`: it depends on the
    version."""
    step = "60s"
    return {
        "name": name, "datasource": DATA_SOURCE, "enable": True, "hide": False, "iconColor": colour,
        "expr": query, "step": step, "target": {"refId": "Anno", "expr": query, "interval": step},
        "titleFormat": title, **more,
    }


def dashboard(uid, title, description, variables, panels, annotations=()):
    others = {
        "type": "dashboards", "title": "etcd heat map", "tags": ["etcd-heatmap"], "icon": "external link", "tooltip": "",
        "url": "", "asDropdown": False, "targetBlank": False, "includeVars": True, "keepTime": True,
    }
    return {
        "id": None, "uid": uid, "title": title, "description": description, "tags": ["etcd", "etcd-heatmap"],
        # The schema of Grafana 10.0; later versions migrate it on loading.
        "schemaVersion": 38, "version": 1, "editable": True, "graphTooltip": 1, "timezone": "utc",
        "time": {"from": "now-6d/d", "to": "now"}, "refresh": "5m",
        "templating": {"list": variables}, "annotations": {"list": list(annotations)}, "links": [others], "panels": placed(panels),
    }
