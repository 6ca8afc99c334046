"""Composes scenes: which things there are and where, from a seed alone."""

import math
from collections.abc import Iterator
from random import Random

from . import fonts, handwriting
from .formats import Format
from .splits import HELD_OUT_PAIRS, Split
from .things import COLOURS, SHAPES, Background, Box, Digit, Scene, Shape, Writing
from .words import draw_number, draw_word

MOST_SHAPES = 8
SMALLEST_SHAPE, SMALLEST_TEXT, LARGEST_TEXT = 11, 10, 44  # pixels
TRIES = 40
GAP = 5  # pixels between things, and to the edge
BACKGROUNDS = ("plain", "texture", "photograph")


def compose(split: Split, kind: Format, number: int) -> Scene:
    """The scene of this number: always the same."""
    generator = Random(f"{split.name}/{kind.name}/{number}")
    placed: list[Box] = []
    writings = [draw_writing(generator, split, kind, text, placed) for text in texts(generator, split)]
    digits = [draw_digit(generator, split, kind, placed) for _ in range(generator.random() < 0.4)]
    # Large ones first, since they are the hardest to place.
    sizes = sorted((draw_size(generator, kind) for _ in range(generator.randint(1, MOST_SHAPES))), reverse=True)
    boxes = [box for box in (place_square(generator, kind, size, placed) for size in sizes) if box]
    shapes = [Shape(shape, colour, box, generator.uniform(-12, 12), tint(generator, COLOURS[colour]))
              for box, (colour, shape) in zip(boxes, draw_pairs(generator, split, len(boxes)))]
    background = Background(generator.choice(BACKGROUNDS), generator.getrandbits(32),
                            tuple(generator.randrange(70, 216) for _ in range(3)))
    return Scene(kind.width, kind.height, background, tuple(shapes), tuple(item for item in writings if item),
                 tuple(item for item in digits if item))


def texts(generator: Random, split: Split) -> Iterator[str]:
    if split.is_full_of_text:
        for _ in range(generator.randint(6, 24)):
            yield draw_word(generator, split) if generator.random() < 0.6 else draw_number(generator)
        return
    if generator.random() < 0.6:
        yield draw_word(generator, split)
    if generator.random() < 0.5:
        yield draw_number(generator)


def draw_size(generator: Random, kind: Format) -> int:
    """Uniform in its logarithm: many small things, few large ones."""
    largest = 0.45 * min(kind.width, kind.height)
    return round(math.exp(generator.uniform(math.log(SMALLEST_SHAPE), math.log(largest))))


def draw_pairs(generator: Random, split: Split, count: int) -> list[tuple[str, str]]:
    """Colours and shapes. In half of the scenes many things share a shape or a colour, so that counts get high."""
    theme = generator.random()
    same = generator.choice(SHAPES if theme < 0.25 else list(COLOURS))
    share = generator.uniform(0.5, 1)
    pairs: list[tuple[str, str]] = []
    if split.shows_held_out_pairs:
        pairs.append(generator.choice(sorted(HELD_OUT_PAIRS)))
    while len(pairs) < count:
        colour, shape = generator.choice(list(COLOURS)), generator.choice(SHAPES)
        if theme < 0.5 and generator.random() < share:
            colour, shape = (colour, same) if theme < 0.25 else (same, shape)
        if split.allows(colour, shape):
            pairs.append((colour, shape))
    return pairs


def draw_writing(generator: Random, split: Split, kind: Format, text: str, placed: list[Box]) -> Writing | None:
    font = generator.randrange(len(fonts.fonts(split)))
    size = round(math.exp(generator.uniform(math.log(SMALLEST_TEXT), math.log(LARGEST_TEXT))))
    width, height = fonts.text_size(split, font, size, text)
    border = max(3, size // 5)
    plate = place(generator, kind, width + 2 * border, height + 2 * border, placed)
    if plate is None:
        return None
    left, top = round(plate.left) + border, round(plate.top) + border
    light, dark = pale(generator), deep(generator)
    ink, ground = (dark, light) if generator.random() < 0.6 else (light, dark)
    return Writing(text, font, size, Box(left, top, left + width, top + height),
                   fonts.character_boxes(split, font, size, text, left, top), ink, ground)


def draw_digit(generator: Random, split: Split, kind: Format, placed: list[Box]) -> Digit | None:
    value = generator.randrange(10)
    side = generator.randint(20, 64)
    box = place(generator, kind, side, side, placed)
    if box is None:
        return None
    return Digit(value, handwriting.draw_sample(generator, split, value), box, deep(generator), pale(generator))


def place(generator: Random, kind: Format, width: float, height: float, placed: list[Box]) -> Box | None:
    """A free place, which is then taken; None where none was found."""
    across, down = kind.width - width - 2 * GAP, kind.height - height - 2 * GAP
    if across < 0 or down < 0:
        return None
    for _ in range(TRIES):
        left, top = GAP + round(generator.uniform(0, across)), GAP + round(generator.uniform(0, down))
        box = Box(left, top, left + width, top + height)
        if not any(box.meets(other, GAP) for other in placed):
            placed.append(box)
            return box
    return None


def place_square(generator: Random, kind: Format, size: int, placed: list[Box]) -> Box | None:
    """Half as large where there is no place for more."""
    smaller = max(SMALLEST_SHAPE, size // 2)
    return place(generator, kind, size, size, placed) or place(generator, kind, smaller, smaller, placed)


def tint(generator: Random, colour: tuple[int, int, int]) -> tuple[int, int, int]:
    return tuple(min(255, max(0, value + generator.randint(-10, 10))) for value in colour)


def pale(generator: Random) -> tuple[int, int, int]:
    return tuple(generator.randint(205, 255) for _ in range(3))


def deep(generator: Random) -> tuple[int, int, int]:
    return tuple(generator.randint(0, 80) for _ in range(3))
