"""Runs the language model over a batch: selection on the way, losses and right answers at the end."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from .batches import IGNORED, Batch
from .llava import Rows, SmallLlava
from .selection import importance, kept, pruned
from .supervision import region_loss, spelling_loss
from .visual import VisualTokens


@dataclass(frozen=True)
class Selection:
    """Which visual tokens go on above the selection layer."""

    ratio: float
    mode: str = "prune"  # or "shared"
    judge: str = "question"  # see selection.py
    layer: int | None = None  # counted from 1; None: the model's


@dataclass(frozen=True)
class Answers:
    loss: torch.Tensor  # cross-entropy of the answers' tokens
    attention: torch.Tensor  # what supervision.py asks of attention; 0 unless wanted
    is_right: torch.Tensor  # [n, question]: is every token of the answer the likeliest?


SELECTION_LAYER = 2  # counted from 1
# Layers whose first head is told where to look. Characters are looked for above the selection.
REGION_LAYER, SPELLING_LAYER = SELECTION_LAYER, SELECTION_LAYER + 1


def answer(model: SmallLlava, batch: Batch, visual: VisualTokens, before: list[int],
           selection: Selection | None = None, supervised: bool = False) -> Answers:
    language, rows = model.language_model, model.rows(batch, visual, before)
    hidden, layout, labels = rows.hidden, rows.layout, batch.labels
    origin = None  # of pruned question rows
    layer_of_selection = (selection.layer or SELECTION_LAYER) if selection else None
    rotary = language.rotary(layout.positions, hidden.dtype)
    attention = torch.zeros((), device=hidden.device)
    for number, layer in enumerate(language.layers, start=1):
        selects = number == layer_of_selection
        told = supervised and number in (REGION_LAYER, SPELLING_LAYER) and origin is None
        hidden, seen = layer(hidden, rotary, layout, keys_wanted=selects or told)
        if told:
            loss_of = region_loss if number == REGION_LAYER else spelling_loss
            attention = attention + loss_of(*seen, Rows(hidden, layout, rows.token_of), batch, visual)
        if selects:
            keeps = kept(importance(*seen, layout, selection.judge), layout, selection.ratio)
            if selection.mode == "shared":
                layout = layout.keeping(keeps)
            else:
                hidden, layout, origin = pruned(hidden, layout, keeps)
                rotary = language.rotary(layout.positions, hidden.dtype)
    found, wanted = answered(model, hidden[:, layout.prefix:], labels, origin)
    loss = F.cross_entropy(found.float(), wanted[wanted != IGNORED])
    return Answers(loss, attention, right_answers(found, wanted, batch, origin))


def answered(model: SmallLlava, question_rows: torch.Tensor, labels: torch.Tensor,
             origin: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of the rows that answer, and the labels of all rows, as the rows stand."""
    if origin is not None:
        questions = len(origin) // len(labels)
        labels = labels.repeat_interleave(questions, 0).gather(1, origin.clamp_min(0)).masked_fill(origin < 0, IGNORED)
    return model.language_model.logits(question_rows[labels != IGNORED]), labels


def right_answers(found: torch.Tensor, wanted: torch.Tensor, batch: Batch, origin: torch.Tensor | None) -> torch.Tensor:
    """`[n, question]`. As every token is given the right ones before it, greedy decoding answers the same."""
    places = wanted != IGNORED
    is_wrong = torch.zeros(wanted.shape, dtype=torch.bool, device=wanted.device)
    is_wrong[places] = found.argmax(-1) != wanted[places]
    questions = batch.kinds.shape[1]
    if origin is not None:
        return ~is_wrong.any(-1).unflatten(0, (-1, questions))
    numbers = torch.arange(questions, device=wanted.device)
    return ~((batch.question_of[:, None] == numbers[:, None]) & is_wrong[:, None]).any(-1)
