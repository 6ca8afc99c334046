"""One image as the vision tower sees it: the overview's tokens and the stitched map's."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from transformers.models.llava_next.modeling_llava_next import get_anyres_image_grid_shape, unpad_image


@dataclass(frozen=True)
class FeatureMap:
    """Features before the projector. `local` is None for a model of one tile, and may be empty once unpadded."""

    overview: torch.Tensor  # [h, w, C]
    local: torch.Tensor | None  # [H, W, C]

    @property
    def has_local(self) -> bool:
        return self.local is not None and self.local.shape[0] * self.local.shape[1] > 0

    @property
    def sampled(self) -> torch.Tensor:
        """The grid that is cut into blocks `[H, W, C]`: the local map or, where there is none, the overview."""
        return self.local if self.has_local else self.overview

    @property
    def context(self) -> torch.Tensor:
        """What the router attends to `[h*w, C]`."""
        return self.overview.flatten(0, 1)

    @property
    def map_size(self) -> tuple[int, int]:
        """Rows and columns of the unpadded map; 0 by 0 for a model of one tile."""
        return (0, 0) if self.local is None else tuple(self.local.shape[:2])

    @property
    def encoded(self) -> int:
        """Tokens before any compression."""
        rows, columns = self.map_size
        return self.overview.shape[0] * self.overview.shape[1] + rows * columns

    @property
    def tokens(self) -> torch.Tensor:
        """`[encoded, C]`: the overview, then the map in raster order."""
        parts = [self.overview] if self.local is None else [self.overview, self.local]
        return torch.cat([part.flatten(0, 1) for part in parts])

    @property
    def newlines(self) -> list[int]:
        """Newline places of the uncompressed image: a newline row follows the n-th token."""
        rows, columns = self.map_size
        overview = self.overview.shape[0] * self.overview.shape[1]
        return [overview + columns * (row + 1) for row in range(rows)]


def feature_maps(model, tiles: Iterable[torch.Tensor], sizes: Iterable[tuple[int, int]]) -> list[FeatureMap]:
    """The maps of several images by one pass of a Hugging Face LLaVA model's tower.

    `tiles` are `[tile, 3, side, side]` for each image, overview first; `sizes` its (height, width) in pixels.
    """
    tiles = list(tiles)
    config = model.config
    states = model.model.vision_tower(torch.cat(tiles), output_hidden_states=True).hidden_states
    features = states[config.vision_feature_layer]
    if config.vision_feature_select_strategy == "default":
        features = features[:, 1:]  # without the class token
    pinpoints = getattr(config, "image_grid_pinpoints", None)
    parts = features.split([len(part) for part in tiles])
    return [stitched(part, size, pinpoints, config.vision_config) for part, size in zip(parts, sizes)]


def stitched(features: torch.Tensor, size: tuple[int, int], pinpoints: list | None, vision) -> FeatureMap:
    """Puts tiles `[tile, h*w, C]` in their places and takes the padding off."""
    side = vision.image_size // vision.patch_size
    tiles = features.unflatten(1, (side, side))  # [tile, h, w, C]
    if pinpoints is None:
        return FeatureMap(tiles[0], None)
    rows, columns = get_anyres_image_grid_shape(size, pinpoints, vision.image_size)
    grid = tiles[1:].unflatten(0, (int(rows), int(columns)))  # [tile row, tile column, h, w, C]
    padded = grid.permute(4, 0, 2, 1, 3).flatten(3, 4).flatten(1, 2)  # [C, H, W]
    return FeatureMap(tiles[0], unpad_image(padded, size).permute(1, 2, 0))
