"""Attention of a batch's rows on CPUs, in parts, so that little is computed that no row sees."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Part:
    """Some rows, and the rows that they may look at."""

    rows: slice
    seen: tuple[slice, ...]
    hidden: torch.Tensor  # [n or 1, 1, row, row seen]: to be added to scores; minus infinity where nothing is seen

    def of(self, values: torch.Tensor) -> torch.Tensor:
        """Of values `[n, row, width of a head]` the rows seen."""
        return torch.cat([values[:, part] for part in self.seen], dim=1) if len(self.seen) > 1 else \
            values[:, self.seen[0]]

    def add_to(self, values: torch.Tensor, added: torch.Tensor) -> None:
        """The inverse of `of`."""
        for part, share in zip(self.seen, added.split([part.stop - part.start for part in self.seen], dim=1)):
            values[:, part] += share


class AttentionInParts(torch.autograd.Function):
    """Of queries, keys and values `[n, head, row, width of a head]`; parts hold every row once."""

    @staticmethod
    def forward(context, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, parts: list[Part]):
        shape = queries.shape
        queries, keys, values = (heads.reshape(-1, *shape[2:]) for heads in
                                 (queries / shape[3] ** 0.5, keys, values))
        found, shares = torch.empty_like(queries), []
        for part in parts:
            scores = queries[:, part.rows] @ part.of(keys).mT
            scores.unflatten(0, shape[:2]).add_(part.hidden)
            shares.append(scores.softmax(-1))
            found[:, part.rows] = shares[-1] @ part.of(values)
        context.save_for_backward(queries, keys, values, *shares)
        context.parts, context.heads = parts, shape[:2]
        return found.unflatten(0, shape[:2])

    @staticmethod
    def backward(context, gradient: torch.Tensor):
        queries, keys, values, *shares = context.saved_tensors
        gradient = gradient.reshape(queries.shape)
        of_queries, of_keys, of_values = torch.empty_like(queries), torch.zeros_like(keys), torch.zeros_like(values)
        for part, share in zip(context.parts, shares):
            given = gradient[:, part.rows]
            part.add_to(of_values, share.mT @ given)
            of_scores = torch._softmax_backward_data(given @ part.of(values).mT, share, -1, share.dtype)
            of_queries[:, part.rows] = of_scores @ part.of(keys)
            part.add_to(of_keys, of_scores.mT @ queries[:, part.rows])
        of_queries /= queries.shape[-1] ** 0.5
        return *(heads.unflatten(0, context.heads) for heads in (of_queries, of_keys, of_values)), None
