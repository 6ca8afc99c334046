"""The programs that are measured: focus, and llama.cpp's."""

import argparse
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PEERS = ROOT / ".deps/build/bin"


class ProgramFailed(Exception):
    """A program that is measured did not do what it was asked; the words are for the user."""


def focus(options: argparse.Namespace) -> Path:
    """The focus program, built if none was named."""
    if options.focus:
        return options.focus.absolute()
    return built("focus")


def built(product: str) -> Path:
    """One of the package's programs, as it is released."""
    subprocess.run(["swift", "build", "-c", "release", "--product", product], cwd=ROOT, check=True,
                   stdout=subprocess.DEVNULL)
    return ROOT / ".build/release" / product


def peer(name: str) -> Path:
    """One of llama.cpp's programs; all are built where it is missing."""
    if not (PEERS / name).exists():
        subprocess.run([ROOT / "script/bootstrap", "--peers"], check=True)
    return PEERS / name


def output(command: list, stderr: int | None = None) -> str:
    """What the command prints. Its own complaints stay on the terminal unless they are sent elsewhere."""
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=stderr)
    if done.returncode != 0:
        raise ProgramFailed(f"ended with {done.returncode}: {' '.join(map(str, command))}")
    return done.stdout.decode(errors="replace")
