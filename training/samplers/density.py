"""The router without weights: a block is as coarse as its tokens are alike."""

import numpy as np
import torch

from .blocks import BlockGrid
from .pooling import pool, spread


@torch.no_grad()
def density_scores(grid: torch.Tensor, block_size: int, scales: tuple[int, ...]) -> np.ndarray:
    """Scores `[block row, block column, scale]` in float32, for the scales above 1, of a map `[H, W, C]`.

    A block's score at a scale is the least cosine similarity of any of its tokens to the mean of the token's window;
    1 where a norm is zero. Sums run in float64 and the result is rounded, so that equal tokens score exactly 1
    whatever the order of summation, and blocks of equal tokens tie.
    """
    cells = grid.double()
    height, width = grid.shape[:2]
    scores = []
    for scale in scales[1:]:
        means = spread(pool(cells, scale, "mean"), scale, height, width)
        norms = cells.norm(dim=-1) * means.norm(dim=-1)
        cosines = torch.where(norms > 0, (cells * means).sum(-1) / norms, 1.0)
        scores.append(-pool(-cosines[..., None], block_size, "max"))
    return torch.cat(scores, dim=-1).float().cpu().numpy()


def density_choice(scores: np.ndarray, blocks: BlockGrid, budget: int) -> np.ndarray:
    """Indices of scales `[block row, block column]`: the coarsest whose score reaches a threshold, else the finest.

    The threshold is the largest of infinity and all scores with which the map has at most `budget` tokens; where
    none does, every block is at the coarsest scale.
    """
    thresholds = np.concatenate([[np.inf], np.unique(scores)[::-1]])
    for threshold in thresholds:
        choice = choice_at(scores, threshold)
        if blocks.tokens(choice) <= budget:
            return choice
    return np.full_like(choice, len(blocks.scales) - 1)


def choice_at(scores: np.ndarray, threshold: float) -> np.ndarray:
    reached = scores >= threshold  # [row, column, scale above 1]
    coarsest = reached.shape[-1] - reached[..., ::-1].argmax(-1)
    return np.where(reached.any(-1), coarsest, 0)
