"""Writes the odd images that the decoder's tests read: colour modes, orientations, sequences and bombs.

    python training/goldens/odd_images.py Tests/ImagesTests/Fixtures/odd
"""

import io
import pathlib
import struct
import sys
import zlib

import numpy as np
from PIL import Image

MIB = 1 << 20


def png(width: int, height: int, depth: int, color: int, rows: bytes, chunks: list[tuple[bytes, bytes]] = ()) -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(name, content) for name, content in parts)


def encoded(image: Image.Image, format: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def quarters() -> Image.Image:
    """32×16: red and green above, blue and white below."""
    pixels = np.zeros((16, 32, 3), dtype=np.uint8)
    pixels[:8, :16], pixels[:8, 16:] = (255, 0, 0), (0, 255, 0)
    pixels[8:, :16], pixels[8:, 16:] = (0, 0, 255), (255, 255, 255)
    return Image.fromarray(pixels)


def rotated(orientation: int, transpose: Image.Transpose | None) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = quarters() if transpose is None else quarters().transpose(transpose)
    return encoded(image, "JPEG", quality=95, subsampling=0, exif=exif.tobytes())


def grey16(value: int) -> bytes:
    return b"".join(b"\0" + struct.pack(">8H", *[value] * 8) for _ in range(8))


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    solid = {name: Image.new("RGB", (24, 24), color) for name, color in
             [("red", (255, 0, 0)), ("green", (0, 255, 0)), ("blue", (0, 0, 255))]}
    half_red = Image.new("RGBA", (24, 24), (255, 0, 0, 128))
    rgba16 = b"".join(b"\0" + struct.pack(">4H", 0, 0, 65535, 32768) * 8 for _ in range(8))
    bomb = zlib.compress(bytes(64 * MIB), 9)
    files = {
        "quarters.png": encoded(quarters(), "PNG"),
        "quarters.webp": encoded(quarters(), "WEBP", lossless=True),
        "quarters.avif": encoded(quarters(), "AVIF", quality=95, subsampling="4:4:4"),
        "orientation1.jpg": rotated(1, None),
        "orientation3.jpg": rotated(3, Image.Transpose.ROTATE_180),
        "orientation5.jpg": rotated(5, Image.Transpose.TRANSPOSE),
        "orientation6.jpg": rotated(6, Image.Transpose.ROTATE_90),
        "orientation8.jpg": rotated(8, Image.Transpose.ROTATE_270),
        "cmyk.jpg": encoded(Image.new("CMYK", (24, 24), (255, 0, 255, 0)), "JPEG", quality=95),
        "grey.png": encoded(Image.new("L", (24, 24), 77), "PNG"),
        "grey16.png": png(8, 8, 16, 0, grey16(0x8000)),
        "rgba16.png": png(8, 8, 16, 6, rgba16),
        "alpha.png": encoded(half_red, "PNG"),
        "palette.gif": encoded(solid["green"], "GIF"),
        "animated.gif": encoded(solid["red"], "GIF", save_all=True, append_images=[solid["green"], solid["blue"]]),
        "animated.webp": encoded(
            solid["red"], "WEBP", save_all=True, lossless=True, append_images=[solid["green"], solid["blue"]]),
        "pages.tiff": encoded(
            solid["red"], "TIFF", save_all=True, compression="tiff_deflate", append_images=[solid["green"]]),
        "pixel.png": encoded(Image.new("RGB", (1, 1), (10, 20, 30)), "PNG"),
        "thin.png": png(1, 65000, 8, 2, b"\0\x0a\x14\x1e" * 65000),
        "wide.png": png(65000, 1, 8, 2, b"\0" + b"\x0a\x14\x1e" * 65000),
        # One bit a pixel, so that 196 megapixels fit in a few kilobytes.
        "flat.png": png(14000, 14000, 1, 0, bytes((1 + 14000 // 8) * 14000)),
        "profile-bomb.png": png(8, 8, 8, 0, (b"\0" + bytes(8)) * 8, [(b"iCCP", b"bomb\0\0" + bomb)]),
        "text-bomb.png": png(8, 8, 8, 0, (b"\0" + bytes(8)) * 8, [(b"zTXt", b"bomb\0\0" + bomb)]),
        "drawing.svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>',
        "page.pdf": b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n",
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)


main()
