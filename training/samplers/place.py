"""Where the tokens of a compressed image lie, told to the model that reads them.

Not in the paper. An image that is not compressed tells places by its order alone: all its rows are as long. Where
blocks are pooled unlike, each row of blocks has another number of tokens, and a patch's features tell its place in its
tile at most.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from .feature_map import FeatureMap
from .layout import compressed
from .settings import SamplerSettings

INPUTS = 5


class PlaceEmbedding(nn.Module):
    """Makes of a token's place what is added to the token, before the projector.

    Parameters bear the names of `sampler.gguf`'s tensors, without their "place.".
    """

    def __init__(self, feature_length: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(feature_length, INPUTS))

    def forward(self, places: torch.Tensor) -> torch.Tensor:
        return F.linear(places, self.weight)


def token_places(features: FeatureMap, choice: np.ndarray, settings: SamplerSettings) -> torch.Tensor:
    """`[token, INPUTS]` of a compressed image: the column and the row of the token's middle, from -1 to 1 over the map
    that it was pooled from, its width and height in the same unit, and 1 for tokens of an overview that stands before
    the map, 0 for others."""
    # Of windows the least and the greatest edges count, which pooling by maximum finds where the former are negative.
    image = FeatureMap(edges(features.overview), None if features.local is None else edges(features.local))
    by_edges = SamplerSettings(pooling="max", block_size=settings.block_size, scales=settings.scales,
                               overview_scale=settings.overview_scale)
    found = compressed(image, choice, by_edges)
    start, end = -found.tokens[:, :2], found.tokens[:, 2:]
    is_overview = torch.arange(len(start), device=start.device) < found.overview_tokens
    return torch.cat([(start + end) / 2, end - start, is_overview[:, None].to(start.dtype)], dim=-1)


def edges(grid: torch.Tensor) -> torch.Tensor:
    """`[row, column, 4]` of a map `[row, column, C]`: each token's left and upper edge, negative, its right and lower."""
    rows, columns = (torch.linspace(-1, 1, length + 1, device=grid.device) for length in grid.shape[:2])
    top, left = torch.meshgrid(rows[:-1], columns[:-1], indexing="ij")
    bottom, right = torch.meshgrid(rows[1:], columns[1:], indexing="ij")
    return torch.stack([-left, -top, right, bottom], dim=-1)
