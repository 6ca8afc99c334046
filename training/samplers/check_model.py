"""Checks of the samplers inside tiny Hugging Face models."""

import tempfile
from pathlib import Path

import torch
from transformers import AutoModelForImageTextToText

from .. import vocabulary
from ..checkpoint import write_checkpoint
from ..shapes import SHAPES, Shape
from ..weights import random_values
from .focus_llava import FocusLlava, TiledImage
from .layers import causal_mask, run_layers
from .prompt_rows import TokenPrompt, image_rows, prompt_rows
from .random_router import random_router
from .settings import SamplerSettings
from .text_guided import dropped_rows
from .vision_guided import VisionGuidedSampler

PROMPTS = [TokenPrompt([1, 300, 301], [310, 311, 312], [320], [330, 331]),
           TokenPrompt([1, 302], [313, 314, 315, 316, 317], [320, 321], [332], between=[340, 341]),
           TokenPrompt([1, 303, 304], [318, 319], [322], [333, 334, 335])]
IMAGE_OF = [0, 1, 0]


def tiny(name: str) -> tuple[FocusLlava, list[TiledImage]]:
    shape = SHAPES[name]
    with tempfile.TemporaryDirectory() as folder:
        write_checkpoint(Path(folder), shape, vocabulary.small("llama", shape.language.vocabulary),
                         random_values(1))
        model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32)
    sampler = VisionGuidedSampler(SamplerSettings(selection_layer=2), random_router(shape.vision.width, 2))
    return FocusLlava(model, sampler), images(shape)


def images(shape: Shape) -> list[TiledImage]:
    side = shape.vision.tile
    if not shape.grids:
        return [TiledImage(torch.randn(1, 3, side, side), (side, side)) for _ in range(2)]
    return [TiledImage(torch.randn(5, 3, side, side), (120, 130)),
            TiledImage(torch.randn(3, 3, side, side), (70, 130))]


def a_model_trains_through_both_samplers() -> None:
    for name in ("tiny-1.5", "tiny-next"):
        focus, pictures = tiny(name)
        output = focus.train()(pictures, PROMPTS, IMAGE_OF)
        assert output.ratio is not None and len(output.compressed) == 2
        (output.loss + 0.01 * output.balance_loss).backward()
        reached = {part: 0.0 for part in ("vision_guided.router.query", "vision_guided.router.logits",
                                          "multi_modal_projector.linear_1", "embeddings.patch_embedding",
                                          "layers.0.self_attn.q_proj", "layers.3.mlp.up_proj")}
        for parameter_name, parameter in focus.named_parameters():
            assert parameter.grad is None or parameter.grad.isfinite().all(), parameter_name
            for part in reached:
                if part in parameter_name and parameter.grad is not None:
                    reached[part] = max(reached[part], float(parameter.grad.abs().max()))
        assert all(reached.values()), reached
        with torch.no_grad():
            again = focus.eval()(pictures, PROMPTS, IMAGE_OF, ratio=output.ratio)
        torch.testing.assert_close(again.rows, output.rows.detach(), rtol=1e-4, atol=1e-4)


@torch.no_grad()
def hiding_rows_is_leaving_them_out() -> None:
    """The batch's masked pruning against one prompt at a time whose dropped rows are really taken away."""
    focus, pictures = tiny("tiny-next")
    output = focus.eval()(pictures, PROMPTS, IMAGE_OF, ratio=0.4)
    found = focus.model.lm_head(output.rows)
    for number, (prompt, index) in enumerate(zip(PROMPTS, IMAGE_OF)):
        compressed = output.compressed[index]
        rows = prompt_rows(focus.model, [prompt], [image_rows(focus.model, compressed.tokens, compressed.newlines)])
        logits, kept = taken_away(focus, rows, 0.4)
        length = rows.rows.shape[1]
        torch.testing.assert_close(found[number, :length][kept], logits, rtol=1e-4, atol=1e-4)


def taken_away(focus: FocusLlava, rows, ratio: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of the rows that stay, and which they are."""
    layer, language = focus.settings.selection_layer, focus.model.model.language_model
    causal = causal_mask(rows.rows)
    _, attention = run_layers(focus.model, rows.rows, lambda index, earlier: causal)
    kept = (~dropped_rows(attention[layer - 1], rows, ratio)[0]).nonzero()[:, 0]
    hidden, positions = rows.rows, torch.arange(rows.rows.shape[1])[None]
    for index, block in enumerate(language.layers):
        if index == layer:
            hidden, positions = hidden[:, kept], positions[:, kept]
        hidden = block(hidden, attention_mask=causal_mask(hidden), position_ids=positions,
                       position_embeddings=language.rotary_emb(hidden, positions))
    return focus.model.lm_head(language.norm(hidden))[0], kept


CHECKS = (a_model_trains_through_both_samplers, hiding_rows_is_leaving_them_out)
