"""The whole model, as Hugging Face names its parameters: a tower, a projector, a newline row, a language model."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from ..shapes import Shape
from .batches import Batch
from .language import LanguageModel
from .layout import Layout
from .tower import Tower
from .visual import VisualTokens


@dataclass(frozen=True)
class Rows:
    """A batch as the language model sees it."""

    hidden: torch.Tensor  # [n, row, D]
    layout: Layout
    token_of: torch.Tensor  # [n, prefix row]: which visual token it is; below 0: none


class SmallLlava(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.vision_tower = nn.ModuleDict({"vision_model": Tower(shape.vision)})
        self.multi_modal_projector = nn.ModuleDict({
            "linear_1": nn.Linear(shape.vision.width, shape.language.width),
            "linear_2": nn.Linear(shape.language.width, shape.language.width)})
        self.image_newline = nn.Parameter(torch.randn(shape.language.width))
        self.language_model = LanguageModel(shape.language)

    @property
    def tower(self) -> Tower:
        return self.vision_tower["vision_model"]

    def project(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.multi_modal_projector["linear_2"](F.gelu(self.multi_modal_projector["linear_1"](tokens)))

    def features(self, pixels: torch.Tensor) -> torch.Tensor:
        """`[n, tile, patch, C]` of tiles `[n, tile, side, side, 3]`."""
        return self.tower(pixels.flatten(0, 1)).unflatten(0, pixels.shape[:2])

    def rows(self, batch: Batch, visual: VisualTokens, before: list[int]) -> Rows:
        """The prompt's beginning, the image's rows and the questions' rows of each image."""
        count, order = len(visual.tokens), visual.order  # [n, image row]
        device = order.device
        text = self.language_model.embed(torch.tensor(before, device=device)).expand(count, -1, -1)
        # What a row may be: a visual token, or the newline at the end, which -1 finds.
        tokens = visual.tokens.to(self.image_newline.dtype)
        choices = torch.cat([self.project(tokens), self.image_newline.expand(count, 1, -1)], dim=1)
        index = torch.where(order < 0, choices.shape[1] - 1, order)
        image = choices.gather(1, index[..., None].expand(-1, -1, choices.shape[2]))
        hidden = torch.cat([text, image, self.language_model.embed(batch.ids)], dim=1)
        token_of = torch.cat([torch.full((count, len(before)), -1, device=device), order], dim=1)
        is_there = token_of > -2
        prefix = token_of.shape[1]
        positions = torch.cat([torch.arange(prefix, device=device).expand(count, -1),
                               is_there.sum(1, keepdim=True) + batch.offsets], dim=1)
        layout = Layout(prefix, positions, token_of >= 0, is_there, batch.question_of, batch.is_asked, batch.is_last,
                        batch.regions.shape[1])
        return Rows(hidden, layout, token_of)


def set_token_scale(model: SmallLlava, features: torch.Tensor) -> None:
    """Makes the projector's output as large as text embeddings, whatever the tower's scale.

    A norm before the projector would do, but a LLaVA has none: its mean and deviation over `features` `[..., C]` are
    folded into the first matrix, and the output's deviation into the second.
    """
    with torch.no_grad():
        rows = features.flatten(0, -2).float()
        first, second = (model.multi_modal_projector[name] for name in ("linear_1", "linear_2"))
        deviation, mean = torch.std_mean(rows, dim=0)  # [C]
        weight = torch.randn_like(first.weight) / rows.shape[1] ** 0.5 / deviation
        first.weight.copy_(weight)
        first.bias.copy_(-weight @ mean)
        second.weight.copy_(torch.randn_like(second.weight) / second.weight.shape[1] ** 0.5)
        second.bias.zero_()
        output = model.project(rows.to(first.weight.dtype)).float()
        scale = model.language_model.model["embed_tokens"].weight.float().pow(2).mean().sqrt() / output.std()
        second.weight.mul_(scale)
        second.bias.copy_(-output.mean(0) * scale)
