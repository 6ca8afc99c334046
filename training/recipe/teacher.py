"""What the router is told at first: the density rule's choice, with one pair of thresholds for all images.

A new router that only minimises the answers' loss and a budget ends up at one scale for every block. So it starts as
the rule that the worker uses without a router, which costs no pass of the language model (what coarsening a block
does to the loss would cost one pass for each block and scale). The thresholds are measured over many images
together: unlike the worker's, which meet a budget in each image, they give a busy image more tokens than a flat one,
and that is what the router should go on with. The lessons fade, and the answers' gradient takes over.
"""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F

from ..samplers.density import density_scores
from ..samplers.feature_map import FeatureMap
from ..samplers.settings import SamplerSettings

IMAGES = 64  # that the thresholds are measured on
LEAST = 0.05  # weight that remains


def lesson_weight(progress: float) -> float:
    """Of the run's progress, 0 to 1."""
    return max(LEAST, 1 - 2 * progress)


class Teacher:
    """`thresholds` are least scores, for the scales above 1, finest first."""

    def __init__(self, settings: SamplerSettings, thresholds: Sequence[float]) -> None:
        self.settings, self.thresholds = settings, list(thresholds)

    def scales(self, image: FeatureMap) -> np.ndarray:
        """Indices of scales `[block row, block column]`: the coarsest whose score reaches its threshold."""
        scores = density_scores(image.sampled, self.settings.block_size, self.settings.scales)
        reached = scores >= np.array(self.thresholds, np.float32)
        coarsest = reached.shape[-1] - reached[..., ::-1].argmax(-1)
        return np.where(reached.any(-1), coarsest, 0)

    def loss(self, logits: Sequence[torch.Tensor],
             images: Sequence[FeatureMap]) -> tuple[torch.Tensor, torch.Tensor]:
        """Cross-entropy of the router's logits `[block row, block column, scale]`; the share of blocks that agree."""
        wanted = torch.from_numpy(np.concatenate([self.scales(image).ravel() for image in images]))
        given = torch.cat([part.flatten(0, 1) for part in logits])
        wanted = wanted.to(given.device)
        return F.cross_entropy(given, wanted), (given.argmax(-1) == wanted).float().mean()


def measured_thresholds(images: Sequence[FeatureMap], settings: SamplerSettings,
                        shares: Sequence[float]) -> list[float]:
    """Those with which the scales get `shares` of all blocks of these images, finest first."""
    scores = np.concatenate([density_scores(image.sampled, settings.block_size, settings.scales)
                             .reshape(-1, len(settings.scales) - 1) for image in images])
    thresholds, left = [], 1.0
    for scale in range(len(settings.scales) - 1, 0, -1):  # from the coarsest down, of the blocks that are left
        threshold = np.quantile(scores[:, scale - 1], 1 - shares[scale] / left, method="higher")
        scores, left = scores[scores[:, scale - 1] < threshold], left - shares[scale]
        thresholds.insert(0, float(threshold))
        if not len(scores):
            return [float(threshold)] * (scale - 1) + thresholds
    return thresholds
