"""Runs the programs that the checks stand on."""

import pathlib
import shutil
import subprocess
import sys

from .documents import ROOT

PLACES = [pathlib.Path(sys.prefix) / "bin", ROOT / ".deps/prometheus/usr/bin"]


def find(name):
    """The program's path; what script/bootstrap installed comes before the system's."""
    for place in PLACES:
        if (place / name).is_file():
            return str(place / name)
    found = shutil.which(name)
    if found is None:
        sys.exit(f"error: {name} is missing: run script/bootstrap --checks")
    return found


def run(name, *arguments):
    """(whether it succeeded, what it printed)"""
    done = subprocess.run([find(name), *map(str, arguments)], cwd=ROOT, capture_output=True, text=True)
    return done.returncode == 0, (done.stdout + done.stderr).strip()
