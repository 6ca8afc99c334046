"""Everything about the samplers that is not a weight; `sampler.gguf` holds it as keys."""

import math
from dataclasses import dataclass

DENSITY_BUDGET = 0.39  # the density router has no trained trade-off of its own


@dataclass(frozen=True)
class SamplerSettings:
    """`scales` are pooling windows, finest first; each divides the block size and the first is 1."""

    router: str = "learned"  # or "density"
    pooling: str = "max"  # or "mean"; density's default, see `default_pooling`
    block_size: int = 4
    scales: tuple[int, ...] = (1, 2, 4)
    overview_scale: int = 2
    visual_budget: float | None = None  # share of the encoded tokens
    selection_layer: int = 1  # counted from 1: the attention of this layer decides
    selection_ratio: float = 0.5
    selection_heads: str = "mean"  # or "max"

    def __post_init__(self) -> None:
        ordered = list(self.scales) == sorted(set(self.scales)) and self.scales[0] == 1
        if not ordered or any(self.block_size % scale for scale in self.scales):
            raise ValueError(f"scales {self.scales} must rise from 1 and divide the block size {self.block_size}")
        if self.router not in ("learned", "density") or self.pooling not in ("max", "mean"):
            raise ValueError(f"unknown router {self.router!r} or pooling {self.pooling!r}")

    @property
    def budget(self) -> float | None:
        """The budget where a job names none; None leaves the learned router its own trade-off."""
        if self.visual_budget is None and self.router == "density":
            return DENSITY_BUDGET
        return self.visual_budget


def default_pooling(router: str) -> str:
    """A projector that was not trained on maxima should not see them."""
    return "max" if router == "learned" else "mean"


def default_selection_layer(layers: int) -> int:
    """A quarter of the language model's layers, rounded half up."""
    return max(1, math.floor(layers / 4 + 0.5))
