"""Writes a trained network as the worker's files, and as a Hugging Face checkpoint."""

from pathlib import Path

import numpy as np
import torch

from ..checkpoint import write_checkpoint
from ..gguf_files import write_language, write_vision
from ..samplers.place import PlaceEmbedding
from ..samplers.router import Router
from ..samplers.sampler_file import vision_digest, write_sampler
from ..samplers.settings import SamplerSettings
from ..samplers.vision_guided import VisionGuidedSampler
from ..shapes import SHAPES
from ..vocabulary import Vocabulary
from ..weights import Sizes, Values
from .answering import SELECTION_LAYER
from .network import ROUTER_HEADS
from .tokens import Prompts

SHAPE = SHAPES["focus-small"]
TITLE = "FocusLLaVA small"
BUDGET = 0.39


def values_of(weights: dict[str, torch.Tensor]) -> Values:
    """The network's weights under Hugging Face's names. What it lacks is above the feature layer, and unused: zeros."""

    def values(name: str, sizes: Sizes) -> np.ndarray:
        found = weights.get(f"llava.{name}")
        if found is None:
            if "post_layernorm" not in name and f"encoder.layers.{SHAPE.vision.feature_layer}." not in name:
                raise KeyError(f"the network has no {name}")
            return np.zeros(sizes, np.float32)
        return found.float().reshape(sizes).cpu().numpy()

    return values


def sampler_of(weights: dict[str, torch.Tensor]) -> VisionGuidedSampler:
    own = {name: value for name, value in weights.items() if name.startswith(("router.", "place."))}
    settings = SamplerSettings(visual_budget=BUDGET, selection_layer=SELECTION_LAYER)
    width = SHAPE.vision.width
    sampler = VisionGuidedSampler(settings, Router(width, width // 2, ROUTER_HEADS),
                                  PlaceEmbedding(width) if "place.weight" in own else None)
    sampler.load_state_dict(own)
    return sampler


def export(folder: Path, weights: dict[str, torch.Tensor], tokenizer: bytes, kind: str = "F16") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    values = values_of(weights)
    write_language(folder / "language.gguf", SHAPE, vocabulary(tokenizer), kind, values, TITLE)
    write_vision(folder / "vision.gguf", SHAPE, kind, values, title=TITLE)
    write_sampler(folder / "sampler.gguf", sampler_of(weights), SHAPE.vision.width,
                  vision_digest(folder / "vision.gguf"))


def export_checkpoint(folder: Path, weights: dict[str, torch.Tensor], tokenizer: bytes) -> None:
    """For Hugging Face's LlavaNextForConditionalGeneration, in float32."""
    write_checkpoint(folder, SHAPE, vocabulary(tokenizer), values_of(weights))


def vocabulary(tokenizer: bytes) -> Vocabulary:
    return Prompts(tokenizer).vocabulary
