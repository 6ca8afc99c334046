"""What lets the learned router train: gates that carry its gradient, noise, and a loss that keeps scales in use."""

from collections.abc import Sequence

import numpy as np
import torch


def gates(logits: torch.Tensor, choice: np.ndarray) -> torch.Tensor:
    """1 for each block, with the gradient of log p(chosen scale): p over its own stop-gradient.

    Written with logarithms, since a scale that a budget forces may have a probability of zero in float32.
    """
    chosen = torch.from_numpy(choice).to(logits.device)[..., None]
    log_probability = logits.log_softmax(-1).gather(-1, chosen)[..., 0]
    return (log_probability - log_probability.detach()).exp()


def noisy(logits: torch.Tensor, kind: str | None, deviation: float = 1.0,
          generator: torch.Generator | None = None) -> torch.Tensor:
    """Logits with noise: "gumbel" (times `deviation`; 1 samples the scales by their probability), "normal" or none."""
    if kind is None:
        return logits
    if kind == "normal":
        return logits + deviation * torch.randn(logits.shape, generator=generator, device=logits.device)
    if kind != "gumbel":
        raise ValueError(f"unknown noise {kind!r}")
    exponential = torch.empty(logits.shape, device=logits.device).exponential_(generator=generator)
    return logits - deviation * exponential.clamp_min(1e-20).log()


def balance_loss(logits: Sequence[torch.Tensor], choices: Sequence[np.ndarray],
                 shares: Sequence[float]) -> torch.Tensor:
    """Keeps the scales in use over a batch of images: sum of used share × mean probability / target share.

    By Cauchy–Schwarz it is least, 1, where used shares and probabilities are the targets; gradients lower the
    probability of the scales used more than wanted. Logits are `[block row, block column, scale]` for each image.
    """
    targets = torch.tensor(shares)
    if len(shares) != logits[0].shape[-1] or abs(float(targets.sum()) - 1) > 1e-4:
        raise ValueError(f"target shares {list(shares)} must sum to 1, one for each scale")
    probabilities = torch.cat([part.flatten(0, 1).softmax(-1) for part in logits]).mean(0)
    counts = np.bincount(np.concatenate([choice.ravel() for choice in choices]), minlength=len(shares))
    used = torch.from_numpy(counts / counts.sum()).to(probabilities)
    return (used * probabilities / targets.to(probabilities)).sum()
