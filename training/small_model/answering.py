"""Runs the language model over a batch: selection on the way, losses and right answers at the end."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from .batches import IGNORED, Batch
from .llava import Rows, SmallLlava
from .selection import importance, kept, packed, pruned
from .supervision import region_loss, spelling_loss
from .visual import VisualTokens
from .where import WhereHead, row_loss


@dataclass(frozen=True)
class Selection:
    """Which visual tokens go on above the selection layer."""

    ratio: float
    mode: str = "prune"  # or "shared"
    judge: str = "question"  # see selection.py
    layer: int | None = None  # counted from 1; None: the model's


@dataclass(frozen=True)
class QuestionRows:
    """The last layer's rows of the questions `[m, row, D]`: m images, or one sequence for each question once pruned."""

    hidden: torch.Tensor
    origin: torch.Tensor  # [m, row]: which of the batch's question rows each is; -1 for padding
    attention: torch.Tensor  # what supervision.py asks of attention; 0 unless wanted
    row_places: torch.Tensor  # what where.py asks of visual rows; 0 unless wanted


def placed(values: torch.Tensor, origin: torch.Tensor, filler: int) -> torch.Tensor:
    """Values of the batch's question rows `[n, row]` for the rows of this origin `[m, row]`."""
    values = values.repeat_interleave(len(origin) // len(values), 0).gather(1, origin.clamp_min(0))
    return values.masked_fill(origin < 0, filler)


@dataclass(frozen=True)
class Answers:
    loss: torch.Tensor  # cross-entropy of the answers' tokens
    attention: torch.Tensor
    row_places: torch.Tensor
    is_right: torch.Tensor  # [n, question]: is every token of the answer the likeliest?


SELECTION_LAYER = 2  # counted from 1
# Layers whose first head is told where to look. Characters are looked for above the selection.
REGION_LAYER, SPELLING_LAYER = SELECTION_LAYER, SELECTION_LAYER + 1
PLACE_LAYER = REGION_LAYER - 1  # so that who looks there learns where it is


def question_rows(model: SmallLlava, batch: Batch, visual: VisualTokens, before: list[int],
                  selection: Selection | None = None, supervised: bool = False,
                  row_places: WhereHead | None = None, answers_alone: bool = False) -> QuestionRows:
    """All question rows, or those alone that a token of the answer follows.

    `supervised` layers are told where to look; with `row_places` an early one also where visual rows lie.
    """
    rows = model.rows(batch, visual, before)
    hidden, layout, origin = rows.hidden, rows.layout, None
    layer_of_selection = (selection.layer or SELECTION_LAYER) if selection else None
    rotary = model.language_model.rotary(layout.positions, hidden.dtype)
    attention = place_loss = torch.zeros((), device=hidden.device)
    *layers, last = model.language_model.layers
    for number, layer in enumerate(layers, start=1):
        selects = number == layer_of_selection
        told = supervised and number in (REGION_LAYER, SPELLING_LAYER) and origin is None
        hidden, seen = layer(hidden, rotary, layout, keys_wanted=selects or told)
        if told:
            loss_of = region_loss if number == REGION_LAYER else spelling_loss
            attention = attention + loss_of(*seen, Rows(hidden, layout, rows.token_of), batch, visual)
        if row_places is not None and number == PLACE_LAYER:
            place_loss = row_loss(row_places, Rows(hidden, layout, rows.token_of), visual, batch.format)
        if selects:
            keeps = kept(importance(*seen, layout, selection.judge), layout, selection.ratio)
            if selection.mode == "shared":
                layout = layout.keeping(keeps)
            else:
                hidden, layout, origin = pruned(hidden, layout, keeps)
                rotary = model.language_model.rotary(layout.positions, hidden.dtype)
    if origin is None:
        origin = torch.arange(batch.ids.shape[1], device=hidden.device).expand(len(hidden), -1)
    wanted = placed(batch.labels, origin, IGNORED) != IGNORED if answers_alone else origin >= 0
    index, there = packed(wanted)
    hidden = last.only(hidden, rotary, layout, index)
    return QuestionRows(hidden, origin.gather(1, index).masked_fill(~there, -1), attention, place_loss)


def answer(model: SmallLlava, batch: Batch, visual: VisualTokens, before: list[int],
           selection: Selection | None = None, supervised: bool = False,
           row_places: WhereHead | None = None) -> Answers:
    rows = question_rows(model, batch, visual, before, selection, supervised, row_places, answers_alone=True)
    wanted = placed(batch.labels, rows.origin, IGNORED)
    found = model.language_model.logits(rows.hidden[wanted != IGNORED])
    loss = F.cross_entropy(found.float(), wanted[wanted != IGNORED])
    return Answers(loss, rows.attention, rows.row_places,
                   right_answers(found, wanted, placed(batch.question_of, rows.origin, -1), batch))


def right_answers(found: torch.Tensor, wanted: torch.Tensor, question_of: torch.Tensor, batch: Batch) -> torch.Tensor:
    """`[n, question]`. As every token is given the right ones before it, greedy decoding answers the same."""
    places = wanted != IGNORED
    is_wrong = torch.zeros(batch.kinds.shape, device=wanted.device)
    sequence, _ = places.nonzero(as_tuple=True)
    image = sequence // (len(wanted) // len(batch.labels))
    is_wrong.index_put_((image, question_of[places]), (found.argmax(-1) != wanted[places]).float(), accumulate=True)
    return is_wrong == 0
