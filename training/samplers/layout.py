"""The tokens of a compressed image, in order, and its newline places."""

from dataclasses import dataclass

import numpy as np
import torch

from .blocks import BlockGrid
from .feature_map import FeatureMap
from .pooling import pool
from .settings import SamplerSettings


@dataclass(frozen=True)
class CompressedImage:
    """What survives vision-guided sampling. `choice` holds each block's index into the scales."""

    tokens: torch.Tensor  # [n, C], before the projector, overview first
    newlines: list[int]  # a newline row follows the n-th token
    choice: np.ndarray  # [block row, block column]
    overview_tokens: int  # that go before the map's; 0 where the overview is the map
    gates: torch.Tensor | None = None  # [block row, block column], all 1 in value; see gating.py


def block_grid(features: FeatureMap, settings: SamplerSettings) -> BlockGrid:
    return BlockGrid(*features.sampled.shape[:2], settings.block_size, settings.scales)


def compressed(features: FeatureMap, choice: np.ndarray, settings: SamplerSettings,
               gates: torch.Tensor | None = None) -> CompressedImage:
    """Lays out the chosen candidates of every block.

    With every block at the finest scale nothing is compressed: the plain layout, the map in raster order with a
    newline after each row of tokens, and the overview whole. `gates` multiply the tokens of their block.
    """
    blocks = block_grid(features, settings)
    candidates = torch.cat([pool(features.sampled, scale, settings.pooling).flatten(0, 1)
                            for scale in settings.scales])
    if not choice.any():
        order = np.arange(blocks.height * blocks.width)
        block_of = order // blocks.width // blocks.size * blocks.columns + order % blocks.width // blocks.size
    else:
        order, block_of = blocks.order(choice)
    local = candidates[torch.from_numpy(order).to(candidates.device)]
    if gates is not None:
        local = local * gates.flatten()[torch.from_numpy(block_of).to(gates.device), None].to(local.dtype)
    scale = settings.overview_scale if choice.any() else 1
    overview = pool(features.overview, scale, settings.pooling).flatten(0, 1) if features.has_local else local[:0]
    tokens = torch.cat([overview, local])
    newlines = newline_places(features, blocks, choice, len(overview)) if choice.any() else features.newlines
    return CompressedImage(tokens, newlines, choice, len(overview), gates)


def newline_places(features: FeatureMap, blocks: BlockGrid, choice: np.ndarray, overview_tokens: int) -> list[int]:
    """After each row of blocks. An empty map keeps its newlines, one for each of its rows, after all tokens."""
    of_blocks = np.take_along_axis(blocks.counts, choice[..., None], -1).sum((1, 2))  # [block row]
    if features.has_local:
        return (overview_tokens + of_blocks.cumsum()).tolist()
    return [int(of_blocks.sum())] * features.map_size[0]
