"""The stages of training: what each starts from, sees and minimises."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import torch

from ..samplers.gating import balance_loss
from ..samplers.vision_guided import Noise
from ..scenes.formats import FORMATS, Format
from ..scenes.questions.question import KINDS
from ..scenes.splits import LETTERS, TRAINING, Split
from .answering import Answers, Selection, answer
from .batches import Batch
from .detail import TARGET_SHARES, detail_loss
from .network import Network
from .places import token_places
from .visual import compressed_tokens, feature_maps, plain_tokens
from .where import patch_loss

PATCHES_WEIGHT, ATTENTION_WEIGHT, PLACE_WEIGHT, BALANCE_WEIGHT = 0.3, 0.3, 0.3, 0.02
# Of batches that prune, where each question has its own prefix above the selection layer.
PRUNED_SHARE, PRUNED_QUESTIONS = 0.25, 8
# The share of the stage after which the samplers are trained as they will be used: ever less noise, budgets and ratios
# about those of the model's file. What is drawn before makes them work at all others.
SETTLING = 0.5

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


def patches_loss(network: Network, features: torch.Tensor, batch: Batch):
    """What the tower is told about each patch: what it shows, and where it lies."""
    dense, accuracies = network.dense.loss(features, batch.patches)
    place = patch_loss(network.where["patch"], features)
    return dense + place, accuracies | {"dense": dense, "patch place": place}


def tower_loss(network: Network, batch: Batch, generator: Random, share: float):
    return patches_loss(network, network.llava.features(batch.pixels), batch)


def plain_loss(network: Network, batch: Batch, generator: Random, share: float):
    """Without compression and selection."""
    features = network.llava.features(batch.pixels)
    patches, values = patches_loss(network, features, batch)
    answers = answer(network.llava, batch, plain_tokens(features, batch.format), network.before, where=network.where)
    return total(patches, answers), values | measured(answers, batch)


def samplers_loss(network: Network, batch: Batch, generator: Random, share: float):
    """With both samplers, at a random budget, ratio and way to select.

    At first the router learns where detail is; then more and more what the answers need. Noise makes it try other
    scales; but what it takes from the answers' reach the model cannot learn to answer, so it ends without.
    """
    features = network.llava.features(batch.pixels)
    patches, values = patches_loss(network, features, batch)
    mode = "prune" if draws_pruning(generator) else "shared"
    selection = Selection(generator.uniform(0.1 if share < SETTLING else 0.3, 1.0), mode)
    noise = Noise("gumbel", min(1.0, (1 - share) / (1 - SETTLING)),
                  torch.Generator(features.device).manual_seed(generator.getrandbits(40)))
    budget = draw_budget(generator, share)
    images, logits = network.sampler(feature_maps(features.float(), batch.format), budget, noise)
    # What a budget leaves no choice about teaches the router nothing.
    is_plain = not any(image.choice.any() for image in images)
    visual = plain_tokens(features, batch.format) if is_plain else compressed_tokens(images, batch.format)
    answers = answer(network.llava, batch, visual, network.before, selection, network.where)
    detail, agreement = detail_loss(logits, batch)
    balance = balance_loss(logits, [image.choice for image in images], TARGET_SHARES)
    loss = total(patches, answers) + max(0.05, 1 - 2 * share) * detail + BALANCE_WEIGHT * balance
    tokens = sum(visual.counts) / len(images) / token_places(batch.format).encoded
    return loss, values | measured(answers, batch) | {"detail": detail, "agreement": agreement, "balance": balance,
                                                      "tokens": torch.tensor(tokens)}


def draws_pruning(generator: Random) -> bool:
    """The first thing that a step draws: the number of questions hangs on it too."""
    return generator.random() < PRUNED_SHARE


def draw_budget(generator: Random, share: float) -> float | None:
    """A share of the tokens; 1: no compression; None: the router's own choice."""
    anywhere, near = generator.uniform(0.12, 0.6), generator.uniform(0.3, 0.45)
    if share < SETTLING:
        return generator.choice([None, None, 1.0, anywhere, anywhere])
    return generator.choice([None, None, 1.0, anywhere, anywhere] + [near] * 5)


def total(patches: torch.Tensor, answers: Answers) -> torch.Tensor:
    told = answers.told
    return (answers.loss + PATCHES_WEIGHT * patches + ATTENTION_WEIGHT * told.attention
            + PLACE_WEIGHT * (told.row_place + told.named_place + told.asked_place))


def measured(answers: Answers, batch: Batch) -> dict[str, torch.Tensor]:
    right = {"right": answers.is_right[batch.kinds >= 0]}
    for kind in ("position", "count", "reading"):  # the slowest to learn
        right[kind] = answers.is_right[batch.kinds == KINDS.index(kind)]
    told = answers.told
    return {"answer": answers.loss, "attention": told.attention, "row place": told.row_place,
            "named place": told.named_place, "asked place": told.asked_place,
            **{name: found.float().mean() for name, found in right.items() if len(found)}}


STAGES = {stage.name: stage for stage in (
    Stage("tower", None, 24_000, 1.5e-3, tower_loss, splits=(TRAINING, LETTERS)),
    # Images of one small size are cheap, and teach as much at first.
    Stage("small", "tower", 24_000, 1e-3, plain_loss, FORMATS[:1]),
    Stage("full", "small", 40_000, 6e-4, plain_loss),
    Stage("samplers", "full", 60_000, 2e-4, samplers_loss,
          questions=lambda generator: PRUNED_QUESTIONS if draws_pruning(generator) else None),
    Stage("baseline", "full", 60_000, 2e-4, plain_loss))}
