"""Checks deploy/: `deploy/check`, or `deploy/check metrics FILE`.

Nothing is built, started or applied, but for the last: it runs a Prometheus of its own for some seconds.
"""

import argparse
import pathlib
import sys

from . import alerts, compose, dockerfile, documents, kubernetes, names, queries

CHECKS = [
    ("every YAML and JSON file parses", documents.failures),
    ("Compose file against the Compose Specification's schema", compose.failures),
    ("Dockerfile: hadolint, and the versions of script/bootstrap", dockerfile.failures),
    ("Kubernetes manifests, rendered, against Kubernetes' schemas", kubernetes.failures),
    ("Prometheus: promtool on the settings, the rules and their tests", alerts.failures),
    ("metrics and labels that dashboard and alerts ask for", names.failures),
]


def static():
    failed = 0
    for title, check in CHECKS:
        failures = list(check())
        failed += bool(failures)
        print(f"{'FAILED' if failures else 'ok'}: {title}")
        for failure in failures:
            print(f"  {failure}")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(prog="deploy/check", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    live = commands.add_parser("metrics", help="run the dashboard's queries on what a worker told")
    live.add_argument("file", type=pathlib.Path, help="the text of a worker's /metrics")
    arguments = parser.parse_args()
    return queries.run(arguments.file) if arguments.command == "metrics" else static()


sys.exit(main())
