"""The learning rate's course."""

import math

WARM_UP, LAST_RATE = 0.03, 0.05  # share of the steps; share of the highest rate


def rate_share(step: int, steps: int) -> float:
    """Share of the highest rate: rises at first, then falls as half a cosine."""
    share = step / steps
    if share < WARM_UP:
        return (share + 1 / steps) / WARM_UP
    return LAST_RATE + (1 - LAST_RATE) * (1 + math.cos(math.pi * share)) / 2
