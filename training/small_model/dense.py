"""What the tower is told about every patch; used in training alone."""

import torch
import torch.nn.functional as F
from torch import nn

from ..scenes import labels
from ..scenes.drawing import CHARACTERS
from ..scenes.things import COLOURS, SHAPES

KINDS = 1 + len(CHARACTERS)
EMPTY_WEIGHTS = {"shape": 0.1, "colour": 0.1, "character": 0.03}  # of what is empty: most patches and columns are
WEIGHTS = {"shape": 1.0, "colour": 0.5, "character": 2.0}  # characters are the slowest to learn, and limit reading


class DenseHead(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.sizes = [1 + len(SHAPES), 1 + len(COLOURS), labels.COLUMNS * KINDS, 9]
        self.norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, sum(self.sizes))

    def forward(self, features: torch.Tensor) -> list[torch.Tensor]:
        """Logits of shape, colour, characters and how much is drawn, for features `[..., C]`."""
        return list(self.output(self.norm(features)).float().split(self.sizes, dim=-1))

    def loss(self, features: torch.Tensor, patches: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Of features `[n, tile, patch, C]` and labels `[n, tile, patch, labels.WIDTH]`; and accuracies."""
        shape, colour, characters, drawn = (logits.flatten(0, 2) for logits in self(features))
        wanted = patches.flatten(0, 2).long()
        characters = characters.unflatten(-1, (labels.COLUMNS, KINDS)).flatten(0, 1)
        pairs = {"shape": (shape, wanted[:, labels.SHAPE]), "colour": (colour, wanted[:, labels.COLOUR]),
                 "character": (characters, wanted[:, labels.CHARACTER].flatten())}
        loss = 0.3 * F.cross_entropy(drawn, wanted[:, labels.DRAWN])
        accuracies = {}
        for name, (logits, target) in pairs.items():
            weights = torch.where(target > 0, 1.0, EMPTY_WEIGHTS[name])
            losses = F.cross_entropy(logits, target, reduction="none") * weights
            loss = loss + WEIGHTS[name] * losses.sum() / weights.sum()
            there = target > 0
            accuracies[name] = (logits.argmax(-1) == target)[there].float().mean()
        return loss, accuracies
