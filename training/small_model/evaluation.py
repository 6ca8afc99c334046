"""Accuracy on held-out scenes with several ways to compress and select, at teacher's hand (see answering.py)."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from random import Random

import numpy as np
import torch

from ..samplers.budget import budget_choice, local_budget
from ..samplers.density import density_choice, density_scores
from ..samplers.feature_map import FeatureMap
from ..samplers.layout import CompressedImage, block_grid
from ..scenes.questions.question import KINDS
from ..scenes.store import SceneStore
from .answering import Selection, answer
from .batches import Batch, Batches
from .network import Network
from .places import token_places
from .scale_entropy import ScaleCounts
from .visual import VisualTokens, compressed_tokens, feature_maps, plain_tokens


@dataclass(frozen=True)
class Setting:
    """`router` is "none", "learned", "density", "uniform" (all blocks at the middle scale) or "random" (scales by
    chance within the budget). Without a budget the learned router chooses by itself."""

    name: str
    router: str = "none"
    budget: float | None = None
    selection: Selection | None = None


@dataclass
class Report:
    right: Counter = field(default_factory=Counter)
    asked: Counter = field(default_factory=Counter)
    encoded: int = 0
    compressed: int = 0
    scales: ScaleCounts = field(default_factory=ScaleCounts)

    def accuracies(self) -> dict[str, float]:
        return {kind: self.right[kind] / self.asked[kind] for kind in KINDS if self.asked[kind]}

    def overall(self) -> float:
        """The mean over kinds; captions, of which a word may differ, stay out of it."""
        return float(np.mean([value for kind, value in self.accuracies().items() if kind != "caption"]))

    def summary(self) -> dict[str, float]:
        values = {"overall": self.overall(), **self.accuracies(), "tokens": self.compressed / self.encoded}
        return {name: round(value, 4) for name, value in (values | self.scales.entropies()).items()}


@torch.no_grad()
def evaluate(network: Network, batches: Iterable[Batch], settings: list[Setting]) -> dict[str, dict[str, float]]:
    network.eval()
    torch.manual_seed(0)  # for what is chosen by chance
    reports = {setting.name: Report() for setting in settings}
    for batch in batches:
        features = network.llava.features(batch.pixels)
        maps = feature_maps(features.float(), batch.format)
        logits = network.sampler.route(maps)
        for setting in settings:
            report = reports[setting.name]
            visual = tokens_at(setting, network, features, maps, logits, batch, report)
            answers = answer(network.llava, batch, visual, network.before, setting.selection)
            there = batch.kinds >= 0
            kinds = [KINDS[kind] for kind in batch.kinds[there].tolist()]
            report.asked.update(kinds)
            report.right.update(kind for kind, is_right in zip(kinds, answers.is_right[there].tolist()) if is_right)
            report.encoded += token_places(batch.format).encoded * len(maps)
            report.compressed += sum(visual.counts)
    return {name: report.summary() for name, report in reports.items()}


def tokens_at(setting: Setting, network: Network, features: torch.Tensor, maps: list[FeatureMap],
              logits: list[torch.Tensor], batch: Batch, report: Report) -> VisualTokens:
    if setting.router == "none":
        return plain_tokens(features, batch.format)
    images = [compress(setting, network, image, own) for image, own in zip(maps, logits)]
    for image in images:
        report.scales.add(batch.format.name, image.choice)
    return compressed_tokens(images, batch.format)


def compress(setting: Setting, network: Network, image: FeatureMap, logits: torch.Tensor) -> CompressedImage:
    """All routers pool as the model was trained, so that they differ in their choice alone."""
    settings = network.sampler.settings
    blocks = block_grid(image, settings)
    tokens = None if setting.budget is None else local_budget(image, settings.overview_scale, setting.budget)
    if setting.router == "uniform":
        choice = np.ones((blocks.rows, blocks.columns), np.int64)
    elif setting.router == "density":
        choice = density_choice(density_scores(image.sampled, settings.block_size, settings.scales), blocks, tokens)
    elif setting.router == "random":
        choice = budget_choice(torch.rand(logits.shape).numpy(), blocks, tokens)
    else:
        choice = budget_choice(logits.float().cpu().numpy(), blocks, tokens)
    return network.sampler.lay_out(image, choice)


def evaluation_batches(store: SceneStore, tokenizer: bytes, size: int, questions: int) -> Iterator[Batch]:
    """Every scene of the store once; always the same questions."""
    batches = Batches([store], tokenizer, size, questions, "evaluation")
    for kind, count in store.counts.items():
        for start in range(0, count, size):
            scenes = list(range(start, min(count, start + size)))
            yield batches.of(store, kind, scenes, Random(f"evaluation/{kind.name}/{start}"), questions)


UNIFORM = 0.25  # of the tokens, about what pooling all by two leaves
SETTINGS = [
    Setting("none"),
    *(Setting(f"learned {budget}", "learned", budget) for budget in (None, 0.1, 0.2, UNIFORM, 0.39, 0.6, 0.8)),
    Setting("density 0.39", "density", 0.39), Setting(f"density {UNIFORM}", "density", UNIFORM),
    Setting("uniform", "uniform"),
    Setting(f"random {UNIFORM}", "random", UNIFORM), Setting("random 0.39", "random", 0.39),
    *(Setting(f"fine only, {mode} {ratio}", selection=Selection(ratio, mode))
      for mode in ("prune", "shared") for ratio in (0.25, 0.5)),
    *(Setting(f"fine only, {judge} rows {ratio}", selection=Selection(ratio, "prune", judge))
      for judge in ("last", "random") for ratio in (0.25, 0.5)),
    *(Setting(f"learned 0.39, {mode} {ratio}", "learned", 0.39, Selection(ratio, mode))
      for mode in ("prune", "shared") for ratio in (0.1, 0.25, 0.5, 0.75)),
    Setting("learned 0.39, random rows 0.5", "learned", 0.39, Selection(0.5, "prune", "random")),
    Setting("learned 0.39, last row 0.5", "learned", 0.39, Selection(0.5, "prune", "last")),
    *(Setting(f"learned 0.39, prune 0.5 at layer {layer}", "learned", 0.39, Selection(0.5, layer=layer))
      for layer in (1, 3)),
]
