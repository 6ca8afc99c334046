"""The visual tokens of a batch: as the tower made them, or compressed."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from ..samplers.feature_map import FeatureMap
from ..samplers.layout import CompressedImage
from ..scenes.formats import Format
from ..scenes.store import tiling
from .places import compressed_places, token_places, unpadded


@dataclass(frozen=True)
class VisualTokens:
    tokens: torch.Tensor  # [n, token, C], before the projector; padding at the end
    places: torch.Tensor  # [n, token, 4], as `token_places` has them
    counts: list[int]  # tokens of each image
    newlines: list[list[int]]  # of each image: a newline row follows the n-th token

    @property
    def order(self) -> torch.Tensor:
        """`[n, row]`: which token each image row is, -1 for a newline, -2 for padding."""
        rows = [order(count, newlines) for count, newlines in zip(self.counts, self.newlines)]
        return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=-2).to(self.tokens.device)


def order(count: int, newlines: list[int]) -> torch.Tensor:
    rows, start = [], 0
    for end in newlines:
        rows += [*range(start, end), -1]
        start = end
    return torch.tensor(rows + list(range(start, count)))


def stitched(features: torch.Tensor, kind: Format) -> tuple[torch.Tensor, torch.Tensor]:
    """Overviews `[n, h, w, C]` and unpadded maps `[n, H, W, C]` of features `[n, tile, patch, C]`."""
    rows, columns = tiling(kind).grid
    side = round(features.shape[2] ** 0.5)
    tiles = features.unflatten(2, (side, side))  # [n, tile, h, w, C]
    grid = tiles[:, 1:].unflatten(1, (rows, columns))  # [n, tile row, tile column, h, w, C]
    whole = grid.transpose(2, 3).flatten(3, 4).flatten(1, 2)  # [n, H, W, C]
    top, left = unpadded(*whole.shape[1:3], kind)
    return tiles[:, 0], whole[:, top:whole.shape[1] - top, left:whole.shape[2] - left]


def plain_tokens(features: torch.Tensor, kind: Format) -> VisualTokens:
    """Every token, a newline after each row of the map."""
    overview, local = stitched(features, kind)
    tokens = torch.cat([overview.flatten(1, 2), local.flatten(1, 2)], dim=1)
    places = token_places(kind)
    count = len(tokens)
    return VisualTokens(tokens, places.tokens.to(tokens.device).expand(count, -1, -1), [tokens.shape[1]] * count,
                        [places.newlines] * count)


def feature_maps(features: torch.Tensor, kind: Format) -> list[FeatureMap]:
    return [FeatureMap(overview, local) for overview, local in zip(*stitched(features, kind))]


def compressed_tokens(images: Sequence[CompressedImage], kind: Format) -> VisualTokens:
    pad = lambda rows: torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
    tokens = pad([image.tokens for image in images])
    places = pad([compressed_places(kind, image.choice) for image in images]).to(tokens.device)
    return VisualTokens(tokens, places, [len(image.tokens) for image in images], [image.newlines for image in images])
