"""Dockerfile: hadolint, and agreement with script/bootstrap and the worker."""

import re

from . import images, tools
from .documents import DEPLOY, ROOT

# What script/bootstrap installs for parts that stages of their own build.
BUILT_ELSEWHERE = {"cmake", "ninja-build", "python3", "python3-venv", "librdkafka-dev"}


def failures():
    fine, output = tools.run("hadolint", "--failure-threshold", "warning", DEPLOY / "Dockerfile")
    if not fine:
        yield output
    fine, output = tools.run("bash", "-n", DEPLOY / "kafka/create-topics.sh")
    if not fine:
        yield output
    text = (DEPLOY / "Dockerfile").read_text()
    bootstrap = (ROOT / "script/bootstrap").read_text()
    defaults = dict(re.findall(r"^ARG (\w+)=(\S+)$", text, re.MULTILINE))
    yield from (problem for name in defaults if name.endswith("_IMAGE") for problem in [images.problem(defaults[name])] if problem)
    for name in ("llama_archive", "llama_sha256"):
        wanted = re.search(rf"^readonly {name}='([^']+)'", bootstrap, re.MULTILINE)[1]
        if defaults[name.upper()] != wanted:
            yield f"{name.upper()} is {defaults[name.upper()]}, but script/bootstrap has {wanted}"
    listed = re.search(r"^readonly (?:base_)?packages=\(([^)]*)\)", bootstrap, re.MULTILINE)[1].split()
    build = text[text.index("AS build\n") : text.index("AS runtime\n")]
    for package in sorted(set(listed) - BUILT_ELSEWHERE):
        if package not in build.split():
            yield f"script/bootstrap installs {package}, the build stage does not"
    library = ROOT / "Sources/KafkaJobs/KafkaLibrary.swift"
    if library.exists():
        recommended = re.search(r'recommended = "([^"]+)"', library.read_text())[1]
        if numbers(defaults["LIBRDKAFKA_VERSION"]) < numbers(recommended):
            yield f"librdkafka {defaults['LIBRDKAFKA_VERSION']} is older than the recommended {recommended}"
    if re.search(r"^(ARG|ENV)\s.*(PASSWORD|SECRET|TOKEN|KEY)", text, re.MULTILINE):
        yield "a secret stands in ARG or ENV, and so in a layer"
    if not re.search(r"^USER 10001:10001$", text, re.MULTILINE):
        yield "the image does not run as user 10001"


def numbers(version):
    return [int(part) for part in version.split(".")]
