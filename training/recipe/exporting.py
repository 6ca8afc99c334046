"""Writes what the worker loads: `sampler.gguf` and, where adapters were trained, the language model to convert."""

from pathlib import Path

import gguf
import torch
from transformers import AutoModelForCausalLM
from transformers.utils import cached_file

from ..samplers.router import Router
from ..samplers.sampler_file import vision_digest, write_sampler
from ..samplers.vision_guided import VisionGuidedSampler
from ..small_model.saved import load
from . import settings as run_settings
from .checkpoint import ROUTER_HEADS, load_model, with_adapters
from .training_run import STATE

ROUTER = "vision_guided.router."
TOKENIZER_FILES = ("tokenizer.model", "tokenizer.json", "tokenizer_config.json", "added_tokens.json",
                   "special_tokens_map.json", "chat_template.jinja", "chat_template.json")


def export(run: Path, output: Path, vision: Path | None) -> list[Path]:
    """The written files. Without the vision file the sampler says of none that it was trained for it."""
    settings, path = run_settings.read(run), run / STATE
    if not path.exists():
        raise SystemExit(f"error: {run} has nothing to export yet: {STATE} is missing")
    weights = load(path)["weights"]
    router = trained_router(weights)
    if vision is not None:
        check_fit(vision, router.feature_length)
    output.mkdir(parents=True, exist_ok=True)
    write_sampler(output / "sampler.gguf", VisionGuidedSampler(settings.sampler, router), router.feature_length,
                  "" if vision is None else vision_digest(vision))
    if settings.tune == "router":
        return [output / "sampler.gguf"]
    write_language(output / "language", settings, weights)
    return [output / "sampler.gguf", output / "language"]


def trained_router(weights: dict[str, torch.Tensor]) -> Router:
    own = {name.removeprefix(ROUTER): values for name, values in weights.items() if name.startswith(ROUTER)}
    hidden, feature = own["key.weight"].shape
    router = Router(feature, hidden, ROUTER_HEADS, own["logits.weight"].shape[0])
    router.load_state_dict(own)
    return router


def check_fit(vision: Path, feature_length: int) -> None:
    try:
        fields = gguf.GGUFReader(vision).fields
    except (OSError, ValueError) as error:
        raise SystemExit(f"error: {vision} cannot be read: {error}") from None
    width = fields.get("clip.vision.embedding_length")
    if width is None or width.contents() != feature_length:
        found = "is no vision file" if width is None else f"has features of {width.contents()} channels"
        raise SystemExit(f"error: {vision} {found}; the router reads {feature_length}")


def write_language(folder: Path, settings: run_settings.RunSettings, weights: dict[str, torch.Tensor]) -> None:
    """The language model alone, adapters merged, as a checkpoint that llama.cpp's converter knows.

    In the checkpoint's own type. Its converter takes no LLaVA-NeXT checkpoint, and the vision file stays as it was.
    """
    model = load_model(settings.model, "auto")
    adapted = with_adapters(model, settings.lora_rank)
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            parameter.data.copy_(weights[f"model.{name}"])
    merged = adapted.merge_and_unload()
    with torch.device("meta"):
        alone = AutoModelForCausalLM.from_config(merged.config.text_config)
    alone.model, alone.lm_head = merged.model.language_model, merged.lm_head
    alone.save_pretrained(folder)
    for name in TOKENIZER_FILES:
        source = cached_file(settings.model, name, _raise_exceptions_for_missing_entries=False)
        if source is not None:
            (folder / name).write_bytes(Path(source).read_bytes())
