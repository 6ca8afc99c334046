"""What each patch of each tile shows: what the vision tower learns first."""

import numpy as np
from PIL import Image

from .drawing import BESIDE, Drawing
from .things import COLOURS, SHAPES, Scene
from .tiles import Tiling

COLUMNS = 4  # of a patch, in which characters are told apart
LEAST_SHAPE = 12  # pixels of a patch
LEAST_CHARACTER = 4  # pixels of a column
# Columns of the labels of a patch: shape and colour (0: none), a character for each column (0: none), and how much
# of the patch is drawn on, in eighths.
SHAPE, COLOUR, CHARACTER, DRAWN = 0, 1, slice(2, 2 + COLUMNS), 2 + COLUMNS
WIDTH = 3 + COLUMNS


def patch_labels(scene: Scene, drawing: Drawing, tiling: Tiling, patch: int) -> np.ndarray:
    """`[tile, patch, WIDTH]` uint8, patches in raster order."""
    shapes = patches(tiling.cut(drawing.shapes, Image.Resampling.NEAREST), patch)  # [tile, patch, row, column]
    characters = patches(tiling.cut(drawing.characters, Image.Resampling.NEAREST), patch)
    labels = np.zeros((*shapes.shape[:2], WIDTH), np.uint8)
    largest, pixels = most_frequent(shapes.reshape(*shapes.shape[:2], -1), len(scene.shapes))
    largest[pixels < LEAST_SHAPE] = 0
    kinds = [0] + [1 + SHAPES.index(shape.kind) for shape in scene.shapes]
    colours = [0] + [1 + list(COLOURS).index(shape.colour) for shape in scene.shapes]
    labels[..., SHAPE], labels[..., COLOUR] = np.array(kinds)[largest], np.array(colours)[largest]
    # One column of pixels stands for each; it rarely crosses two characters, and then the higher code is as good.
    middles = [(2 * column + 1) * patch // (2 * COLUMNS) for column in range(COLUMNS)]
    columns = characters[..., middles] * (characters[..., middles] != BESIDE)  # [tile, patch, row, column]
    code = columns.max(2)
    labels[..., CHARACTER] = np.where((columns == code[:, :, None]).sum(2) >= LEAST_CHARACTER, code, 0)
    labels[0, :, CHARACTER] = 0  # the overview is too small to read
    labels[..., DRAWN] = np.rint(((shapes > 0) | (characters > 0)).mean((2, 3)) * 8)
    return labels


def patches(tiles: np.ndarray, patch: int) -> np.ndarray:
    """`[tile, side, side]` as `[tile, patch, row, column]`."""
    count = tiles.shape[1] // patch
    cut = tiles.reshape(-1, count, patch, count, patch).swapaxes(2, 3)
    return cut.reshape(len(tiles), count * count, patch, patch)


def most_frequent(codes: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Of codes `[..., n]` from 1 to `count`, the most frequent and how often it is there; 0 where there is none."""
    best, pixels = np.zeros(codes.shape[:-1], np.int64), np.zeros(codes.shape[:-1], np.int64)
    for code in range(1, count + 1):
        found = (codes == code).sum(-1)
        better = found > pixels
        best[better], pixels[better] = code, found[better]
    return best, pixels
