"""Prometheus' settings and alert rules, by its own tool."""

from . import tools
from .documents import DEPLOY

FOLDER = DEPLOY / "prometheus"


def failures():
    for arguments in (
        ["check", "config", FOLDER / "prometheus.yaml"],
        ["check", "rules", *sorted((FOLDER / "rules").glob("*.yaml"))],
        ["test", "rules", FOLDER / "focus.test.yaml"],
    ):
        fine, output = tools.run("promtool", *arguments)
        if not fine:
            yield output
