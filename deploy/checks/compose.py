"""compose.yaml: its schema, and what the schema cannot see."""

import re

from . import images, tools
from .documents import DEPLOY, inside, read

FILES = ["compose.yaml", "compose.gpu.yaml"]


def failures():
    for name in FILES:
        fine, output = tools.run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / name)
        if not fine:
            yield output
    document = read(DEPLOY / "compose.yaml")
    services = document["services"]
    yield from settings(document)
    for name, service in services.items():
        yield from (f"{name}: {problem}" for problem in [images.problem(service["image"])] if problem)
        for other, wanted in service.get("depends_on", {}).items():
            if other not in services:
                yield f"{name} depends on {other}, which is not there"
            elif wanted["condition"] == "service_healthy" and "healthcheck" not in services[other]:
                yield f"{name} waits for {other} to be healthy, but that has no health check"
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            if re.fullmatch(r"[\w-]+", source) and source not in document["volumes"]:
                yield f"{name}: the volume {source} is not declared"
            if source.startswith("./") and not (DEPLOY / source).exists():
                yield f"{name}: {source} is not there"


def settings(document):
    """Every variable stands in .env.example, and every one there is used."""
    used = {match for text in inside(document) for match in re.findall(r"\$\{(\w+)", text)}
    offered = set(re.findall(r"^(\w+)=", (DEPLOY / ".env.example").read_text(), re.MULTILINE))
    yield from (f".env.example lacks {name}" for name in sorted(used - offered))
    yield from (f".env.example has {name}, which nothing uses" for name in sorted(offered - used))
