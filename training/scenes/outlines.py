"""The outlines of shapes, as masks with smooth edges."""

import math

from PIL import Image, ImageDraw

from .things import Shape

FINER = 4  # masks are drawn this much larger and then reduced


def mask(shape: Shape, grow: float = 0.0) -> tuple[Image.Image, tuple[int, int]]:
    """The shape's mask, and where its top left corner goes in the image. `grow` widens it on all sides, in pixels."""
    box = shape.box
    margin = math.ceil(grow) + 2
    left, top = math.floor(box.left) - margin, math.floor(box.top) - margin
    width, height = math.ceil(box.right) + margin - left, math.ceil(box.bottom) + margin - top
    picture = Image.new("L", (width * FINER, height * FINER))
    draw = ImageDraw.Draw(picture)
    centre_x, centre_y = ((box.centre[0] - left) * FINER, (box.centre[1] - top) * FINER)
    radius = (box.width / 2 + grow) * FINER
    if shape.kind in ("circle", "ring"):
        draw.ellipse([centre_x - radius, centre_y - radius, centre_x + radius, centre_y + radius], fill=255)
        if shape.kind == "ring":
            hole = box.width * 0.27 * FINER - grow * FINER
            draw.ellipse([centre_x - hole, centre_y - hole, centre_x + hole, centre_y + hole], fill=0)
    else:
        turn = math.radians(shape.turn)
        cosine, sine = math.cos(turn), math.sin(turn)
        draw.polygon([(centre_x + radius * (x * cosine - y * sine), centre_y + radius * (x * sine + y * cosine))
                      for x, y in POLYGONS[shape.kind]], fill=255)
    return picture.reduce(FINER), (left, top)


def star() -> list[tuple[float, float]]:
    return [(reach * math.sin(angle), -reach * math.cos(angle))
            for angle, reach in ((step * math.pi / 5, 1.0 if step % 2 == 0 else 0.42) for step in range(10))]


def heart() -> list[tuple[float, float]]:
    steps = [2 * math.pi * step / 40 for step in range(40)]
    return [(math.sin(t) ** 3, -(13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)) / 17)
            for t in steps]


def cross() -> list[tuple[float, float]]:
    thin = 0.34
    corner = [(-thin, -1), (thin, -1), (thin, -thin), (1, -thin), (1, thin), (thin, thin)]
    return corner + [(-x, -y) for x, y in corner]


POLYGONS = {
    "square": [(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)],
    "triangle": [(0, -0.95), (0.98, 0.8), (-0.98, 0.8)],
    "diamond": [(0, -1), (0.68, 0), (0, 1), (-0.68, 0)],
    "star": star(), "heart": heart(), "cross": cross(),
}
