"""The learned router: logits of each block's scales."""

import torch
import torch.nn.functional as F
from torch import nn

from .pooling import pool


class Router(nn.Module):
    """Reads a block's mean and maximum and, by one cross-attention, the overview.

    Parameters bear the names of `sampler.gguf`'s tensors, without their "router.".
    """

    def __init__(self, feature_length: int, hidden_length: int, head_count: int, scale_count: int = 3,
                 has_norm: bool = True) -> None:
        super().__init__()
        if hidden_length % head_count:
            raise ValueError(f"hidden length {hidden_length} is no multiple of {head_count} heads")
        self.head_count = head_count
        self.norm = nn.LayerNorm(feature_length, eps=1e-5) if has_norm else nn.Identity()
        self.query = nn.Linear(2 * feature_length, hidden_length)
        self.key = nn.Linear(feature_length, hidden_length)
        self.value = nn.Linear(feature_length, hidden_length)
        self.output = nn.Linear(hidden_length, hidden_length)
        self.hidden = nn.Linear(2 * feature_length + hidden_length, hidden_length)
        self.logits = nn.Linear(hidden_length, scale_count)

    @property
    def feature_length(self) -> int:
        return self.key.in_features

    @property
    def hidden_length(self) -> int:
        return self.key.out_features

    def forward(self, grid: torch.Tensor, context: torch.Tensor, block_size: int) -> torch.Tensor:
        """Logits `[n, block rows, block columns, scale]` of maps `[n, H, W, C]` with overviews `[n, tokens, C]`."""
        statistics = [self.norm(pool(grid, block_size, kind)) for kind in ("mean", "max")]
        blocks = torch.cat(statistics, dim=-1)  # [n, rows, columns, 2C]
        overview = self.norm(context)
        attended = F.scaled_dot_product_attention(
            self._heads(self.query(blocks.flatten(1, 2))), self._heads(self.key(overview)),
            self._heads(self.value(overview)))  # [n, head, block, width of a head]
        attended = self.output(attended.transpose(1, 2).flatten(2)).unflatten(1, blocks.shape[1:3])
        return self.logits(F.gelu(self.hidden(torch.cat([blocks, attended], dim=-1))))

    def _heads(self, rows: torch.Tensor) -> torch.Tensor:
        return rows.unflatten(-1, (self.head_count, -1)).transpose(1, 2)
