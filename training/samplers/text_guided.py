"""The text-guided sampler: which of an image's tokens a question keeps above the selection layer."""

import math

import torch

from .layers import MaskOf, causal_mask, hidden_value
from .prompt_rows import PromptRows

RATIOS = (0.1, 1.0)  # what training draws from, so that one model serves any ratio


def importance(attention: torch.Tensor, prompt: PromptRows, heads: str = "mean") -> torch.Tensor:
    """Importance `[n, row]` of one layer's attention `[n, head, row, row]`; 0 where a row is no visual token.

    The mean of what the question's rows give a visual token, over heads, or in the head that gives it most.
    """
    asking = prompt.is_question.to(attention.dtype)
    given = torch.einsum("nhqk,nq->nhk", attention, asking) / asking.sum(-1)[:, None, None]
    return (given.mean(1) if heads == "mean" else given.amax(1)) * prompt.is_visual


def keep_by_ratio(importance: torch.Tensor, ratio: float) -> torch.Tensor:
    """The ⌈ratio · n⌉ most important of n tokens, in order; ties go to the earlier token."""
    return by_importance(importance)[:math.ceil(ratio * len(importance))].sort().values


def keep_by_share(importance: torch.Tensor, share: float) -> torch.Tensor:
    """The fewest tokens that hold `share` of all the importance, in order; at least one.

    Sums run in float64 from the most important token down; the last sum is the whole.
    """
    order = by_importance(importance)
    sums = importance[order].double().cumsum(0)
    count = int((sums < share * sums[-1:]).sum()) + 1
    return order[:count].sort().values


def by_importance(importance: torch.Tensor) -> torch.Tensor:
    return importance.argsort(descending=True, stable=True)


def draw_ratio(generator: torch.Generator | None = None) -> float:
    """A ratio for one batch."""
    low, high = RATIOS
    return low + (high - low) * float(torch.rand((), generator=generator))


@torch.no_grad()
def dropped_rows(attention: torch.Tensor, prompt: PromptRows, ratio: float, heads: str = "mean") -> torch.Tensor:
    """The visual rows `[n, row]` that each prompt drops. Choosing has no gradient."""
    dropped = prompt.is_visual.clone()
    for scores, visual, drop in zip(importance(attention, prompt, heads), prompt.is_visual, dropped):
        places = visual.nonzero()[:, 0]
        drop[places[keep_by_ratio(scores[places], ratio)]] = False
    return dropped


def pruning(prompt: PromptRows, layer: int, ratio: float, heads: str = "mean") -> MaskOf:
    """The mask of each layer when `ratio` of each prompt's visual rows go on above `layer` (counted from 1).

    Dropped rows are hidden from all rows, which is what leaving them out would compute, and keeps a batch in shape.
    """
    causal = causal_mask(prompt.rows)
    above: list[torch.Tensor] = []

    def mask_of(index: int, attention: list[torch.Tensor | None]) -> torch.Tensor:
        if index < layer:
            return causal
        if not above:
            dropped = dropped_rows(attention[layer - 1], prompt, ratio, heads)
            above.append(hide(causal, dropped))
        return above[0]

    return mask_of


def hide(causal: torch.Tensor, dropped: torch.Tensor, viewers: torch.Tensor | None = None) -> torch.Tensor:
    """The mask `[n, 1, row, row]` in which `viewers` (all rows by default) do not see `dropped` ones `[n, row]`."""
    hidden = dropped[:, None, None, :] if viewers is None else dropped[:, None, None, :] & viewers[:, None, :, None]
    return causal.masked_fill(hidden, hidden_value(causal.dtype))
