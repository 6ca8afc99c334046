"""Arrays in one little-endian binary file, found by offset, type and shape."""

from pathlib import Path

import numpy as np

TYPES = {"f32": np.dtype("<f4"), "u8": np.dtype("u1")}


class ArrayWriter:
    def __init__(self) -> None:
        self.content = bytearray()

    def add(self, array: np.ndarray) -> dict:
        """Appends an array, aligned to 4 bytes, and returns what finds it again."""
        kind = "u8" if array.dtype == np.uint8 else "f32"
        self.content.extend(b"\0" * (-len(self.content) % 4))
        offset = len(self.content)
        self.content.extend(array.astype(TYPES[kind]).tobytes())
        return {"offset": offset, "type": kind, "shape": list(array.shape)}


def read_array(path: Path, place: dict) -> np.ndarray:
    count = int(np.prod(place["shape"]))
    return np.fromfile(path, TYPES[place["type"]], count, offset=place["offset"]).reshape(place["shape"])
