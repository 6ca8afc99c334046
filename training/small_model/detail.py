"""How much detail a block of the map holds: what the router is told at first."""

import torch
import torch.nn.functional as F

from ..samplers.pooling import pool
from ..scenes import labels
from .batches import Batch
from .visual import stitched

BLOCK = 4
TARGET_SHARES = [0.2, 0.35, 0.45]  # of the scales, about what `block_detail` asks for
# What the router is told of a block, by the scale that its detail asks for. Gaps between logarithms are what a budget
# trades: a price p gives up the fine scale where its gap is below 0.75 p, and the medium one below 0.1875 p. So small
# gaps of shapes' edges are given up about when large ones of writing are, and a large budget buys edges first.
TAUGHT = [[0.965, 0.03, 0.005], [0.08, 0.62, 0.30], [0.02, 0.18, 0.80]]


def block_detail(patches: torch.Tensor, batch: Batch) -> torch.Tensor:
    """The index of each block's scale `[n, block row, block column]`: fine where something is written, medium where a
    shape begins or ends, and coarse in the middle of a shape or of nothing."""
    _, local = stitched(patches, batch.format)  # [n, H, W, labels.WIDTH]
    is_written = (local[..., labels.CHARACTER] > 0).any(-1)
    drawn = local[..., labels.DRAWN]
    is_edge = (drawn > 0) & (drawn < 8)
    wanted = torch.stack([is_written, is_edge], dim=-1).float()
    written, edge = pool(wanted, BLOCK, "max").unbind(-1)
    return torch.where(written > 0, 0, torch.where(edge > 0, 1, 2))


def detail_loss(logits: list[torch.Tensor], batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Cross-entropy of the router's logits `[block row, block column, scale]`, and how many blocks agree."""
    wanted = block_detail(batch.patches, batch).flatten()
    given = torch.stack(logits).flatten(0, 2)
    taught = torch.tensor(TAUGHT, device=given.device)[wanted]
    return F.cross_entropy(given, taught), (given.argmax(-1) == wanted).float().mean()
