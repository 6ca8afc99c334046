"""Reads YAML and JSON as strictly as they should be written."""

import json
import pathlib

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"


class StrictLoader(yaml.SafeLoader):
    """Refuses a key that occurs twice, which YAML libraries let the last one win."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key) for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} occurs twice", node.start_mark)
        return super().construct_mapping(node, deep)


def read_all(path):
    """The documents of a YAML file."""
    return list(yaml.load_all(path.read_text(), StrictLoader))


def read(path):
    if path.suffix == ".json":
        return json.loads(path.read_text())
    (document,) = read_all(path)
    return document


def files():
    found = [path for path in DEPLOY.rglob("*") if path.suffix in (".yaml", ".yml", ".json") and path.is_file()]
    return sorted(found) + [ROOT / "schemas/asyncapi.yaml"]


def failures():
    for path in files():
        try:
            read_all(path) if path.suffix != ".json" else read(path)
        except (yaml.YAMLError, ValueError) as error:
            yield f"{path.relative_to(ROOT)}: {error}"


def inside(value):
    """Every string in a document."""
    if isinstance(value, dict):
        for item in value.values():
            yield from inside(item)
    elif isinstance(value, list):
        for item in value:
            yield from inside(item)
    elif isinstance(value, str):
        yield value
