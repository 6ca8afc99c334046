"""Finds differences between two folders of goldens."""

import json
from pathlib import Path

import numpy as np

from .arrays import read_array

TOLERANCE = 1e-4  # relative L2; machines differ in the order of float32 sums


def differences(committed: Path, fresh: Path) -> list[str]:
    found = []
    for path in sorted(p.relative_to(fresh) for p in fresh.rglob("*") if p.is_file()):
        ours, theirs = committed / path, fresh / path
        if not ours.exists():
            found.append(f"{path}: missing")
        elif path.name in ("golden.json", "sampling.json"):
            found += case_differences(path, ours, theirs)
        elif path.suffix != ".bin" and ours.read_bytes() != theirs.read_bytes():
            found.append(f"{path}: differs")
    return found


def case_differences(path: Path, ours: Path, theirs: Path) -> list[str]:
    committed, fresh = json.loads(ours.read_text()), json.loads(theirs.read_text())
    if committed != fresh:
        return [f"{path}: ids or sizes differ"]
    found = []
    for run in fresh.get("runs", [fresh]):
        for name, place in arrays_of(run):
            error = relative_error(read_array(ours.parent / fresh["arrays"], place),
                                   read_array(theirs.parent / fresh["arrays"], place))
            if error > (0 if place["type"] == "u8" else TOLERANCE):
                found.append(f"{path}: {run.get('name', '')}{name} differs by {error:.2g}")
    return found


def arrays_of(value, name: str = "") -> list[tuple[str, dict]]:
    """Every array in a run with the path that leads to it."""
    if isinstance(value, list):
        return [found for index, part in enumerate(value) for found in arrays_of(part, f"{name}[{index}]")]
    if not isinstance(value, dict):
        return []
    if "offset" in value:
        return [(name, value)]
    return [found for key, part in value.items() for found in arrays_of(part, f"{name}.{key}")]


def relative_error(ours: np.ndarray, theirs: np.ndarray) -> float:
    ours, theirs = ours.astype(np.float64), theirs.astype(np.float64)
    return float(np.linalg.norm(ours - theirs) / max(np.linalg.norm(theirs), 1e-30))
