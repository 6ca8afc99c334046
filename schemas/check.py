"""Checks the schemas themselves, every example against its schema, and the AsyncAPI document.

Needs the packages of deploy/checks/requirements.txt. An example's name says which schema it belongs to and, for a bad one, the code it
is refused with: `bad/job.invalid_parameters.top-p-zero.json`.
"""

import json
import pathlib
import sys

from jsonschema import Draft202012Validator

import asyncapi_check

here = pathlib.Path(__file__).parent

# Rules that JSON Schema cannot express, or that concern several objects; the worker itself refuses these.
BEYOND_THE_SCHEMA = {
    "job.malformed_json.duplicate-key",
    "job.malformed_json.lone-surrogate",
    "job.malformed_json.nested-10000-deep",
    "job.schema_violation.duplicate-question-id",
    "job.schema_violation.long-metadata",
    "job.invalid_parameters.job-choices-question-grammar",
    "job.invalid_parameters.nested-grammar",
}


def refuse_constant(name):
    raise ValueError(f"{name} is not JSON")


def read(path):
    return json.loads(path.read_bytes().decode(), parse_constant=refuse_constant)


def is_valid(validators, path):
    try:
        value = read(path)
    except (ValueError, RecursionError):
        return False
    return validators[path.name.split(".")[0]].is_valid(value)


def main():
    validators = {}
    for path in sorted(here.glob("*.schema.json")):
        schema = read(path)
        Draft202012Validator.check_schema(schema)
        validators[path.name.split(".")[0]] = Draft202012Validator(schema)

    good = sorted((here / "examples/good").glob("*.json"))
    bad = sorted((here / "examples/bad").glob("*.json"))
    failures = [f"{path.name} is good, but the schema refuses it" for path in good if not is_valid(validators, path)]
    failures += [
        f"{path.name} is bad, but the schema takes it"
        for path in bad
        if path.stem not in BEYOND_THE_SCHEMA and is_valid(validators, path)
    ]
    failures += asyncapi_check.failures()
    for failure in failures:
        print(failure, file=sys.stderr)
    print(
        f"{len(validators)} schemas and the AsyncAPI document, {len(good)} good and {len(bad)} bad examples, "
        f"{len(failures)} failures"
    )
    return 1 if failures or not good or not bad else 0


if __name__ == "__main__":
    sys.exit(main())
