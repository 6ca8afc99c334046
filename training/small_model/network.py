"""All that is trained: the model, the router, and the heads that only training needs."""

import torch
from torch import nn

from ..samplers.place import PlaceEmbedding
from ..samplers.router import Router
from ..samplers.settings import SamplerSettings
from ..samplers.vision_guided import VisionGuidedSampler
from ..shapes import Shape
from .answering import SELECTION_LAYER
from .dense import DenseHead
from .llava import SmallLlava
from .where import WhereHead

ROUTER_HEADS = 4
PLACE_DEVIATION = 5.0  # of its first weights; features have about 19


class Network(nn.Module):
    def __init__(self, shape: Shape, before: list[int]) -> None:
        """`before` are the prompt's tokens before the image."""
        super().__init__()
        width = shape.vision.width
        self.before = before
        self.llava, self.dense = SmallLlava(shape), DenseHead(width)
        self.router = Router(width, width // 2, ROUTER_HEADS)
        self.where = nn.ModuleDict({"patch": WhereHead(width)} | {
            name: WhereHead(shape.language.width) for name in ("row", "named", "first", "second")})
        self.place = PlaceEmbedding(width)
        torch.nn.init.normal_(self.place.weight, std=PLACE_DEVIATION)

    def compute_in(self, kind: torch.dtype) -> "Network":
        """The samplers decide by small differences, and are small: they stay in float32."""
        self.llava.to(kind)
        self.dense.to(kind)
        self.where.to(kind)
        return self

    def load(self, weights: dict[str, torch.Tensor]) -> None:
        """Weights of a stage's file. Those from before the place embedding tell no places."""
        self.load_state_dict({"place.weight": torch.zeros_like(self.place.weight)} | weights)

    @property
    def sampler(self) -> VisionGuidedSampler:
        settings = SamplerSettings(selection_layer=SELECTION_LAYER)
        return VisionGuidedSampler(settings, self.router, self.place).train(self.training)
