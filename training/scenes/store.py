"""Scenes drawn ahead: memory maps of tiles and labels. The scenes themselves are composed again when they are needed.

    python -m training.scenes.store --folder DIRECTORY --count 80000
"""

import argparse
import hashlib
import json
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ..shapes import SHAPES
from . import labels
from .composing import compose
from .drawing import draw
from .formats import FORMATS, Format
from .splits import TRAINING, Split
from .tiles import Tiling

CHUNK = 250  # scenes that are written at once


@dataclass(frozen=True)
class Stored:
    """The scenes of one format."""

    pixels: np.ndarray  # [scene, tile, side, side, 3] uint8
    labels: np.ndarray  # [scene, tile, patch, labels.WIDTH] uint8


def tiling(kind: Format) -> Tiling:
    shape = SHAPES["focus-small"]
    return Tiling(kind.width, kind.height, shape.pinpoints, shape.vision.tile)


def drawn(split: Split, kind: Format, number: int) -> tuple[np.ndarray, np.ndarray]:
    """One scene's tiles and labels."""
    cut, scene = tiling(kind), compose(split, kind, number)
    drawing = draw(scene, split)
    return cut.cut(drawing.image), labels.patch_labels(scene, drawing, cut, SHAPES["focus-small"].vision.patch)


class SceneStore:
    """A folder of memory maps, two for each format. Drawing goes on where it was interrupted."""

    def __init__(self, folder: Path, split: Split, count: int) -> None:
        self.folder, self.split = folder, split
        self.counts = {kind: round(count * kind.weight) for kind in FORMATS}

    def open(self, kind: Format, mode: str = "r") -> Stored:
        vision, count, tiles = SHAPES["focus-small"].vision, self.counts[kind], tiling(kind).count
        shapes = {"pixels": (count, tiles, vision.tile, vision.tile, 3),
                  "labels": (count, tiles, vision.tokens, labels.WIDTH)}
        return Stored(*(np.memmap(self.folder / f"{self.split.name}-{kind.name}.{part}", np.uint8, mode, shape=shape)
                        for part, shape in shapes.items()))

    def draw(self, processes: int) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        progress = self._progress
        done = json.loads(progress.read_text()) if progress.exists() else {}
        with ProcessPoolExecutor(processes) as pool:
            for kind, count in self.counts.items():
                if not done:
                    self._create()
                starts = [start for start in range(0, count, CHUNK) if f"{kind.name}/{start}" not in done]
                for start in pool.map(partial(self._draw_chunk, kind), starts):
                    done[f"{kind.name}/{start}"] = True
                    self._note(progress, done)
                    if count > CHUNK:
                        print(f"{kind.name}: {min(count, start + CHUNK)} of {count}", flush=True)

    def _create(self) -> None:
        for kind in self.counts:
            self.open(kind, "w+")

    def _draw_chunk(self, kind: Format, start: int) -> int:
        stored = self.open(kind, "r+")
        for number in range(start, min(self.counts[kind], start + CHUNK)):
            stored.pixels[number], stored.labels[number] = drawn(self.split, kind, number)
        return start

    @property
    def _progress(self) -> Path:
        """Bears the mark of what is drawn: after a change of it, all scenes are drawn again."""
        mark = hashlib.sha256()
        for kind in FORMATS:
            mark.update(repr([compose(self.split, kind, number) for number in range(25)]).encode())
            for part in drawn(self.split, kind, 0):
                mark.update(part.tobytes())
        return self.folder / f"{self.split.name}-{sum(self.counts.values())}-{mark.hexdigest()[:8]}.json"

    def _note(self, progress: Path, done: dict[str, bool]) -> None:
        fresh = progress.with_suffix(".new")
        fresh.write_text(json.dumps(done))
        os.replace(fresh, progress)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--count", type=int, default=80000, help="scenes of all formats together")
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    SceneStore(options.folder, TRAINING, options.count).draw(options.processes)


if __name__ == "__main__":
    main()
