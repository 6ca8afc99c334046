"""How a budget of tokens decides between the learned router's scales."""

import math

import numpy as np

from .blocks import BlockGrid
from .feature_map import FeatureMap

STEEPEST = 1e6  # a price beyond any logit
BISECTIONS = 60


def pooled_overview_tokens(features: FeatureMap, overview_scale: int) -> int:
    """Tokens that go before a compressed local map; none where the overview itself is the map."""
    if not features.has_local:
        return 0
    height, width = features.overview.shape[:2]
    return -(-height // overview_scale) * -(-width // overview_scale)


def local_budget(features: FeatureMap, overview_scale: int, share: float) -> int:
    """Tokens that the map may have for the image to keep `share`, below 1, of its encoded tokens. May be negative.

    Always fewer than the map's: with every block fine the overview would come whole, however small the share.
    """
    kept = math.floor(share * features.encoded) - pooled_overview_tokens(features, overview_scale)
    rows, columns = features.sampled.shape[:2]
    return min(kept, rows * columns - 1)


def priced_choice(logits: np.ndarray, scales: tuple[int, ...], price: float) -> np.ndarray:
    """Indices of scales `[block row, block column]`: the best logit less `price` for a whole block's tokens.

    Costs are 1/scale² (not a ragged block's own counts). Float64; a tie goes to the finer scale.
    """
    costs = np.array([1 / scale ** 2 for scale in scales])
    return (logits.astype(np.float64) - price * costs).argmax(-1)


def search_price(logits: np.ndarray, blocks: BlockGrid, budget: int) -> float | None:
    """The smallest price with which the map has at most `budget` tokens; None where even the steepest has more.

    Logits are `[block row, block column, scale]`. It may be below 0: then the budget is above what the router asks.
    """
    def fits(price: float) -> bool:
        return blocks.tokens(priced_choice(logits, blocks.scales, price)) <= budget

    low, high = -1.0, 1.0
    while not fits(high):
        if high == STEEPEST:
            return None
        high = min(high * 2, STEEPEST)
    while fits(low):
        if low == -STEEPEST:
            return low
        low = max(low * 2, -STEEPEST)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high


def budget_choice(logits: np.ndarray, blocks: BlockGrid, budget: int | None) -> np.ndarray:
    """Indices of scales within `budget` tokens; without one, the router's own. All coarsest where nothing fits."""
    price = 0.0 if budget is None else search_price(logits, blocks, budget)
    if price is None:
        return np.full(logits.shape[:2], len(blocks.scales) - 1)
    return priced_choice(logits, blocks.scales, price)
