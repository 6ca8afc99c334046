"""Where visual tokens lie in the image, and how much of each the things asked about cover."""

from functools import lru_cache

import torch

from ..samplers.feature_map import FeatureMap
from ..samplers.layout import compressed
from ..samplers.settings import SamplerSettings
from ..scenes.formats import Format
from ..scenes.store import tiling
from ..shapes import SHAPES


@lru_cache(maxsize=None)
def token_places(kind: Format) -> FeatureMap:
    """In place of features each token's edges: left, top, right and bottom in pixels of the image, the first two
    negative, so that pooling them by maximum gives the edges of what is pooled."""
    cut, patch = tiling(kind), SHAPES["focus-small"].vision.patch
    side = cut.side // patch
    overview = edges(side, side, kind.width / side, kind.height / side)
    rows, columns = (length // patch for length in cut.padded)
    scale = kind.width / cut.fitted[1]
    whole = edges(rows, columns, patch * scale, patch * scale)
    offset = torch.tensor([cut.left, cut.top, -cut.left, -cut.top]) * scale
    top, left = unpadded(rows, columns, kind)
    return FeatureMap(overview, (whole + offset)[top:rows - top, left:columns - left])


def unpadded(rows: int, columns: int, kind: Format) -> tuple[int, int]:
    """Rows and columns that Hugging Face's `unpad_image` takes off each side."""
    if kind.width / kind.height > columns / rows:
        return (rows - int(round(kind.height * (columns / kind.width), 7))) // 2, 0
    return 0, (columns - int(round(kind.width * (rows / kind.height), 7))) // 2


def edges(rows: int, columns: int, width: float, height: float) -> torch.Tensor:
    """`[row, column, 4]`."""
    top, left = torch.meshgrid(torch.arange(rows) * height, torch.arange(columns) * width, indexing="ij")
    return torch.stack([-left, -top, left + width, top + height], dim=-1)


def compressed_places(kind: Format, choice) -> torch.Tensor:
    """`[token, 4]` of a compressed image."""
    return compressed(token_places(kind), choice, SamplerSettings(pooling="max")).tokens


def coverage(places: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
    """The share of each token that each box covers, `[n, question, box, token]`; none of padding, which has no area.

    `places` are `[n, token, 4]` as above; `boxes` `[n, question, box, 4]`: left, top, right, bottom, no area where
    there is none.
    """
    first, last = -places[:, None, None, :, :2], places[:, None, None, :, 2:]
    start, end = boxes[..., None, :2], boxes[..., None, 2:]
    overlap = (torch.minimum(last, end) - torch.maximum(first, start)).clamp_min(0).prod(-1)
    return overlap / (last - first).prod(-1).clamp_min(1e-6)


def evenly_covered(places: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
    """How much of each token is about the boxes, `[n, question, token]`, a small box counting as much as a large one."""
    covered = coverage(places, boxes)
    return (covered / covered.sum(-1, keepdim=True).clamp_min(1e-6)).sum(2)
