"""Muon (Jordan 2024): momentum made orthogonal, so that every direction of a matrix learns at one speed."""

from collections import defaultdict

import torch

from .processes import number_of_processes, own_number, sum_of_all

MOMENTUM, DECAY = 0.95, 0.02
# Newton and Schulz's iteration as Muon tunes it: it takes singular values to about 1, quickly.
COEFFICIENTS, ITERATIONS = (3.4445, -4.7750, 2.0315), 5
# An orthogonal matrix of this many times the rate is about as large as a step of AdamW (Liu et al. 2025).
LARGEST_STEP = 0.2


class Muon:
    """For matrices within a network; AdamW suits embeddings, outputs and vectors better."""

    def __init__(self, matrices: dict[str, torch.nn.Parameter], precision: torch.dtype) -> None:
        """Directions are worked out in `precision`: BF16 is enough, where it is fast."""
        self.matrices, self.precision = matrices, precision
        self.momentum = {name: torch.zeros_like(value) for name, value in matrices.items()}

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Matrices without a gradient stay as they are. Every process works out a part of the directions."""
        same = defaultdict(list)
        for name, value in self.matrices.items():
            if value.grad is not None:
                same[value.shape].append(name)
        for (rows, columns), names in same.items():
            momentum = [self.momentum[name] for name in names]
            gradients = [self.matrices[name].grad for name in names]
            torch._foreach_lerp_(momentum, gradients, 1 - MOMENTUM)
            ahead = torch.stack(torch._foreach_lerp(gradients, momentum, MOMENTUM))
            directions = torch.zeros_like(ahead)
            own = slice(own_number(), None, number_of_processes())
            directions[own] = orthogonal(ahead[own].to(self.precision))
            sum_of_all(directions)
            weights = [self.matrices[name] for name in names]
            torch._foreach_mul_(weights, 1 - rate * DECAY)
            torch._foreach_add_(weights, directions.unbind(), alpha=-rate * LARGEST_STEP * max(rows, columns) ** 0.5)


def orthogonal(matrices: torch.Tensor) -> torch.Tensor:
    """Of each matrix of `[n, row, column]` the nearest with singular values of about 1."""
    is_tall = matrices.shape[1] > matrices.shape[2]
    found = matrices.mT if is_tall else matrices
    found = found / (found.norm(dim=(1, 2), keepdim=True) + 1e-7)
    first, second, third = COEFFICIENTS
    for _ in range(ITERATIONS):
        square = found @ found.mT
        found = first * found + (second * square + third * square @ square) @ found
    return found.mT if is_tall else found
