"""Runs the language model over a batch: selection on the way, losses and right answers at the end."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from .batches import IGNORED, Batch
from .llava import Rows, SmallLlava
from .selection import importance, kept, packed, pruned
from .supervision import counting_loss, region_loss, spelling_loss
from .visual import VisualTokens
from .where import asked_loss, named_loss, row_loss


@dataclass(frozen=True)
class Selection:
    """Which visual tokens go on above the selection layer."""

    ratio: float
    mode: str = "prune"  # or "shared"
    judge: str = "question"  # see selection.py
    layer: int | None = None  # counted from 1; None: the model's


@dataclass(frozen=True)
class Told:
    """Losses of what the language model is told on the way; zeros where it is not."""

    attention: torch.Tensor  # by supervision.py
    row_place: torch.Tensor  # by where.py, of visual rows
    named_place: torch.Tensor  # by where.py, of rows that end a thing's name
    asked_place: torch.Tensor  # by where.py, of rows that answer


@dataclass(frozen=True)
class QuestionRows:
    """The last layer's rows of the questions `[m, row, D]`: m images, or one sequence for each question once pruned."""

    hidden: torch.Tensor
    origin: torch.Tensor  # [m, row]: which of the batch's question rows each is; -1 for padding
    told: Told


def placed(values: torch.Tensor, origin: torch.Tensor, filler: int) -> torch.Tensor:
    """Values of the batch's question rows `[n, row]` for the rows of this origin `[m, row]`."""
    values = values.repeat_interleave(len(origin) // len(values), 0).gather(1, origin.clamp_min(0))
    return values.masked_fill(origin < 0, filler)


@dataclass(frozen=True)
class Answers:
    loss: torch.Tensor  # cross-entropy of the answers' tokens
    told: Told
    is_right: torch.Tensor  # [n, question]: is every token of the answer the likeliest?


SELECTION_LAYER = 2  # counted from 1
# Layers whose first heads are told where to look. Characters are looked for above the selection.
REGION_LAYER, SPELLING_LAYER = SELECTION_LAYER, SELECTION_LAYER + 1
PLACE_LAYER = REGION_LAYER - 1  # so that who looks there learns where it is


def question_rows(model: SmallLlava, batch: Batch, visual: VisualTokens, before: list[int],
                  selection: Selection | None = None, where: nn.ModuleDict | None = None,
                  answers_alone: bool = False) -> QuestionRows:
    """All question rows, or those alone that a token of the answer follows.

    With the heads `where`, layers are told where to look, and where things lie.
    """
    rows = model.rows(batch, visual, before)
    hidden, layout, origin = rows.hidden, rows.layout, None
    layer_of_selection = (selection.layer or SELECTION_LAYER) if selection else None
    rotary = model.language_model.rotary(layout.positions, hidden.dtype)
    attention = row_place = named_place = asked_place = torch.zeros((), device=hidden.device)
    *layers, last = model.language_model.layers
    for number, layer in enumerate(layers, start=1):
        selects = number == layer_of_selection
        told = where is not None and origin is None
        looks = told and number in (REGION_LAYER, SPELLING_LAYER)
        hidden, seen = layer(hidden, rotary, layout, keys_wanted=selects or looks)
        so_far = Rows(hidden, layout, rows.token_of)
        if looks:
            losses = (region_loss, counting_loss) if number == REGION_LAYER else (spelling_loss,)
            attention = attention + sum(loss(*seen, so_far, batch, visual) for loss in losses)
        if told and number == PLACE_LAYER:
            row_place = row_loss(where["row"], so_far, visual, batch.format)
        if told and number == REGION_LAYER:
            named_place = named_loss(where["named"], so_far, batch)
        if told and number == SPELLING_LAYER:
            asked_place = asked_loss((where["first"], where["second"]), so_far, batch)
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
    return QuestionRows(hidden, origin.gather(1, index).masked_fill(~there, -1),
                        Told(attention, row_place, named_place, asked_place))


def answer(model: SmallLlava, batch: Batch, visual: VisualTokens, before: list[int],
           selection: Selection | None = None, where: nn.ModuleDict | None = None) -> Answers:
    rows = question_rows(model, batch, visual, before, selection, where, answers_alone=True)
    wanted = placed(batch.labels, rows.origin, IGNORED)
    found = model.language_model.logits(rows.hidden[wanted != IGNORED])
    loss = F.cross_entropy(found.float(), wanted[wanted != IGNORED])
    asked_by = placed(batch.question_of, rows.origin, -1)
    return Answers(loss, rows.told, right_answers(found, wanted, asked_by, batch))


def right_answers(found: torch.Tensor, wanted: torch.Tensor, question_of: torch.Tensor, batch: Batch) -> torch.Tensor:
    """`[n, question]`. As every token is given the right ones before it, greedy decoding answers the same."""
    places = wanted != IGNORED
    is_wrong = torch.zeros(batch.kinds.shape, device=wanted.device)
    sequence, _ = places.nonzero(as_tuple=True)
    image = sequence // (len(wanted) // len(batch.labels))
    is_wrong.index_put_((image, question_of[places]), (found.argmax(-1) != wanted[places]).float(), accumulate=True)
    return is_wrong == 0
