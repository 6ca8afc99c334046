"""Cuts an image into tiles, as Hugging Face's LLaVA-NeXT processor does, in 8-bit pixels; and maps likewise."""

import numpy as np
from PIL import Image
from transformers.image_processing_utils import get_patch_output_size, select_best_resolution
from transformers.image_utils import ChannelDimension


class Tiling:
    """Of images of one size: `pinpoints` are (height, width) in pixels."""

    def __init__(self, width: int, height: int, pinpoints: list[list[int]], side: int) -> None:
        self.side = side
        self.padded = select_best_resolution((height, width), pinpoints)  # (height, width)
        # A view of one value: only its shape is read.
        shape = np.broadcast_to(np.zeros((), np.uint8), (3, height, width))
        self.fitted = get_patch_output_size(shape, self.padded, ChannelDimension.FIRST)  # (height, width)
        self.top, self.left = ((outer - inner) // 2 for outer, inner in zip(self.padded, self.fitted))

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of tiles."""
        return self.padded[0] // self.side, self.padded[1] // self.side

    @property
    def count(self) -> int:
        """Tiles, the overview with them."""
        return 1 + self.grid[0] * self.grid[1]

    def cut(self, image: Image.Image, resample: Image.Resampling = Image.Resampling.BICUBIC) -> np.ndarray:
        """`[tile, row, column, ...]`, overview first."""
        height, width = self.fitted
        fitted = image if image.size == (width, height) else image.resize((width, height), resample)
        padded = Image.new(image.mode, (self.padded[1], self.padded[0]))
        padded.paste(fitted, (self.left, self.top))
        rows, columns = self.grid
        pixels = np.asarray(padded)
        tiles = pixels.reshape(rows, self.side, columns, self.side, *pixels.shape[2:]).swapaxes(1, 2)
        overview = np.asarray(image.resize((self.side, self.side), resample))
        return np.concatenate([overview[None], tiles.reshape(-1, *overview.shape)])
