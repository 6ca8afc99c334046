"""Real handwritten digits: scikit-learn's 1,797 samples of 8 × 8 pixels."""

from functools import lru_cache
from random import Random

import numpy as np
from PIL import Image

from .splits import HELD_OUT_HANDWRITING, Split


@lru_cache(maxsize=1)
def samples() -> tuple[np.ndarray, np.ndarray]:
    """Ink `[n, 8, 8]` from 0 to 255, and the digits `[n]`."""
    from sklearn.datasets import load_digits
    digits = load_digits()
    return (digits.images * (255 / 16)).astype(np.uint8), digits.target


@lru_cache(maxsize=None)
def samples_of(split: Split, value: int) -> list[int]:
    _, values = samples()
    return [int(index) for index in np.flatnonzero(values == value)
            if (index % HELD_OUT_HANDWRITING == 0) == split.is_held_out]


def draw_sample(generator: Random, split: Split, value: int) -> int:
    return generator.choice(samples_of(split, value))


def ink(sample: int, side: int) -> Image.Image:
    """A mask of `side` × `side` pixels."""
    images, _ = samples()
    return Image.fromarray(images[sample]).resize((side, side), Image.Resampling.BICUBIC)
