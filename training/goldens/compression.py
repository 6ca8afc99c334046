"""What vision-guided sampling should compute on a model's own features, and the answers on the tokens it leaves."""

from pathlib import Path

import numpy as np
import torch

from ..samplers.density import density_scores
from ..samplers.feature_map import FeatureMap
from ..samplers.layers import causal_mask
from ..samplers.prompt_rows import image_rows
from ..samplers.random_router import random_place, random_router
from ..samplers.sampler_file import vision_digest, write_sampler
from ..samplers.settings import SamplerSettings, default_pooling, default_selection_layer
from ..samplers.vision_guided import VisionGuidedSampler
from ..shapes import Shape
from .arrays import ArrayWriter
from .selection import CHOICES, SHARE_CHOICES, golden_answer, golden_selections

SEED = 2
FILES = {"learned": "sampler.gguf", "density": "density.gguf"}
BUDGETS = [("learned", 0.39), ("learned", None), ("density", 0.39)]  # None: the router's own arg-max
# Relative noise on logits and scores that must not change a scale: engines differ by less.
ROUNDING = 2e-4


def write_samplers(folder: Path, vision: Path, shape: Shape) -> dict[str, VisionGuidedSampler]:
    samplers = {}
    for kind, name in FILES.items():
        settings = SamplerSettings(kind, default_pooling(kind),
                                   selection_layer=default_selection_layer(shape.language.layers))
        router = random_router(shape.vision.width, SEED) if kind == "learned" else None
        place = random_place(shape.vision.width, SEED) if kind == "learned" and shape.grids else None
        samplers[kind] = VisionGuidedSampler(settings, router, place).eval()
        write_sampler(folder / name, samplers[kind], shape.vision.width, vision_digest(vision))
    return samplers


@torch.no_grad()
def golden_compressions(model, samplers: dict[str, VisionGuidedSampler], features: FeatureMap, arrays: ArrayWriter,
                        prompt: dict) -> list[dict]:
    return [compression(model, samplers[kind], features, budget, arrays, prompt) for kind, budget in BUDGETS]


def compression(model, sampler: VisionGuidedSampler, features: FeatureMap, budget: float | None, arrays: ArrayWriter,
                prompt: dict) -> dict:
    settings = sampler.settings
    if settings.router == "learned":
        judged = {"logits": arrays.add(sampler.route([features])[0].numpy())}
    else:
        scores = density_scores(features.sampled, settings.block_size, settings.scales)
        judged = {"scores": arrays.add(scores)}
    image = sampler([features], budget)[0][0]
    check_stable(sampler, features, budget, image.choice)
    rows = image_rows(model, image.tokens, image.newlines)
    return {"sampler": FILES[settings.router], "budget": budget} | judged | {
        "scales": np.array(settings.scales)[image.choice].tolist(), "overview_tokens": image.overview_tokens,
        "newlines": image.newlines, "features": arrays.add(image.tokens.numpy()),
        "image_rows": arrays.add(rows.rows.numpy()),
    } | golden_answer(model, arrays, prompt, rows, uncut) | golden_selections(
        model, arrays, prompt, rows, CHOICES + SHARE_CHOICES)


def uncut(rows):
    causal = causal_mask(rows.rows)
    return lambda index, earlier: causal


def check_stable(sampler: VisionGuidedSampler, features: FeatureMap, budget: float | None,
                 choice: np.ndarray) -> None:
    """A golden whose scales hang on a rounding would fail right engines: draw other weights or images then."""
    generator = torch.Generator().manual_seed(0)
    disturbed = lambda values: values * (1 + ROUNDING * torch.randn(values.shape, generator=generator))
    for _ in range(10):
        if sampler.router is None:
            moved, logits = FeatureMap(disturbed(features.overview), None if features.local is None else
                                       disturbed(features.local)), None
        else:
            moved, logits = features, disturbed(sampler.route([features])[0])
        if not np.array_equal(sampler.choose(moved, logits, budget), choice):
            raise ValueError("scales depend on rounding")
