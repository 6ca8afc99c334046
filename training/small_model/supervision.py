"""Attention told where to look: at the thing just named, at what the question is about, at each thing that counts, and
at the character that is spelled next.

Without it the model stays on a plateau for long, and importance at the selection layer would mean nothing.
"""

import torch

from .batches import Batch
from .language import taken
from .layout import Layout
from .llava import Rows
from .places import evenly_covered
from .selection import attention_shares, packed
from .visual import VisualTokens


UNCOUNTED = 4.0  # the prompt's first row counts as this many things


def region_loss(queries: torch.Tensor, keys: torch.Tensor, rows: Rows, batch: Batch,
                visual: VisualTokens) -> torch.Tensor:
    """Of the first head. Rows that end a thing's name look at that thing alone, so that two things are told apart;
    those that end the question look at all that is asked about. Queries as `attention_shares`."""
    index, there, covered = ending_rows(rows, batch, visual, is_box(batch.named))
    things = on_prefix(evenly_covered(visual.places, taken(batch.named, index)[:, :, None]), rows)
    target = torch.where(is_box(taken(batch.named, index))[..., None], things, covered) * there[..., None]
    return attention_loss(queries, keys, rows.layout, index, target, head=0)


def counting_loss(queries: torch.Tensor, keys: torch.Tensor, rows: Rows, batch: Batch,
                  visual: VisualTokens) -> torch.Tensor:
    """Of the second head, in the rows that end the question: the more things are asked about, the less is left for the
    prompt's first row. How many there are can so be read from its share; a mean of what is seen would not tell."""
    index, there, target = ending_rows(rows, batch, visual)
    target[..., 0] = UNCOUNTED
    return attention_loss(queries, keys, rows.layout, index, target * there[..., None], head=1)


def ending_rows(rows: Rows, batch: Batch, visual: VisualTokens,
                others: torch.Tensor | bool = False) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The question's last two rows and the one that answers, and `others` `[n, question row]`: `[n, row]`, which of them
    are real, and how much of each prefix row their question is about `[n, row, prefix row]`."""
    layout = rows.layout
    asked = layout.is_asked
    ending = asked & ~torch.nn.functional.pad(asked, (0, 2))[:, 2:]
    index, there = packed((ending | layout.is_last | others) & (layout.question_of >= 0))
    covered = on_prefix(evenly_covered(visual.places, batch.regions), rows)  # [n, question, prefix row]
    return index, there, taken(covered, layout.question_of.gather(1, index).clamp_min(0))


def spelling_loss(queries: torch.Tensor, keys: torch.Tensor, rows: Rows, batch: Batch,
                  visual: VisualTokens) -> torch.Tensor:
    """Of the first head of its layer, in the rows whose next token spells characters."""
    index, there = packed(is_box(batch.characters))
    covered = evenly_covered(visual.places, taken(batch.characters, index)[:, :, None])  # [n, row, token]
    return attention_loss(queries, keys, rows.layout, index, on_prefix(covered, rows) * there[..., None],
                          head=0)


def attention_loss(queries: torch.Tensor, keys: torch.Tensor, layout: Layout, index: torch.Tensor,
                   target: torch.Tensor, head: int) -> torch.Tensor:
    """Cross-entropy of this head's attention in the question rows at `index` `[n, row]` with `target`
    `[n, row, prefix row]`, made to sum to 1.

    What a row may not see is no target; rows without any target do not count.
    """
    shares = attention_shares(queries[:, head:head + 1], keys[:, head:head + 1], layout, index)[:, 0, :, :layout.prefix]
    is_seen = shares > -torch.inf
    target = target * is_seen
    sums = target.sum(-1, keepdim=True)
    losses = -(target / sums.clamp_min(1e-6) * shares.masked_fill(~is_seen, 0)).sum(-1)
    return losses.sum() / (sums > 0).sum().clamp_min(1)


def is_box(edges: torch.Tensor) -> torch.Tensor:
    return edges[..., 2] > edges[..., 0]


def on_prefix(of_tokens: torch.Tensor, rows: Rows) -> torch.Tensor:
    """`[n, question, token]` as `[n, question, prefix row]`."""
    index = rows.token_of[:, None].expand(-1, of_tokens.shape[1], -1)
    return of_tokens.gather(2, index.clamp_min(0)).masked_fill(index < 0, 0)
