"""The stages of training: what each starts from, sees and minimises."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import torch

from ..samplers.gating import balance_loss
from ..samplers.vision_guided import Noise
from ..scenes.formats import FORMATS, Format
from ..scenes.splits import LETTERS, TRAINING, Split
from .answering import Answers, Selection, answer
from .batches import Batch
from .detail import TARGET_SHARES, detail_loss
from .network import Network
from .places import token_places
from .visual import compressed_tokens, feature_maps, plain_tokens
from .where import patch_loss

DENSE_WEIGHT, ATTENTION_WEIGHT, PLACE_WEIGHT, BALANCE_WEIGHT = 0.3, 0.3, 0.3, 0.02
PRUNED_QUESTIONS = 8  # each of them has its own prefix above the selection layer

# Loss and measurements of a batch, at a share of the stage from 0 to 1; the generator depends on the step alone.
LossOf = Callable[[Network, Batch, Random, float], tuple[torch.Tensor, dict[str, torch.Tensor]]]


@dataclass(frozen=True)
class Stage:
    name: str
    start: str | None  # the stage whose weights it goes on with
    images: int
    rate: float  # the highest learning rate
    loss: LossOf
    formats: tuple[Format, ...] = FORMATS
    splits: tuple[Split, ...] = (TRAINING,)
    questions: Callable[[Random], int | None] = lambda generator: None  # fewer than usual; None: as usual


def tower_loss(network: Network, batch: Batch, generator: Random, share: float):
    return network.dense.loss(network.llava.features(batch.pixels), batch.patches)


def plain_loss(network: Network, batch: Batch, generator: Random, share: float, tells_places: bool = False):
    """Without compression and selection."""
    features = network.llava.features(batch.pixels)
    dense, accuracies = network.dense.loss(features, batch.patches)
    answers = answer(network.llava, batch, plain_tokens(features, batch.format), network.before, supervised=True,
                     row_places=network.where["row"] if tells_places else None)
    loss, values = total(dense, answers), measured(answers, batch)
    if tells_places:
        patches = patch_loss(network.where["patch"], features)
        loss, values = loss + PLACE_WEIGHT * patches, values | {"patch place": patches}
    return loss, values | {"dense": dense, "character": accuracies["character"]}


def placed_loss(network: Network, batch: Batch, generator: Random, share: float):
    """Without compression and selection, and told where everything lies."""
    return plain_loss(network, batch, generator, share, tells_places=True)


def samplers_loss(network: Network, batch: Batch, generator: Random, share: float):
    """With both samplers, at a random budget, ratio and way to select.

    At first the router learns where detail is; then more and more what the answers need.
    """
    features = network.llava.features(batch.pixels)
    dense, _ = network.dense.loss(features, batch.patches)
    mode = "prune" if draws_pruning(generator) else "shared"
    selection = Selection(generator.uniform(0.1, 1.0), mode)
    noise = Noise("gumbel", 1.0, torch.Generator(features.device).manual_seed(generator.getrandbits(40)))
    images, logits = network.sampler(feature_maps(features.float(), batch.format), draw_budget(generator), noise)
    # What a budget leaves no choice about teaches the router nothing.
    is_plain = not any(image.choice.any() for image in images)
    visual = plain_tokens(features, batch.format) if is_plain else compressed_tokens(images, batch.format)
    answers = answer(network.llava, batch, visual, network.before, selection, supervised=True,
                     row_places=network.where["row"])
    detail, agreement = detail_loss(logits, batch)
    balance = balance_loss(logits, [image.choice for image in images], TARGET_SHARES)
    patches = patch_loss(network.where["patch"], features)
    loss = (total(dense, answers) + PLACE_WEIGHT * patches + max(0.05, 1 - 2 * share) * detail
            + BALANCE_WEIGHT * balance)
    tokens = sum(visual.counts) / len(images) / token_places(batch.format).encoded
    return loss, measured(answers, batch) | {"dense": dense, "detail": detail, "agreement": agreement,
                                             "balance": balance, "patch place": patches, "tokens": torch.tensor(tokens)}


def draws_pruning(generator: Random) -> bool:
    """The first thing that a step draws: the number of questions hangs on it too."""
    return generator.random() < 0.5


def draw_budget(generator: Random) -> float | None:
    """A share of the tokens; 1: no compression; None: the router's own choice."""
    return generator.choice([None, None, 1.0, generator.uniform(0.12, 0.6), generator.uniform(0.12, 0.6)])


def total(dense: torch.Tensor, answers: Answers) -> torch.Tensor:
    return (answers.loss + DENSE_WEIGHT * dense + ATTENTION_WEIGHT * answers.attention
            + PLACE_WEIGHT * answers.row_places)


def measured(answers: Answers, batch: Batch) -> dict[str, torch.Tensor]:
    return {"answer": answers.loss, "attention": answers.attention, "row place": answers.row_places,
            "right": answers.is_right[batch.kinds >= 0].float().mean()}


STAGES = {stage.name: stage for stage in (
    Stage("tower", None, 24_000, 1.5e-3, tower_loss, splits=(TRAINING, LETTERS)),
    # Images of one small size are cheap, and teach as much at first.
    Stage("small", "tower", 40_000, 1e-3, plain_loss, FORMATS[:1]),
    Stage("full", "small", 60_000, 6e-4, plain_loss),
    # Until here nothing asks for places; see where.py.
    Stage("places", "full", 24_000, 4e-4, placed_loss),
    Stage("samplers", "places", 15_000, 4e-4, samplers_loss,
          questions=lambda generator: PRUNED_QUESTIONS if draws_pruning(generator) else None),
    Stage("baseline", "places", 15_000, 4e-4, placed_loss))}
