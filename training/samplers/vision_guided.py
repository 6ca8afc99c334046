"""The vision-guided sampler: from a feature map to a compressed image, once for an image."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from .budget import budget_choice, local_budget
from .density import density_choice, density_scores
from .feature_map import FeatureMap
from .gating import gates, noisy
from .layout import CompressedImage, block_grid, compressed
from .place import PlaceEmbedding, token_places
from .router import Router
from .settings import SamplerSettings

UNSET = object()  # a budget that a caller leaves to the settings; None is "the router's own"


@dataclass(frozen=True)
class Noise:
    kind: str  # "gumbel" or "normal"
    deviation: float = 1.0
    generator: torch.Generator | None = None


class VisionGuidedSampler(nn.Module):
    """`router` is None for the density router."""

    def __init__(self, settings: SamplerSettings, router: Router | None = None,
                 place: PlaceEmbedding | None = None) -> None:
        super().__init__()
        if (router is None) != (settings.router == "density"):
            raise ValueError(f"settings name the {settings.router} router; weights are "
                             f"{'missing' if router is None else 'given'}")
        self.settings, self.router, self.place = settings, router, place

    def route(self, images: Sequence[FeatureMap]) -> list[torch.Tensor]:
        """The learned router's logits `[block row, block column, scale]` of each image; equal sizes go together."""
        sizes = defaultdict(list)
        for index, image in enumerate(images):
            sizes[image.sampled.shape, image.overview.shape].append(index)
        found = [torch.empty(0)] * len(images)
        for same in sizes.values():
            logits = self.router(torch.stack([images[index].sampled for index in same]),
                                 torch.stack([images[index].context for index in same]), self.settings.block_size)
            for index, part in zip(same, logits):
                found[index] = part
        return found

    def choose(self, image: FeatureMap, logits: torch.Tensor | None, share=UNSET) -> np.ndarray:
        """Indices of scales `[block row, block column]` at a budget, the settings' unless one is given."""
        share = self.settings.budget if share is UNSET else share
        blocks = block_grid(image, self.settings)
        if share is not None and share >= 1:
            return np.zeros((blocks.rows, blocks.columns), np.int64)
        tokens = None if share is None else local_budget(image, self.settings.overview_scale, share)
        if logits is not None:
            return budget_choice(logits.detach().float().cpu().numpy(), blocks, tokens)
        if tokens is None:
            raise ValueError("the density router needs a budget")
        scores = density_scores(image.sampled, self.settings.block_size, self.settings.scales)
        return density_choice(scores, blocks, tokens)

    def forward(self, images: Sequence[FeatureMap], share=UNSET,
                noise: Noise | None = None) -> tuple[list[CompressedImage], list[torch.Tensor]]:
        """Compresses a batch; also returns the router's logits, for `balance_loss` (none by density).

        In training the tokens carry the router's gradient; their values are those of inference. Noise moves the
        choice and the gates alike. A budget of 1 leaves the router no choice, so there is nothing for it to learn.
        """
        if self.router is None:
            return [self.lay_out(image, self.choose(image, None, share)) for image in images], []
        logits = self.route(images)
        budget = self.settings.budget if share is UNSET else share
        is_gated = self.training and (budget is None or budget < 1)
        results = []
        for image, own in zip(images, logits):
            if noise is not None:
                own = noisy(own, noise.kind, noise.deviation, noise.generator)
            choice = self.choose(image, own, share)
            results.append(self.lay_out(image, choice, gates(own, choice) if is_gated else None))
        return results, logits

    def lay_out(self, image: FeatureMap, choice: np.ndarray, gates: torch.Tensor | None = None) -> CompressedImage:
        """The chosen candidates with their places; an image that is not compressed is left as the model knows it."""
        result = compressed(image, choice, self.settings, gates)
        if self.place is None or not choice.any():
            return result
        places = token_places(image, choice, self.settings).to(result.tokens)
        return replace(result, tokens=result.tokens + self.place(places).to(result.tokens.dtype))
