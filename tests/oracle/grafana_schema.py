"""Checks a dashboard against the types of `grafana-foundation-sdk`, which Grafana Labs generates from its schemas.

The package ignores unknown fields and checks no types, so this module walks its classes: each field must exist in the
class and have a value of its type."""

import enum
import inspect
import re
import sys
import types
import typing

from grafana_foundation_sdk.cog import plugins, runtime, variants
from grafana_foundation_sdk.models import common, dashboard

plugins.register_default_plugins()

# The archived heatmap panel is in no Grafana package; these are the options of its src/types.ts and src/module.ts.
HOURLY_HEATMAP = "marcusolsson-hourly-heatmap-panel"
HOURLY_OPTIONS = {
    "timeFieldName": str, "valueFieldName": str, "from": str, "to": str, "regions": list[object],
    "showCellBorder": bool, "showTooltip": bool, "showLegend": bool, "showValueIndicator": bool,
    "legendGradientQuality": typing.Literal["low", "medium", "high"],
}
HOURLY_FIELDS = {
    "colorPalette": str, "invertPalette": bool, "nullValueColor": str,
    "colorSpace": typing.Literal["rgb", "hsl", "hcl", "lab", "cubehelix"], "thresholds": dashboard.ThresholdsConfig,
    "groupBy": typing.Literal[15, 30, 60, 120],
    "calculation": typing.Literal["mean", "sum", "count", "min", "max", "first", "last"],
}
# Grafana leaves annotations open to the data source: these are the fields that packages/grafana-prometheus reads
# (src/annotations.ts).
ANNOTATION_FIELDS = {"step": str, "titleFormat": str, "textFormat": str, "tagKeys": str, "useValueForTime": bool}


def faults(content):
    """One line for each field that is unknown to the schema or has the wrong type."""
    return list(of_class(content, dashboard.Dashboard, "dashboard"))


def of_class(value, model, at):
    if not isinstance(value, dict):
        yield f"{at}: {value!r} is no {model.__name__}"
        return
    if model is dashboard.AnnotationQuery:
        yield from of_annotation(value, at)
        value = {key: each for key, each in value.items() if key not in ANNOTATION_FIELDS and key != "target"}
    names, hints = json_names(model), typing.get_type_hints(model, vars(sys.modules[model.__module__]))
    settable = inspect.signature(model.__init__).parameters
    for key, each in value.items():
        if key not in names:
            # `type` of a mapping is a constant that the package does not read.
            name = f"{key}_val"
            if name not in hints or name in settable or getattr(model(), name) != each:
                yield f"{at}.{key}: {model.__name__} has no such field, or not with that value"
        elif model is dashboard.Panel and key in ("options", "fieldConfig", "targets"):
            continue
        else:
            yield from of_type(each, hints[names[key]], f"{at}.{key}")
    if model is dashboard.Panel:
        yield from of_panel(value, at)


def of_panel(panel, at):
    """Checks options and fields of a panel against its plugin's types, and targets against the data source's."""
    kind = panel.get("type")
    plugin = runtime.panelcfg_config(kind)
    if plugin is None and kind != HOURLY_HEATMAP:
        yield f"{at}: Grafana has no panel of type {kind!r}"
        return
    fields = panel.get("fieldConfig", {})
    custom = fields.get("defaults", {}).get("custom", {})
    if plugin is None:
        yield from of_fields(panel.get("options", {}), HOURLY_OPTIONS, f"{at}.options")
        yield from of_fields(custom, HOURLY_FIELDS, f"{at}.custom")
    else:
        options = panel.get("options", {})
        parts = [("options", options, plugin.options_from_json_hook), ("custom", custom, plugin.field_config_from_json_hook)]
        for part, values, hook in parts:
            # The package has the cell options of a table, but does not link them to the table panel.
            model = hook.__self__ if hook else common.TableFieldOptions if (kind, part) == ("table", "custom") else None
            if model:
                yield from of_class(values, model, f"{at}.{part}")
            elif values:
                yield f"{at}.{part}: {kind} has no {part}"
    yield from of_class(fields, dashboard.FieldConfigSource, f"{at}.fieldConfig")
    for place, target in enumerate(panel.get("targets", [])):
        yield from of_target(target, target.get("datasource", {}), f"{at}.targets[{place}]")


def of_target(target, data_source, at):
    source = runtime.Runtime().dataquery_variants.get(data_source.get("type"))
    if source is None:
        yield f"{at}: no known data source"
    else:
        # The hook returns a class that accepts any field.
        yield from of_class(target, type(source.from_json_hook({})), at)


def of_annotation(annotation, at):
    """Checks the fields of the data source, and the query against its types."""
    for key, hint in ANNOTATION_FIELDS.items():
        if key in annotation:
            yield from of_type(annotation[key], hint, f"{at}.{key}")
    if "target" in annotation:
        yield from of_target(annotation["target"], annotation.get("datasource", {}), f"{at}.target")


def of_fields(values, known, at):
    for key, value in values.items():
        if key in known:
            yield from of_type(value, known[key], f"{at}.{key}")
        else:
            yield f"{at}.{key}: the panel has no such option"


def of_type(value, hint, at):
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if hint in (object, typing.Any) or hint is variants.Dataquery:
        return
    if origin in (typing.Union, types.UnionType):
        found = [list(of_type(value, part, at)) for part in parts]
        if all(found):
            # Report the faults of the alternative with the fewest.
            yield from min(found, key=len)
    elif origin is list or origin is dict:
        if not isinstance(value, origin):
            yield f"{at}: {value!r} is no {origin.__name__}"
            return
        for place, each in value.items() if origin is dict else enumerate(value):
            yield from of_type(each, parts[-1], f"{at}[{place}]")
    elif origin is typing.Literal:
        if value not in parts:
            yield f"{at}: {value!r} is none of {list(parts)}"
    elif inspect.isclass(hint) and issubclass(hint, enum.Enum):
        if value not in [each.value for each in hint]:
            yield f"{at}: {value!r} is no {hint.__name__}"
    elif hint in (str, bool, int, float, type(None)):
        right = (int, float) if hint is float else hint
        if not isinstance(value, right) or (isinstance(value, bool) and hint is not bool):
            yield f"{at}: {value!r} is no {hint.__name__}"
    else:
        yield from of_class(value, hint, at)


def json_names(model):
    """JSON field → attribute, from the source of the package's own reader."""
    source = inspect.getsource(model.from_json)
    return dict(re.findall(r'if "(\w+)" in data:.*?args\["(\w+)"\]', source, re.DOTALL))
