"""The loss of a batch: answers on the compressed image, the teacher's lessons, and scales kept in use."""

from dataclasses import dataclass
from random import Random

import numpy as np
import torch

from ..samplers.budget import pooled_overview_tokens, priced_choice
from ..samplers.feature_map import FeatureMap
from ..samplers.focus_llava import FocusLlava, TiledImage
from ..samplers.gating import balance_loss
from ..samplers.layout import block_grid
from ..samplers.text_guided import RATIOS
from ..samplers.vision_guided import Noise
from .batches import Batch
from .settings import RunSettings
from .teacher import Teacher, lesson_weight

BALANCE_WEIGHT = 0.02


@dataclass(frozen=True)
class BatchLoss:
    loss: torch.Tensor
    values: dict[str, torch.Tensor]  # to be logged
    choices: list[np.ndarray]  # the router's own scales of each image, `[block row, block column]`


@torch.no_grad()
def feature_maps(focus: FocusLlava, images: list[TiledImage]) -> list[FeatureMap]:
    """What the frozen tower sees, in float32 for the router."""
    tower = focus.model.model.vision_tower
    moved = [TiledImage(image.tiles.to(tower.device, tower.dtype), image.size) for image in images]
    return [FeatureMap(found.overview.float(), None if found.local is None else found.local.float())
            for found in focus.feature_maps(moved)]


def batch_loss(focus: FocusLlava, batch: Batch, teacher: Teacher, settings: RunSettings, number: int,
               progress: float) -> BatchLoss:
    """With a budget, a ratio and noise that hang on the batch's number. `progress` is the run's, 0 to 1."""
    generator = Random(f"{settings.seed}/loss/{number}")
    maps = feature_maps(focus, batch.images)
    noise = Noise("gumbel", 1.0, torch.Generator(maps[0].overview.device).manual_seed(generator.getrandbits(40)))
    share, ratio = draw_budget(generator, settings.tune), generator.uniform(*RATIOS)
    output = focus(maps, batch.prompts, batch.image_of, share, ratio, noise=noise)
    lesson, agreement = teacher.loss(output.router_logits, maps)
    sampler = focus.settings
    own = [priced_choice(logits.detach().cpu().numpy(), sampler.scales, 0) for logits in output.router_logits]
    # Of the router's own choices: what a budget forces says nothing of what it prefers.
    balance = balance_loss(output.router_logits, own, settings.shares)
    kept = np.mean([own_share(image, choice, sampler) for image, choice in zip(maps, own)])
    loss = output.loss + lesson_weight(progress) * lesson + BALANCE_WEIGHT * balance
    return BatchLoss(loss, {"loss": loss, "answer": output.loss, "lesson": lesson, "agreement": agreement,
                            "balance": balance, "tokens": torch.tensor(kept)}, own)


def draw_budget(generator: Random, tune: str) -> float | None:
    """A share of the encoded tokens; None: the router's own choice; 1: no compression, which only adapters learn
    from."""
    budgets = [None, None, generator.uniform(0.12, 0.6), generator.uniform(0.12, 0.6)]
    return generator.choice(budgets + [1.0] if tune == "lora" else budgets)


def own_share(image: FeatureMap, choice: np.ndarray, sampler) -> float:
    """The share of an image's encoded tokens that this choice keeps."""
    if not choice.any():
        return 1.0
    return (block_grid(image, sampler).tokens(choice)
            + pooled_overview_tokens(image, sampler.overview_scale)) / image.encoded
