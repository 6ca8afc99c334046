"""Draws a scene, and maps of what is where in it."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from . import handwriting, outlines
from .backgrounds import draw_background
from .fonts import font
from .splits import Split
from .things import Digit, Scene, Shape, Writing

CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
BESIDE = 255  # in the map of characters: of a character's box, but not of its middle
BAND = 14  # pixels, the height of a character's middle
HALF = [0] * 128 + [255] * 128  # a mask without its smooth edge


@dataclass(frozen=True)
class Drawing:
    """The maps hold 0 where there is nothing: of shapes, 1 + the shape's place in the scene; of characters, 1 + the
    character's place in `CHARACTERS`, in the middle of its box. Elsewhere in the box it is `BESIDE`: otherwise most of
    what the tower is told would be about pieces of large letters."""

    image: Image.Image
    shapes: Image.Image  # "L"
    characters: Image.Image  # "L"


def draw(scene: Scene, split: Split) -> Drawing:
    image = draw_background(scene.background, scene.width, scene.height, split)
    shapes, characters = (Image.new("L", image.size) for _ in range(2))
    for index, shape in enumerate(scene.shapes):
        draw_shape(image, shapes, shape, index + 1)
    for writing in scene.writings:
        draw_writing(image, characters, writing, split)
    for digit in scene.digits:
        draw_digit(image, characters, digit)
    return Drawing(image, shapes, characters)


def draw_shape(image: Image.Image, shapes: Image.Image, shape: Shape, code: int) -> None:
    """With a thin outline, so that it shows on any background."""
    width = max(1.0, shape.box.width * 0.03)
    around, corner = outlines.mask(shape, width)
    image.paste((20, 20, 20) if sum(shape.tint) > 200 else (235, 235, 235), corner, around)
    inside, corner = outlines.mask(shape)
    image.paste(shape.tint, corner, inside)
    shapes.paste(code, corner, inside.point(HALF))


def draw_writing(image: Image.Image, characters: Image.Image, writing: Writing, split: Split) -> None:
    canvas = ImageDraw.Draw(image)
    border = max(3, writing.size // 5) - 1
    box = writing.box
    canvas.rectangle([box.left - border, box.top - border, box.right + border - 1, box.bottom + border - 1],
                     fill=writing.plate)
    face = font(split, writing.font, writing.size)
    left, top, _, _ = face.getbbox(writing.text)
    canvas.text((box.left - left, box.top - top), writing.text, fill=writing.ink, font=face)
    fill_characters(characters, writing.text, writing.characters)


def draw_digit(image: Image.Image, characters: Image.Image, digit: Digit) -> None:
    box = digit.box
    ImageDraw.Draw(image).rounded_rectangle([box.left, box.top, box.right - 1, box.bottom - 1], 4, fill=digit.card)
    side = round(box.width) - 4
    image.paste(digit.ink, (round(box.left) + 2, round(box.top) + 2), handwriting.ink(digit.sample, side))
    fill_characters(characters, str(digit.value), (box,))


def fill_characters(characters: Image.Image, text: str, boxes) -> None:
    canvas = ImageDraw.Draw(characters)
    for character, box in zip(text, boxes):
        middle, half = box.centre[1], min(box.height, BAND) / 2
        for top, bottom, code in ((box.top, box.bottom, BESIDE),
                                  (middle - half, middle + half, 1 + CHARACTERS.index(character))):
            canvas.rectangle([round(box.left), round(top), round(box.right) - 1, round(bottom) - 1], fill=code)


