"""Pictures to measure with: smooth colours, with grain in some places, no two alike."""

import math
import random
import struct
import zlib
from pathlib import Path

CELLS = 8  # a side; each has its own amount of grain, so that its tokens are more or less alike
GRAINS = [0, 0, 4, 16, 40]


def photographs(folder: Path, count: int, size: tuple[int, int], seed: int | str = 0) -> list[Path]:
    """`count` PNG files of `size` (width, height). The same seed gives the same pictures."""
    paths = [folder / f"{size[0]}x{size[1]}-{seed}-{number}.png" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(photograph(size, f"{seed} {number}"))
    return paths


def photograph(size: tuple[int, int], seed: str) -> bytes:
    """A PNG file."""
    return png(size, pixels(size, random.Random(seed)))


def pixels(size: tuple[int, int], draw: random.Random) -> bytes:
    """Rows of RGB, each behind the zero that means "unfiltered" in PNG."""
    width, height = size
    across = [[80 * math.sin(frequency * x / width + phase) for x in range(width)]
              for frequency, phase in waves(draw)]
    down = [[math.cos(frequency * y / height + phase) for y in range(height)] for frequency, phase in waves(draw)]
    grain = [[draw.choice(GRAINS) / 128 for _ in range(CELLS)] for _ in range(CELLS)]
    rows = []
    for y in range(height):
        strengths = grain[y * CELLS // height]
        noise = [(byte - 128) * strengths[x * CELLS // width] for x, byte in enumerate(draw.randbytes(width))]
        row = bytearray(3 * width)
        for channel in range(3):
            level = down[channel][y]
            row[channel::3] = bytes(int(128 + level * wave + speck) for wave, speck in zip(across[channel], noise))
        rows.append(b"\0" + row)
    return b"".join(rows)


def waves(draw: random.Random) -> list[tuple[float, float]]:
    """A frequency and a phase for each channel."""
    return [(draw.uniform(3, 15), draw.uniform(0, 2 * math.pi)) for _ in range(3)]


def png(size: tuple[int, int], rows: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
