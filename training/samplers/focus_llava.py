"""FocusLLaVA: a Hugging Face LLaVA model with both samplers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from .feature_map import FeatureMap, feature_maps
from .gating import balance_loss
from .layers import causal_mask, last_rows
from .layout import CompressedImage
from .prompt_rows import TokenPrompt, image_rows, prompt_rows
from .text_guided import draw_ratio, pruning
from .vision_guided import UNSET, Noise, VisionGuidedSampler


@dataclass(frozen=True)
class TiledImage:
    tiles: torch.Tensor  # [tile, 3, side, side], normalised, overview first
    size: tuple[int, int]  # the picture's (height, width) in pixels


@dataclass(frozen=True)
class FocusOutput:
    rows: torch.Tensor  # [prompt, row, D], after the last norm: `lm_head` makes logits of them
    loss: torch.Tensor | None  # cross-entropy of the answers' tokens; None where no prompt has an answer
    balance_loss: torch.Tensor | None  # to be weighed by the trainer; None by density
    compressed: list[CompressedImage]  # one for each image
    router_logits: list[torch.Tensor]  # [block row, block column, scale] of each, without noise; empty by density
    ratio: float | None  # of visual tokens kept above the selection layer; None: nothing was selected


class FocusLlava(nn.Module):
    """`model` is a `LlavaForConditionalGeneration` or `LlavaNextForConditionalGeneration`."""

    def __init__(self, model: nn.Module, vision_guided: VisionGuidedSampler) -> None:
        super().__init__()
        self.model, self.vision_guided = model, vision_guided

    @property
    def settings(self):
        return self.vision_guided.settings

    def feature_maps(self, images: Sequence[TiledImage]) -> list[FeatureMap]:
        return feature_maps(self.model, [image.tiles for image in images], [image.size for image in images])

    def forward(self, images: Sequence[TiledImage] | Sequence[FeatureMap], prompts: Sequence[TokenPrompt],
                image_of: Sequence[int], share=UNSET, ratio: float | None = None, selects: bool = True,
                noise: Noise | None = None, balance: Sequence[float] | None = None) -> FocusOutput:
        """Runs prompts, each about the image that `image_of` names by index; every image is compressed once.

        Feature maps may stand for images, where a frozen tower's were kept. `share` is the visual budget. Without a
        `ratio`, training draws one for the batch and evaluation takes the settings'. `balance` are the target shares
        of the scales, equal by default.
        """
        maps = images if images and isinstance(images[0], FeatureMap) else self.feature_maps(images)
        compressed, logits = self.vision_guided(maps, share, noise)
        rows = [image_rows(self.model, image.tokens, image.newlines) for image in compressed]
        prompt = prompt_rows(self.model, prompts, [rows[index] for index in image_of])
        layer = self.settings.selection_layer
        if selects:
            ratio = (draw_ratio() if self.training else self.settings.selection_ratio) if ratio is None else ratio
            mask_of, watched = pruning(prompt, layer, ratio, self.settings.selection_heads), {layer - 1}
        else:
            causal = causal_mask(prompt.rows)
            ratio, mask_of, watched = None, lambda index, attention: causal, set()
        found, _ = last_rows(self.model, prompt.rows, mask_of, watched)
        return FocusOutput(found, answer_loss(self.model.lm_head, found, prompt.labels),
                           self._balance_loss(logits, compressed, balance), compressed, logits, ratio)

    def _balance_loss(self, logits: list[torch.Tensor], compressed: list[CompressedImage],
                      shares: Sequence[float] | None) -> torch.Tensor | None:
        if not logits:
            return None
        shares = np.full(len(self.settings.scales), 1 / len(self.settings.scales)) if shares is None else shares
        return balance_loss(logits, [image.choice for image in compressed], list(shares))


def answer_loss(head: nn.Module, rows: torch.Tensor, labels: torch.Tensor) -> torch.Tensor | None:
    """In float32, of the answers' rows alone: logits of every image row would fill the memory."""
    asked = labels >= 0
    return F.cross_entropy(head(rows[asked]).float(), labels[asked]) if asked.any() else None
