"""Patches and rows told where things lie; used in training alone.

Left to the answers, the model learned no places: after 50,000 images a linear probe read nearly none from the tower's
features, above and below were told by the order of rows alone, and left from right not at all.
"""

from collections.abc import Sequence

import torch
from torch import nn

from ..scenes.formats import Format
from .batches import Batch
from .llava import Rows
from .supervision import is_box
from .visual import VisualTokens


class WhereHead(nn.Module):
    """Reads a place, `[..., 2]` across and down from -1 to 1, from rows `[..., width]`. Linear, so that what is left of
    what can be told by a difference."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, 2)

    def distance(self, rows: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        """Squared, of `places` from what is read from each row."""
        return (self.output(self.norm(rows)).float() - places).pow(2).sum(-1)


def patch_loss(head: WhereHead, features: torch.Tensor) -> torch.Tensor:
    """Of features `[n, tile, patch, C]`: where each patch lies in its tile, which is all that the tower can know."""
    side = round(features.shape[2] ** 0.5)
    line = (torch.arange(side, device=features.device) + 0.5) / side * 2 - 1
    down, across = torch.meshgrid(line, line, indexing="ij")
    return head.distance(features, torch.stack([across, down], dim=-1).flatten(0, 1)).mean()


def row_loss(head: WhereHead, rows: Rows, visual: VisualTokens, kind: Format) -> torch.Tensor:
    """Of the language model's rows: where each visual token lies in the image."""
    token_of = rows.token_of
    places = centres(visual.places, kind).gather(1, token_of.clamp_min(0)[..., None].expand(-1, -1, 2))
    distance = head.distance(rows.hidden[:, :rows.layout.prefix], places)
    return distance[token_of >= 0].mean()


def named_loss(head: WhereHead, rows: Rows, batch: Batch) -> torch.Tensor:
    """Of the language model's rows that end a thing's name: where that thing lies in the image."""
    names = is_box(batch.named)
    distance = head.distance(rows.hidden[:, rows.layout.prefix:][names], box_centres(batch.named[names], batch.format))
    return distance.sum() / max(1, len(distance))


def asked_loss(heads: Sequence[WhereHead], rows: Rows, batch: Batch) -> torch.Tensor:
    """Of the language model's rows that answer: where the first thing named lies, and the second, a head for each."""
    image, row = (batch.is_last & (batch.question_of >= 0)).nonzero(as_tuple=True)
    question = batch.question_of[image, row]
    named = torch.zeros(batch.kinds.shape, dtype=torch.long, device=row.device)
    named.scatter_add_(1, batch.question_of.clamp_min(0), is_box(batch.named).long())
    # Where all that is asked about is named, the boxes are in the order of the names.
    are_named = named == is_box(batch.regions).sum(-1)
    hidden, total, count = rows.hidden[image, rows.layout.prefix + row], 0.0, 0
    for head, boxes in zip(heads, batch.regions[image, question].unbind(1)):
        told = is_box(boxes) & are_named[image, question]
        distance = head.distance(hidden[told], box_centres(boxes[told], batch.format))
        total, count = total + distance.sum(), count + len(distance)
    return total / max(1, count)


def box_centres(edges: torch.Tensor, kind: Format) -> torch.Tensor:
    """`[n, 2]` of boxes `[n, 4]`."""
    return centres(torch.cat([-edges[:, :2], edges[:, 2:]], dim=-1), kind)


def centres(places: torch.Tensor, kind: Format) -> torch.Tensor:
    """`[..., 2]` of places `[..., 4]` as `token_places` has them: in pixels, the first two edges negative."""
    size = torch.tensor([kind.width, kind.height], device=places.device)
    return (places[..., 2:] - places[..., :2]) / size - 1
