"""Text-guided selection in a batch of many questions on each image."""

from dataclasses import replace

import torch

from .layout import Layout

JUDGES = ("question", "last", "random")


def attention_shares(queries: torch.Tensor, keys: torch.Tensor, layout: Layout, index: torch.Tensor) -> torch.Tensor:
    """Logarithms of what the question rows at `index` `[n, row]` see of each row `[n, head, row, row]`, in float32.

    Queries and keys are `[n, head, row, width]`.
    """
    place = (index + layout.prefix)[:, None, :, None].expand(-1, queries.shape[1], -1, queries.shape[3])
    scores = queries.gather(2, place).float() @ keys.float().transpose(-1, -2) / queries.shape[-1] ** 0.5
    return scores.masked_fill(~layout.sees(index), -torch.inf).log_softmax(-1)


@torch.no_grad()
def importance(queries: torch.Tensor, keys: torch.Tensor, layout: Layout, judge: str = "question") -> torch.Tensor:
    """Importance `[n, question, prefix row]`; below 0 where a row is no visual token.

    The mean over heads and over the question's rows ("question"; see samplers/text_guided.py), the answering row
    alone as FastV takes it ("last"), or chance ("random").
    """
    if judge == "random":
        found = torch.rand(len(layout.is_visual), layout.questions, layout.prefix, device=queries.device)
        return found.masked_fill(~layout.is_visual[:, None], -1)
    judging, there = packed(layout.is_asked if judge == "question" else layout.is_last)
    shares = attention_shares(queries, keys, layout, judging).exp().mean(1)[..., :layout.prefix]  # [n, row, prefix]
    numbers = torch.arange(layout.questions, device=shares.device)
    asks = layout.question_of.gather(1, judging)
    belongs = ((asks[:, None] == numbers[:, None]) & there[:, None]).float()  # [n, question, row]
    found = belongs @ shares / belongs.sum(-1, keepdim=True).clamp_min(1)
    return found.masked_fill(~layout.is_visual[:, None], -1)


def kept(importance: torch.Tensor, layout: Layout, ratio: float) -> torch.Tensor:
    """What each question sees `[n, question, prefix row]`: the ⌈ratio · tokens⌉ most important, and all else there."""
    rank = importance.argsort(dim=-1, descending=True, stable=True).argsort(dim=-1)
    counts = (layout.is_visual.sum(-1).double() * ratio).ceil()[:, None, None]
    return torch.where(layout.is_visual[:, None], rank < counts, layout.is_there[:, None])


def pruned(hidden: torch.Tensor, layout: Layout, kept: torch.Tensor) -> tuple[torch.Tensor, Layout, torch.Tensor]:
    """Gives every question its own prefix, of the rows that it keeps, so that dropped ones leave the computation.

    Returns rows `[n * question, row, D]`, their layout, and for each question's rows `[n * question, row]` where
    they stood among the question rows; -1 where there is none.
    """
    images, questions = kept.shape[:2]
    prefix_index, prefix_there = packed(kept)  # [n, question, row]
    numbers = torch.arange(questions, device=hidden.device)
    rows_index, rows_there = packed(layout.question_of[:, None] == numbers[:, None])
    index = torch.cat([prefix_index, rows_index + layout.prefix], dim=-1).flatten(1)
    take = lambda values: values.gather(1, index).unflatten(1, (questions, -1)).flatten(0, 1)
    rows = hidden.gather(1, index[..., None].expand(-1, -1, hidden.shape[-1]))
    rows = rows.unflatten(1, (questions, -1)).flatten(0, 1)
    prefix = prefix_index.shape[-1]
    there = rows_there.flatten(0, 1)
    of_rows = lambda values: values.gather(1, rows_index.flatten(1)).unflatten(1, (questions, -1)).flatten(0, 1) & there
    visual = layout.is_visual.gather(1, prefix_index.flatten(1)).unflatten(1, (questions, -1)).flatten(0, 1)
    fresh = replace(layout, prefix=prefix, positions=take(layout.positions), is_visual=visual,
                    is_there=prefix_there.flatten(0, 1), question_of=torch.where(there, 0, -1),
                    is_asked=of_rows(layout.is_asked), is_last=of_rows(layout.is_last), questions=1, kept=None)
    return rows, fresh, torch.where(there, rows_index.flatten(0, 1), -1)


def packed(chosen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The places of what is chosen, in order and to the front `[..., most]`, and which of them are real."""
    most = int(chosen.sum(-1).max())
    index = (~chosen).to(torch.int8).argsort(dim=-1, stable=True)[..., :most]
    return index, chosen.gather(-1, index)
