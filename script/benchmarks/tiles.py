"""Which images give how many tiles: read from the head of a vision file."""

import struct
from pathlib import Path
from typing import BinaryIO

NUMBERS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
STRING, ARRAY = 8, 9


def image_sizes(vision: Path) -> dict[int, tuple[int, int]]:
    """For each number of tiles the model can see, the overview included, the size in pixels that gives it exactly."""
    metadata = read_metadata(vision)
    tile = metadata["clip.vision.image_size"]
    flat = metadata.get("clip.vision.image_grid_pinpoints", [])
    if not flat:
        return {1: (tile, tile)}
    pairs = sorted(zip(flat[::2], flat[1::2]))
    return dict(sorted({1 + width * height // tile**2: (width, height) for width, height in pairs}.items()))


def largest_image(vision: Path) -> tuple[int, int]:
    return list(image_sizes(vision).values())[-1]


def smallest_image(vision: Path) -> tuple[int, int]:
    return list(image_sizes(vision).values())[0]


def read_metadata(path: Path) -> dict:
    """The key-value pairs of a GGUF file."""
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise ValueError(f"{path} is no GGUF file")
        number(file, "<I")
        number(file, "<Q")
        return {text(file): value(file, number(file, "<I")) for _ in range(number(file, "<Q"))}


def value(file: BinaryIO, kind: int):
    if kind == STRING:
        return text(file)
    if kind == ARRAY:
        kind = number(file, "<I")
        return [value(file, kind) for _ in range(number(file, "<Q"))]
    return number(file, NUMBERS[kind])


def text(file: BinaryIO) -> str:
    return file.read(number(file, "<Q")).decode(errors="replace")


def number(file: BinaryIO, form: str):
    return struct.unpack(form, file.read(struct.calcsize(form)))[0]
