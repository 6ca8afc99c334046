"""The Hugging Face checkpoint whose samplers are trained: what of it learns, and what stays as it is."""

import json
from collections.abc import Iterator

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import nn
from transformers import AutoConfig, AutoModelForImageTextToText

from ..samplers.focus_llava import FocusLlava
from ..samplers.router import Router
from ..samplers.vision_guided import VisionGuidedSampler
from .settings import RunSettings
from .tokenizer import read

KINDS = ("llava", "llava_next")
PRECISIONS = {"bf16": torch.bfloat16, "float32": torch.float32}
ROUTER_HEADS = 8
ADAPTED = r".*language_model\.layers\..*\.(q|k|v|o|gate|up|down)_proj"  # the tower's have the same last names


def configuration(checkpoint: str):
    try:
        config = AutoConfig.from_pretrained(checkpoint)
    except (OSError, ValueError) as error:
        raise SystemExit(f"error: {checkpoint} cannot be opened: {error}") from None
    if config.model_type not in KINDS:
        raise SystemExit(f"error: {checkpoint} is a {config.model_type}; this trains {' and '.join(KINDS)}")
    return config


def pixel_statistics(checkpoint: str, config) -> tuple[list[float], list[float]]:
    """Mean and deviation of the channels, as the checkpoint's own processor has them, else its tower's usual ones."""
    own = json.loads(read(checkpoint, "preprocessor_config.json") or "{}")
    if "image_mean" in own and "image_std" in own:
        return own["image_mean"], own["image_std"]
    if config.vision_config.model_type.startswith("siglip"):
        return [0.5] * 3, [0.5] * 3
    return [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]


def load_model(checkpoint: str, precision: torch.dtype | str) -> nn.Module:
    """Everything frozen. `precision` "auto" keeps the checkpoint's own type."""
    model = AutoModelForImageTextToText.from_pretrained(checkpoint, dtype=precision)
    return model.requires_grad_(False)


def with_adapters(model: nn.Module, rank: int) -> PeftModel:
    """LoRA on every matrix of the language model's layers, in float32. `model` itself is changed.

    The tower and the projector stay frozen with all tunings, so that `vision.gguf`, and tokens that the worker has
    cached, stay good.
    """
    return get_peft_model(model, LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=ADAPTED))


def build(settings: RunSettings) -> FocusLlava:
    """The model with a new router, in float32: it decides by small differences, and is small."""
    torch.manual_seed(0)  # the router's and the adapters' first weights
    model = load_model(settings.model, PRECISIONS[settings.precision])
    width = model.config.vision_config.hidden_size
    router = Router(width, width // 2, ROUTER_HEADS)
    if settings.tune == "lora":
        with_adapters(model, settings.lora_rank)
    if settings.checkpointing:
        language = model.model.language_model
        language.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        # Its attention decides what is dropped: running it again would run another kernel.
        language.layers[settings.selection_layer - 1].gradient_checkpointing = False
    return FocusLlava(model, VisionGuidedSampler(settings.sampler, router)).train()


def trained(focus: FocusLlava) -> Iterator[tuple[str, nn.Parameter]]:
    return ((name, parameter) for name, parameter in focus.named_parameters() if parameter.requires_grad)
