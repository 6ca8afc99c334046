"""Backgrounds: smooth tones, textures, and crops of photographs that come inside Python packages (LICENSES.md)."""

from functools import lru_cache

import numpy as np
from PIL import Image, ImageEnhance

from .fonts import package_folder
from .splits import Split
from .things import Background

TRAINING_PHOTOGRAPHS = ("skimage/data/astronaut.png", "skimage/data/chelsea.png", "skimage/data/coffee.png",
                        "skimage/data/rocket.jpg", "skimage/data/hubble_deep_field.jpg",
                        "sklearn/datasets/images/flower.jpg")
HELD_OUT_PHOTOGRAPHS = ("sklearn/datasets/images/china.jpg", "matplotlib/mpl-data/sample_data/grace_hopper.jpg")
TEXTURES = ("skimage/data/brick.png", "skimage/data/grass.png", "skimage/data/gravel.png")


@lru_cache(maxsize=None)
def photograph(file: str) -> Image.Image:
    package, path = file.split("/", 1)
    return Image.open(package_folder(package) / path).convert("RGB")


def draw_background(background: Background, width: int, height: int, split: Split) -> Image.Image:
    generator = np.random.Generator(np.random.Philox(background.seed))
    if background.kind == "photograph":
        files = HELD_OUT_PHOTOGRAPHS if split.is_held_out else TRAINING_PHOTOGRAPHS
        return crop(photograph(files[generator.integers(len(files))]), width, height, generator)
    if background.kind == "texture":
        if generator.random() < 0.5:
            grain = crop(photograph(TEXTURES[generator.integers(len(TEXTURES))]), width, height, generator)
        else:
            grain = noise(width, height, generator)
        shade = (np.asarray(grain, np.float32)[..., :1] - 128) * generator.uniform(0.3, 0.8)  # [H, W, 1]
        return Image.fromarray((np.array(background.tone) + shade).clip(0, 255).astype(np.uint8))
    return gradient(background.tone, width, height, generator)


def crop(picture: Image.Image, width: int, height: int, generator: np.random.Generator) -> Image.Image:
    """A piece of the photograph of this shape, enlarged or reduced, sometimes mirrored or paler."""
    largest = min(picture.width / width, picture.height / height)
    scale = generator.uniform(min(0.6, 0.5 * largest), largest)
    across, down = width * scale, height * scale
    left, top = generator.uniform(0, picture.width - across), generator.uniform(0, picture.height - down)
    piece = picture.resize((width, height), Image.Resampling.BILINEAR, (left, top, left + across, top + down))
    if generator.random() < 0.5:
        piece = piece.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return ImageEnhance.Contrast(piece).enhance(generator.uniform(0.5, 1))


def noise(width: int, height: int, generator: np.random.Generator) -> Image.Image:
    """Blurred noise, grainy to cloudy."""
    cell = int(generator.integers(2, 40))
    coarse = generator.integers(0, 256, (height // cell + 2, width // cell + 2), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).convert("RGB")


def gradient(tone: tuple[int, int, int], width: int, height: int, generator: np.random.Generator) -> Image.Image:
    slope = generator.uniform(-30, 30, (2, 1, 1, 3))
    across = np.linspace(-1, 1, width)[None, :, None]
    down = np.linspace(-1, 1, height)[:, None, None]
    return Image.fromarray((np.array(tone) + slope[0] * across + slope[1] * down).clip(0, 255).astype(np.uint8))
