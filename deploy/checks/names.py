"""Every metric, label and label value that a query names must be one that the worker exports."""

import json
import re

from .documents import DEPLOY, ROOT, read

SOURCE = ROOT / "Sources/focus/Metrics/WorkerMetrics.swift"
EVENTS = ROOT / "Sources/Answering/Pipeline/Progress.swift"
# Prometheus gives these to every series.
ADDED_METRICS = {"up"}
ADDED_LABELS = {"job", "instance", "le"}


def exported():
    """(series names, label names) that the worker exports, read from its source."""
    text = SOURCE.read_text()
    series = set()
    for name, body in re.findall(r'"(focus_\w+)": \.init\((.*?)\),?\n', text, re.DOTALL):
        series |= {f"{name}_{part}" for part in ("bucket", "sum", "count")} if "buckets:" in body else {name}
    labels = {name for name in re.findall(r'\("(\w+)", ', text) if not name.startswith("focus_")}
    return series, labels


def values():
    """Known values of labels, by the label's name."""
    text = EVENTS.read_text()

    def cases(enumeration):
        body = re.search(rf"enum {enumeration}: String.*?\n}}", text, re.DOTALL)[0]
        return set(re.findall(r"^  case (\w+)$", body, re.MULTILINE))

    reasons = json.loads((ROOT / "schemas/dead-letter.schema.json").read_text())["properties"]["reason"]["enum"]
    return {
        "outcome": {"answered", "rejected", "abandoned"},
        "result": cases("TokenCacheEvent"),
        "reason": set(reasons),
        "job": {"focus-worker"},
    }


def dashboards():
    """(place, query) of every panel."""
    for path in sorted((DEPLOY / "grafana/dashboards").glob("*.json")):
        for panel in read(path)["panels"]:
            for target in panel.get("targets", []):
                yield f"{path.name}, {panel['title']}", target["expr"]


def alerts():
    for path in sorted((DEPLOY / "prometheus/rules").glob("*.yaml")):
        for group in read(path)["groups"]:
            for rule in group["rules"]:
                yield f"{path.name}, {rule['alert']}", rule["expr"]


def failures():
    series, labels = exported()
    known = values()
    asked = set()
    for place, query in [*dashboards(), *alerts()]:
        matchers = "".join(re.findall(r"\{([^}]*)\}", query))
        bare = re.sub(r'"[^"]*"', "", re.sub(r"\{[^}]*\}", "", query))
        found = set(re.findall(r"\bfocus_\w+|\bup\b", bare))
        asked |= found
        yield from (f"{place}: the worker has no {name}" for name in sorted(found - series - ADDED_METRICS))
        used = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
        for names in re.findall(r"\b(?:by|without|on)\s*\(([^)]*)\)", bare):
            used |= {name.strip() for name in names.split(",")}
        yield from (f"{place}: there is no label {name}" for name in sorted(used - labels - ADDED_LABELS))
        for label, pattern in re.findall(r'(\w+)\s*=~?\s*"([^"]*)"', matchers):
            for value in pattern.split("|"):
                if label in known and value not in known[label]:
                    yield f"{place}: {label} is never {value}"
    families = {re.sub("_(bucket|sum|count)$", "", name) for name in asked}
    for name in sorted({re.sub("_(bucket|sum|count)$", "", name) for name in series} - families):
        yield f"nothing shows {name}"
