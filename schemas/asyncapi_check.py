"""Checks schemas/asyncapi.yaml: its form, its references, its examples, and its names against the worker's own.

Needs `pyyaml`, `jsonschema` and `asyncapi3`, whose models of AsyncAPI 3.0 and of its Kafka bindings check the form.
"""

import json
import pathlib
import re
import warnings

import yaml
from jsonschema import Draft202012Validator
from pydantic import ValidationError

here = pathlib.Path(__file__).parent


def lookup(document, pointer):
    """What a JSON pointer names; raises KeyError where there is nothing."""
    value = document
    for part in filter(None, pointer.split("/")):
        part = part.replace("~1", "/").replace("~0", "~")
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value


def references(value, path=""):
    """Every reference in the document, with the place that holds it."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield path, value["$ref"]
        for key, item in value.items():
            yield from references(item, f"{path}/{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from references(item, f"{path}/{index}")


def resolve(document, reference):
    """What a reference names, through further references."""
    for _ in range(16):
        file, _, pointer = reference.partition("#")
        base = json.loads((here / file).read_text()) if file else document
        found = lookup(base, pointer)
        if not (isinstance(found, dict) and "$ref" in found and not file):
            return found
        reference = found["$ref"]
    raise KeyError(f"{reference} leads nowhere")


def form(document):
    with warnings.catch_warnings():
        # Of the models' own field names.
        warnings.simplefilter("ignore")
        from asyncapi3.models.asyncapi import AsyncAPI3
    try:
        AsyncAPI3.model_validate(document)
    except ValidationError as error:
        for problem in error.errors():
            yield f"{'/'.join(map(str, problem['loc']))}: {problem['msg']}"


def broken_references(document):
    for path, reference in references(document):
        try:
            resolve(document, reference)
        except (KeyError, IndexError, OSError, ValueError) as error:
            yield f"{path}: {reference} names nothing ({error!r})"


def operations(document):
    """Each operation's messages must be those of its channel, and each channel have an operation."""
    unused = set(document["channels"])
    for name, operation in document["operations"].items():
        channel = operation["channel"]["$ref"]
        unused.discard(channel.removeprefix("#/channels/"))
        for message in operation["messages"]:
            if not message["$ref"].startswith(f"{channel}/messages/"):
                yield f"operations/{name}: {message['$ref']} is no message of {channel}"
    yield from (f"channels/{name} has no operation" for name in sorted(unused))
    for name, channel in document["channels"].items():
        if channel["bindings"]["kafka"]["topic"] != channel["address"]:
            yield f"channels/{name}: the binding's topic is not the address"


def examples(document):
    """Every example against its message's schema, and its key, where one is told, against the key's."""
    for name, message in document["components"]["messages"].items():
        schema = resolve(document, message["payload"]["schema"]["$ref"])
        validator = Draft202012Validator(schema)
        if not message.get("examples"):
            yield f"messages/{name} has no example"
        for example in message.get("examples", []):
            for error in validator.iter_errors(example["payload"]):
                yield f"messages/{name}, example {example['name']}: {error.json_path}: {error.message}"


def names(document):
    """Topics, group and versions are the worker's defaults, as its sources say."""
    settings = here.parent / "Sources/KafkaJobs/KafkaSettings.swift"
    defaults = dict(re.findall(r'public var (\w+) = "([^"]+)"', settings.read_text()))
    channels = {name: channel["address"] for name, channel in document["channels"].items()}
    for name, address in channels.items():
        if defaults.get(f"{name}Topic") != address:
            yield f"channels/{name}: {address}, but KafkaSettings.swift says {defaults.get(f'{name}Topic')}"
    group = document["operations"]["receiveJobs"]["bindings"]["kafka"]["groupId"]["default"]
    if defaults.get("group") != group:
        yield f"receiveJobs: group {group}, but KafkaSettings.swift says {defaults.get('group')}"
    program = (here.parent / "Sources/focus/Focus.swift").read_text()
    version = re.search(r'static let version = "([^"]+)"', program)
    if version and version[1] != document["info"]["version"]:
        yield f"info/version: {document['info']['version']}, but Focus.swift says {version[1]}"


def failures():
    document = yaml.safe_load((here / "asyncapi.yaml").read_text())
    for check in (form, broken_references, operations, examples, names):
        for failure in check(document):
            yield f"asyncapi.yaml: {failure}"
